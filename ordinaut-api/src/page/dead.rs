//! Dead letters, in groups: those of a kind whose errors are alike are one trouble, which somebody
//! mends once.

use super::layout::{Sheet, button, nothing, unfolding};
use super::session::Sent;
use super::show::{Fields, count, counted, first_line, job_link, jobs_of, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use maud::{Markup, html};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/dead", get(list))
        .route("/ui/dead/requeue", post(requeue))
        .route("/ui/dead/delete", post(delete))
}

/// Letters that a look reads; groups are made of them.
const LOOK: usize = 500;

/// Letters of a group that are shown.
const SHOWN: usize = 5;

/// Letters of a kind whose errors are alike.
struct Group<'a> {
    kind: &'a str,
    key: String,
    letters: Vec<&'a Value>,
}

/// What errors that are alike have in common: numbers, ids and what stands in quotes differ from
/// job to job.
fn alike(error: &str) -> String {
    let mut text = String::new();
    let mut quoted = false;
    for word in first_line(error).split_inclusive([' ', ':', ',', '(', ')', '/', '=']) {
        let opens = word.matches('"').count() % 2 == 1;
        let differs = quoted || word.contains('"') || word.bytes().any(|byte| byte.is_ascii_digit());
        quoted ^= opens;
        match (differs, text.ends_with('#')) {
            (false, _) => text.push_str(word),
            (true, false) => text.push('#'),
            // A name of several words is one that differs.
            (true, true) => {}
        }
    }
    text
}

/// A name of a group that a form can carry.
fn key(kind: &str, error: &str) -> String {
    let hash = Sha256::new().chain_update(kind).chain_update([0]).chain_update(alike(error)).finalize();
    hash.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

fn groups(dead: &Value) -> Vec<Group<'_>> {
    let mut groups = BTreeMap::<String, Group<'_>>::new();
    for letter in dead.list("dead") {
        let kind = letter.text("kind");
        let key = key(kind, letter.text("error"));
        let group = groups.entry(key.clone()).or_insert_with(|| Group { kind, key, letters: Vec::new() });
        group.letters.push(letter);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.letters.len()));
    groups
}

/// The letters that this address, or a form, names.
fn look(kind: &str, queue: &str) -> String {
    link::with("/dead", &[("limit", &LOOK.to_string()), ("kind", kind), ("queue", queue)])
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let (kind, queue) = (visit.parameter("kind").unwrap_or_default(), visit.parameter("queue").unwrap_or_default());
        let dead = visit.get(&look(&kind, &queue)).await?;
        let groups = groups(&dead);
        let live = html! {
            @if groups.is_empty() {
                (nothing("No job is dead.", &html! { p { "Jobs come here when their last attempt has failed, and wait until somebody sends them back." } }))
            }
            @if !dead["next"].is_null() { p.none { "Groups are made of " (LOOK) " of them. Requeue some, and others follow." } }
            @for group in &groups { (shown_group(&visit, group)) }
        };
        let aside = html! { span.none { (counted(dead.list("dead").len() as i64, "job")) " in " (counted(groups.len() as i64, "group")) } };
        let sheet = Sheet { title: "Dead letters".to_owned(), place: "/ui/dead", aside: Some(aside), live, ..Sheet::default() };
        Ok(sheet.show(&visit))
    })
    .await
}

fn shown_group(visit: &Visit, group: &Group<'_>) -> Markup {
    let Group { kind, key, letters } = group;
    let error = letters.first().map_or("", |letter| letter.text("error"));
    let latest = letters.iter().max_by_key(|letter| letter.instant("died_at"));
    let fields = [("kind", *kind), ("group", &**key)];
    let ask = html! {
        p { "All dead jobs of the kind " b { (kind) } " are deleted, for good, not only those of this group." }
        input type="hidden" name="kind" value=(kind);
    };
    html! {
        article.group {
            header {
                b.size { (count(letters.len() as i64)) "×" } (jobs_of("kind", kind))
                @if let Some(latest) = latest { span.none { "latest " (time_of(latest, "died_at")) } }
                div.acts {
                    @if visit.may("POST /dead/{id}/requeue", "") {
                        (button(visit, "/ui/dead/requeue", &format!("Requeue {}", letters.len()), &fields, "main"))
                    }
                    @if visit.may("POST /bulk", "") {
                        (unfolding(visit, "Delete…", "/ui/dead/delete", &ask, ("Delete all of this kind", "danger")))
                    }
                }
            }
            p.error { (first_line(error)) }
            details.plain {
                summary { "Jobs" }
                table {
                    thead { tr { th { "Job" } th.wide { "Queue" } th.n { "Attempts" } th.n { "Died" } th { "Error" } } }
                    tbody {
                        @for letter in letters.iter().take(SHOWN) {
                            tr {
                                td { (job_link(letter.text("job_id"))) }
                                td.wide { (letter.text("queue")) }
                                td.n { (letter.whole("attempt")) }
                                td.n { (time_of(letter, "died_at")) }
                                td { (first_line(letter.text("error"))) }
                            }
                        }
                    }
                }
                p.rest { a href=(link::with("/ui/jobs", &[("state", "dead"), ("kind", kind)])) { "All dead jobs of this kind" } }
            }
        }
    }
}

/// Sends the letters of a group back, each by its own call: what could not be sent is told.
async fn requeue(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let done = requeued(&visit, &sent).await;
    back(&sent, done)
}

async fn requeued(visit: &Visit, sent: &Sent) -> Result<String, Fault> {
    let (kind, group) = (sent.field("kind").unwrap_or_default(), sent.field("group").unwrap_or_default());
    let dead = visit.get(&look(kind, "")).await?;
    let (mut sent_back, mut refused) = (0, None);
    for letter in dead.list("dead").iter().filter(|letter| key(letter.text("kind"), letter.text("error")) == group) {
        let at = link::path(&["dead", letter.text("job_id"), "requeue"]);
        match visit.act(Method::POST, &at, None).await {
            Ok(_) => sent_back += 1,
            // Somebody was faster.
            Err(fault) if fault.status == StatusCode::NOT_FOUND => {}
            Err(fault) if fault.status == StatusCode::CONFLICT => refused = Some(fault.detail),
            Err(fault) if sent_back == 0 => return Err(fault),
            Err(fault) => {
                refused = Some(fault.detail);
                break;
            }
        }
    }
    let text = format!("{} back in the queue.", counted(sent_back, "job"));
    Ok(match refused {
        None => text,
        Some(why) => format!("{text} Some were not: {why}"),
    })
}

async fn delete(visit: Visit, Extension(sent): Extension<Sent>) -> Response {
    let asked = json!({ "verb": "delete", "filter": { "kind": sent.field("kind") } });
    match visit.act(Method::POST, "/bulk", Some(&asked)).await {
        Ok(started) => {
            let place = link::path(&["ui", "bulk", started.text("id")]);
            super::went_to(&place, &super::Said { good: true, text: "It has begun.".to_owned() })
        }
        Err(fault) => back(&sent, Err(fault)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_in_numbers_and_names_are_alike() {
        let same = [
            r#"could not charge order 17: card "4242 4242" was declined"#,
            r#"could not charge order 9913: card "5555" was declined"#,
        ];
        assert_eq!(key("charge", same[0]), key("charge", same[1]));
        assert_ne!(key("charge", same[0]), key("refund", same[0]));
        assert_ne!(key("charge", same[0]), key("charge", "could not charge: timed out"));
    }
}
