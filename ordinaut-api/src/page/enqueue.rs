//! A job that somebody enqueues by hand.

use super::arguments::Arguments;
use super::layout::{Sheet, carried, field};
use super::session::Sent;
use super::show::Fields;
use super::visit::{Fault, Visit};
use super::{Page, Said, Shown, answer, link, shown, went_to};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/enqueue", get(form).post(enqueue)).route("/ui/enqueue/arguments", get(arguments))
}

async fn form(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        visit.must("POST /jobs")?;
        let value = |name: &str| visit.parameter(name);
        let arguments = asked_for(&visit, value).await;
        Ok(sheet(&visit, value, arguments.as_ref(), None).await.show(&visit))
    })
    .await
}

/// The fields of a kind that was just typed.
async fn arguments(visit: Visit) -> Response {
    let value = |name: &str| visit.parameter(name);
    let arguments = asked_for(&visit, value).await;
    answer::html(&visit.headers, fields(&visit, &value, arguments.as_ref()))
}

/// What a kind takes, if there is a tool that says it, and nobody wants to write JSON.
async fn asked_for(visit: &Visit, value: impl Fn(&str) -> Option<String>) -> Option<Asked> {
    let kind = value("kind")?;
    if value("args").is_some() {
        return None;
    }
    let tool = visit.get(&link::path(&["tools", &kind])).await.ok()?;
    let arguments = Arguments::of(&tool["input"])?;
    Some(Asked { kind, arguments, is_outside: tool.said("uses").is_some() })
}

/// What a kind takes.
struct Asked {
    kind: String,
    arguments: Arguments,
    /// Whether it is a service outside, which jobs of the kind `tool` call.
    is_outside: bool,
}

fn fields(visit: &Visit, value: &impl Fn(&str) -> Option<String>, asked: Option<&Asked>) -> Markup {
    let Some(asked) = asked else {
        let args = value("args").unwrap_or("{}".to_owned());
        return html! {
            label.field { span { "Arguments" } textarea name="args" rows="10" spellcheck="false" { (args) } }
        };
    };
    html! {
        input type="hidden" name="fields_of" value=(asked.kind);
        (asked.arguments.show(value))
        @if visit.may("GET /tools", "") {
            p { a href=(link::path(&["ui", "tools", &asked.kind])) { "What " (asked.kind) " takes" } " · " a href=(link::with("/ui/enqueue", &[("kind", &asked.kind), ("args", "{}")])) { "Write JSON" } }
        }
    }
}

async fn sheet(
    visit: &Visit,
    value: impl Fn(&str) -> Option<String>,
    asked: Option<&Asked>,
    wrong: Option<&Fault>,
) -> Sheet {
    let text = |name: &str| value(name).unwrap_or_default();
    let tools = visit.get("/tools").await.unwrap_or_default();
    let live = html! {
        @if let Some(wrong) = wrong { p.said.bad role="alert" { (wrong.detail) } }
        form.stack.broad method="post" action="/ui/enqueue" {
            (carried(visit))
            label.field {
                span { "Kind" }
                input name="kind" value=(text("kind")) placeholder="echo" list="kinds" autocomplete="off" spellcheck="false"
                    hx-get="/ui/enqueue/arguments" hx-trigger="change" hx-include="this" hx-target="#arguments" hx-swap="innerHTML";
            }
            datalist id="kinds" { @for tool in tools.list("tools") { option value=(tool.text("name")) {} } }
            div.row {
                (field("Queue", "queue", &text("queue"), "default"))
                (field("Priority, 1 (most urgent) to 9", "priority", &text("priority"), "5"))
            }
            div.row {
                (field("Seconds until it is due", "delay", &text("delay"), "0"))
                (field("Tags, with commas", "tags", &text("tags"), ""))
                (field("Tenant", "tenant", &text("tenant"), ""))
            }
            div.stack.broad id="arguments" { (fields(visit, &value, asked)) }
            button.main { "Enqueue it" }
        }
    };
    Sheet { title: "Enqueue a job".to_owned(), place: "/ui/jobs", live, still: true, ..Sheet::default() }
}

async fn enqueue(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let value = |name: &str| sent.field(name).map(str::to_owned);
    let asked = match sent.field("fields_of") {
        Some(_) => asked_for(&visit, value).await,
        None => None,
    };
    let enqueued = match body(&sent, asked.as_ref()) {
        Ok(body) => visit.act_as_written(Method::POST, "/jobs", body).await,
        Err(fault) => Err(fault),
    };
    match enqueued {
        Ok(job) => {
            let place = link::path(&["ui", "jobs", job.text("id")]);
            let text = if job.flag("duplicate") { "There was such a job already." } else { "It is enqueued." };
            went_to(&place, &Said { good: true, text: text.to_owned() })
        }
        // What was typed is not lost.
        Err(fault) => {
            let mut response = sheet(&visit, value, asked.as_ref(), Some(&fault)).await.show(&visit);
            *response.status_mut() = fault.status;
            response
        }
    }
}

/// What the form says, as the API takes it. Arguments stay as they are written.
fn body(sent: &Sent, asked: Option<&Asked>) -> Result<String, Fault> {
    let unclear = |text: String| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, text);
    let mut job = Map::new();
    for name in ["kind", "queue", "tenant"] {
        if let Some(text) = sent.field(name) {
            job.insert(name.to_owned(), text.into());
        }
    }
    for name in ["priority", "delay"] {
        let Some(text) = sent.field(name) else { continue };
        let number: serde_json::Number = text.parse().map_err(|_| unclear(format!("{name} must be a number")))?;
        job.insert(name.to_owned(), number.into());
    }
    if let Some(tags) = sent.field("tags") {
        let tags: Vec<_> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        job.insert("tags".to_owned(), tags.into());
    }
    if !job.contains_key("kind") {
        return Err(unclear("A job needs a kind.".to_owned()));
    }
    if sent.field("fields_of").is_some_and(|kind| asked.is_none_or(|asked| asked.kind != kind)) {
        return Err(unclear("These are the arguments of another kind: look at them once more.".to_owned()));
    }
    let mut args = match asked {
        Some(asked) => asked.arguments.read(|name| sent.field(name).map(str::to_owned))?,
        None => sent.field("args").unwrap_or("{}").to_owned(),
    };
    if let Some(asked) = asked.filter(|asked| asked.is_outside) {
        args = format!(r#"{{"tool":{},"args":{args}}}"#, Value::from(&*asked.kind));
        job.insert("kind".to_owned(), "tool".into());
    }
    let args: &RawValue =
        serde_json::from_str(&args).map_err(|error| unclear(format!("The arguments are no JSON: {error}")))?;
    let plain = Value::Object(job).to_string();
    let open = plain.strip_suffix('}').unwrap_or(&plain);
    Ok(format!(r#"{open},"args":{args}}}"#))
}
