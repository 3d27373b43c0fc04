//! `/agents`: who may call, and what each may do.

use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::access::{Agent, AgentError, NewAgent, Removed};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Time for which the secrets before stay good, if the caller does not say.
const OVERLAP: f64 = 3600.0;

#[derive(Serialize, ToSchema)]
#[schema(as = AgentPage)]
pub(crate) struct Page {
    agents: Vec<Agent>,
    next: Option<String>,
}

/// Agents, by name.
#[utoipa::path(
    get, path = "/agents", operation_id = "listAgents",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.agents().list(limit, after.as_deref()).await?;
    Ok(Json(Page { agents: page.items, next: page.next }))
}

/// An agent with the token that nobody is shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedAgent)]
pub(crate) struct Created {
    #[serde(flatten)]
    agent: Agent,
    token: String,
}

/// Makes an agent, with the token that no other answer has.
#[utoipa::path(
    post, path = "/agents", operation_id = "createAgent",
    request_body = NewAgent,
    responses(
        (status = 201, body = Created, description = "Made.", headers(("Location" = String))),
        (status = 409, description = "The name is taken."),
    ),
)]
pub(crate) async fn create(caller: Caller, JsonBody(agent): JsonBody<NewAgent>) -> Result<impl IntoResponse, Problem> {
    let (agent, token) = caller.data.agents().create(&agent, &caller.access.agent).await.map_err(of_agent)?;
    let location = [(header::LOCATION, format!("/agents/{}", agent.name))];
    Ok((StatusCode::CREATED, location, Json(Created { agent, token: token.reveal().to_owned() })))
}

/// An agent.
#[utoipa::path(get, path = "/agents/{name}", operation_id = "getAgent", responses((status = 200, body = Agent)))]
pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<Agent>, Problem> {
    caller.data.agents().get(&name).await?.map(Json).ok_or_else(|| no_agent(&name))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rotation)]
pub(crate) struct Rotate {
    /// Time for which those before stay good; an hour if not given.
    #[schema(minimum = 0, maximum = 31622400)]
    overlap_seconds: Option<f64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AgentToken)]
pub(crate) struct Rotated {
    name: String,
    token: String,
}

/// Another token; those before stay good for a while.
#[utoipa::path(
    post, path = "/agents/{name}/rotate", operation_id = "rotateAgentToken",
    request_body = Option<Rotate>,
    responses((status = 200, body = Rotated)),
)]
pub(crate) async fn rotate(
    caller: Caller,
    Name(name): Name,
    OptionalJsonBody(asked): OptionalJsonBody<Rotate>,
) -> Result<Json<Rotated>, Problem> {
    let token = caller.data.agents().rotate(&name, overlap(&asked)?).await?.ok_or_else(|| no_agent(&name))?;
    Ok(Json(Rotated { name, token: token.reveal().to_owned() }))
}

/// Time for which the secrets before stay good.
pub(crate) fn overlap(asked: &Rotate) -> Result<Duration, Problem> {
    Duration::try_from_secs_f64(asked.overlap_seconds.unwrap_or(OVERLAP))
        .ok()
        .filter(|overlap| *overlap <= Duration::from_secs(366 * 86_400))
        .ok_or_else(|| Problem::invalid("overlap_seconds", "must be a number of seconds from 0 to a year"))
}

/// Shuts an agent out.
#[utoipa::path(
    post, path = "/agents/{name}/revoke", operation_id = "revokeAgent",
    responses(
        (status = 200, body = Agent),
        (status = 409, description = "It is the last one with the scope admin."),
    ),
)]
pub(crate) async fn revoke(caller: Caller, Name(name): Name) -> Result<Json<Agent>, Problem> {
    let removed = caller.data.agents().revoke(&name).await?;
    of_removed(&name, removed)?;
    caller.data.agents().get(&name).await?.map(Json).ok_or_else(|| no_agent(&name))
}

/// Deletes an agent with its tokens.
#[utoipa::path(
    delete, path = "/agents/{name}", operation_id = "deleteAgent",
    responses(
        (status = 204, description = "It is gone."),
        (status = 409, description = "It is the last admin, or the caller, or made active tasks."),
    ),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    not_oneself(&caller, &name)?;
    let removed = caller.data.agents().delete(&name).await?;
    of_removed(&name, removed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_oneself(caller: &Caller, name: &str) -> Result<(), Problem> {
    if *caller.access.agent == *name {
        return Err(Problem::conflict("an agent cannot delete itself"));
    }
    Ok(())
}

fn of_removed(name: &str, removed: Removed) -> Result<(), Problem> {
    match removed {
        Removed::Yes => Ok(()),
        Removed::LastAdmin => Err(Problem::conflict(format!(
            "agent \"{name}\" is the last one with the scope admin: make another one first"
        ))),
        Removed::OwnsTasks(tasks) => Err(Problem::conflict(format!(
            "agent \"{name}\" created {tasks} tasks that are active: pause, cancel or delete them first"
        ))
        .with("tasks", tasks)),
        _ => Err(no_agent(name)),
    }
}

fn no_agent(name: &str) -> Problem {
    Problem::not_found(format!("there is no agent \"{name}\""))
}

fn of_agent(error: AgentError) -> Problem {
    match error {
        AgentError::Invalid(invalid) => invalid.into(),
        AgentError::Duplicate => Problem::conflict(AgentError::Duplicate.to_string()).about("name"),
        AgentError::Database(error) => error.into(),
        _ => Problem::internal(),
    }
}
