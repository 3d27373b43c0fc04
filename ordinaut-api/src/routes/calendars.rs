//! `/calendars`: named sets of dates that tasks leave out, or keep to.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use chrono::NaiveDate;
use ordinaut_core::db::Unreadable;
use ordinaut_core::schedule::{Calendar, CalendarMode};
use ordinaut_core::task::CalendarDeleted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CalendarDefinition)]
pub(crate) struct Asked {
    mode: CalendarMode,
    #[schema(max_items = 10000)]
    dates: Vec<NaiveDate>,
}

/// Stores a calendar, new or changed.
#[utoipa::path(
    put, path = "/calendars/{name}", operation_id = "putCalendar",
    request_body = Asked,
    responses((status = 200, body = Calendar)),
)]
pub(crate) async fn put(
    caller: Caller,
    Name(name): Name,
    JsonBody(Asked { mode, dates }): JsonBody<Asked>,
) -> Result<Json<Calendar>, Problem> {
    let calendar = Calendar::new(name, mode, dates);
    caller.data.calendars().put(&calendar).await?;
    Ok(Json(calendar))
}

#[derive(Serialize, ToSchema)]
#[schema(as = CalendarPage)]
pub(crate) struct Page {
    calendars: Vec<Calendar>,
    /// Calendars whose rows this version cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    next: Option<String>,
}

/// Calendars, by name.
#[utoipa::path(
    get, path = "/calendars", operation_id = "listCalendars",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.calendars().list(limit, after.as_deref()).await?;
    Ok(Json(Page { calendars: page.items, unreadable: page.unreadable, next: page.next }))
}

/// Deletes a calendar.
#[utoipa::path(
    delete, path = "/calendars/{name}", operation_id = "deleteCalendar",
    responses((status = 204, description = "It is gone."), (status = 409, description = "A task uses it.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    match caller.data.calendars().delete(&name).await? {
        CalendarDeleted::Gone => Ok(StatusCode::NO_CONTENT),
        CalendarDeleted::UsedBy(task) => {
            Err(Problem::conflict(format!("task {task} uses the calendar \"{name}\""))
                .with("task_id", task.to_string()))
        }
        _ => Err(Problem::not_found(format!("there is no calendar \"{name}\""))),
    }
}
