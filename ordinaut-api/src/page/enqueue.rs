//! A job that somebody enqueues by hand.

use super::layout::{Sheet, carried, field};
use super::session::Sent;
use super::show::Fields;
use super::visit::{Fault, Visit};
use super::{Page, Said, Shown, link, shown, went_to};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use maud::html;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/enqueue", get(form).post(enqueue))
}

async fn form(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        visit.must("POST /jobs")?;
        Ok(sheet(&visit, |name| visit.parameter(name), None).show(&visit))
    })
    .await
}

fn sheet(visit: &Visit, value: impl Fn(&str) -> Option<String>, wrong: Option<&Fault>) -> Sheet {
    let text = |name: &str| value(name).unwrap_or_default();
    let live = html! {
        @if let Some(wrong) = wrong { p.said.bad role="alert" { (wrong.detail) } }
        form.stack.broad method="post" action="/ui/enqueue" {
            (carried(visit))
            (field("Kind", "kind", &text("kind"), "echo"))
            div.row {
                (field("Queue", "queue", &text("queue"), "default"))
                (field("Priority, 1 (most urgent) to 9", "priority", &text("priority"), "5"))
            }
            div.row {
                (field("Seconds until it is due", "delay", &text("delay"), "0"))
                (field("Tags, with commas", "tags", &text("tags"), ""))
                (field("Tenant", "tenant", &text("tenant"), ""))
            }
            label.field { span { "Arguments" } textarea name="args" rows="10" spellcheck="false" { (value("args").unwrap_or("{}".to_owned())) } }
            button.main { "Enqueue it" }
        }
    };
    Sheet { title: "Enqueue a job".to_owned(), place: "/ui/jobs", live, still: true, ..Sheet::default() }
}

async fn enqueue(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let enqueued = match body(&sent) {
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
            let mut response = sheet(&visit, |name| sent.field(name).map(str::to_owned), Some(&fault)).show(&visit);
            *response.status_mut() = fault.status;
            response
        }
    }
}

/// What the form says, as the API takes it. Arguments stay as they are written.
fn body(sent: &Sent) -> Result<String, Fault> {
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
    let args: &RawValue = serde_json::from_str(sent.field("args").unwrap_or("{}"))
        .map_err(|error| unclear(format!("The arguments are no JSON: {error}")))?;
    let plain = Value::Object(job).to_string();
    let open = plain.strip_suffix('}').unwrap_or(&plain);
    Ok(format!(r#"{open},"args":{args}}}"#))
}
