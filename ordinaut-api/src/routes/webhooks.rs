//! `/webhooks`: URLs outside that are told of events.

use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::idempotency::subject;
use crate::parameters::{Name, Parameters, Place};
use crate::problem::Problem;
use crate::routes::agents::{Rotate, overlap};
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::webhook::{Delivery, NewWebhook, Webhook, WebhookError};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
pub(crate) struct Page {
    webhooks: Vec<Webhook>,
    next: Option<String>,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.webhooks().list(limit, after.as_deref()).await?;
    Ok(Json(Page { webhooks: page.items, next: page.next }))
}

/// A webhook with the secret that nobody is shown again.
#[derive(Serialize)]
pub(crate) struct Created {
    #[serde(flatten)]
    webhook: Webhook,
    secret: String,
}

pub(crate) async fn create(
    caller: Caller,
    JsonBody(webhook): JsonBody<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    let (webhook, secret) = caller.data.webhooks().create(&webhook, &caller.access.agent).await.map_err(of_webhook)?;
    let location = [(header::LOCATION, format!("/webhooks/{}", webhook.name))];
    Ok((StatusCode::CREATED, location, Json(Created { webhook, secret: secret.reveal() })))
}

pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().get(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.webhooks().delete(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_webhook(&name)) }
}

pub(crate) async fn enable(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().enable(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

pub(crate) async fn disable(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().disable(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

pub(crate) async fn rotate(
    caller: Caller,
    Name(name): Name,
    OptionalJsonBody(asked): OptionalJsonBody<Rotate>,
) -> Result<Json<Value>, Problem> {
    let secret = caller.data.webhooks().rotate(&name, overlap(&asked)?).await?.ok_or_else(|| no_webhook(&name))?;
    Ok(Json(json!({ "name": name, "secret": secret.reveal() })))
}

#[derive(Serialize)]
pub(crate) struct Deliveries {
    deliveries: Vec<Delivery>,
    next: Option<i64>,
}

pub(crate) async fn deliveries(
    caller: Caller,
    Name(name): Name,
    mut wanted: Parameters,
) -> Result<Json<Deliveries>, Problem> {
    let before = wanted.take("before", "the number of an event", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let webhook = caller.data.webhooks().get(&name).await?.ok_or_else(|| no_webhook(&name))?;
    let page = caller.data.webhooks().deliveries(&webhook, limit, before).await?;
    Ok(Json(Deliveries { deliveries: page.items, next: page.next }))
}

pub(crate) async fn redeliver(caller: Caller, Place { name, n }: Place) -> Result<impl IntoResponse, Problem> {
    let job_id = caller.data.webhooks().redeliver_as(subject(&caller), &name, n).await?;
    let job_id = job_id.ok_or_else(|| {
        Problem::not_found(format!("event {n} was not delivered to a webhook \"{name}\", or is not kept any more"))
    })?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/jobs/{job_id}"))], Json(json!({ "job_id": job_id }))))
}

fn no_webhook(name: &str) -> Problem {
    Problem::not_found(format!("there is no webhook \"{name}\""))
}

fn of_webhook(error: WebhookError) -> Problem {
    match error {
        WebhookError::Invalid(invalid) => invalid.into(),
        WebhookError::Duplicate => Problem::conflict(WebhookError::Duplicate.to_string()).about("name"),
        WebhookError::Database(error) => error.into(),
        _ => Problem::internal(),
    }
}
