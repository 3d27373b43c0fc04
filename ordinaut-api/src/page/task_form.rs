//! A task that is made or edited, with a preview of when it will be due.

use super::layout::{Sheet, carried, field};
use super::session::Sent;
use super::show::Fields;
use super::tasks::previewed;
use super::visit::{Fault, Visit};
use super::{Page, Said, Shown, answer, link, shown, went_to};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/tasks/new", get(new).post(create))
        .route("/ui/tasks/preview", get(preview))
        .route("/ui/tasks/{id}/edit", get(edit).post(change))
}

const KINDS: [&str; 7] = ["cron", "every", "rrule", "once", "event", "condition", "service"];

/// What the form says, or said.
struct Draft {
    title: String,
    description: String,
    kind: String,
    queue: String,
    priority: String,
    schedule: String,
    expr: String,
    zone: String,
    args: String,
    /// That of the task when the form was shown; empty of a new one.
    version: String,
}

impl Draft {
    fn of(value: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str, otherwise: &str| value(name).unwrap_or_else(|| otherwise.to_owned());
        Self {
            title: text("title", ""),
            description: text("description", ""),
            kind: text("kind", ""),
            queue: text("queue", "default"),
            priority: text("priority", "5"),
            schedule: text("schedule", "cron"),
            expr: text("expr", ""),
            zone: text("timezone", ""),
            args: text("args", "{}"),
            version: text("version", ""),
        }
    }

    fn of_task(task: &Value) -> Self {
        let schedule = &task["schedule"];
        Self {
            title: task.text("title").to_owned(),
            description: task.text("description").to_owned(),
            kind: task.text("kind").to_owned(),
            queue: task.text("queue").to_owned(),
            priority: task.whole("priority").to_string(),
            schedule: schedule.text("kind").to_owned(),
            expr: schedule.text("expr").to_owned(),
            zone: schedule.text("timezone").to_owned(),
            args: serde_json::to_string_pretty(&task["args"]).unwrap_or_default(),
            version: task.whole("version").to_string(),
        }
    }

    /// The schedule as the API is asked about it.
    fn when(&self) -> Value {
        let mut when = json!({ "kind": self.schedule, "expr": self.expr });
        if !self.zone.is_empty() {
            when["timezone"] = (&*self.zone).into();
        }
        when
    }

    /// The body of a request. Arguments stay as they are written: a large number would be rounded.
    fn body(&self, with_args: bool) -> Result<String, Fault> {
        let unclear = |text: String| Fault::new(StatusCode::UNPROCESSABLE_ENTITY, text);
        let priority: i64 =
            self.priority.parse().map_err(|_| unclear("priority must be a whole number from 1 to 9".to_owned()))?;
        let plain = json!({
            "title": self.title,
            "description": self.description,
            "kind": self.kind,
            "queue": self.queue,
            "priority": priority,
            "schedule": self.when(),
        });
        let plain = plain.to_string();
        if !with_args {
            return Ok(plain);
        }
        let args: &RawValue =
            serde_json::from_str(&self.args).map_err(|error| unclear(format!("The arguments are no JSON: {error}")))?;
        let open = plain.strip_suffix('}').unwrap_or(&plain);
        Ok(format!(r#"{open},"args":{args}}}"#))
    }
}

fn form(visit: &Visit, action: &str, draft: &Draft, preview: &Markup, submit: &str) -> Markup {
    html! {
        form.stack.broad method="post" action=(action) {
            (carried(visit))
            (field("Title", "title", &draft.title, "Nightly report"))
            (field("Description", "description", &draft.description, ""))
            (field("Kind of its jobs", "kind", &draft.kind, "echo"))
            div.row {
                (field("Queue", "queue", &draft.queue, ""))
                (field("Priority, 1 (most urgent) to 9", "priority", &draft.priority, ""))
            }
            div.row hx-get="/ui/tasks/preview" hx-trigger="input delay:300ms, change" hx-include="this" hx-target="#preview" hx-swap="innerHTML" {
                label.field {
                    span { "Schedule" }
                    select name="schedule" { @for kind in KINDS { option value=(kind) selected[kind == draft.schedule] { (kind) } } }
                }
                (field("Expression", "expr", &draft.expr, "0 3 * * *"))
                (field("Zone", "timezone", &draft.zone, "the installation's"))
            }
            div id="preview" aria-live="polite" { (preview) }
            label.field { span { "Arguments" } textarea name="args" rows="8" spellcheck="false" { (draft.args) } }
            input type="hidden" name="old_args" value=(draft.args);
            input type="hidden" name="version" value=(draft.version);
            div.acts {
                button.main { (submit) }
                button.quiet name="preview" value="1" { "Preview" }
            }
        }
    }
}

/// When it will be due, if there is something to go by.
async fn due(visit: &Visit, draft: &Draft) -> Markup {
    if draft.expr.is_empty() {
        return html! { p.none { "Type an expression to see when it will be due." } };
    }
    match visit.act(Method::POST, "/schedules/preview", Some(&draft.when())).await {
        Ok(preview) => previewed(&preview),
        Err(fault) => html! { p.said.bad { (fault.detail) } },
    }
}

async fn preview(visit: Visit) -> Response {
    let draft = Draft::of(|name| visit.parameter(name));
    answer::html(&visit.headers, due(&visit, &draft).await)
}

async fn new(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        visit.must("POST /tasks")?;
        // A link may say what it is to be.
        let draft = Draft::of(|name| visit.parameter(name));
        let due = due(&visit, &draft).await;
        let live = form(&visit, "/ui/tasks/new", &draft, &due, "Make this task");
        Ok(Sheet { title: "New task".to_owned(), place: "/ui/tasks", live, still: true, ..Sheet::default() }
            .show(&visit))
    })
    .await
}

async fn create(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let draft = Draft::of(|name| sent.field(name).map(str::to_owned));
    if sent.field("preview").is_some() {
        return again(&visit, "New task", "/ui/tasks/new", &draft, None, "Make this task").await;
    }
    let made = match draft.body(true) {
        Ok(body) => visit.act_as_written(Method::POST, "/tasks", body).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok(task) => {
            let place = link::path(&["ui", "tasks", task.text("id")]);
            went_to(&place, &Said { good: true, text: "It is made.".to_owned() })
        }
        // What was typed is not lost.
        Err(fault) => again(&visit, "New task", "/ui/tasks/new", &draft, Some(&fault), "Make this task").await,
    }
}

async fn again(
    visit: &Visit,
    title: &str,
    action: &str,
    draft: &Draft,
    fault: Option<&Fault>,
    submit: &str,
) -> Response {
    let due = due(visit, draft).await;
    let live = html! {
        @if let Some(fault) = fault { p.said.bad role="alert" { (fault.detail) } }
        (form(visit, action, draft, &due, submit))
    };
    let sheet = Sheet { title: title.to_owned(), place: "/ui/tasks", live, still: true, ..Sheet::default() };
    let mut response = sheet.show(visit);
    if let Some(fault) = fault {
        *response.status_mut() = fault.status;
    }
    response
}

async fn edit(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| {
        visit.must("PATCH /tasks/{id}")?;
        let task = visit.get(&link::path(&["tasks", &id])).await?;
        let draft = Draft::of_task(&task);
        let due = due(&visit, &draft).await;
        let action = link::path(&["ui", "tasks", &id, "edit"]);
        let live = form(&visit, &action, &draft, &due, "Change this task");
        let title = format!("Edit {}", task.text("title"));
        Ok(Sheet { title, place: "/ui/tasks", live, still: true, ..Sheet::default() }.show(&visit))
    })
    .await
}

async fn change(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let draft = Draft::of(|name| sent.field(name).map(str::to_owned));
    let same = |text: &str| text.replace('\r', "");
    let action = link::path(&["ui", "tasks", &id, "edit"]);
    if sent.field("preview").is_some() {
        return again(&visit, "Edit a task", &action, &draft, None, "Change this task").await;
    }
    // Those that were not touched may hold what is not shown.
    let touched = sent.field("args").map(same) != sent.field("old_args").map(same);
    let changed = match draft.body(touched) {
        Ok(body) => visit.change_as_written(&link::path(&["tasks", &id]), body, &draft.version).await,
        Err(fault) => Err(fault),
    };
    match changed {
        Ok(_) => {
            let place = link::path(&["ui", "tasks", &id]);
            went_to(&place, &Said { good: true, text: "It is changed.".to_owned() })
        }
        // What was typed is not lost.
        Err(fault) => again(&visit, "Edit a task", &action, &draft, Some(&fault), "Change this task").await,
    }
}
