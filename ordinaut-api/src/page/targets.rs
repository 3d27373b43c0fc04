//! Targets: services outside, how their hosts are, and what waits for them.

use super::layout::{Sheet, button, fact, nothing, rest};
use super::session::Sent;
use super::show::{Fields, count, duration_or_dash, state, time_of};
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
        .route("/ui/targets", get(list))
        .route("/ui/targets/{name}", get(show))
        .route("/ui/targets/{name}/reset", post(reset))
        .route("/ui/targets/{name}/{host}/{verb}", post(act))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let after = visit.parameter("after").unwrap_or_default();
        let targets = visit.get(&link::with("/targets", &[("limit", "100"), ("after", &after)])).await?;
        let live = html! { (table(targets.list("targets"))) (rest(&visit, "after", targets.said("next"))) };
        Ok(Sheet { title: "Targets".to_owned(), place: "/ui/targets", live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn table(list: &[Value]) -> Markup {
    if list.is_empty() {
        return nothing(
            "There is no target.",
            &html! { p { "Put one: " code { "ordinaut target put NAME --host 10.0.0.1:8080" } } },
        );
    }
    html! {
        table {
            thead { tr { th { "Target" } th { "State" } th.n { "Hosts called" } th.n { "Jobs that wait" } th.wide { "Strategy" } th.wide { "From" } } }
            tbody {
                @for target in list {
                    tr {
                        td { a href=(link::path(&["ui", "targets", target.text("name")])) { (target.text("name")) } }
                        td { (called(target)) }
                        td.n { (hosts_called(target)) " / " (target.list("health").len()) }
                        td.n { (count(target.whole("waiting"))) }
                        td.wide { (target.text("strategy").replace('_', " ")) }
                        td.wide { (target.text("source")) }
                    }
                }
            }
        }
    }
}

fn hosts_called(target: &Value) -> usize {
    target.list("health").iter().filter(|host| host.text("state") == "closed" && host["drained_at"].is_null()).count()
}

fn called(target: &Value) -> Markup {
    state(if target.flag("available") { "active" } else { "failed" })
}

async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| {
        let target = visit.get(&link::path(&["targets", &name])).await?;
        let live = html! {
            (facts(&target))
            section { h2 { "Hosts" } (hosts(&visit, &target)) }
        };
        let aside = html! {
            (called(&target))
            @if visit.may("POST /targets/{name}/reset", "") {
                (button(&visit, &link::path(&["ui", "targets", &name, "reset"]), "Call it again", &[], "main"))
            }
        };
        let title = format!("Target {name}");
        Ok(Sheet { title, place: "/ui/targets", aside: Some(aside), live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn facts(target: &Value) -> Markup {
    let seconds = |field: &str| duration_or_dash(target.number(field));
    let fallback = &target["fallback"];
    let instead = fallback.said("target").map(|name| format!("target {name}"));
    let instead = instead.or_else(|| fallback.get("value").map(ToString::to_string));
    html! {
        dl.facts {
            div { dt { "Jobs that wait" } dd { (count(target.whole("waiting"))) } }
            div { dt { "Strategy" } dd { (target.text("strategy").replace('_', " ")) } }
            div { dt { "Longest call" } dd { (seconds("timeout_seconds")) } }
            div { dt { "Opens after" } dd { (count(target.whole("threshold"))) " failures" } }
            div { dt { "Tried after" } dd { (seconds("open_for_seconds")) " to " (seconds("longest_seconds")) } }
            div { dt { "Let go a second" } dd { (target["resume_rate"].to_string()) } }
            (fact("Calls at once", target["concurrency"].as_i64().map(|most| html! { (count(target.whole("under_way"))) " of " (count(most)) })))
            (fact("Calls a second", target["rate"].as_f64().map(|rate| html! { (rate) })))
            (fact("Stands for it", instead.map(|text| html! { (text) })))
            (fact("Critical", target.flag("critical").then(|| html! { "yes" })))
            div { dt { "From" } dd { (target.text("source")) ", version " (target.whole("version")) } }
            div { dt { "Changed" } dd { (time_of(target, "updated_at")) } }
        }
    }
}

fn hosts(visit: &Visit, target: &Value) -> Markup {
    html! {
        table {
            thead { tr { th { "Host" } th { "State" } th.n.wide { "Weight" } th.n { "Failed in a row" } th.n.wide { "Calls" } th.n.wide { "Failed" } th.n.wide { "Takes" } th.n { "Next trial" } th.wide { "Why" } td {} } }
            tbody {
                @for host in target.list("health") {
                    @let is_drained = !host["drained_at"].is_null();
                    tr {
                        td { (host.text("host")) }
                        td { (state(if is_drained { "drained" } else { host.text("state") })) }
                        td.n.wide { (host.whole("weight")) }
                        td.n { (count(host.whole("failures"))) }
                        td.n.wide { (count(host.whole("calls"))) }
                        td.n.wide { (count(host.whole("failed"))) }
                        td.n.wide { (duration_or_dash(host.number("recent_seconds"))) }
                        td.n { (time_of(host, "retry_at")) }
                        td.wide {
                            (host.text("reason"))
                            @if let Some(by) = host.said("opened_by") { " (" (by) ")" }
                        }
                        td.n { (drain_button(visit, target.text("name"), host.text("host"), is_drained)) }
                    }
                }
            }
        }
    }
}

fn drain_button(visit: &Visit, name: &str, host: &str, is_drained: bool) -> Markup {
    let (verb, label) = if is_drained { ("undrain", "Undrain") } else { ("drain", "Drain") };
    html! {
        @if visit.may(&format!("POST /targets/{{name}}/{verb}"), "") {
            (button(visit, &link::path(&["ui", "targets", name, host, verb]), label, &[], "small"))
        }
    }
}

async fn reset(visit: Visit, Path(name): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let reset = visit.act(Method::POST, &link::path(&["targets", &name, "reset"]), None).await;
    back(&sent, reset.map(|_| format!("Target {name} is called again.")))
}

async fn act(
    visit: Visit,
    Path((name, host, verb)): Path<(String, String, String)>,
    Extension(sent): Extension<Sent>,
) -> Response {
    let (at, body) = (link::path(&["targets", &name, &verb]), json!({ "host": host }));
    let done = match &*verb {
        "drain" => {
            let drained = visit.act(Method::POST, &at, Some(&body)).await;
            drained.map(|_| format!("{host} gets no more calls: those under way end."))
        }
        "undrain" => visit.act(Method::POST, &at, Some(&body)).await.map(|_| format!("{host} gets calls again.")),
        _ => Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    };
    back(&sent, done)
}
