//! `/calendars`: named sets of dates that tasks leave out, or keep to.

use crate::App;
use crate::body::JsonBody;
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use ordinaut_core::{Calendar, CalendarDeleted, CalendarMode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    mode: CalendarMode,
    dates: Vec<NaiveDate>,
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Name(name): Name,
    JsonBody(Asked { mode, dates }): JsonBody<Asked>,
) -> Result<Json<Calendar>, Problem> {
    let calendar = Calendar::new(name, mode, dates);
    app.database.put_calendar(&calendar).await?;
    Ok(Json(calendar))
}

pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "calendars": app.database.calendars().await? })))
}

pub(crate) async fn delete(State(app): State<Arc<App>>, Name(name): Name) -> Result<StatusCode, Problem> {
    match app.database.delete_calendar(&name).await? {
        CalendarDeleted::Gone => Ok(StatusCode::NO_CONTENT),
        CalendarDeleted::UsedBy(task) => {
            Err(Problem::conflict(format!("task {task} goes by the calendar \"{name}\""))
                .with("task_id", task.to_string()))
        }
        _ => Err(Problem::not_found(format!("there is no calendar \"{name}\""))),
    }
}
