//! Agents, and what they changed: for those that may do everything.

use super::layout::{Sheet, field, nothing, rest, unfolding};
use super::session::Sent;
use super::show::{Fields, state, time_of};
use super::tree::tree;
use super::visit::Visit;
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/agents", get(list))
        .route("/ui/agents/{name}/revoke", post(revoke))
        .route("/ui/audit", get(audit))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let after = visit.parameter("after").unwrap_or_default();
        let agents = visit.get(&link::with("/agents", &[("limit", "100"), ("after", &after)])).await?;
        let live = html! {
            (table(&visit, agents.list("agents")))
            (rest(&visit, "after", agents.said("next")))
        };
        Ok(Sheet { title: "Agents".to_owned(), place: "/ui/agents", live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn words(of: &Value, field: &str) -> String {
    of.list(field).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn table(visit: &Visit, list: &[Value]) -> Markup {
    if list.is_empty() {
        return nothing(
            "There is no agent: all calls are made with the token of API_ADMIN_TOKEN.",
            &html! { p { "Make one: " code { "ordinaut agent create NAME --scope jobs:read" } } },
        );
    }
    html! {
        table {
            thead { tr { th { "Agent" } th { "State" } th { "Scopes" } th.wide { "Queues" } th.wide { "Tenant" } th.n.wide { "Tokens" } th.n.wide { "Created" } td {} } }
            tbody {
                @for agent in list {
                    @let name = agent.text("name");
                    @let is_revoked = !agent["revoked_at"].is_null();
                    tr {
                        td { a href=(link::with("/ui/audit", &[("actor", name)])) title="What it changed" { (name) } }
                        td { (state(if is_revoked { "revoked" } else { "active" })) }
                        td { (words(agent, "scopes")) }
                        td.wide { (words(agent, "queues")) }
                        td.wide { (agent.text("tenant")) }
                        td.n.wide { (agent.whole("secrets")) }
                        td.n.wide { (time_of(agent, "created_at")) }
                        td.n {
                            @if !is_revoked && visit.may("POST /agents/{name}/revoke", name) {
                                (unfolding(visit, "Revoke…", &link::path(&["ui", "agents", name, "revoke"]), &html! { p { "All its calls are refused, and its browsers signed out, for good." } }, ("Revoke this agent", "danger")))
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn revoke(visit: Visit, Path(name): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let revoked = visit.act(Method::POST, &link::path(&["agents", &name, "revoke"]), None).await;
    back(&sent, revoked.map(|_| format!("Agent {name} is shut out.")))
}

const FILTERS: [(&str, &str, &str); 3] = [
    ("Agent", "actor", ""),
    ("Action", "action", "POST /queues/{name}/pause"),
    ("Subject", "subject", "an id or a name"),
];

async fn audit(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let mut asked: Vec<_> = FILTERS
            .iter()
            .map(|(_, name, _)| *name)
            .chain(["before"])
            .filter_map(|name| Some((name.to_owned(), visit.parameter(name)?)))
            .collect();
        asked.push(("limit".to_owned(), "50".to_owned()));
        let entries = visit.get(&link::with_pairs("/audit", &asked)).await?;
        let fixed = html! {
            form.filters method="get" action="/ui/audit" role="search" {
                div {
                    @for (label, name, example) in FILTERS { (field(label, name, &visit.parameter(name).unwrap_or_default(), example)) }
                    button { "Find" }
                    a.button.quiet href="/ui/audit" { "Clear" }
                }
            }
        };
        let next = entries["next"].as_i64().map(|next| next.to_string());
        let live = html! { (changes(entries.list("audit"))) (rest(&visit, "before", next.as_deref())) };
        let sheet = Sheet { title: "Audit".to_owned(), place: "/ui/audit", fixed: Some(fixed), live, ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn changes(list: &[Value]) -> Markup {
    if list.is_empty() {
        return nothing("Nothing like this was changed.", &html! {});
    }
    html! {
        table {
            thead { tr { th.n { "When" } th { "Agent" } th { "Action" } th.wide { "Subject" } th.n { "Answer" } th.wide { "Why" } th.wide { "Change" } } }
            tbody {
                @for entry in list {
                    tr {
                        td.n { (time_of(entry, "at")) }
                        td { (entry.text("actor")) }
                        td { (entry.text("action")) }
                        td.wide { (entry.text("subject")) }
                        td.n.alarm[entry.whole("status") >= 400] { (entry.whole("status")) }
                        td.wide { (entry.text("reason")) }
                        td.wide {
                            @if !entry["before"].is_null() { details.plain { summary { "before" } (tree(&entry["before"])) } }
                            @if !entry["after"].is_null() { details.plain { summary { "after" } (tree(&entry["after"])) } }
                        }
                    }
                }
            }
        }
    }
}
