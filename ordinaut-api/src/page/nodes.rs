//! Machines: how healthy each is, what it has left, and what runs on it.

use super::layout::{Sheet, fact, nothing};
use super::overview::bar;
use super::show::{Fields, count, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, link, shown};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

const GIB: f64 = 1_073_741_824.0;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/nodes", get(list)).route("/ui/nodes/{name}", get(show))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let (nodes, spread) = tokio::join!(visit.get("/nodes"), visit.get("/nodes/distribution"));
        let (nodes, spread) = (nodes?, spread?);
        let live = html! {
            (table(nodes.list("nodes")))
            @if spread.list("nodes").len() > 1 {
                p.rest { "The busiest one runs " (format!("{:.1}", spread.number("imbalance").unwrap_or(1.0))) " times the mean of all that have workers." }
            }
        };
        Ok(Sheet { title: "Nodes".to_owned(), place: "/ui/nodes", live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn table(list: &[Value]) -> Markup {
    if list.is_empty() {
        let advice =
            html! { p { "Workers and schedulers tell of their machines within some seconds of their start." } };
        return nothing("No machine was ever told of.", &advice);
    }
    html! {
        table {
            thead { tr {
                th { "Node" } th { "Level" } th.n { "Running" } th.n.wide { "Processors" } td.wide.bars {} th.n.wide { "Memory" } td.wide.bars {}
                th.n.wide { "Disk" } td.wide.bars {} th.n { "Score" } th.n.wide { "Heard of" }
            } }
            tbody {
                @for node in list {
                    tr {
                        td { a href=(link::path(&["ui", "nodes", node.text("name")])) { (node.text("name")) } }
                        td { (state(node.text("level"))) }
                        td.n { (count(node.whole("running"))) " / " (count(node.whole("slots"))) }
                        @for used in [node.number("cpu").unwrap_or_default(), share(node, "memory"), share(node, "disk")] {
                            td.n.wide { (format!("{used:.0} %")) }
                            td.wide.bars { (bar(used.round() as i64, 100)) }
                        }
                        td.n { (format!("{:.2}", node["score"].number("total").unwrap_or_default())) }
                        td.n.wide { (time_of(node, "seen_at")) }
                    }
                }
            }
        }
    }
}

/// The part of something that is taken, in percent.
fn share(node: &Value, what: &str) -> f64 {
    let of = |part: &str| node.whole(&format!("{what}_{part}")) as f64;
    100.0 * of("used") / of("total").max(1.0)
}

async fn show(visit: Visit, Path(name): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &name).await).await
}

async fn page(visit: &Visit, name: &str) -> Result<Response, Fault> {
    let node = visit.get(&link::path(&["nodes", name])).await?;
    let causes = words(&node, "causes");
    let taken = |what: &str| {
        let gib = |part: &str| node.whole(&format!("{what}_{part}")) as f64 / GIB;
        html! { (format!("{:.1} of {:.1} GiB ({:.0} %)", gib("used"), gib("total"), share(&node, what))) }
    };
    let score = |part: &str| format!("{:.2}", node["score"].number(part).unwrap_or_default());
    let live = html! {
        dl.facts {
            div { dt { "Level since" } dd { (time_of(&node, "level_since")) } }
            (fact("Why", (!causes.is_empty()).then(|| html! { (causes) })))
            div { dt { "Processors" } dd { (count(node.whole("cores"))) ", " (format!("{:.0} % busy", node.number("cpu").unwrap_or_default())) } }
            div { dt { "Load" } dd { (format!("{:.2}", node.number("load").unwrap_or_default())) } }
            div { dt { "Memory" } dd { (taken("memory")) } }
            div { dt { "Disk" } dd { (taken("disk")) } }
            div { dt { "Workers" } dd { (count(node.whole("workers"))) ", " (count(node.whole("running"))) " of " (count(node.whole("slots"))) " slots busy" } }
            div { dt { "Score" } dd { (score("total")) ": processors " (score("cpu")) ", memory " (score("memory")) ", slots " (score("load")) ", health " (score("health")) } }
            (fact("Labels", node.list("labels").first().map(|_| html! { (words(&node, "labels")) })))
            (fact("Address", node.said("address").map(|address| html! { (address) })))
            div { dt { "Heard of" } dd { (time_of(&node, "seen_at")) " from a " (node.text("reported_by")) } }
            div { dt { "First heard of" } dd { (time_of(&node, "first_seen")) } }
            div { dt { "Version" } dd { (node.text("version")) } }
        }
    };
    let title = format!("Node {name}");
    let aside = Some(state(node.text("level")));
    Ok(Sheet { title, place: "/ui/nodes", aside, live, ..Sheet::default() }.show(visit))
}

fn words(node: &Value, field: &str) -> String {
    node.list(field).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}
