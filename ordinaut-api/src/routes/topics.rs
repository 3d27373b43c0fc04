//! `/topics` and `/facts`: what tasks wait for that do not go by the clock.

use crate::auth::Caller;
use crate::body::{ExactJsonBody, JsonBody};
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::task::{FireCursor, Published, Topic, TopicEvent};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishedEvent)]
pub(crate) struct Event {
    /// The same id again does nothing.
    id: String,
    /// What it is about, such as the number of an order: jobs that wait for the topic and this key
    /// go on.
    #[serde(default)]
    key: String,
    #[serde(default)]
    #[schema(value_type = Value)]
    payload: Value,
}

/// Publishes an event: each task that waits for the topic makes a job, and jobs that wait for the
/// topic and the key go on.
#[utoipa::path(
    post, path = "/topics/{topic}", operation_id = "publishEvent",
    request_body = Event,
    responses((status = 200, body = Published)),
)]
pub(crate) async fn publish(
    caller: Caller,
    Name(topic): Name,
    ExactJsonBody(Event { id, key, payload }): ExactJsonBody<Event>,
) -> Result<Json<Published>, Problem> {
    Ok(Json(caller.data.tasks().publish(&topic, &key, &id, &payload).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    value: f64,
}

/// Keeps a number that conditions look at.
#[utoipa::path(
    put, path = "/facts/{name}", operation_id = "pushFact",
    request_body = Fact,
    responses((status = 204, description = "It is kept.")),
)]
pub(crate) async fn push_fact(
    caller: Caller,
    Name(name): Name,
    JsonBody(Fact { value }): JsonBody<Fact>,
) -> Result<StatusCode, Problem> {
    caller.data.tasks().push_fact(&name, value).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
#[schema(as = TopicPage)]
pub(crate) struct Topics {
    topics: Vec<Topic>,
    next: Option<String>,
}

/// Topics on which events reached tasks, by name.
#[utoipa::path(
    get, path = "/topics", operation_id = "listTopics",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Topics)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Topics>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.tasks().topics(limit, after.as_deref()).await?;
    Ok(Json(Topics { topics: page.items, next: page.next }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = TopicEventPage)]
pub(crate) struct TopicEvents {
    events: Vec<TopicEvent>,
    #[schema(value_type = Option<String>)]
    next: Option<FireCursor>,
}

/// The last events of a topic that reached tasks, and what became of them.
#[utoipa::path(
    get, path = "/topics/{topic}", operation_id = "listTopicEvents",
    params(("limit" = Option<u16>, Query), ("before" = Option<String>, Query)),
    responses((status = 200, body = TopicEvents)),
)]
pub(crate) async fn events(
    caller: Caller,
    Name(topic): Name,
    mut wanted: Parameters,
) -> Result<Json<TopicEvents>, Problem> {
    let before = wanted.take("before", "the \"next\" of another page", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.tasks().topic_events(&topic, limit, before).await?;
    Ok(Json(TopicEvents { events: page.items, next: page.next }))
}
