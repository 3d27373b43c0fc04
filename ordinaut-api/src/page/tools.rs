//! The catalogue of tools: what jobs of a kind, and steps of pipelines, take and return.

use super::layout::{Sheet, fact, nothing};
use super::show::{Fields, duration, first_sentence, prose, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, link, shown};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/tools", get(list)).route("/ui/tools/{name}", get(show))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let tools = visit.get("/tools").await?;
        let live = table(tools.list("tools"));
        Ok(Sheet { title: "Tools".to_owned(), place: "/ui/tools", live, still: true, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn table(list: &[Value]) -> Markup {
    if list.is_empty() {
        let advice = html! { p { "A stock worker tells of its own when it starts. Yours are put: " code { "ordinaut tool put NAME --file FILE" } } };
        return nothing("There is no tool.", &advice);
    }
    html! {
        table {
            thead { tr { th { "Tool" } th { "About" } th.wide { "Runs in" } th.n.wide { "Time limit" } th.wide { "Scope" } } }
            tbody {
                @for tool in list {
                    tr {
                        td.word { a href=(link::path(&["ui", "tools", tool.text("name")])) { (tool.text("name")) } }
                        td { (prose(first_sentence(tool.text("about")))) }
                        td.wide.word { (runs_in(tool)) }
                        td.n.wide { @if let Some(seconds) = tool.number("timeout") { (duration(seconds)) } }
                        td.wide { (tool.text("scope")) }
                    }
                }
            }
        }
    }
}

fn runs_in(tool: &Value) -> String {
    match tool.said("uses") {
        Some(uses) => format!("a service outside, by {uses}"),
        None => tool.text("executor").to_owned(),
    }
}

async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &name).await).await
}

async fn page(visit: &Visit, name: &str) -> Result<Response, Fault> {
    let tool = visit.get(&link::path(&["tools", name])).await?;
    let schema = |field: &str| {
        let schema = tool.get(field).filter(|schema| !schema.is_null())?;
        let text = serde_json::to_string_pretty(schema).unwrap_or_default();
        Some(html! { pre { (text) } })
    };
    let live = html! {
        @if let Some(about) = tool.said("about") { p { (prose(about)) } }
        dl.facts {
            (fact("Runs in", Some(runs_in(&tool)).filter(|said| !said.is_empty()).map(|said| html! { (said) })))
            (fact("Time limit", tool.number("timeout").map(|seconds| html! { (duration(seconds)) })))
            (fact("Scope", tool.said("scope").map(|scope| html! { (scope) })))
            (fact("Cost", tool.number("cost").map(|cost| html! { (cost) })))
            (fact("Registered by", tool.said("registered_by").map(|who| html! { (who) })))
            div { dt { "Changed" } dd { (time_of(&tool, "updated_at")) } }
        }
        @if let Some(input) = schema("input") { section { h2 { "Takes" } (input) } }
        @if let Some(output) = schema("output") { section { h2 { "Returns" } (output) } }
    };
    let enqueue = html! { a.button.main href=(link::with("/ui/enqueue", &[("kind", name)])) { "Enqueue a job" } };
    let aside = visit.may("POST /jobs", "").then_some(enqueue);
    Ok(Sheet { title: format!("Tool {name}"), place: "/ui/tools", aside, live, still: true, ..Sheet::default() }
        .show(visit))
}
