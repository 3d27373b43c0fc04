//! How the installation does: what is wrong now, what waits, what came and ended, and how long it
//! took.

use super::layout::{Sheet, nothing};
use super::series::{self, DEPTH, RATES, Span, TIMES};
use super::show::{Fields, count, counted, duration, duration_or_dash, first_line, jobs_of, rate, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, link, shown};
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui", get(overview)).route("/ui/", get(overview))
}

/// Lines of the tables of kinds.
const KINDS: usize = 8;

/// Queues that are shown; all are on their own page.
const QUEUES: usize = 12;

async fn overview(visit: Visit) -> Shown {
    shown(visit, page).await
}

async fn page(visit: Visit) -> Result<Response, Fault> {
    if !visit.may("GET /queues", "") {
        return Ok(of_little(&visit));
    }
    let span = Span::of(&visit);
    let (health, queues, stats, workers, followers) = tokio::join!(
        visit.get("/health"),
        visit.get("/queues?limit=500"),
        visit.page.stats.of(&visit, span),
        visit.get_if_allowed("/workers?limit=500"),
        visit.get_if_allowed("/events/status"),
    );
    let (health, queues, stats) = (health?, queues?, stats?);
    let (workers, followers) = (workers?, followers?);
    let word = span.word;
    let steps = span.steps(&stats.steps, stats.now);
    // Too many queues for one answer have no depths here: each has its own.
    let depths = series::depth(&span, queues.list("queues"), &stats.queues, stats.now);
    let at: Vec<_> = steps.iter().map(|(at, _)| *at).collect();
    let live = html! {
        (wrong(&health, &queues, visit.caller.access.tenant.is_none() && visit.caller.access.queues.is_none()))
        (totals(&queues, workers.as_ref(), &span, steps.last().and_then(|(_, line)| *line)))
        div.columns {
            section { h2 { "Queues" } (queues_table(&queues)) }
            section { h2 { "Kinds, last " (word) } (kinds_table(&stats.kinds)) }
            @if let Some(workers) = &workers { section { h2 { "Workers" } (workers_table(workers)) } }
            section { h2 { "Behind the scenes" } (duties(&health, followers.as_ref())) }
        }
        section { (series::numbers(&steps)) (series::depth_numbers(&at, &depths)) }
        (series::data(&span, &at, &[(&RATES, series::rates(&steps)), (&TIMES, series::times(&steps)), (&DEPTH, depths)]))
    };
    let aside = span.tabs(&visit.here);
    let sheet = Sheet {
        title: "Overview".to_owned(),
        place: "/ui",
        aside: Some(aside),
        live,
        below: Some(series::frames(&[RATES, TIMES, DEPTH])),
        ..Sheet::default()
    };
    Ok(sheet.show(&visit))
}

/// For an agent that may not look at jobs.
fn of_little(visit: &Visit) -> Response {
    let scopes: Vec<_> = visit.caller.access.scopes.iter().map(|scope| scope.as_str()).collect();
    let live = html! {
        div.nothing {
            p { "The overview shows jobs, and " (visit.caller.access.agent) " may not look at them: that takes the scope jobs:read." }
            p { "It has " (scopes.join(", ")) ". What it may see is in the navigation." }
        }
    };
    Sheet { title: "Overview".to_owned(), place: "/ui", live, still: true, ..Sheet::default() }.show(visit)
}

/// What somebody should look at, first of all.
fn wrong(health: &Value, queues: &Value, sees_all: bool) -> Markup {
    let parts = ["postgres", "redis", "schedulers", "workers", "lag", "stranded"];
    // It names queues, also those that somebody does not see.
    let shown = parts.into_iter().filter(|part| *part != "stranded" || sees_all);
    let ill = shown.filter(|part| health["parts"][part].text("status") != "healthy");
    let paused: Vec<_> = queues.list("queues").iter().filter(|queue| !queue["paused_at"].is_null()).collect();
    let full = queues.list("queues").iter().filter(|queue| !matches!(queue.text("level"), "" | "normal"));
    let full: Vec<_> = full.collect();
    let ill: Vec<_> = ill.collect();
    html! {
        section.wrong aria-label="What is wrong now" {
            @if ill.is_empty() && paused.is_empty() && full.is_empty() {
                p.fine { (state("healthy")) "Nothing needs you: work gets done." }
            }
            @for part in ill {
                @let status = &health["parts"][part];
                p { (state(status.text("status"))) b { (part) } " " (status.text("detail")) }
            }
            @for queue in paused {
                p {
                    (state("paused")) b { "queue " a href=(link::path(&["ui", "queues", queue.text("name")])) { (queue.text("name")) } }
                    " paused " (time_of(queue, "paused_at"))
                    @if let Some(by) = queue.said("paused_by") { " by " (by) }
                    @if let Some(reason) = queue.said("paused_reason") { ": " (reason) }
                }
            }
            @for queue in full {
                p {
                    (state("degraded")) b { "queue " a href=(link::path(&["ui", "queues", queue.text("name")])) { (queue.text("name")) } }
                    " is under " (queue.text("level")) " pressure: it takes only more urgent jobs"
                }
            }
        }
    }
}

fn sum(queues: &Value, field: &str) -> i64 {
    queues.list("queues").iter().map(|queue| queue.whole(field)).sum()
}

/// `last` is what came and ended in the last step that is over.
fn totals(queues: &Value, workers: Option<&Value>, span: &Span, last: Option<&Value>) -> Markup {
    let alive = workers.map(|workers| workers.list("workers").iter().filter(|worker| worker.flag("alive")));
    let slots = alive.map(|alive| {
        alive.fold((0, 0, 0), |(number, busy, all), worker| {
            (number + 1, busy + worker.whole("running"), all + worker.whole("concurrency"))
        })
    });
    let oldest = queues.list("queues").iter().filter_map(|queue| queue.number("oldest_wait")).fold(0.0, f64::max);
    let tile = |name: &str, value: String, note: String, href: &str| {
        html! {
            div.tile {
                dt { @if href.is_empty() { (name) } @else { a href=(href) { (name) } } }
                dd { (value) }
                dd.note { (note) }
            }
        }
    };
    let per_second = |field: &str| last.and_then(|line| line.number(field)).map_or("0".to_owned(), rate);
    html! {
        dl.tiles {
            (tile("Waiting", count(sum(queues, "waiting")), format!("oldest for {}", duration(oldest)), "/ui/jobs?state=waiting"))
            (tile("Running", count(sum(queues, "running")), slots.map_or(String::new(), |(_, _, all)| format!("of {}", counted(all, "slot"))), "/ui/jobs?state=running"))
            (tile("Scheduled", count(sum(queues, "scheduled")), "due later".to_owned(), "/ui/jobs?state=scheduled"))
            (tile("Parked", count(sum(queues, "parked")), "held back".to_owned(), "/ui/jobs?state=parked"))
            (tile("Dead", count(sum(queues, "dead")), "failed for good".to_owned(), "/ui/dead"))
            (tile("In", format!("{}/s", per_second("arrived_per_second")), format!("last {}", span.step), ""))
            (tile("Out", format!("{}/s", per_second("ended_per_second")), format!("last {}", span.step), ""))
            @if let Some((number, busy, all)) = slots {
                (tile("Workers", count(number), format!("{busy} / {all} slots"), "/ui/workers"))
            }
        }
    }
}

fn queues_table(queues: &Value) -> Markup {
    let list = queues.list("queues");
    let most = list.iter().map(|queue| queue.whole("waiting")).max().unwrap_or_default().max(1);
    let mut busiest: Vec<&Value> = list.iter().collect();
    busiest.sort_by_key(|queue| std::cmp::Reverse((queue.whole("waiting"), queue.whole("running"))));
    if list.is_empty() {
        return nothing(
            "No queue has had a job yet.",
            &html! { p { "A queue is there with its first job: " code { "ordinaut job enqueue KIND" } } },
        );
    }
    html! {
        table {
            thead { tr { th { "Queue" } th.n { "Waiting" } td.wide.bars {} th.n { "Running" } th.n.wide { "Oldest" } } }
            tbody {
                @for queue in busiest.iter().take(QUEUES) {
                    tr {
                        td { a href=(link::path(&["ui", "queues", queue.text("name")])) { (queue.text("name")) }
                            @if !queue["paused_at"].is_null() { (state("paused")) } }
                        td.n { (count(queue.whole("waiting"))) }
                        td.wide.bars { (bar(queue.whole("waiting"), most)) }
                        td.n { (count(queue.whole("running"))) }
                        td.n.wide { (duration(queue.number("oldest_wait").unwrap_or_default())) }
                    }
                }
            }
        }
        @if list.len() > QUEUES { p.rest { a href="/ui/queues" { "All " (list.len()) " queues" } } }
    }
}

/// A share of the most, as a line whose length says it at a glance.
pub(super) fn bar(n: i64, most: i64) -> Markup {
    let width = (100 * n / most.max(1)).clamp(i64::from(n > 0), 100);
    html! {
        svg.bar viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="100" height="6" rx="3" {} rect.value width=(width) height="6" rx="3" {}
        }
    }
}

fn kinds_table(kinds: &Value) -> Markup {
    let mut lines: Vec<&Value> = kinds.list("lines").iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse((line.whole("failed"), line.whole("ended"))));
    if lines.is_empty() {
        return nothing("Nothing came or ended in this time.", &html! {});
    }
    html! {
        table {
            thead { tr { th { "Kind" } th.n { "Failed" } th.n { "Ended" } th.n.wide { "Wait p95" } th.n { "Run p95" } } }
            tbody {
                @for line in lines.iter().take(KINDS) {
                    tr {
                        td { (jobs_of("kind", line.text("kind"))) }
                        td.n.alarm[line.whole("failed") > 0] { (count(line.whole("failed"))) }
                        td.n { (count(line.whole("ended"))) }
                        td.n.wide { (duration_or_dash(line["wait"].number("p95"))) }
                        td.n { (duration_or_dash(line["run"].number("p95"))) }
                    }
                }
            }
        }
    }
}

fn workers_table(workers: &Value) -> Markup {
    let alive: Vec<_> = workers.list("workers").iter().filter(|worker| worker.flag("alive")).collect();
    if alive.is_empty() {
        return nothing("No worker is alive: nothing runs.", &html! { p { "Start one: " code { "ordinaut-worker" } } });
    }
    html! {
        table {
            thead { tr { th { "Worker" } th.wide { "Queues" } th.n { "Busy" } td.wide.bars {} } }
            tbody {
                @for worker in alive.iter().take(QUEUES) {
                    tr {
                        td { a href=(link::path(&["ui", "workers", worker.text("name")])) { (worker.text("name")) }
                            @if worker.flag("drained") { (state("paused")) } }
                        td.wide { (worker.list("queues").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")) }
                        td.n { (worker.whole("running")) " / " (worker.whole("concurrency")) }
                        td.wide.bars { (bar(worker.whole("running"), worker.whole("concurrency"))) }
                    }
                }
            }
        }
    }
}

/// What schedulers and followers do, and how far they are behind.
fn duties(health: &Value, followers: Option<&Value>) -> Markup {
    html! {
        table {
            tbody {
                @for part in ["postgres", "redis", "schedulers", "lag"] {
                    @let status = &health["parts"][part];
                    tr { td.word { (part) } td.word { (state(status.text("status"))) } td { (first_line(status.text("detail"))) } }
                }
                @for follower in followers.map_or(&[][..], |status| status.list("followers")) {
                    @let behind = follower.whole("behind");
                    tr {
                        td.word { (follower.text("name")) }
                        td.word { (state(if behind < 10_000 { "healthy" } else { "degraded" })) }
                        td { @if behind == 0 { "has read all events" } @else { (counted(behind, "event")) " behind" } }
                    }
                }
            }
        }
    }
}
