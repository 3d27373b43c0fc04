//! `/schedules`: what a schedule will do, before anybody stores it.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::problem::Problem;
use axum::Json;
use chrono::{DateTime, Utc};
use ordinaut_core::schedule::{Preview, Schedule};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const DEFAULT_COUNT: usize = 5;

#[derive(Deserialize)]
pub(crate) struct Asked {
    after: Option<DateTime<Utc>>,
    count: Option<usize>,
    #[serde(default)]
    calendars: Vec<String>,
    /// The schedule itself, which core reads.
    #[serde(flatten)]
    schedule: Map<String, Value>,
}

pub(crate) async fn preview(caller: Caller, JsonBody(asked): JsonBody<Asked>) -> Result<Json<Preview>, Problem> {
    let mut schedule = Schedule::from_json(asked.schedule.into())?;
    if schedule.timezone.is_empty() {
        schedule.timezone = caller.data.time_zone().await?;
    }
    let calendars = caller.data.calendars().named(&asked.calendars).await?;
    let (after, count) = (asked.after.unwrap_or_else(Utc::now), asked.count.unwrap_or(DEFAULT_COUNT));
    Ok(Json(ordinaut_core::task::preview(schedule, calendars, after, count).await?))
}

pub(crate) async fn presets() -> Json<Value> {
    let presets = ordinaut_core::schedule::presets().iter();
    let told =
        presets.map(|preset| json!({ "name": preset.name, "expr": preset.expr(), "description": preset.description }));
    Json(json!({ "presets": told.collect::<Vec<_>>() }))
}
