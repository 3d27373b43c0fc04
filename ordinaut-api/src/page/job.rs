//! One job: what it is, what happened to it, why it waits, and what can be done about it.

use super::graph;
use super::layout::{Sheet, button, carried, fact, field, unfolded};
use super::session::Sent;
use super::show::{Fields, duration, jobs_of, state, time_of};
use super::timeline::{seconds, strip};
use super::tree::tree;
use super::visit::{Fault, Visit};
use super::{Page, Said, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};
use ordinaut_core::json::check_integers;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What waits for something else than a time is due in a century.
const NEVER: TimeDelta = TimeDelta::days(36_500 / 2);

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/jobs/{id}", get(show)).route("/ui/jobs/{id}/{verb}", post(act))
}

async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &id, None).await).await
}

/// `refused` is a form of this page that was sent, and could not be done as it was.
async fn page(visit: &Visit, id: &str, refused: Option<&Sent>) -> Result<Response, Fault> {
    let at = |rest: &str| format!("{}{rest}", link::path(&["jobs", id]));
    let (job, steps, explained) = (at(""), at("/steps?limit=500"), at("/explain"));
    let (job, steps, explained) =
        tokio::join!(visit.get(&job), visit.get_if_allowed(&steps), visit.get_if_allowed(&explained));
    let (job, steps, explained) = (job?, steps?, explained?);
    let graph = match graph::of_pipeline(&job, steps.as_ref()) {
        Some(graph) => graph,
        None => graph::of_job(visit, &job).await,
    };
    let has_ended = matches!(job.text("state"), "succeeded" | "cancelled" | "dead");
    let live = html! {
        div.acts { (acts(visit, &job, steps.as_ref())) }
        (why(explained.as_ref().filter(|_| !has_ended)))
        (facts(&job))
        @if graph.nodes.len() > 1 { section { h2 { "Before and after" } (graph.draw("What comes before and after")) } }
        section { h2 { "Timeline" } (strip(&job, steps.as_ref(), Utc::now())) }
        (attempts(visit, &job))
        (steps_table(steps.as_ref()))
    };
    let arguments = html! {
        section {
            h2 { "Arguments" }
            @if job["args"].is_null() { p.none { "None that can be shown." } } @else { (tree(&job["args"])) }
        }
    };
    let aside = html! { (state(job.text("state"))) code.whole { (job.text("id")) } };
    // A part that moves has no forms.
    let forms = if visit.is_part {
        html! {}
    } else {
        forms(visit, &job, refused).await?
    };
    let sheet = Sheet {
        title: job.text("kind").to_owned(),
        place: "/ui/jobs",
        aside: Some(aside),
        live,
        below: Some(html! { (arguments) (forms) }),
        still: has_ended,
        ..Sheet::default()
    };
    Ok(sheet.show(visit))
}

/// What can be done to a job in its state, by this visitor.
fn acts(visit: &Visit, job: &Value, steps: Option<&Value>) -> Markup {
    let id = job.text("id");
    let to = |verb: &str| link::path(&["ui", "jobs", id, verb]);
    let word = job.text("state");
    let open = steps.map_or(&[][..], |steps| steps.list("waits")).iter();
    let is_awaited = open.clone().any(|wait| wait["answered_at"].is_null());
    let approvals = open.filter(|wait| wait.text("kind") == "approval" && wait["answered_at"].is_null());
    let ends = matches!(word, "waiting" | "scheduled" | "running" | "parked");
    html! {
        @if visit.may("POST /jobs/{id}/approve", "") {
            @for wait in approvals {
                @let step = wait.text("name");
                div.question {
                    p { b { (step) } @if let Some(question) = wait.said("question") { ": " (question) } }
                    form method="post" action=(to("approve")) {
                        (carried(visit))
                        input type="hidden" name="step" value=(step);
                        (field("A note, if there is something to say", "note", "", ""))
                        // The focus stays where it is when this is drawn again.
                        button.main id=(format!("approve-{step}").replace(' ', "-")) { "Approve" }
                        button.danger id=(format!("reject-{step}").replace(' ', "-")) formaction=(to("reject")) { "Reject" }
                    }
                }
            }
        }
        @if word == "scheduled" && !is_awaited && visit.may("POST /jobs/{id}/run-now", "") {
            (button(visit, &to("run-now"), "Run now", &[], ""))
        }
        @if word == "dead" && visit.may("POST /dead/{id}/requeue", "") {
            (button(visit, &to("requeue"), "Requeue", &[], "main"))
            // The form for it stands below a page that was loaded when the job was dead.
            @if visit.is_part && visit.may("PATCH /dead/{id}", "") { a.button.quiet href=(visit.here) { "Edit and requeue…" } }
        }
        @if ends && visit.may("POST /jobs/{id}/cancel", "") {
            @if job.flag("cancel_asked") { span.none { "It has been asked to stop." } }
            @else { (button(visit, &to("cancel"), "Cancel", &[], "danger")) }
        }
    }
}

/// Why it does not run, as a tree: first what must go first.
fn why(explained: Option<&Value>) -> Markup {
    let Some(explained) = explained else { return html! {} };
    html! {
        section.why {
            h2 { "Why it " @if explained.text("state") == "running" { "runs" } @else { "waits" } }
            // A single reason says the same.
            @if explained.list("reasons").len() != 1 { p.lead { (explained.text("says")) } }
            (reasons(explained.list("reasons")))
        }
    }
}

fn reasons(list: &[Value]) -> Markup {
    html! {
        @if !list.is_empty() {
            ul {
                @for reason in list {
                    li {
                        (reason.text("says"))
                        @if let Some(advice) = reason.said("advice") { p.advice { (advice) } }
                        (reasons(reason.list("because")))
                    }
                }
            }
        }
    }
}

fn facts(job: &Value) -> Markup {
    let text = |name: &str| job.said(name).map(|text| html! { (text) });
    let id = |name: &str| job.said(name).map(|text| html! { span.whole { (text) } });
    let linked = |filter: &str, name: &str| job.said(name).map(|value| jobs_of(filter, value));
    let waits_for = job["waits"].list("jobs");
    html! {
        dl.facts {
            (fact("Queue", job.said("queue").map(|queue| html! { a href=(link::path(&["ui", "queues", queue])) { (queue) } })))
            (fact("Priority", Some(html! { (job.whole("priority")) })))
            (fact("Attempt", Some(html! {
                (job.whole("attempt"))
                // Those that were snoozed or given back count as attempts, and not as failures.
                @if job.whole("failures") > 0 { ", " (job.whole("failures")) " failed" }
                @if let Some(most) = job["max_attempts"].as_i64() { "; " (most) " may fail" }
            })))
            (fact("Created", Some(time_of(job, "created_at"))))
            (fact("Due", job.instant("run_at").filter(|at| *at - Utc::now() < NEVER).map(|_| time_of(job, "run_at"))))
            (fact("Scheduled for", job.said("scheduled_for").map(|_| time_of(job, "scheduled_for"))))
            (fact("Time limit", job.number("timeout").map(|limit| html! { (duration(limit)) })))
            (fact("Tenant", linked("tenant", "tenant")))
            (fact("Batch", linked("batch", "batch_id")))
            (fact("Worker's session", linked("worker", "session")))
            (fact("Tags", Some(job.list("tags")).filter(|tags| !tags.is_empty()).map(|tags| html! {
                @for tag in tags.iter().filter_map(Value::as_str) { a.tag href=(link::with("/ui/jobs", &[("tag", tag)])) { (tag) } }
            })))
            (fact("Comes after", Some(waits_for).filter(|jobs| !jobs.is_empty()).map(|jobs| html! {
                @for id in jobs.iter().filter_map(Value::as_str) { (super::show::job_link(id)) " " }
            })))
            (fact("Request", id("request_id")))
            (fact("Trace", id("traceparent")))
            (fact("Note", text("note")))
        }
    }
}

fn attempts(visit: &Visit, job: &Value) -> Markup {
    let runs = job.list("runs");
    if !visit.may("GET /jobs/{id}/runs", "") || runs.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Attempts" }
            @if !job["runs_next"].is_null() { p.none { "The last " (runs.len()) " of them." } }
            @for run in runs.iter().rev() {
                article.run {
                    header {
                        b { (run.whole("attempt")) } (state(run.text("outcome")))
                        span { "ended " (time_of(run, "finished_at")) }
                        @if let (Some(start), Some(end)) = (run.instant("started_at"), run.instant("finished_at")) {
                            span { "ran " (duration(seconds(start, end))) }
                        }
                        @if let Some(session) = run.said("session") { span.none { "session " (super::show::short(session)) } }
                    }
                    @if let Some(error) = run.said("error") { (chain(error)) }
                    @if !run["output"].is_null() { (tree(&run["output"])) }
                }
            }
        }
    }
}

/// An error, each cause on a line of its own below what it caused.
fn chain(error: &str) -> Markup {
    let mut lines = error.trim_end().splitn(2, '\n');
    let (first, rest) = (lines.next().unwrap_or_default(), lines.next());
    let links: Vec<_> = first.split(": ").collect();
    html! {
        div.error {
            @if rest.is_none() && links.len() > 1 && links.len() <= 8 {
                ol { @for link in links { li { (link) } } }
            } @else {
                pre { (error) }
            }
        }
    }
}

fn steps_table(steps: Option<&Value>) -> Markup {
    let Some(steps) = steps else { return html! {} };
    let (done, waits) = (steps.list("steps"), steps.list("waits"));
    if done.is_empty() && waits.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Steps" }
            @if !steps["next"].is_null() { p.none { "The first " (done.len()) " of them." } }
            table {
                thead { tr { th { "Step" } th.wide { "Kind" } th.n.wide { "Attempt" } th.n { "Ended" } th { "Result" } } }
                tbody {
                    @for step in done {
                        tr {
                            td { (step.text("name")) } td.wide { (step.text("kind")) } td.n.wide { (step.whole("attempt")) }
                            td.n { (time_of(step, "ended_at")) }
                            td { @if !step["result"].is_null() { (tree(&step["result"])) } }
                        }
                    }
                    @for wait in waits.iter().filter(|wait| wait["answered_at"].is_null()) {
                        tr {
                            td { (wait.text("name")) } td.wide { (wait.text("kind")) } td.n.wide {} td.n { "waits" }
                            td {
                                @if !wait["until"].is_null() { "until " (time_of(wait, "until")) }
                                @if let Some(topic) = wait.said("topic") { " for topic " (topic) }
                                @if let Some(awaited) = wait.said("awaited_job") { " for job " (super::show::job_link(awaited)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Forms, below what moves.
async fn forms(visit: &Visit, job: &Value, refused: Option<&Sent>) -> Result<Markup, Fault> {
    let id = job.text("id");
    let word = job.text("state");
    let waits = matches!(word, "waiting" | "scheduled" | "parked");
    let is_changed = waits && visit.may("PATCH /jobs/{id}", "");
    let is_mended = word == "dead" && visit.may("PATCH /dead/{id}", "");
    if !is_changed && !is_mended {
        return Ok(html! {});
    }
    let written = visit.get_as_written(&link::path(&["jobs", id]), "args").await?;
    // Laid out only if no number of it is rounded by that.
    let exact = written.as_deref().map(RawValue::get).filter(|text| check_integers(text).is_err());
    let args = match exact {
        Some(text) => text.to_owned(),
        None => serde_json::to_string_pretty(&job["args"]).unwrap_or_default(),
    };
    let typed = |name: &str, old: String| refused.map_or(old, |sent| sent.field(name).unwrap_or_default().to_owned());
    let new_args = typed("args", args.clone());
    let arguments =
        html! { label.field { span { "Arguments" } textarea name="args" rows="10" spellcheck="false" { (new_args) } } };
    let is_open = refused.is_some();
    let most = job["max_attempts"].as_i64().map(|most| most.to_string()).unwrap_or_default();
    Ok(html! {
        @if is_changed {
            section {
                (unfolded(visit, "Change this job…", is_open, &link::path(&["ui", "jobs", id, "change"]), &html! {
                    (field("Queue", "queue", &typed("queue", job.text("queue").to_owned()), ""))
                    (field("Priority, 1 (most urgent) to 9", "priority", &typed("priority", job.whole("priority").to_string()), ""))
                    (field("Due, an instant", "run_at", &typed("run_at", String::new()), "2030-12-31T23:59:59Z"))
                    (field("Attempts at most", "max_attempts", &typed("max_attempts", most), ""))
                    (arguments)
                    input type="hidden" name="old_args" value=(args);
                }, ("Change it", "main")))
            }
        }
        @if is_mended {
            section {
                (unfolded(visit, "Edit and requeue…", is_open, &link::path(&["ui", "jobs", id, "mend"]), &arguments, ("Requeue with these arguments", "main")))
            }
        }
    })
}

async fn act(visit: Visit, Path((id, verb)): Path<(String, String)>, Extension(sent): Extension<Sent>) -> Response {
    match done(&visit, &id, &verb, &sent).await {
        // What was typed is not lost.
        Err(fault) if matches!(&*verb, "change" | "mend") => again(visit, &id, &sent, fault).await,
        done => back(&sent, done),
    }
}

/// The page with the form that was refused, as it was sent, and why.
async fn again(visit: Visit, id: &str, sent: &Sent, fault: Fault) -> Response {
    let (status, said) = (fault.status, Said { good: false, text: fault.detail });
    let visit = Visit { here: link::path(&["ui", "jobs", id]).into(), said: Some(said), ..visit };
    let page = shown(visit, async move |visit: Visit| page(&visit, id, Some(sent)).await).await;
    (status, page).into_response()
}

/// Does what a form asks for, and says what it came to.
async fn done(visit: &Visit, id: &str, verb: &str, sent: &Sent) -> Result<String, Fault> {
    let at = link::path(&["jobs", id, verb]);
    match verb {
        "cancel" => {
            let cancelled = visit.act(Method::POST, &at, None).await?;
            Ok(match cancelled.text("cancelled") {
                "now" => "It is cancelled.",
                _ => "It runs, and has been asked to stop.",
            }
            .to_owned())
        }
        "run-now" => visit.act(Method::POST, &at, None).await.map(|_| "It is due now.".to_owned()),
        "approve" | "reject" => {
            let answer = json!({ "step": sent.field("step"), "note": sent.field("note") });
            visit.act(Method::POST, &at, Some(&answer)).await?;
            Ok(if verb == "approve" { "It is approved." } else { "It is rejected." }.to_owned())
        }
        "requeue" => requeue(visit, id).await,
        "mend" => {
            let body = format!(r#"{{"args": {}}}"#, written(sent.field("args").unwrap_or_default())?);
            visit.act_as_written(Method::PATCH, &link::path(&["dead", id]), body).await?;
            requeue(visit, id).await
        }
        "change" => {
            let body = change(sent)?;
            visit.act_as_written(Method::PATCH, &link::path(&["jobs", id]), body).await?;
            Ok("It is changed.".to_owned())
        }
        _ => Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    }
}

async fn requeue(visit: &Visit, id: &str) -> Result<String, Fault> {
    visit.act(Method::POST, &link::path(&["dead", id, "requeue"]), None).await?;
    Ok("It is back in its queue.".to_owned())
}

/// JSON as somebody typed it.
fn written(text: &str) -> Result<&str, Fault> {
    let read: Result<&RawValue, _> = serde_json::from_str(text);
    let unclear = |error| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, format!("The arguments are no JSON: {error}"));
    read.map(RawValue::get).map_err(unclear)
}

/// The fields that say something, and arguments that were touched.
fn change(sent: &Sent) -> Result<String, Fault> {
    let mut change = Map::new();
    for name in ["queue", "run_at"] {
        if let Some(text) = sent.field(name) {
            change.insert(name.to_owned(), text.into());
        }
    }
    for name in ["priority", "max_attempts"] {
        let Some(text) = sent.field(name) else { continue };
        let number: i64 = text
            .parse()
            .map_err(|_| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} must be a whole number")))?;
        change.insert(name.to_owned(), number.into());
    }
    let plain = Value::Object(change).to_string();
    let same = |text: &str| text.replace('\r', "");
    match (sent.field("args"), sent.field("old_args")) {
        (Some(new), old) if old.map(same) != Some(same(new)) => {
            let comma = if plain == "{}" { "" } else { "," };
            Ok(format!(r#"{}{comma}"args":{}}}"#, plain.strip_suffix('}').unwrap_or(&plain), written(new)?))
        }
        _ => Ok(plain),
    }
}
