//! Batches: jobs that belong together, how far they are, and what follows them.

use super::graph;
use super::layout::{Sheet, fact, nothing, rest, unfolding};
use super::overview::bar;
use super::session::Sent;
use super::show::{Fields, count, job_link, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/batches", get(list))
        .route("/ui/batches/{id}", get(show))
        .route("/ui/batches/{id}/cancel", post(cancel))
}

const STATES: [&str; 5] = ["running", "succeeded", "failed", "cancelled", "expired"];

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let chosen = visit.parameter("state").unwrap_or_default();
        let before = visit.parameter("before").unwrap_or_default();
        let batches = visit.get(&link::with("/batches", &[("state", &chosen), ("before", &before)])).await?;
        let fixed = html! {
            nav.tabs aria-label="States" {
                @for word in [&[""], &STATES[..]].concat() {
                    a href=(link::with("/ui/batches", &[("state", word)])) aria-current=[(chosen == word).then_some("true")] {
                        @if word.is_empty() { "all" } @else { (word) }
                    }
                }
            }
        };
        let live = html! { (table(batches.list("batches"))) (rest(&visit, "before", batches.said("next"))) };
        let sheet = Sheet { title: "Batches".to_owned(), place: "/ui/batches", fixed: Some(fixed), live, ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn ended(batch: &Value) -> i64 {
    ["succeeded", "dead", "cancelled"].iter().map(|field| batch.whole(field)).sum()
}

fn table(list: &[Value]) -> Markup {
    if list.is_empty() {
        return nothing(
            "No batch is like this.",
            &html! { p { "A batch is made with its jobs, over HTTP or by the library: " code { "POST /batches" } } },
        );
    }
    html! {
        table {
            thead { tr { th { "Batch" } th { "State" } th.n { "Ended" } td.wide.bars {} th.n { "Dead" } th.n.wide { "Created" } th.n.wide { "Deadline" } } }
            tbody {
                @for batch in list {
                    tr {
                        td { a href=(link::path(&["ui", "batches", batch.text("id")])) { (batch.text("name")) } }
                        td { (state(batch.text("state"))) }
                        td.n { (count(ended(batch))) " / " (count(batch.whole("total"))) }
                        td.wide.bars { (bar(ended(batch), batch.whole("total"))) }
                        td.n.alarm[batch.whole("dead") > 0] { (count(batch.whole("dead"))) }
                        td.n.wide { (time_of(batch, "created_at")) }
                        td.n.wide { (time_of(batch, "deadline")) }
                    }
                }
            }
        }
    }
}

async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &id).await).await
}

async fn page(visit: &Visit, id: &str) -> Result<Response, Fault> {
    let (at, jobs) = (link::path(&["batches", id]), link::with("/jobs", &[("batch", id), ("limit", "50")]));
    let (batch, jobs) = tokio::join!(visit.get(&at), visit.get(&jobs));
    let (batch, jobs) = (batch?, jobs?);
    let runs = batch.text("state") == "running";
    let called = |field: &str| batch.said(field).map(job_link);
    let live = html! {
        dl.facts {
            @for field in ["total", "succeeded", "dead", "cancelled"] { div { dt { (field) } dd { (count(batch.whole(field))) } } }
            div { dt { "Ended" } dd { (bar(ended(&batch), batch.whole("total"))) } }
            (fact("Runs after all", called("on_complete")))
            (fact("Runs if all succeeded", called("on_success")))
            div { dt { "If one is dead" } dd { (batch.text("on_dead")) } }
            (fact("Deadline", batch.said("deadline").map(|_| time_of(&batch, "deadline"))))
            (fact("Tenant", batch.said("tenant").map(|tenant| html! { (tenant) })))
            div { dt { "Created" } dd { (time_of(&batch, "created_at")) @if let Some(by) = batch.said("created_by") { " by " (by) } } }
            (fact("Over", batch.said("ended_at").map(|_| time_of(&batch, "ended_at"))))
        }
        section { (graph::of_batch(&batch).draw("Its jobs, and what runs after them")) }
        section {
            h2 { "Its jobs" }
            @if jobs.list("jobs").is_empty() { (nothing("It has no job yet.", &html! {})) } @else { (super::jobs::rows(jobs.list("jobs"))) }
            p.rest { a href=(link::with("/ui/jobs", &[("batch", id)])) { "All jobs of this batch" } }
        }
    };
    let aside = html! {
        (state(batch.text("state")))
        @if runs && visit.may("POST /batches/{id}/cancel", "") {
            (unfolding(visit, "Cancel…", &link::path(&["ui", "batches", id, "cancel"]), &html! { p { "Its jobs that have not ended are cancelled." } }, ("Cancel this batch", "danger")))
        }
    };
    let title = batch.text("name").to_owned();
    Ok(Sheet { title, place: "/ui/batches", aside: Some(aside), live, still: !runs, ..Sheet::default() }.show(visit))
}

async fn cancel(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let cancelled = visit.act(Method::POST, &link::path(&["batches", &id, "cancel"]), None).await;
    back(&sent, cancelled.map(|_| "It is being cancelled.".to_owned()))
}
