//! Workers: which are alive, what they serve, and what runs where.

use super::layout::{Sheet, button, fact, nothing, rest};
use super::overview::bar;
use super::session::Sent;
use super::show::{Fields, counted, duration, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::Utc;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/workers", get(list))
        .route("/ui/workers/{name}", get(show))
        .route("/ui/workers/{name}/{verb}", post(act))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let after = visit.parameter("after").unwrap_or_default();
        let asked = link::with("/workers", &[("limit", "100"), ("after", &after)]);
        let (workers, instances) = tokio::join!(visit.get(&asked), visit.get_if_allowed("/instances"));
        let (workers, instances) = (workers?, instances?);
        let live = html! {
            (table(&visit, &workers))
            (rest(&visit, "after", workers.said("next")))
            @if let Some(instances) = &instances {
                section { h2 { "Other processes" } (processes(instances.list("instances"))) }
            }
        };
        Ok(Sheet { title: "Workers".to_owned(), place: "/ui/workers", live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn table(visit: &Visit, workers: &Value) -> Markup {
    let list = workers.list("workers");
    if list.is_empty() {
        let advice =
            html! { p { "Start one: " code { "ordinaut-worker" } ", or one in " code { "ordinaut dev" } "." } };
        return nothing("No worker was ever here.", &advice);
    }
    html! {
        table {
            thead { tr { th { "Worker" } th { "State" } th.wide { "Queues" } th.n { "Slots" } td.wide.bars {} th.wide { "Host" } th.n.wide { "Heard of" } th.n.wide { "Up" } th.wide { "Version" } td {} } }
            tbody {
                @for worker in list {
                    tr {
                        td { a href=(link::path(&["ui", "workers", worker.text("name")])) { (worker.text("name")) } }
                        td { (life(worker)) }
                        td.wide { (words(worker, "queues")) }
                        td.n { (worker.whole("running")) " / " (worker.whole("concurrency")) }
                        td.wide.bars { (bar(worker.whole("running"), worker.whole("concurrency"))) }
                        td.wide { (worker.text("host")) }
                        td.n.wide { (time_of(worker, "renewed_at")) }
                        td.n.wide { (up(worker)) }
                        td.wide { (worker.text("version")) }
                        td.n { (drain_button(visit, worker, "small")) }
                    }
                }
            }
        }
    }
}

/// A drain is of a name: it holds for every process that has it.
fn drain_button(visit: &Visit, worker: &Value, class: &str) -> Markup {
    let (verb, label) = if worker.flag("drained") { ("resume", "Resume") } else { ("drain", "Drain") };
    html! {
        @if worker.flag("alive") && visit.may(&format!("POST /workers/{{name}}/{verb}"), "") {
            (button(visit, &link::path(&["ui", "workers", worker.text("name"), verb]), label, &[], class))
        }
    }
}

async fn act(visit: Visit, Path((name, verb)): Path<(String, String)>, Extension(sent): Extension<Sent>) -> Response {
    let at = link::path(&["workers", &name, &verb]);
    let done = match &*verb {
        "drain" => {
            let drained = visit.act(Method::POST, &at, None).await;
            drained.map(|_| format!("Worker {name} leases no more jobs, also after a restart: what it runs ends."))
        }
        "resume" => visit.act(Method::POST, &at, None).await.map(|_| format!("Worker {name} leases jobs again.")),
        _ => Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    };
    back(&sent, done)
}

fn life(worker: &Value) -> Markup {
    state(match (worker.flag("alive"), worker.flag("drained")) {
        (false, _) => "gone",
        (true, true) => "drained",
        (true, false) => "active",
    })
}

fn words(worker: &Value, field: &str) -> String {
    worker.list(field).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn up(worker: &Value) -> String {
    let end = worker.instant("ended_at").unwrap_or_else(Utc::now);
    worker.instant("started_at").map_or("–".to_owned(), |start| duration((end - start).num_seconds() as f64))
}

fn processes(list: &[Value]) -> Markup {
    html! {
        table {
            thead { tr { th { "Program" } th { "Name" } th { "State" } th.wide { "Host" } th.n.wide { "Seen" } th.wide { "Version" } } }
            tbody {
                @for instance in list {
                    tr {
                        td { (instance.text("program")) }
                        td { (instance.text("name")) }
                        td { (state(if instance.flag("alive") { "active" } else { "gone" })) }
                        td.wide { (instance.text("host")) }
                        td.n.wide { (time_of(instance, "seen_at")) }
                        td.wide { (instance.text("version")) }
                    }
                }
            }
        }
    }
}

async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &name).await).await
}

async fn page(visit: &Visit, name: &str) -> Result<Response, Fault> {
    let (at, jobs) = (link::path(&["workers", name]), format!("{}?limit=50", link::path(&["workers", name, "jobs"])));
    let (worker, jobs) = tokio::join!(visit.get(&at), visit.get(&jobs));
    let (worker, jobs) = (worker?, jobs?);
    let kinds = worker.list("kinds");
    let live = html! {
        dl.facts {
            div { dt { "Slots" } dd { (worker.whole("running")) " of " (worker.whole("concurrency")) " busy" } }
            div { dt { "Queues" } dd { (words(&worker, "queues")) } }
            (fact("Kinds", Some(html! { (counted(kinds.len() as i64, "kind")) ": " (words(&worker, "kinds")) })))
            div { dt { "Heard of" } dd { (time_of(&worker, "renewed_at")) } }
            div { dt { "Its leases hold until" } dd { (time_of(&worker, "expires_at")) } }
            div { dt { "Up" } dd { (up(&worker)) } }
            (fact("Ended", worker.said("ended_at").map(|_| time_of(&worker, "ended_at"))))
            div { dt { "Process" } dd { (worker.whole("pid")) " on " (worker.text("host")) } }
            div { dt { "Version" } dd { (worker.text("version")) } }
            div { dt { "Session" } dd { code { (worker.text("session")) } } }
        }
        section {
            h2 { "Its jobs" }
            @if jobs.list("jobs").is_empty() { (nothing("It has run no job that is kept.", &html! {})) }
            @else { (super::jobs::rows(jobs.list("jobs"))) }
            p.rest { a href=(link::with("/ui/jobs", &[("worker", name)])) { "All jobs that it ran" } }
        }
    };
    let aside = html! { (life(&worker)) (drain_button(visit, &worker, "")) };
    let title = format!("Worker {name}");
    Ok(Sheet { title, place: "/ui/workers", aside: Some(aside), live, ..Sheet::default() }.show(visit))
}
