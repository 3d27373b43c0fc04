//! Queues: what waits where, pauses, bounds, and the limits with what holds them.

use super::layout::{Sheet, button, fact, field, nothing, rest, unfolding};
use super::overview::bar;
use super::series::{self, DEPTH, RATES, Span};
use super::session::Sent;
use super::show::{Fields, count, counted, duration, rate, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::Utc;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/queues", get(list))
        .route("/ui/queues/{name}", get(show))
        .route("/ui/queues/{name}/{verb}", post(act))
        .route("/ui/pause", post(pause_all))
        .route("/ui/resume", post(resume_all))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let after = visit.parameter("after").unwrap_or_default();
        let asked = link::with("/queues", &[("limit", "100"), ("after", &after)]);
        let (queues, limits) = tokio::join!(visit.get(&asked), visit.get_if_allowed("/limits?limit=100"));
        let (queues, limits) = (queues?, limits?);
        let live = html! {
            (table(&visit, &queues))
            (rest(&visit, "after", queues.said("next")))
            @if let Some(limits) = &limits { section { h2 { "Limits" } (limits_table(limits.list("limits"))) } }
        };
        let aside = html! {
            @if visit.may("POST /pause", "") {
                (unfolding(&visit, "Pause everything…", "/ui/pause", &reason(), ("Pause all queues", "danger")))
                (button(&visit, "/ui/resume", "Resume everything", &[], "quiet"))
            }
        };
        let sheet =
            Sheet { title: "Queues".to_owned(), place: "/ui/queues", aside: Some(aside), live, ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn reason() -> Markup {
    field("Why, for those that will ask", "reason", "", "")
}

fn table(visit: &Visit, queues: &Value) -> Markup {
    let list = queues.list("queues");
    if list.is_empty() {
        return nothing(
            "No queue has had a job yet.",
            &html! { p { "A queue is there with its first job: " code { "ordinaut job enqueue KIND" } } },
        );
    }
    let most = list.iter().map(|queue| queue.whole("waiting")).max().unwrap_or_default();
    html! {
        table {
            thead { tr {
                th { "Queue" } th.n { "Waiting" } td.wide.bars {} th.n { "Running" } th.n.wide { "Scheduled" } th.n.wide { "Parked" }
                th.n.wide { "Dead" } th.n.wide { "Oldest" } th.n.wide { "Workers" } td {}
            } }
            tbody {
                @for queue in list {
                    @let name = queue.text("name");
                    @let is_paused = !queue["paused_at"].is_null();
                    tr {
                        td { a href=(link::path(&["ui", "queues", name])) { (name) } @if is_paused { (state("paused")) } }
                        td.n { (count(queue.whole("waiting"))) }
                        td.wide.bars { (bar(queue.whole("waiting"), most)) }
                        td.n { (count(queue.whole("running"))) }
                        td.n.wide { (count(queue.whole("scheduled"))) }
                        td.n.wide { (count(queue.whole("parked"))) }
                        td.n.wide.alarm[queue.whole("dead") > 0] { (count(queue.whole("dead"))) }
                        td.n.wide { (duration(queue.number("oldest_wait").unwrap_or_default())) }
                        td.n.wide { (queue.whole("workers")) }
                        td.n { (pause_button(visit, name, is_paused)) }
                    }
                }
            }
        }
    }
}

fn pause_button(visit: &Visit, name: &str, is_paused: bool) -> Markup {
    let (verb, label) = if is_paused { ("resume", "Resume") } else { ("pause", "Pause") };
    html! {
        @if visit.may(&format!("POST /queues/{{name}}/{verb}"), name) {
            (button(visit, &link::path(&["ui", "queues", name, verb]), label, &[], "small"))
        }
    }
}

fn limits_table(limits: &[Value]) -> Markup {
    if limits.is_empty() {
        return nothing(
            "There is no limit.",
            &html! { p { "Set one: " code { "ordinaut limit set NAME --concurrency 5" } } },
        );
    }
    html! {
        table {
            thead { tr { th { "Limit" } th { "Of" } th.n { "At once" } th.n.wide { "A second" } th.n { "Held" } th.n { "Wait for it" } } }
            tbody {
                @for limit in limits {
                    @let (kind, queue, key) = (limit.text("kind"), limit.text("queue"), limit.text("key"));
                    tr {
                        td { (limit.text("name")) }
                        td {
                            @if !kind.is_empty() { "kind " (kind) " " } @if !queue.is_empty() { "queue " (queue) " " }
                            @if !key.is_empty() { "each " (key) } @if limit.flag("per_tenant") { "each tenant" }
                        }
                        td.n { (limit["concurrency"].as_i64().map_or("–".to_owned(), count)) }
                        td.n.wide { (limit.number("rate").map_or("–".to_owned(), rate)) }
                        td.n { (count(limit.whole("held"))) }
                        td.n { (count(limit.whole("waiting"))) }
                    }
                }
            }
        }
    }
}

async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| {
        let (at, jobs) = (link::path(&["queues", &name]), link::with("/jobs", &[("queue", &name), ("limit", "20")]));
        let (span, now) = (Span::of(&visit), Utc::now());
        let stats = span.stats(now, &[("step", span.step), ("queue", &name)]);
        let (queue, jobs, limits, stats) = tokio::join!(
            visit.get(&at),
            visit.get(&jobs),
            visit.get_if_allowed("/limits?limit=500"),
            visit.get(&stats)
        );
        let (queue, jobs, limits, stats) = (queue?, jobs?, limits?, stats?);
        let steps = span.steps(&stats, now);
        let at: Vec<_> = steps.iter().map(|(at, _)| *at).collect();
        let depths = series::depth(&span, std::slice::from_ref(&queue), &stats, now);
        let is_paused = !queue["paused_at"].is_null();
        let own = limits.iter().flat_map(|limits| limits.list("limits"));
        let own: Vec<Value> = own.filter(|limit| matches!(limit.text("queue"), of if of.is_empty() || of == name)).cloned().collect();
        let live = html! {
            (facts(&queue))
            section { h2 { "Limits that hold here" } (limits_table(&own)) }
            section {
                h2 { "Latest jobs" }
                @if jobs.list("jobs").is_empty() { (nothing("No job has been here yet.", &html! {})) } @else { (super::jobs::rows(jobs.list("jobs"))) }
                p.rest { a href=(link::with("/ui/jobs", &[("queue", &name)])) { "All jobs of this queue" } }
            }
            section { (series::numbers(&steps)) (series::depth_numbers(&at, &depths)) }
            (series::data(&span, &at, &[(&RATES, series::rates(&steps)), (&DEPTH, depths)]))
        };
        let aside = html! {
            (span.tabs(&visit.here))
            @if is_paused { (pause_button(&visit, &name, true)) }
            @else if visit.may("POST /queues/{name}/pause", &name) {
                (unfolding(&visit, "Pause…", &link::path(&["ui", "queues", &name, "pause"]), &reason(), ("Pause it", "danger")))
            }
        };
        let below = html! { (series::frames(&[RATES, DEPTH])) @if visit.may("PATCH /queues/{name}", &name) { (bounds(&visit, &queue)) } };
        let title = format!("Queue {name}");
        let sheet = Sheet { title, place: "/ui/queues", aside: Some(aside), live, below: Some(below), ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn facts(queue: &Value) -> Markup {
    let bound = |name: &str| queue.number(name).map(|seconds| html! { (duration(seconds)) });
    let stranded = queue.whole("stranded");
    html! {
        @if !queue["paused_at"].is_null() {
            p.said.bad {
                "Paused " (time_of(queue, "paused_at"))
                @if let Some(by) = queue.said("paused_by") { " by " (by) }
                @if let Some(reason) = queue.said("paused_reason") { ": " (reason) }
            }
        }
        dl.facts {
            @for field in ["waiting", "running", "scheduled", "parked", "dead"] {
                div { dt { (field) } dd { a href=(link::with("/ui/jobs", &[("queue", queue.text("name")), ("state", field)])) { (count(queue.whole(field))) } } }
            }
            div { dt { "Oldest waits" } dd { (duration(queue.number("oldest_wait").unwrap_or_default())) } }
            div { dt { "Workers" } dd { (queue.whole("workers")) } }
            div { dt { "Pressure" } dd { (queue.text("level")) } }
            (fact("Nobody can run", (stranded > 0).then(|| html! {
                span.alarm { (counted(stranded, "job")) } ": "
                (queue.list("stranded_kinds").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            })))
            (fact("Jobs that may wait", queue["max_waiting"].as_i64().map(|most| html! { (count(most)) })))
            (fact("Expire after", bound("max_age")))
            (fact("What ended is kept", bound("retention")))
        }
    }
}

/// Bounds, in the units that the API has.
fn bounds(visit: &Visit, queue: &Value) -> Markup {
    let value = |name: &str| if queue[name].is_null() { String::new() } else { queue[name].to_string() };
    let inner = html! {
        (field("Jobs that may wait", "max_waiting", &value("max_waiting"), "any number"))
        (field("Seconds after which a job that is due expires", "max_age", &value("max_age"), "never"))
        (field("Seconds for which what ended is kept", "retention", &value("retention"), "as the scheduler is set"))
    };
    let action = link::path(&["ui", "queues", queue.text("name"), "change"]);
    html! { section { (unfolding(visit, "Change its bounds…", &action, &inner, ("Set these bounds", "main"))) } }
}

async fn act(visit: Visit, Path((name, verb)): Path<(String, String)>, Extension(sent): Extension<Sent>) -> Response {
    let at = link::path(&["queues", &name, &verb]);
    let done = match &*verb {
        "pause" => {
            let paused = visit.act(Method::POST, &at, Some(&pause(&visit, &sent))).await;
            paused.map(|_| format!("Queue {name} is paused: what runs goes on, and nothing else starts."))
        }
        "resume" => visit.act(Method::POST, &at, None).await.map(|_| format!("Queue {name} goes on.")),
        "change" => match change(&sent) {
            Ok(change) => {
                let at = link::path(&["queues", &name]);
                visit.act(Method::PATCH, &at, Some(&change)).await.map(|_| "Its bounds are set.".to_owned())
            }
            Err(fault) => Err(fault),
        },
        _ => Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    };
    back(&sent, done)
}

fn pause(visit: &Visit, sent: &Sent) -> Value {
    json!({ "by": &*visit.caller.access.agent, "reason": sent.field("reason") })
}

/// An empty field takes its bound away.
fn change(sent: &Sent) -> Result<Value, Fault> {
    let mut change = Map::new();
    for name in ["max_waiting", "max_age", "retention"] {
        let number = sent.field(name).map(str::parse::<serde_json::Number>).transpose();
        let number =
            number.map_err(|_| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} must be a number")))?;
        change.insert(name.to_owned(), number.map_or(Value::Null, Value::Number));
    }
    Ok(Value::Object(change))
}

async fn pause_all(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let paused = visit.act(Method::POST, "/pause", Some(&pause(&visit, &sent))).await;
    back(&sent, paused.map(|_| "Every queue is paused.".to_owned()))
}

async fn resume_all(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let resumed = visit.act(Method::POST, "/resume", None).await;
    back(&sent, resumed.map(|_| "The pause of everything is over. Queues that were paused alone still are.".to_owned()))
}
