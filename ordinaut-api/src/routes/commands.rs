//! Commands for machines: `/nodes/{name}/commands` and `/commands`.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::idempotency::subject;
use crate::parameters::{CommandId, Name};
use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::command::{Command, CommandRequest, Given};

/// Gives a command to machines, or to all that have a living worker: one that their workers' list
/// names, or `ping`.
#[utoipa::path(
    post, path = "/commands", operation_id = "giveCommand",
    request_body = CommandRequest,
    responses(
        (status = 201, body = Given, description = "Given.", headers(("Location" = String))),
        (status = 409, description = "No machine can take it."),
    ),
)]
pub(crate) async fn give(
    caller: Caller,
    JsonBody(request): JsonBody<CommandRequest>,
) -> Result<impl IntoResponse, Problem> {
    given(&caller, &request).await
}

/// Gives a command to one machine.
#[utoipa::path(
    post, path = "/nodes/{name}/commands", operation_id = "giveCommandToNode",
    request_body = CommandRequest,
    responses(
        (status = 201, body = Given, description = "Given.", headers(("Location" = String))),
        (status = 409, description = "The machine cannot take it."),
    ),
)]
pub(crate) async fn give_to(
    caller: Caller,
    Name(name): Name,
    JsonBody(request): JsonBody<CommandRequest>,
) -> Result<impl IntoResponse, Problem> {
    if request.nodes.is_some() {
        return Err(Problem::invalid("nodes", "must not be given: the address names the node"));
    }
    given(&caller, &request.nodes([name])).await
}

async fn given(caller: &Caller, request: &CommandRequest) -> Result<impl IntoResponse + use<>, Problem> {
    let given = caller.data.commands().give_as(subject(caller), request).await?;
    let location = [(header::LOCATION, format!("/commands/{}", given.command.id))];
    Ok((StatusCode::CREATED, location, Json(given)))
}

/// What came of a command, machine by machine.
#[utoipa::path(
    get, path = "/commands/{id}", operation_id = "getCommand",
    responses((status = 200, body = Command)),
)]
pub(crate) async fn show(caller: Caller, CommandId(id): CommandId) -> Result<Json<Command>, Problem> {
    let found = caller.data.commands().get(id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found(format!("there is no command {id}")))
}
