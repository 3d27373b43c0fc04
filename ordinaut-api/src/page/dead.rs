//! Dead letters, in groups: those of a kind whose errors are alike are one trouble, which somebody
//! mends once.

use super::layout::{Sheet, button, nothing, rest, unfolding};
use super::session::Sent;
use super::show::{Fields, count, counted, first_line, job_link, jobs_of, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/dead", get(list))
        .route("/ui/dead/requeue", post(requeue))
        .route("/ui/dead/delete", post(delete))
}

/// Groups that are shown.
const GROUPS: usize = 100;

/// Letters of a group that are sent back while somebody waits. More are a bulk operation, whose
/// progress is shown.
const AT_ONCE: i64 = 100;

/// Letters that somebody sends back who may start no bulk operation.
const MOST: usize = 500;

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let value = |name: &str| visit.parameter(name).unwrap_or_default();
        let (kind, queue, pattern) = (value("kind"), value("queue"), value("pattern"));
        if !pattern.is_empty() {
            return group(&visit, &kind, &pattern).await;
        }
        let asked = link::with("/dead/groups", &[("limit", &GROUPS.to_string()), ("kind", &kind), ("queue", &queue)]);
        let found = visit.get(&asked).await?;
        let groups = found.list("groups");
        let live = html! {
            @if groups.is_empty() {
                (nothing("No job is dead.", &html! { p { "Jobs come here when their last attempt has failed, and wait until somebody sends them back." } }))
            }
            @if !found.flag("complete") { p.none { "Groups are made of the last " (count(found.whole("looked"))) " that died." } }
            @for group in groups { (shown_group(&visit, group)) }
            @if groups.len() == GROUPS { p.none { "Smaller groups are not shown." } }
        };
        let aside = html! { span.none { (counted(found.whole("looked"), "job")) " in " (counted(groups.len() as i64, "group")) } };
        let sheet = Sheet { title: "Dead letters".to_owned(), place: "/ui/dead", aside: Some(aside), live, ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn shown_group(visit: &Visit, group: &Value) -> Markup {
    let (kind, pattern) = (group.text("kind"), group.text("error_pattern"));
    let at = link::with("/ui/dead", &[("kind", kind), ("pattern", pattern)]);
    html! {
        article.group {
            header {
                b.size { (count(group.whole("letters"))) "×" } (jobs_of("kind", kind))
                span.none { "latest " (time_of(group, "newest")) }
                div.acts { (acts(visit, group)) }
            }
            p.error { (pattern) }
            p.rest {
                "As of " (job_link(group.text("example"))) ": " (first_line(group.text("error"))) " · " a href=(at) { "Its jobs" }
            }
        }
    }
}

fn acts(visit: &Visit, group: &Value) -> Markup {
    let (kind, pattern, letters) = (group.text("kind"), group.text("error_pattern"), group.whole("letters"));
    let number = letters.to_string();
    let fields = [("kind", kind), ("pattern", pattern), ("letters", &*number)];
    let ask = html! {
        p { "The " (counted(letters, "dead job")) " of this group, and those that join it until it is done, are deleted for good." }
        @for (name, value) in &fields[..2] { input type="hidden" name=(name) value=(value); }
    };
    html! {
        @if visit.may("POST /dead/{id}/requeue", "") {
            (button(visit, "/ui/dead/requeue", &format!("Requeue {}", count(letters)), &fields, "main"))
        }
        @if visit.may("POST /bulk", "") {
            (unfolding(visit, "Delete…", "/ui/dead/delete", &ask, (&format!("Delete {}", count(letters)), "danger")))
        }
    }
}

/// The letters of one group.
async fn group(visit: &Visit, kind: &str, pattern: &str) -> Result<Response, Fault> {
    let after = visit.parameter("after").unwrap_or_default();
    let filter = [("kind", kind), ("error_pattern", pattern)];
    let groups = link::with("/dead/groups", &filter);
    let letters = link::with("/dead", &[&filter[..], &[("after", &*after)]].concat());
    let (groups, letters) = tokio::join!(visit.get(&groups), visit.get(&letters));
    let (groups, letters) = (groups?, letters?);
    let list = letters.list("dead");
    let live = html! {
        p.error { (pattern) }
        @if list.is_empty() { (nothing("No dead job is in this group.", &html! { p { a href="/ui/dead" { "To all groups" } } })) }
        @else {
            table {
                thead { tr { th { "Job" } th.wide { "Queue" } th.n { "Attempts" } th.n { "Died" } th { "Error" } } }
                tbody {
                    @for letter in list {
                        tr {
                            td { (job_link(letter.text("job_id"))) }
                            td.wide { (letter.text("queue")) }
                            td.n { (letter.whole("attempt")) }
                            td.n { (time_of(letter, "died_at")) }
                            td { (first_line(letter.text("error"))) }
                        }
                    }
                }
            }
            (rest(visit, "after", letters.said("next")))
        }
    };
    let aside = html! { @for group in groups.list("groups") { (acts(visit, group)) } };
    let title = format!("Dead letters of {kind}");
    Ok(Sheet { title, place: "/ui/dead", aside: Some(aside), live, ..Sheet::default() }.show(visit))
}

/// A group is sent back: one letter after the other if it is small, so that what could not be sent
/// is told; else by a bulk operation.
async fn requeue(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let letters = sent.field("letters").and_then(|letters| letters.parse().ok()).unwrap_or(0);
    if letters > AT_ONCE && visit.may("POST /bulk", "") {
        return bulk(&visit, &sent, "requeue").await;
    }
    let done = requeued(&visit, &sent).await;
    back(&sent, done)
}

async fn requeued(visit: &Visit, sent: &Sent) -> Result<String, Fault> {
    let field = |name: &str| sent.field(name).unwrap_or_default();
    let most = MOST.to_string();
    let at = link::with("/dead", &[("limit", &*most), ("kind", field("kind")), ("error_pattern", field("pattern"))]);
    let dead = visit.get(&at).await?;
    let (mut sent_back, mut refused) = (0, None);
    for letter in dead.list("dead") {
        let at = link::path(&["dead", letter.text("job_id"), "requeue"]);
        match visit.act(Method::POST, &at, None).await {
            Ok(_) => sent_back += 1,
            // Somebody was faster.
            Err(fault) if fault.status == StatusCode::NOT_FOUND => {}
            Err(fault) if fault.status == StatusCode::CONFLICT => refused = Some(fault.detail),
            Err(fault) if sent_back == 0 => return Err(fault),
            Err(fault) => {
                refused = Some(fault.detail);
                break;
            }
        }
    }
    let more = if dead["next"].is_null() { "" } else { " There are more: do it again." };
    let text = format!("{} back in the queue.{more}", counted(sent_back, "job"));
    Ok(match refused {
        None if sent_back == 0 => "No dead job is in this group any more.".to_owned(),
        None => text,
        Some(why) => format!("{text} Some were not: {why}"),
    })
}

async fn delete(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    bulk(&visit, &sent, "delete").await
}

/// One verb to a whole group, whose progress is shown.
async fn bulk(visit: &Visit, sent: &Sent, verb: &str) -> Response {
    // Both, or it would be another group than the one that was shown.
    let (Some(kind), Some(pattern)) = (sent.field("kind"), sent.field("pattern")) else {
        return back(sent, Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "This form names no group.")));
    };
    let asked = json!({ "verb": verb, "filter": { "kind": kind, "error_pattern": pattern } });
    match visit.act(Method::POST, "/bulk", Some(&asked)).await {
        Ok(started) => {
            let place = link::path(&["ui", "bulk", started.text("id")]);
            super::went_to(&place, &super::Said { good: true, text: "It has begun.".to_owned() })
        }
        Err(fault) => back(sent, Err(fault)),
    }
}
