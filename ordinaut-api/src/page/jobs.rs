//! Jobs: found by what they are and what became of them.

use super::layout::{Sheet, field, nothing, rest};
use super::show::{Fields, count, counted, job_link, jobs_of, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, answer, bulk, link, shown};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{NaiveDateTime, SecondsFormat};
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/jobs", get(list)).route("/ui/jobs/names", get(names))
}

const STATES: [&str; 7] = ["waiting", "running", "scheduled", "parked", "succeeded", "cancelled", "dead"];

/// Filters that the route takes as they are.
const PLAIN: [&str; 10] = ["state", "queue", "kind", "tag", "tenant", "task", "batch", "worker", "error", "before"];

/// Filters that are instants.
const TIMES: [&str; 4] = ["created_after", "created_before", "finished_after", "finished_before"];

async fn list(visit: Visit) -> Shown {
    shown(visit, page).await
}

async fn page(visit: Visit) -> Result<Response, Fault> {
    let jobs = async { visit.get(&format!("{}&limit=50&count=estimate", query(&visit)?)).await }.await;
    let fixed = html! { (states(&visit)) (filters(&visit)) };
    let jobs = match jobs {
        Ok(jobs) => jobs,
        // What was typed is not lost.
        Err(fault) if is_typed_wrong(&fault) && !visit.is_part => {
            let live = html! { p.said.bad role="alert" { (fault.detail) } };
            let sheet = Sheet {
                title: "Jobs".to_owned(),
                place: "/ui/jobs",
                fixed: Some(fixed),
                live,
                still: true,
                ..Sheet::default()
            };
            return Ok((fault.status, sheet.show(&visit)).into_response());
        }
        Err(fault) => return Err(fault),
    };
    let live = html! { (table(&visit, &jobs)) };
    let is_all = jobs["next"].is_null() && visit.parameter("before").is_none();
    let about = match jobs["estimate"].as_i64() {
        _ if is_all => html! { span.none { (counted(jobs.list("jobs").len() as i64, "job")) } },
        Some(n) => html! { span.none { "about " (count(n)) } },
        None => html! {},
    };
    let aside = html! {
        (about)
        (bulk::verbs(&visit))
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

/// Whether the filters cannot be used as they are.
fn is_typed_wrong(fault: &Fault) -> bool {
    matches!(fault.status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
}

/// The list of the API that this address asks for.
fn query(visit: &Visit) -> Result<String, Fault> {
    let mut asked: Vec<(String, String)> = Vec::new();
    for (name, value) in visit.parameters() {
        let value = value.trim().to_owned();
        match &*name {
            "args" => asked.extend(arguments(&value)?.into_iter().map(|(path, value)| (format!("args.{path}"), value))),
            name if TIMES.contains(&name) => asked.push((name.to_owned(), instant(name, &value)?)),
            name if PLAIN.contains(&name) => asked.push((name.to_owned(), value)),
            _ => {}
        }
    }
    let list = link::with_pairs("/jobs", &asked);
    Ok(if asked.is_empty() { format!("{list}?") } else { list })
}

/// `customer.id=7 country=MD name="New York"`: each has to hold.
pub(super) fn arguments(text: &str) -> Result<Vec<(String, String)>, Fault> {
    let pair = |pair: &str| {
        let (path, value) = pair.split_once('=').filter(|(path, value)| !path.is_empty() && !value.is_empty())?;
        Some((path.to_owned(), value.to_owned()))
    };
    let unclear = || {
        let how = "Write arguments as customer.id=7 city=\"New York\", with spaces between several.";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, how)
    };
    words(text).iter().map(|each| pair(each).ok_or_else(unclear)).collect()
}

/// What spaces part that are not between quotes. Within quotes a backslash says that the next
/// character stands for itself, as in JSON.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for letter in text.chars() {
        if letter.is_whitespace() && !quoted {
            words.push(std::mem::take(&mut word));
            continue;
        }
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        word.push(letter);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What a browser makes of a field for a time, which has no zone: it is taken as UTC.
pub(super) fn instant(name: &str, text: &str) -> Result<String, Fault> {
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

fn filters(visit: &Visit) -> Markup {
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
            // They take longer than the list where much waits, and are suggestions.
            div hidden hx-get="/ui/jobs/names" hx-trigger="focusin from:closest form once" hx-swap="outerHTML" {}
        }
    }
}

/// Names of queues and kinds, as what is typed into the filters may go on.
async fn names(visit: Visit) -> Response {
    let (queues, kinds) =
        tokio::join!(visit.get_if_allowed("/queues?limit=500"), visit.get_if_allowed("/stats?by=kind"));
    // Without them the filters work as well.
    let [queues, kinds] = [queues, kinds].map(|names| names.ok().flatten().unwrap_or_default());
    let lists = html! {
        datalist id="queues" { @for queue in queues.list("queues") { option value=(queue.text("name")) {} } }
        datalist id="kinds" { @for line in kinds.list("lines") { option value=(line.text("kind")) {} } }
    };
    answer::html(&visit.headers, lists)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_times_are_read_as_people_type_them() {
        let of = |text: &str| arguments(text).unwrap();
        let pair = |path: &str, value: &str| (path.to_owned(), value.to_owned());
        assert_eq!(of(" customer.id=7  country=a=b "), [pair("customer.id", "7"), pair("country", "a=b")]);
        assert_eq!(of(r#"city="New York" n=1"#), [pair("city", r#""New York""#), pair("n", "1")]);
        assert_eq!(of(r#"said="a \"b c\"""#), [pair("said", r#""a \"b c\"""#)]);
        assert!(arguments("seven").is_err() && arguments("=7").is_err() && arguments("n=").is_err());
        for text in ["2030-12-31T23:59", "2030-12-31T23:59:00", "2030-12-31T23:59Z", "2030-12-31T23:59:00Z"] {
            assert_eq!(instant("created_after", text).unwrap(), "2030-12-31T23:59:00Z", "{text}");
        }
        assert!(instant("created_after", "yesterday").is_err());
    }
}
