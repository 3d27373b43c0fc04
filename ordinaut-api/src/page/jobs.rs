//! Jobs: found by what they are and what became of them, and acted upon together.

use super::layout::{Sheet, carried, field, nothing, rest};
use super::session::Sent;
use super::show::{Fields, count, counted, job_link, jobs_of, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{NaiveDateTime, SecondsFormat};
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/jobs", get(list))
        .route("/ui/jobs/bulk", get(ask).post(start))
        .route("/ui/bulk/{id}", get(progress))
        .route("/ui/bulk/{id}/cancel", post(stop))
}

const STATES: [&str; 7] = ["waiting", "running", "scheduled", "parked", "succeeded", "cancelled", "dead"];

/// Filters that the route takes as they are.
const PLAIN: [&str; 10] = ["state", "queue", "kind", "tag", "tenant", "task", "batch", "worker", "error", "before"];

/// Filters that are instants.
const TIMES: [&str; 4] = ["created_after", "created_before", "finished_after", "finished_before"];

/// What a bulk operation may go by, as the page names it and as the route does.
const BULK: [(&str, &str); 6] = [
    ("queue", "queue"),
    ("kind", "kind"),
    ("tag", "tag"),
    ("tenant", "tenant"),
    ("task", "task_id"),
    ("created_before", "created_before"),
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

async fn list(visit: Visit) -> Shown {
    shown(visit, page).await
}

async fn page(visit: Visit) -> Result<Response, Fault> {
    let asked = format!("{}&limit=50&count=estimate", query(&visit)?);
    let jobs = visit.get(&asked);
    let (jobs, queues, kinds) = if visit.is_part {
        (jobs.await?, Value::Null, Value::Null)
    } else {
        let (jobs, queues, kinds) =
            tokio::join!(jobs, visit.get_if_allowed("/queues?limit=500"), visit.get_if_allowed("/stats?by=kind"));
        (jobs?, queues?.unwrap_or_default(), kinds?.unwrap_or_default())
    };
    let fixed = html! { (states(&visit)) (filters(&visit, &queues, &kinds)) };
    let live = html! { (table(&visit, &jobs)) };
    let about = match jobs["estimate"].as_i64() {
        Some(n) => html! { span.none { "about " (count(n)) } },
        None => html! {},
    };
    let aside = html! {
        (about)
        (verbs(&visit))
        @if visit.may("POST /jobs", "") { a.button href="/ui/enqueue" { "Enqueue" } }
    };
    let sheet = Sheet {
        title: "Jobs".to_owned(),
        place: "/ui/jobs",
        aside: Some(aside),
        fixed: Some(fixed),
        live,
        ..Sheet::default()
    };
    Ok(sheet.show(&visit))
}

/// The list of the API that this address asks for.
fn query(visit: &Visit) -> Result<String, Fault> {
    let mut asked: Vec<(String, String)> = Vec::new();
    for (name, value) in visit.parameters() {
        let value = value.trim().to_owned();
        match &*name {
            "args" => asked.extend(arguments(&value)?),
            name if TIMES.contains(&name) => asked.push((name.to_owned(), instant(name, &value)?)),
            name if PLAIN.contains(&name) => asked.push((name.to_owned(), value)),
            _ => {}
        }
    }
    let list = link::with_pairs("/jobs", &asked);
    Ok(if asked.is_empty() { format!("{list}?") } else { list })
}

/// `customer.id=7 country=MD`: each has to hold.
fn arguments(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let pair = |pair: &str| {
        let (path, value) = pair.split_once('=').filter(|(path, _)| !path.is_empty())?;
        Some((format!("args.{path}"), value.to_owned()))
    };
    let unclear = || {
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "Write arguments as customer.id=7, with spaces between several.")
    };
    text.split_whitespace().map(|each| pair(each).ok_or_else(unclear)).collect()
}

/// What a browser makes of a field for a time, which has no zone: it is taken as UTC.
fn instant(name: &str, text: &str) -> Result<String, Fault> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%MZ"];
    let read = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let unclear =
        || Fault::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} must be a time such as 2030-12-31T23:59"));
    Ok(read.ok_or_else(unclear)?.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// This address with another state, from its first page on.
fn states(visit: &Visit) -> Markup {
    let chosen = visit.parameter("state").unwrap_or_default();
    let others: Vec<_> =
        visit.parameters().into_iter().filter(|(name, _)| name != "state" && name != "before").collect();
    let to = |state: &str| {
        let mut parameters = others.clone();
        parameters.push(("state".to_owned(), state.to_owned()));
        link::with_pairs("/ui/jobs", &parameters)
    };
    html! {
        nav.tabs aria-label="States" {
            a href=(to("")) aria-current=[chosen.is_empty().then_some("true")] { "all" }
            @for word in STATES { a href=(to(word)) aria-current=[(chosen == word).then_some("true")] { (word) } }
        }
    }
}

fn filters(visit: &Visit, queues: &Value, kinds: &Value) -> Markup {
    let value = |name: &str| visit.parameter(name).unwrap_or_default();
    let rare = [
        "tag",
        "tenant",
        "task",
        "batch",
        "worker",
        "created_after",
        "created_before",
        "finished_after",
        "finished_before",
    ];
    let some = rare.iter().any(|name| !value(name).is_empty());
    let text = |label: &str, name: &str, example: &str| field(label, name, &value(name), example);
    let time = |label: &str, name: &str| {
        html! { label.field { span { (label) } input type="datetime-local" name=(name) value=(value(name).trim_end_matches('Z')); } }
    };
    html! {
        form.filters method="get" action="/ui/jobs" role="search" {
            @if !value("state").is_empty() { input type="hidden" name="state" value=(value("state")); }
            div {
                label.field { span { "Kind" } input name="kind" value=(value("kind")) list="kinds" autocomplete="off" spellcheck="false"; }
                label.field { span { "Queue" } input name="queue" value=(value("queue")) list="queues" autocomplete="off" spellcheck="false"; }
                (text("Arguments", "args", "customer.id=7"))
                (text("Error has", "error", "timed out"))
                button { "Find" }
                a.button.quiet href="/ui/jobs" { "Clear" }
            }
            details.plain open[some] {
                summary { "More filters" }
                div {
                    (text("Tag", "tag", "")) (text("Tenant", "tenant", "")) (text("Worker", "worker", ""))
                    (text("Task", "task", "its id")) (text("Batch", "batch", "its id"))
                    (time("Created after, UTC", "created_after")) (time("Created before, UTC", "created_before"))
                    (time("Ended after, UTC", "finished_after")) (time("Ended before, UTC", "finished_before"))
                }
            }
            datalist id="queues" { @for queue in queues.list("queues") { option value=(queue.text("name")) {} } }
            datalist id="kinds" { @for line in kinds.list("lines") { option value=(line.text("kind")) {} } }
        }
    }
}

fn table(visit: &Visit, jobs: &Value) -> Markup {
    let list = jobs.list("jobs");
    if list.is_empty() {
        let advice = if visit.parameters().is_empty() {
            html! { p { "Enqueue one: " code { "ordinaut job enqueue KIND" } } }
        } else {
            html! { p { a href="/ui/jobs" { "Show all jobs" } } }
        };
        return html! { (nothing("No job is like this.", &advice)) (rest(visit, "before", jobs.said("next"))) };
    }
    html! { (rows(list)) (rest(visit, "before", jobs.said("next"))) }
}

/// A table of jobs, as a list of the API has them.
pub(super) fn rows(list: &[Value]) -> Markup {
    html! {
        table.jobs {
            thead { tr { th { "State" } th { "Kind" } th { "Job" } th.wide { "Queue" } th.wide { "Tags" } th.n.wide { "Attempt" } th.n { "Created" } th.n.wide { "Due or ended" } } }
            tbody {
                @for job in list {
                    tr {
                        td { (state(job.text("state"))) }
                        td.kind { (jobs_of("kind", job.text("kind"))) }
                        td { (job_link(job.text("id"))) }
                        td.wide { a href=(link::path(&["ui", "queues", job.text("queue")])) { (job.text("queue")) } }
                        td.wide.tags { @for tag in job.list("tags").iter().filter_map(Value::as_str).take(4) { span.tag { (tag) } } }
                        td.n.wide { (job.whole("attempt")) }
                        td.n { (time_of(job, "created_at")) }
                        td.n.wide { (time_of(job, if job["finished_at"].is_null() { "run_at" } else { "finished_at" })) }
                    }
                }
            }
        }
    }
}

/// What may be done to all that this address names, if a bulk operation can go by it.
fn verbs(visit: &Visit) -> Markup {
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
    let goes = !parameters.is_empty() && parameters.iter().all(|(name, _)| BULK.iter().any(|(known, _)| known == name));
    html! {
        details.menu {
            summary { "Act on all…" }
            div {
                @if !VERBS.iter().any(|(verb, ..)| reaches(verb)) {
                    p { "A bulk operation goes by no state but “scheduled” (run now) and “dead” (requeue, delete). Choose “all” first, and look at what is listed then." }
                } @else if goes {
                    @for (verb, name, what) in VERBS.into_iter().filter(|(verb, ..)| reaches(verb)) {
                        @let asked = [&parameters[..], &[("verb".to_owned(), verb.to_owned())]].concat();
                        a href=(link::with_pairs("/ui/jobs/bulk", &asked)) title=(what) { (name) }
                    }
                } @else {
                    p { "Narrow the list by queue, kind, tag, tenant, task or time of creation first, and by nothing else." }
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
        let text = if own == "created_before" { instant(own, &text)? } else { text };
        filter.insert(name.to_owned(), text.into());
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
            super::went_to(&place, &super::Said { good: true, text: "It has begun.".to_owned() })
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
            ul.chosen { @for (name, value) in chosen { li { (name) " " b { (value.as_str().unwrap_or_default()) } } } }
            @if runs && visit.may("POST /bulk/{id}/cancel", "") {
                (super::layout::button(&visit, &link::path(&["ui", "bulk", &id, "cancel"]), "Stop it here", &[], "danger"))
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
    fn arguments_and_times_are_read_as_people_type_them() {
        let two = arguments(" customer.id=7  country=a=b ").unwrap();
        assert_eq!(two, [("args.customer.id".into(), "7".into()), ("args.country".into(), "a=b".to_owned())]);
        assert!(arguments("seven").is_err() && arguments("=7").is_err());
        for text in ["2030-12-31T23:59", "2030-12-31T23:59:00", "2030-12-31T23:59Z", "2030-12-31T23:59:00Z"] {
            assert_eq!(instant("created_after", text).unwrap(), "2030-12-31T23:59:00Z", "{text}");
        }
        assert!(instant("created_after", "yesterday").is_err());
    }

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
