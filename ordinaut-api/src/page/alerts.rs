//! Alerts: what fires, what may, the rules, and silences.

use super::layout::{Sheet, button, fact, field, nothing, rest, unfolding};
use super::session::Sent;
use super::show::{Fields, duration, state, time_of};
use super::visit::{Fault, Visit};
use super::{Page, Shown, back, link, shown};
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};
use serde_json::{Value, json};
use std::sync::Arc;

/// The longest silence that a form makes.
const MOST_HOURS: f64 = 24.0 * 366.0;

pub(super) fn routes() -> Router<Arc<Page>> {
    Router::new()
        .route("/ui/alerts", get(list))
        .route("/ui/alerts/{id}", get(show))
        .route("/ui/alerts/{id}/acknowledge", post(acknowledge))
        .route("/ui/alerts/{id}/silence", post(silence))
        .route("/ui/alert-rules/{name}/{verb}", post(switch))
        .route("/ui/alert-silences/{id}/delete", post(unsilence))
}

async fn list(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| {
        let before = visit.parameter("before").unwrap_or_default();
        let over = link::with("/alerts", &[("state", "resolved"), ("limit", "20"), ("before", &before)]);
        let (firing, pending, over, rules, silences) = tokio::join!(
            visit.get("/alerts?state=firing&limit=200"),
            visit.get("/alerts?state=pending&limit=200"),
            visit.get(&over),
            visit.get("/alert-rules"),
            visit.get("/alert-silences?limit=100"),
        );
        let (firing, pending, over, rules, silences) = (firing?, pending?, over?, rules?, silences?);
        let live = html! {
            section { h2 { "Firing" } (now(&visit, firing.list("alerts"))) }
            @if !pending.list("alerts").is_empty() {
                section { h2 { "Pending" } (table(&visit, pending.list("alerts"))) }
            }
            @if !silences.list("silences").is_empty() {
                section { h2 { "Silences" } (silence_table(&visit, silences.list("silences"))) }
            }
            @if !over.list("alerts").is_empty() {
                section { h2 { "Over" } (table(&visit, over.list("alerts"))) (rest(&visit, "before", over.said("next"))) }
            }
            section { h2 { "Rules" } (rule_table(&visit, rules.list("rules"))) }
        };
        Ok(Sheet { title: "Alerts".to_owned(), place: "/ui/alerts", live, ..Sheet::default() }.show(&visit))
    })
    .await
}

fn now(visit: &Visit, list: &[Value]) -> Markup {
    if list.is_empty() {
        let advice = html! { p { "Rules say what is looked at: " code { "ordinaut alert rule set NAME --source disk --threshold 90" } } };
        return nothing("No alert fires.", &advice);
    }
    // The worst first: of those that are as bad, the newest.
    let mut list: Vec<&Value> = list.iter().collect();
    let badness = |alert: &Value| match alert.text("severity") {
        "critical" => 0,
        "warning" => 1,
        _ => 2,
    };
    list.sort_by_key(|alert| badness(alert));
    rows(visit, list)
}

fn table(visit: &Visit, list: &[Value]) -> Markup {
    rows(visit, list)
}

fn rows<'a>(visit: &Visit, list: impl IntoIterator<Item = &'a Value>) -> Markup {
    html! {
        table {
            thead { tr { th { "Severity" } th { "What" } th.wide { "Rule" } th.n { "Since" } th.wide { "Known to" } td {} } }
            tbody {
                @for alert in list {
                    tr {
                        td { (state(alert.text("severity"))) }
                        td { a href=(link::path(&["ui", "alerts", alert.text("id")])) { (alert.text("summary")) } }
                        td.wide { (alert.text("rule")) }
                        td.n { (time_of(alert, if alert["fired_at"].is_null() { "pending_since" } else { "fired_at" })) }
                        td.wide {
                            (alert.text("acknowledged_by"))
                            @if alert.flag("silenced") { " silenced" }
                        }
                        td.n { @if alert.text("state") == "firing" { (buttons(visit, alert)) } }
                    }
                }
            }
        }
    }
}

/// What one click does about an alert that fires.
fn buttons(visit: &Visit, alert: &Value) -> Markup {
    let at = |verb: &str| link::path(&["ui", "alerts", alert.text("id"), verb]);
    html! {
        @if alert["acknowledged_at"].is_null() && visit.may("POST /alerts/{id}/acknowledge", "") {
            (button(visit, &at("acknowledge"), "Acknowledge", &[], "small"))
        }
        @if !alert.flag("silenced") && visit.may("POST /alert-silences", "") {
            (button(visit, &at("silence"), "Silence for an hour", &[("hours", "1"), ("reason", "silenced on the page")], "small"))
        }
    }
}

fn rule_table(visit: &Visit, list: &[Value]) -> Markup {
    html! {
        table {
            thead { tr { th { "Rule" } th { "State" } th { "Looks at" } th.n { "From" } th.n.wide { "For" } th.wide { "Severity" } th.wide { "Tells" } td {} } }
            tbody {
                @for rule in list {
                    @let (verb, label) = if rule.flag("enabled") { ("disable", "Switch off") } else { ("enable", "Switch on") };
                    tr {
                        td { span title=(rule.text("about")) { (rule.text("name")) } }
                        td { (state(if rule.flag("enabled") { "active" } else { "off" })) }
                        td { (rule.text("source").replace('_', " ")) @if let Some(subject) = rule.said("subject") { " of " (subject) } }
                        td.n { (rule["threshold"].to_string().trim_end_matches(".0")) }
                        td.n.wide { (duration(rule.number("for_seconds").unwrap_or_default())) }
                        td.wide { (state(rule.text("severity"))) }
                        td.wide { (told(rule)) }
                        td.n {
                            @if visit.may(&format!("POST /alert-rules/{{name}}/{verb}"), "") {
                                (button(visit, &link::path(&["ui", "alert-rules", rule.text("name"), verb]), label, &[], "small"))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn told(rule: &Value) -> String {
    let addresses = rule.list("email").iter().filter_map(Value::as_str);
    rule.said("webhook").into_iter().chain(addresses).collect::<Vec<_>>().join(", ")
}

fn silence_table(visit: &Visit, list: &[Value]) -> Markup {
    html! {
        table {
            thead { tr { th { "Rule" } th { "About" } th.n { "Begins" } th.n { "Ends" } th.wide { "By" } th.wide { "Why" } td {} } }
            tbody {
                @for silence in list {
                    tr {
                        td { (silence.said("rule").unwrap_or("all")) }
                        td { (silence.said("subject").unwrap_or("all")) }
                        td.n { (time_of(silence, "begins_at")) }
                        td.n { (time_of(silence, "ends_at")) }
                        td.wide { (silence.text("created_by")) }
                        td.wide { (silence.text("reason")) }
                        td.n {
                            @if visit.may("DELETE /alert-silences/{id}", "") {
                                (button(visit, &link::path(&["ui", "alert-silences", silence.text("id"), "delete"]), "Take back", &[], "small"))
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn show(visit: Visit, Path(id): Path<String>) -> Shown {
    shown(visit, async move |visit: Visit| page(&visit, &id).await).await
}

async fn page(visit: &Visit, id: &str) -> Result<Response, Fault> {
    let alert = visit.get(&link::path(&["alerts", id])).await?;
    let text = |name: &str| alert.said(name).map(|text| html! { (text) });
    let at = |name: &str| (!alert[name].is_null()).then(|| time_of(&alert, name));
    let live = html! {
        p { (alert.text("summary")) }
        dl.facts {
            div { dt { "Severity" } dd { (state(alert.text("severity"))) } }
            div { dt { "Rule" } dd { (alert.text("rule")) } }
            div { dt { "About" } dd { (alert.text("about")) " " (alert.text("subject")) } }
            div { dt { "Figure" } dd { (alert["value"].to_string()) ", the threshold is " (alert["threshold"].to_string()) } }
            (fact("Began", at("pending_since")))
            (fact("Fired", at("fired_at")))
            (fact("Told", at("told_at")))
            (fact("Silenced", alert.flag("silenced").then(|| html! { "yes" })))
            (fact("Known to", text("acknowledged_by")))
            (fact("Known since", at("acknowledged_at")))
            (fact("Note", text("note")))
            div { dt { "Last seen" } dd { (time_of(&alert, "seen_at")) } }
            (fact("Over", at("resolved_at")))
        }
    };
    let path = |verb: &str| link::path(&["ui", "alerts", id, verb]);
    let fires = alert.text("state") == "firing";
    let aside = html! {
        (state(alert.text("state")))
        @if fires && alert["acknowledged_at"].is_null() && visit.may("POST /alerts/{id}/acknowledge", "") {
            (unfolding(visit, "Acknowledge…", &path("acknowledge"), &field("What there is to say", "note", "", ""), ("Acknowledge", "main")))
        }
        @if fires && !alert.flag("silenced") && visit.may("POST /alert-silences", "") {
            (unfolding(visit, "Silence…", &path("silence"), &html! {
                (field("For hours", "hours", "1", "1"))
                (field("Why, for those that will ask", "reason", "", ""))
            }, ("Silence", "main")))
        }
    };
    let title = format!("Alert {}", alert.text("rule"));
    Ok(Sheet { title, place: "/ui/alerts", aside: Some(aside), live, ..Sheet::default() }.show(visit))
}

async fn acknowledge(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let note = sent.field("note");
    let path = link::path(&["alerts", &id, "acknowledge"]);
    let known = visit.act(Method::POST, &path, Some(&json!({ "note": note }))).await;
    back(&sent, known.map(|_| "It is acknowledged.".to_owned()))
}

async fn silence(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    back(&sent, silenced(&visit, &id, &sent).await)
}

/// Silences what is like an alert: of its rule, about its subject.
async fn silenced(visit: &Visit, id: &str, sent: &Sent) -> Result<String, Fault> {
    let alert = visit.get(&link::path(&["alerts", id])).await?;
    let hours = sent.field("hours").unwrap_or_default().parse().ok();
    let Some(hours) = hours.filter(|hours: &f64| *hours > 0.0 && *hours <= MOST_HOURS) else {
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "For how many hours must be a number above 0."));
    };
    let ends_at = Utc::now() + TimeDelta::milliseconds((hours * 3_600_000.0) as i64);
    let body = json!({"rule": alert["rule"], "subject": alert["subject"], "ends_at": ends_at,
                      "reason": sent.field("reason").unwrap_or_default()});
    visit.act(Method::POST, "/alert-silences", Some(&body)).await?;
    Ok(format!("Nobody is told of {} about {} for a while.", alert.text("rule"), alert.text("subject")))
}

async fn unsilence(visit: Visit, Path(id): Path<String>, Extension(sent): Extension<Sent>) -> Response {
    let gone = visit.act(Method::DELETE, &link::path(&["alert-silences", &id]), None).await;
    back(&sent, gone.map(|_| "What fires is told again.".to_owned()))
}

async fn switch(
    visit: Visit,
    Path((name, verb)): Path<(String, String)>,
    Extension(sent): Extension<Sent>,
) -> Response {
    back(&sent, switched(&visit, &name, &verb).await)
}

async fn switched(visit: &Visit, name: &str, verb: &str) -> Result<String, Fault> {
    let word = match verb {
        "enable" => "on",
        "disable" => "off",
        _ => return Err(Fault::new(StatusCode::NOT_FOUND, "There is no such verb.")),
    };
    visit.act(Method::POST, &link::path(&["alert-rules", name, verb]), None).await?;
    Ok(format!("Rule {name} is switched {word}."))
}
