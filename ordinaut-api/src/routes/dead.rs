//! `/dead`: look at dead letters, and send them back.

use crate::App;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ordinaut_core::DeadLetter;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Page {
    dead: Vec<DeadLetter>,
    next: Option<String>,
}

pub(crate) async fn list(State(app): State<Arc<App>>, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted.take("after", "the \"next\" of another page", read_cursor)?;
    let limit = wanted.limit()?;
    wanted.end()?;
    // One more than asked for shows whether there is a next page.
    let mut dead = app.database.dead_letters(limit + 1, after).await?;
    let more = dead.len() as i64 > limit;
    if more {
        dead.pop();
    }
    let next = dead.last().map(cursor).filter(|_| more);
    Ok(Json(Page { dead, next }))
}

pub(crate) async fn requeue(State(app): State<Arc<App>>, JobId(id): JobId) -> Result<Json<Value>, Problem> {
    match &*app.database.requeue(&[id]).await? {
        [] => match app.database.unique_holder(id).await? {
            Some(holder) => Err(Problem::conflict(format!("job {holder} holds the unique key of job {id}"))
                .with("job_id", holder.to_string())),
            None => Err(match app.database.service_of_dead(id).await? {
                Some(task) => Problem::conflict(format!("task {task} is a service, and makes its next job itself"))
                    .with("task_id", task.to_string()),
                None => Problem::not_found(format!("there is no dead letter {id}")),
            }),
        },
        [id, ..] => Ok(Json(json!({ "id": id }))),
    }
}

/// Where a page ended: microseconds, which is what Postgres keeps, and the id.
fn cursor(letter: &DeadLetter) -> String {
    format!("{:016x}{}", letter.died_at.timestamp_micros(), letter.job_id.simple())
}

fn read_cursor(text: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let (micros, job_id) = text.split_at_checked(16)?;
    let died_at = DateTime::from_timestamp_micros(i64::from_str_radix(micros, 16).ok()?)?;
    // Of what a timestamp here can hold, Postgres takes this much.
    let storable = (0..=9999).contains(&chrono::Datelike::year(&died_at));
    Some((died_at, job_id.parse().ok()?)).filter(|_| storable)
}
