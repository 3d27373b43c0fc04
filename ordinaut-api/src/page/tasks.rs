//! Tasks: when each is due next, what became of it lately, and what can be done about it.

use super::layout::{Sheet, button, fact, field, nothing, rest, unfolding};
use super::session::Sent;
use super::show::{Fields, duration, first_line, job_link, jobs_of, state, time_of, wall};
use super::tree::tree;
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/tasks", get(list))
        .route("/ui/tasks/{id}", get(show))
        .route("/ui/tasks/{id}/{verb}", post(act))
}

const STATES: [&str; 3] = ["active", "paused", "cancelled"];

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let value = |name: &str| visit.parameter(name).unwrap_or_default();
        let (status, text, before) = (value("status"), value("text"), value("before"));
        let parameters = [("status", &*status), ("text", &*text), ("before", &*before)];
        let tasks = visit.get(&link::with("/tasks", &parameters)).await?;
        let fixed = html! {
            nav.tabs aria-label="States" {
                @for word in [&[""], &STATES[..]].concat() {
                    a href=(link::with("/ui/tasks", &[("status", word), ("text", &text)])) aria-current=[(status == word).then_some("true")] {
                        @if word.is_empty() { "all" } @else { (word) }
                    }
                }
            }
            form.filters method="get" action="/ui/tasks" role="search" {
                @if !status.is_empty() { input type="hidden" name="status" value=(status); }
                div { (field("Title or description has", "text", &text, "")) button { "Find" } }
            }
        };
        let live = html! { (table(&tasks)) (rest(&visit, "before", tasks.said("next"))) };
        let aside = html! { @if visit.may("POST /tasks", "") { a.button href="/ui/tasks/new" { "New task" } } };
        let sheet = Sheet {
            title: "Tasks".to_owned(),
            place: "/ui/tasks",
            aside: Some(aside),
            fixed: Some(fixed),
            live,
            ..Sheet::default()
        };
        Ok(sheet.show(&visit))
    })
    .await
}

fn table(tasks: &Value) -> Markup {
    let (list, unreadable) = (tasks.list("tasks"), tasks.list("unreadable"));
    if list.is_empty() && unreadable.is_empty() {
        let advice = html! { p { "A task makes jobs by a schedule, or when something happens: " a href="/ui/tasks/new" { "make one" } "." } };
        return nothing("No task is like this.", &advice);
    }
    html! {
        table {
            thead { tr { th { "Task" } th { "State" } th { "Schedule" } th.wide { "Zone" } th.n { "Next" } th.wide { "Kind" } th.wide { "Queue" } } }
            tbody {
                @for task in list {
                    tr {
                        td { a href=(link::path(&["ui", "tasks", task.text("id")])) { (task.text("title")) } }
                        td { (state(task.text("status"))) }
                        td { (schedule(&task["schedule"])) }
                        td.wide { (task["schedule"].text("timezone")) }
                        td.n { (time_of(task, "next_run_at")) }
                        td.wide { (jobs_of("kind", task.text("kind"))) }
                        td.wide { (task.text("queue")) }
                    }
                }
                @for task in unreadable {
                    tr { td { (task.text("title")) } td { (state("unreadable")) } td colspan="5" { (task.text("reason")) } }
                }
            }
        }
    }
}

fn schedule(of: &Value) -> Markup {
    html! { (of.text("kind")) " " code { (of.text("expr")) } }
}

async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &id).await).await
}

async fn page(visit: &Visit, id: &str) -> Result<Response, Fault> {
    let at = |rest: &str| format!("{}{rest}", link::path(&["tasks", id]));
    let (task, fires, runs) = (at(""), at("/fires?limit=60"), at("/runs?limit=20"));
    let (task, fires, runs) = tokio::join!(visit.get(&task), visit.get(&fires), visit.get_if_allowed(&runs));
    let (task, fires, runs) = (task?, fires?, runs?);
    let next = upcoming(visit, &task).await;
    let live = html! {
        @if let Some(error) = task.said("last_error") { p.said.bad { (error) } }
        div.acts { (acts(visit, &task)) }
        (facts(&task))
        section { h2 { "Next" } (next) }
        section { h2 { "The last 60 due instants" } (strip(fires.list("fires"))) }
        (attempts(runs.as_ref()))
    };
    let below = html! {
        section { h2 { "Arguments of its jobs" } (tree(&task["args"])) }
        p.rest { a href=(link::with("/ui/jobs", &[("task", id)])) { "All jobs of this task" } }
    };
    let sheet = Sheet {
        title: task.text("title").to_owned(),
        place: "/ui/tasks",
        aside: Some(state(task.text("status"))),
        live,
        below: Some(below),
        ..Sheet::default()
    };
    Ok(sheet.show(visit))
}

fn acts(visit: &Visit, task: &Value) -> Markup {
    let id = task.text("id");
    let to = |verb: &str| link::path(&["ui", "tasks", id, verb]);
    let may = |verb: &str| visit.may(&format!("POST /tasks/{{id}}/{verb}"), "");
    let status = task.text("status");
    html! {
        @if status != "cancelled" && may("run-now") { (button(visit, &to("run-now"), "Run now", &[], "main")) }
        @if status == "active" && may("pause") { (button(visit, &to("pause"), "Pause", &[], "")) }
        @if status == "paused" && may("resume") { (button(visit, &to("resume"), "Resume", &[], "main")) }
        @if status == "active" && may("snooze") {
            (unfolding(visit, "Snooze…", &to("snooze"), &field("Seconds for which it is not due", "delay", "3600", ""), ("Snooze it", "main")))
        }
        @if status != "cancelled" && visit.may("PATCH /tasks/{id}", "") { a.button href=(to("edit")) { "Edit" } }
        @if status != "cancelled" && may("cancel") {
            (unfolding(visit, "Cancel…", &to("cancel"), &html! { p { "It makes no job any more, and its jobs that wait are cancelled. It stays in the list." } }, ("Cancel this task", "danger")))
        }
    }
}

fn facts(task: &Value) -> Markup {
    let optional = |name: &str| task.said(name).map(|text| html! { (text) });
    let seconds =
        |name: &str| task.number(name).filter(|seconds| *seconds > 0.0).map(|seconds| html! { (duration(seconds)) });
    html! {
        dl.facts {
            div { dt { "Schedule" } dd { (schedule(&task["schedule"])) } }
            div { dt { "Zone" } dd { (task["schedule"].text("timezone")) } }
            div { dt { "Kind" } dd { (jobs_of("kind", task.text("kind"))) } }
            div { dt { "Queue" } dd { (task.text("queue")) } }
            div { dt { "Priority" } dd { (task.whole("priority")) } }
            div { dt { "Missed instants" } dd { (task.text("misfire")) } }
            (fact("Jitter up to", seconds("jitter")))
            (fact("Time limit", seconds("timeout")))
            (fact("At once at most", task["max_instances"].as_i64().map(|most| html! { (most) })))
            (fact("One at a time by", optional("concurrency_key")))
            (fact("Tenant", optional("tenant")))
            (fact("Description", optional("description")))
            div { dt { "Created" } dd { (time_of(task, "created_at")) @if let Some(by) = task.said("created_by") { " by " (by) } } }
            div { dt { "Version" } dd { (task.whole("version")) } }
        }
    }
}

/// The next instants by its own clock and by UTC, with what may surprise.
async fn upcoming(visit: &Visit, task: &Value) -> Markup {
    if task.text("status") != "active" {
        return html! { p.none { "It is " (task.text("status")) ", and not due." } };
    }
    let mut asked = task["schedule"].clone();
    asked["calendars"] = task["calendars"].clone();
    match visit.act(Method::POST, "/schedules/preview", Some(&asked)).await {
        Ok(mut preview) => {
            // One that is snoozed is due later than its schedule says.
            if let (Some(next), Some(list)) = (task.instant("next_run_at"), preview["next"].as_array_mut()) {
                list.retain(|moment| moment.instant("utc").is_none_or(|at| at >= next));
                if list.first().and_then(|moment| moment.instant("utc")) != Some(next) {
                    let at = &task["next_run_at"];
                    list.insert(0, json!({ "local": at, "utc": at }));
                }
            }
            previewed(&preview)
        }
        Err(fault) => html! { p.none { (fault.detail) } },
    }
}

/// What `POST /schedules/preview` answers.
pub(super) fn previewed(preview: &Value) -> Markup {
    let next = preview.list("next");
    html! {
        @for warning in preview.list("warnings").iter().filter_map(Value::as_str) { p.said.bad { (warning) } }
        @if next.is_empty() { p.none { "No instant of a clock is due." } } @else {
            table {
                thead { tr { th { "By its zone" } th { "UTC" } th.n { "From now" } } }
                tbody {
                    @for moment in next {
                        tr { td { (wall(moment.text("local"))) } td { (wall(moment.text("utc"))) } td.n { (time_of(moment, "utc")) } }
                    }
                }
            }
        }
    }
}

/// A mark for each due instant, the latest at the right, each a link to its job.
fn strip(fires: &[Value]) -> Markup {
    if fires.is_empty() {
        return html! { p.none { "It was not due yet." } };
    }
    html! {
        ol.strip {
            @for fire in fires.iter().rev() {
                @let word = fire.said("skipped").or(fire.said("state")).unwrap_or("pruned");
                @let text = format!("{}: {word}", wall(fire.text("scheduled_for")));
                li {
                    @if let Some(job) = fire.said("job_id") {
                        a class=(format!("s-{word}")) href=(link::path(&["ui", "jobs", job])) title=(text) { span.spoken { (text) } }
                    } @else {
                        span.s-skipped title=(text) { span.spoken { (text) } }
                    }
                }
            }
        }
    }
}

fn attempts(runs: Option<&Value>) -> Markup {
    let list = runs.map_or(&[][..], |runs| runs.list("runs"));
    html! {
        @if !list.is_empty() {
            section {
                h2 { "Attempts" }
                table {
                    thead { tr { th { "Outcome" } th { "Job" } th.n.wide { "Attempt" } th.n { "Ended" } th { "Error" } } }
                    tbody {
                        @for run in list {
                            tr {
                                td { (state(run.text("outcome"))) } td { (job_link(run.text("job_id"))) } td.n.wide { (run.whole("attempt")) }
                                td.n { (time_of(run, "finished_at")) } td { (first_line(run.text("error"))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn act(visit: Visit, Path((id, verb)): Path<(String, String)>, Extension(sent): Extension<Sent>) -> Response {
    let done = done(&visit, &id, &verb, &sent).await;
    back(&sent, done)
}

async fn done(visit: &Visit, id: &str, verb: &str, sent: &Sent) -> Result<String, Fault> {
    let said = match verb {
        "run-now" => "It has a job now.",
        "pause" => "It is paused: it makes no job, and its jobs that wait are parked.",
        "resume" => "It goes on.",
        "cancel" => "It is cancelled.",
        "snooze" => "It is snoozed.",
        _ => return Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    };
    let delay = sent.field("delay").map(str::parse::<f64>).transpose();
    let delay = delay.map_err(|_| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "delay must be a number of seconds"))?;
    let body = (verb == "snooze").then(|| json!({ "delay": delay }));
    visit.act(Method::POST, &link::path(&["tasks", id, verb]), body.as_ref()).await?;
    Ok(said.to_owned())
}
