//! `/alerts`, `/alert-rules` and `/alert-silences`: what is wrong now, and who is told of it.

use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::guard;
use crate::idempotency::subject;
use crate::parameters::{AlertId, Name, Parameters, SilenceId};
use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::alert::{Alert, AlertFilter, AlertRule, AlertState, NewSilence, Severity, Silence, StoredRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// An alert, with a sentence about it.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownAlert)]
pub(crate) struct Shown {
    #[serde(flatten)]
    alert: Alert,
    /// What is wrong.
    summary: String,
}

impl From<Alert> for Shown {
    fn from(alert: Alert) -> Self {
        Self { summary: alert.summary(), alert }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = AlertPage)]
pub(crate) struct Page {
    alerts: Vec<Shown>,
    next: Option<Uuid>,
}

/// Alerts, the newest first.
#[utoipa::path(
    get, path = "/alerts", operation_id = "listAlerts",
    params(
        ("state" = Option<AlertState>, Query, description = "Only alerts that stand there."),
        ("rule" = Option<String>, Query, description = "Only alerts of this rule."),
        ("severity" = Option<Severity>, Query, description = "Only alerts that are as bad."),
        ("subject" = Option<String>, Query, description = "Only alerts about the node, queue … of this name."),
        ("limit" = Option<u16>, Query),
        ("before" = Option<Uuid>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let mut filter = AlertFilter::default();
    filter.state = wanted.take("state", "pending, firing or resolved", |text| text.parse().ok())?;
    filter.severity = wanted.take("severity", "info, warning or critical", |text| text.parse().ok())?;
    (filter.rule, filter.subject) = (wanted.name("rule")?, wanted.name("subject")?);
    let before = wanted.take("before", "the id of an alert, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.alerts().list(&filter, limit, before).await?;
    Ok(Json(Page { next: page.next, alerts: page.items.into_iter().map(Shown::from).collect() }))
}

/// An alert.
#[utoipa::path(get, path = "/alerts/{id}", operation_id = "getAlert", responses((status = 200, body = Shown)))]
pub(crate) async fn show(caller: Caller, AlertId(id): AlertId) -> Result<Json<Shown>, Problem> {
    let alert = caller.data.alerts().get(id).await?.ok_or_else(|| no_alert(id))?;
    Ok(Json(alert.into()))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcknowledgeAlert)]
pub(crate) struct Acknowledge {
    /// What there is to say, 1,000 characters at most.
    note: Option<String>,
}

/// Says that the caller knows of an alert that fires. One that somebody has acknowledged stays
/// theirs.
#[utoipa::path(
    post, path = "/alerts/{id}/acknowledge", operation_id = "acknowledgeAlert",
    request_body = Option<Acknowledge>,
    responses((status = 200, body = Shown), (status = 409, description = "It does not fire.")),
)]
pub(crate) async fn acknowledge(
    caller: Caller,
    AlertId(id): AlertId,
    OptionalJsonBody(said): OptionalJsonBody<Acknowledge>,
) -> Result<Json<Shown>, Problem> {
    let note = said.note;
    let known = caller.data.alerts().acknowledge(id, &caller.access.agent, note.as_deref()).await?;
    let alert = known.ok_or_else(|| no_alert(id))?;
    if alert.state != AlertState::Firing {
        return Err(Problem::conflict(format!("alert {id} does not fire: it is {}", alert.state)));
    }
    Ok(Json(alert.into()))
}

fn no_alert(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no alert {id}"))
}

/// All rules, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertRules)]
pub(crate) struct Rules {
    rules: Vec<StoredRule>,
}

/// Rules: what is looked at, and from which figure on it is an alert.
#[utoipa::path(get, path = "/alert-rules", operation_id = "listAlertRules", responses((status = 200, body = Rules)))]
pub(crate) async fn rules(caller: Caller) -> Result<Json<Rules>, Problem> {
    Ok(Json(Rules { rules: caller.data.alerts().rules().await? }))
}

/// A rule.
#[utoipa::path(
    get, path = "/alert-rules/{name}", operation_id = "getAlertRule",
    responses((status = 200, body = StoredRule)),
)]
pub(crate) async fn rule(caller: Caller, Name(name): Name) -> Result<Json<StoredRule>, Problem> {
    caller.data.alerts().rule(&name).await?.map(Json).ok_or_else(|| no_rule(&name))
}

/// Puts a rule, in place of the one of this name. Schedulers go by it within five seconds. One that
/// sends alerts to somebody, or did, takes the scope `webhooks:admin` too.
#[utoipa::path(
    put, path = "/alert-rules/{name}", operation_id = "putAlertRule",
    request_body = AlertRule,
    responses((status = 200, body = StoredRule)),
)]
pub(crate) async fn put_rule(
    caller: Caller,
    Name(name): Name,
    JsonBody(rule): JsonBody<Value>,
) -> Result<Json<StoredRule>, Problem> {
    let (rule, former) = (AlertRule::from_json(rule)?, caller.data.alerts().rule(&name).await?);
    let told = |rule: &AlertRule| (rule.webhook.clone(), rule.email.clone(), rule.queue.clone());
    let same = former.as_ref().is_some_and(|former| told(&former.rule) == told(&rule));
    if !same && (rule.tells() || former.is_some_and(|former| former.rule.tells())) {
        caller.may(Scope::WebhooksAdmin, Object::Installation).map_err(|denied| guard::problem(&denied))?;
    }
    Ok(Json(caller.data.alerts().put_rule(&name, &rule).await?))
}

/// A rule is looked at.
#[utoipa::path(
    post, path = "/alert-rules/{name}/enable", operation_id = "enableAlertRule",
    responses((status = 200, body = StoredRule)),
)]
pub(crate) async fn enable_rule(caller: Caller, Name(name): Name) -> Result<Json<StoredRule>, Problem> {
    caller.data.alerts().switch_rule(&name, true).await?.map(Json).ok_or_else(|| no_rule(&name))
}

/// A rule is not looked at. Its alerts are over within five seconds.
#[utoipa::path(
    post, path = "/alert-rules/{name}/disable", operation_id = "disableAlertRule",
    responses((status = 200, body = StoredRule)),
)]
pub(crate) async fn disable_rule(caller: Caller, Name(name): Name) -> Result<Json<StoredRule>, Problem> {
    caller.data.alerts().switch_rule(&name, false).await?.map(Json).ok_or_else(|| no_rule(&name))
}

/// Deletes a rule. Its alerts are over within five seconds.
#[utoipa::path(
    delete, path = "/alert-rules/{name}", operation_id = "deleteAlertRule",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete_rule(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.alerts().delete_rule(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_rule(&name)) }
}

fn no_rule(name: &str) -> Problem {
    Problem::not_found(format!("there is no alert rule {name:?}"))
}

#[derive(Serialize, ToSchema)]
#[schema(as = SilencePage)]
pub(crate) struct Silences {
    silences: Vec<Silence>,
    next: Option<Uuid>,
}

/// Silences that are not over, the newest first.
#[utoipa::path(
    get, path = "/alert-silences", operation_id = "listAlertSilences",
    params(
        ("ended" = Option<bool>, Query, description = "Those that are over too."),
        ("limit" = Option<u16>, Query),
        ("before" = Option<Uuid>, Query),
    ),
    responses((status = 200, body = Silences)),
)]
pub(crate) async fn silences(caller: Caller, mut wanted: Parameters) -> Result<Json<Silences>, Problem> {
    let ended = wanted.take("ended", "true or false", |text| text.parse().ok())?.unwrap_or(false);
    let before = wanted.take("before", "the id of a silence, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.alerts().silences(limit, before, ended).await?;
    Ok(Json(Silences { silences: page.items, next: page.next }))
}

/// Silences alerts for a time: nobody is told of them by jobs.
#[utoipa::path(
    post, path = "/alert-silences", operation_id = "createAlertSilence",
    request_body = NewSilence,
    responses((status = 201, body = Silence, description = "Made.", headers(("Location" = String)))),
)]
pub(crate) async fn silence(
    caller: Caller,
    JsonBody(silence): JsonBody<NewSilence>,
) -> Result<impl IntoResponse, Problem> {
    let made = caller.data.alerts().silence_as(subject(&caller), &silence, &caller.access.agent).await?;
    let location = [(header::LOCATION, format!("/alert-silences/{}", made.id))];
    Ok((StatusCode::CREATED, location, Json(made)))
}

/// Takes a silence back: what fires is told of then.
#[utoipa::path(
    delete, path = "/alert-silences/{id}", operation_id = "deleteAlertSilence",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete_silence(caller: Caller, SilenceId(id): SilenceId) -> Result<StatusCode, Problem> {
    match caller.data.alerts().delete_silence(id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found(format!("there is no silence {id}"))),
    }
}
