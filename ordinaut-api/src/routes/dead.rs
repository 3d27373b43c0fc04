//! `/dead`: look at dead letters, and send them back.

use crate::App;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use ordinaut_core::job::{DeadCursor, DeadLetter};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Serialize)]
pub(crate) struct Page {
    dead: Vec<DeadLetter>,
    next: Option<DeadCursor>,
}

pub(crate) async fn list(State(app): State<Arc<App>>, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted.after()?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = app.database.dead_letters().list(limit, after).await?;
    Ok(Json(Page { dead: page.items, next: page.next }))
}

pub(crate) async fn requeue(State(app): State<Arc<App>>, JobId(id): JobId) -> Result<Json<Value>, Problem> {
    match &*app.database.dead_letters().requeue(&[id]).await? {
        [] => match app.database.jobs().unique_holder(id).await? {
            Some(holder) => Err(Problem::conflict(format!("job {holder} holds the unique key of job {id}"))
                .with("job_id", holder.to_string())),
            None => Err(match app.database.tasks().service_of_dead(id).await? {
                Some(task) => Problem::conflict(format!("task {task} is a service, and makes its next job itself"))
                    .with("task_id", task.to_string()),
                None => Problem::not_found(format!("there is no dead letter {id}")),
            }),
        },
        [id, ..] => Ok(Json(json!({ "id": id }))),
    }
}
