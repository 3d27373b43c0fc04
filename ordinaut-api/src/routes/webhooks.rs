//! `/webhooks`: URLs outside that are told of events.

use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::idempotency::subject;
use crate::parameters::{Name, Parameters, Place};
use crate::problem::Problem;
use crate::routes::agents::{Rotate, overlap};
use crate::routes::jobs::MadeJob;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::webhook::{Delivery, NewWebhook, Webhook, WebhookError};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookPage)]
pub(crate) struct Page {
    webhooks: Vec<Webhook>,
    next: Option<String>,
}

/// Webhooks, by name.
#[utoipa::path(
    get, path = "/webhooks", operation_id = "listWebhooks",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.webhooks().list(limit, after.as_deref()).await?;
    Ok(Json(Page { webhooks: page.items, next: page.next }))
}

/// A webhook with the secret that nobody is shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub(crate) struct Created {
    #[serde(flatten)]
    webhook: Webhook,
    secret: String,
}

/// Makes a webhook, with the secret that no other answer has.
#[utoipa::path(
    post, path = "/webhooks", operation_id = "createWebhook",
    request_body = NewWebhook,
    responses(
        (status = 201, body = Created, description = "Made.", headers(("Location" = String))),
        (status = 409, description = "There is one of this name."),
    ),
)]
pub(crate) async fn create(
    caller: Caller,
    JsonBody(webhook): JsonBody<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    let (webhook, secret) = caller.data.webhooks().create(&webhook, &caller.access.agent).await.map_err(of_webhook)?;
    let location = [(header::LOCATION, format!("/webhooks/{}", webhook.name))];
    Ok((StatusCode::CREATED, location, Json(Created { webhook, secret: secret.reveal() })))
}

/// A webhook.
#[utoipa::path(get, path = "/webhooks/{name}", operation_id = "getWebhook", responses((status = 200, body = Webhook)))]
pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().get(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

/// Deletes a webhook; deliveries that wait go nowhere.
#[utoipa::path(
    delete, path = "/webhooks/{name}", operation_id = "deleteWebhook",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.webhooks().delete(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_webhook(&name)) }
}

/// A webhook is told again, of what happens from now on.
#[utoipa::path(
    post, path = "/webhooks/{name}/enable", operation_id = "enableWebhook",
    responses((status = 200, body = Webhook)),
)]
pub(crate) async fn enable(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().enable(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

/// A webhook is told nothing.
#[utoipa::path(
    post, path = "/webhooks/{name}/disable", operation_id = "disableWebhook",
    responses((status = 200, body = Webhook)),
)]
pub(crate) async fn disable(caller: Caller, Name(name): Name) -> Result<Json<Webhook>, Problem> {
    caller.data.webhooks().disable(&name).await?.map(Json).ok_or_else(|| no_webhook(&name))
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookSecret)]
pub(crate) struct Rotated {
    name: String,
    secret: String,
}

/// Another secret; those before sign beside it for a while.
#[utoipa::path(
    post, path = "/webhooks/{name}/rotate", operation_id = "rotateWebhookSecret",
    request_body = Option<Rotate>,
    responses((status = 200, body = Rotated)),
)]
pub(crate) async fn rotate(
    caller: Caller,
    Name(name): Name,
    OptionalJsonBody(asked): OptionalJsonBody<Rotate>,
) -> Result<Json<Rotated>, Problem> {
    let secret = caller.data.webhooks().rotate(&name, overlap(&asked)?).await?.ok_or_else(|| no_webhook(&name))?;
    Ok(Json(Rotated { name, secret: secret.reveal() }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub(crate) struct Deliveries {
    deliveries: Vec<Delivery>,
    next: Option<i64>,
}

/// What became of the deliveries of a webhook, the newest events first.
#[utoipa::path(
    get, path = "/webhooks/{name}/deliveries", operation_id = "listDeliveries",
    params(("limit" = Option<u16>, Query), ("before" = Option<i64>, Query)),
    responses((status = 200, body = Deliveries)),
)]
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

/// Delivers an event once more.
#[utoipa::path(
    post, path = "/webhooks/{name}/deliveries/{n}/redeliver", operation_id = "redeliverEvent",
    responses(
        (status = 201, body = MadeJob, description = "The delivery is enqueued.", headers(("Location" = String))),
    ),
)]
pub(crate) async fn redeliver(caller: Caller, Place { name, n }: Place) -> Result<impl IntoResponse, Problem> {
    let job_id = caller.data.webhooks().redeliver_as(subject(&caller), &name, n).await?;
    let job_id = job_id.ok_or_else(|| {
        Problem::not_found(format!("event {n} was not delivered to a webhook \"{name}\", or is not kept any more"))
    })?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/jobs/{job_id}"))], Json(MadeJob { job_id })))
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
