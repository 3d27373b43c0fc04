//! Bulk operations: one verb to all jobs that a list names, counted before, with its progress.

use super::jobs::{arguments, instant};
use super::layout::{Sheet, button, carried, field};
use super::session::Sent;
use super::show::{Fields, counted, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Said, Shown, back, link, shown, went_to};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use ordinaut_core::job::JobFilter;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/jobs/bulk", get(ask).post(start))
        .route("/ui/bulk/{id}", get(progress))
        .route("/ui/bulk/{id}/cancel", post(stop))
}

/// What a bulk operation may go by, as the page names it and as the route does.
const BULK: [(&str, &str); 8] = [
    ("queue", "queue"),
    ("kind", "kind"),
    ("tag", "tag"),
    ("tenant", "tenant"),
    ("task", "task_id"),
    ("created_after", "created_after"),
    ("created_before", "created_before"),
    ("args", "args"),
];

/// Verbs of bulk operations: what they are called, and what they do.
const VERBS: [(&str, &str, &str); 6] = [
    ("cancel", "Cancel", "Cancels those that have not ended; those that run are asked to stop."),
    ("run_now", "Run now", "Makes those that are scheduled due at once."),
    ("move", "Move", "Moves those that wait to another queue."),
    ("reprioritise", "Reprioritise", "Gives those that wait another priority."),
    ("requeue", "Requeue", "Sends those that are dead back."),
    ("delete", "Delete", "Deletes what is dead, for good."),
];

/// What may be done to all that this address names, if a bulk operation can go by it.
pub(super) fn verbs(visit: &Visit) -> Markup {
    if !visit.may("POST /bulk", "") {
        return html! {};
    }
    let parameters: Vec<_> =
        visit.parameters().into_iter().filter(|(name, _)| name != "before" && name != "state").collect();
    // It goes by no state: what has another one than those that are listed would be reached too.
    let state = visit.parameter("state").unwrap_or_default();
    let reaches = |verb: &str| match &*state {
        "" => true,
        "scheduled" => verb == "run_now",
        "dead" => matches!(verb, "requeue" | "delete"),
        _ => false,
    };
    let others = parameters.iter().filter(|(name, _)| !BULK.iter().any(|(known, _)| known == name));
    let others: Vec<_> = others.map(|(name, _)| name.replace('_', " ")).collect();
    html! {
        details.menu {
            summary { "Act on all…" }
            div {
                @if !VERBS.iter().any(|(verb, ..)| reaches(verb)) {
                    p { "A bulk operation goes by no state but “scheduled” (run now) and “dead” (requeue, delete). Choose “all” first, and look at what is listed then." }
                } @else if parameters.is_empty() {
                    p { "Narrow the list first, by queue, kind, tag, tenant, task, arguments or time of creation." }
                } @else if others.is_empty() {
                    @for (verb, name, what) in VERBS.into_iter().filter(|(verb, ..)| reaches(verb)) {
                        @let asked = [&parameters[..], &[("verb".to_owned(), verb.to_owned())]].concat();
                        a href=(link::with_pairs("/ui/jobs/bulk", &asked)) title=(what) { (name) }
                    }
                } @else {
                    p { "A bulk operation does not go by " b { (others.join(", ")) } ": clear that first." }
                }
            }
        }
    }
}

/// What a bulk operation is asked for, by the parameters of an address or the fields of a form.
fn request(value: impl Fn(&str) -> Option<String>) -> Result<Value, Fault> {
    let mut filter = Map::new();
    for (own, name) in BULK {
        let Some(text) = value(own) else { continue };
        let said = match own {
            "created_after" | "created_before" => instant(own, &text)?.into(),
            "args" => contained(&text)?,
            _ => text.into(),
        };
        filter.insert(name.to_owned(), said);
    }
    let mut asked = json!({ "verb": value("verb").unwrap_or_default(), "filter": filter });
    if let Some(queue) = value("to_queue") {
        asked["to_queue"] = queue.into();
    }
    for name in ["priority", "rate"] {
        let Some(text) = value(name) else { continue };
        let wrong = || Fault::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} must be a number"));
        asked[name] = serde_json::from_str::<serde_json::Number>(&text).map_err(|_| wrong())?.into();
    }
    Ok(asked)
}

/// The object that arguments contain, by what is typed into the filter of the list.
fn contained(text: &str) -> Result<Value, Fault> {
    let filter = arguments(text)?.into_iter().try_fold(JobFilter::default(), |filter, (path, value)| {
        filter.arg(&path, &value).map_err(|invalid| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, invalid.to_string()))
    });
    Ok(filter?.args.unwrap_or_default())
}

async fn ask(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let verb = visit.parameter("verb").unwrap_or_default();
        let Some((_, name, what)) = VERBS.into_iter().find(|(known, ..)| *known == verb) else {
            return Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb."));
        };
        let mut asked = request(|name| visit.parameter(name))?;
        asked["dry_run"] = true.into();
        // Only counted, and so anything will do.
        match name {
            "Move" => asked["to_queue"] = "default".into(),
            "Reprioritise" => asked["priority"] = 5.into(),
            _ => {}
        }
        let counted_jobs = visit.act(Method::POST, "/bulk", Some(&asked)).await?;
        let jobs = counted_jobs.whole("jobs");
        let least = if counted_jobs.flag("at_least") { "at least " } else { "" };
        let parameters = visit.parameters();
        let chosen: Vec<_> = parameters.iter().filter(|(name, _)| name != "verb").cloned().collect();
        let live = html! {
            p.lead { (what) }
            p.lead { b { (least) (counted(jobs, "job")) } " would be looked at:" }
            ul.chosen { @for (name, value) in &chosen { li { (name) " " b { (value) } } } }
            form.stack method="post" action="/ui/jobs/bulk" {
                (carried(&visit))
                @for (name, value) in &parameters { input type="hidden" name=(name) value=(value); }
                @if verb == "move" { (field("To queue", "to_queue", "", "default")) }
                @if verb == "reprioritise" { (field("Priority, 1 (most urgent) to 9", "priority", "", "5")) }
                (field("Jobs a second at most", "rate", "", "as fast as it goes"))
                (field("Why, for the audit", "reason", "", ""))
                div.acts {
                    button.danger[matches!(&*verb, "cancel" | "delete")] { (name) " " (least) (counted(jobs, "job")) }
                    a.button.quiet href=(link::with_pairs("/ui/jobs", &chosen)) { "Leave them" }
                }
            }
        };
        let title = format!("{name} many jobs");
        Ok(Sheet { title, place: "/ui/jobs", live, still: true, ..Sheet::default() }.show(&visit))
    })
    .await
}

async fn start(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let asked = request(|name| sent.field(name).map(str::to_owned));
    let started = match &asked {
        Ok(asked) => {
            visit.act_because(Method::POST, "/bulk", Some(asked), sent.field("reason").unwrap_or_default()).await
        }
        Err(fault) => Err(fault.clone()),
    };
    match started {
        Ok(started) => {
            let place = link::path(&["ui", "bulk", started.text("id")]);
            went_to(&place, &Said { good: true, text: "It has begun.".to_owned() })
        }
        Err(fault) => back(&sent, Err(fault)),
    }
}

async fn progress(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| {
        let operation = visit.get(&link::path(&["bulk", &id])).await?;
        let runs = operation.text("state") == "running";
        let filter = operation["filter"].as_object();
        let chosen = filter.into_iter().flatten().filter(|(_, value)| !value.is_null());
        let live = html! {
            dl.facts {
                div { dt { "State" } dd { (state(operation.text("state"))) } }
                div { dt { "Done to" } dd { (counted(operation.whole("done"), "job")) } }
                div { dt { "Looked at" } dd { (counted(operation.whole("looked"), "job")) } }
                div { dt { "Left as they are" } dd { (counted(operation.whole("skipped"), "job")) } }
                div { dt { "Asked for" } dd { (time_of(&operation, "created_at")) " by " (operation.text("created_by")) } }
                div { dt { "Ended" } dd { (time_of(&operation, "finished_at")) } }
                @if let Some(error) = operation.said("last_error") { div { dt { "Last error" } dd { (error) } } }
            }
            ul.chosen { @for (name, value) in chosen { li { (name) " " b { (value.as_str().map_or_else(|| value.to_string(), str::to_owned)) } } } }
            @if runs && visit.may("POST /bulk/{id}/cancel", "") {
                (button(&visit, &link::path(&["ui", "bulk", &id, "cancel"]), "Stop it here", &[], "danger"))
            }
            p.rest { a href="/ui/jobs" { "To the jobs" } }
        };
        let verb = operation.text("verb");
        let name = VERBS.into_iter().find(|(known, ..)| *known == verb).map_or("Bulk operation", |(_, name, _)| name);
        let title = format!("{name} many jobs");
        Ok(Sheet { title, place: "/ui/jobs", live, still: !runs, ..Sheet::default() }.show(&visit))
    })
    .await
}

async fn stop(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let stopped = visit.act(Method::POST, &link::path(&["bulk", &id, "cancel"]), None).await;
    back(&sent, stopped.map(|_| "It goes no further.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_operation_is_made_of_what_it_can_go_by() {
        let value = |name: &str| match name {
            "verb" => Some("cancel".to_owned()),
            "task" => Some("7".to_owned()),
            "rate" => Some("2.5".to_owned()),
            _ => None,
        };
        assert_eq!(request(value).unwrap(), json!({"verb": "cancel", "filter": {"task_id": "7"}, "rate": 2.5}));
        assert!(request(|name| (name == "rate").then(|| "fast".to_owned())).is_err());
    }
}
