//! The latest events, as they happen.

use super::layout::{Sheet, field, nothing};
use super::show::{Fields, count, job_link, jobs_of, time_of};
use super::visit::Visit;
use super::{Page, Shown, link, shown};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new().route("/ui/events", get(list))
}

/// Numbers that are looked through, so that a filter finds rare ones too.
const BACK: i64 = 5000;

/// Events that are shown.
const SHOWN: usize = 100;

/// Pages of the log that a look reads at most.
const PAGES: usize = 10;

/// Jobs of an event that are named.
const NAMED: usize = 3;

const FILTERS: [(&str, &str, &str); 5] = [
    ("Type", "type", "succeeded,dead"),
    ("Queue", "queue", ""),
    ("Kind", "kind", ""),
    ("Job", "job", "its id"),
    ("Worker", "worker", ""),
];

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let chosen: Vec<_> = FILTERS
            .iter()
            .filter_map(|(_, name, _)| Some(((*name).to_owned(), visit.parameter(name)?.trim().to_owned())))
            .collect();
        let last = visit.page.app.installation.events().last().await;
        let last = last.map_err(|_| super::Fault::new(StatusCode::SERVICE_UNAVAILABLE, "Postgres does not answer."))?;
        let (mut after, mut events) = ((last - if chosen.is_empty() { SHOWN as i64 } else { BACK }).max(0), Vec::new());
        for _ in 0..PAGES {
            let limits = [("after".to_owned(), after.to_string()), ("limit".to_owned(), "500".to_owned())];
            let page = visit.get(&link::with_pairs("/events", &[&chosen[..], &limits].concat())).await?;
            events.extend_from_slice(page.list("events"));
            let next = page.whole("next");
            if next <= after || next >= last {
                break;
            }
            after = next;
        }
        let fixed = html! {
            form.filters method="get" action="/ui/events" role="search" {
                div {
                    @for (label, name, example) in FILTERS.iter().take(4) {
                        (field(label, name, &visit.parameter(name).unwrap_or_default(), example))
                    }
                    button { "Find" }
                    a.button.quiet href="/ui/events" { "Clear" }
                }
            }
        };
        let live = table(&events);
        let aside = html! { span.none { (count(last)) " so far" } };
        let sheet = Sheet {
            title: "Events".to_owned(),
            place: "/ui/events",
            aside: Some(aside),
            fixed: Some(fixed),
            live,
            ..Sheet::default()
        };
        Ok(sheet.show(&visit))
    })
    .await
}

fn table(events: &[Value]) -> Markup {
    if events.is_empty() {
        return nothing(
            "No such event lately.",
            &html! { p { "A scheduler numbers what happens: " code { "ordinaut-scheduler" } } },
        );
    }
    html! {
        table {
            thead { tr { th.n { "Number" } th { "Type" } th { "About" } th.wide { "Queue" } th.wide { "Kind" } th.n { "When" } } }
            tbody {
                @for event in events.iter().rev().take(SHOWN) {
                    @let jobs = event.list("jobs");
                    tr {
                        td.n { (event.whole("n")) }
                        td.word { (event.text("type")) @if let Some(level) = event.said("level") { ": " (level) } }
                        td {
                            @for job in jobs.iter().take(NAMED) { (job_link(job.text("id"))) " " }
                            @if jobs.len() > NAMED { "and " (jobs.len() - NAMED) " more" }
                            @if let Some(subject) = event.said("subject") { (subject) }
                        }
                        td.wide { (event.text("queue")) }
                        td.wide { @if let Some(kind) = event.said("kind") { (jobs_of("kind", kind)) } }
                        td.n { (time_of(event, "at")) }
                    }
                }
            }
        }
    }
}
