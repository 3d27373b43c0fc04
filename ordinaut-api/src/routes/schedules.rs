//! `/schedules`: what a schedule will do, before anybody stores it.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::problem::Problem;
use axum::Json;
use chrono::{DateTime, Utc};
use ordinaut_core::schedule::{Preview, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

const DEFAULT_COUNT: usize = 5;

#[derive(Deserialize, ToSchema)]
#[schema(as = PreviewRequest)]
pub(crate) struct Asked {
    /// Instants after this one; now if not given.
    after: Option<DateTime<Utc>>,
    /// Number of instants; 5 if not given.
    #[schema(minimum = 1, maximum = 100)]
    count: Option<usize>,
    #[serde(default)]
    calendars: Vec<String>,
    /// The schedule itself, which core reads.
    #[serde(flatten)]
    #[schema(value_type = Schedule)]
    schedule: Map<String, Value>,
}

/// When a schedule will be due; nothing is stored.
#[utoipa::path(
    post, path = "/schedules/preview", operation_id = "previewSchedule",
    request_body = Asked,
    responses((status = 200, body = Preview)),
)]
pub(crate) async fn preview(caller: Caller, JsonBody(asked): JsonBody<Asked>) -> Result<Json<Preview>, Problem> {
    let mut schedule = Schedule::from_json(asked.schedule.into())?;
    if schedule.timezone.is_empty() {
        schedule.timezone = caller.data.time_zone().await?;
    }
    let calendars = caller.data.calendars().named(&asked.calendars).await?;
    let (after, count) = (asked.after.unwrap_or_else(Utc::now), asked.count.unwrap_or(DEFAULT_COUNT));
    Ok(Json(ordinaut_core::task::preview(schedule, calendars, after, count).await?))
}

#[derive(Serialize, ToSchema)]
#[schema(as = SchedulePresets)]
pub(crate) struct Presets {
    presets: Vec<Preset>,
}

/// A name that may stand for a cron expression.
#[derive(Serialize, ToSchema)]
#[schema(as = SchedulePreset)]
struct Preset {
    name: &'static str,
    expr: String,
    description: &'static str,
}

/// Names that may stand for a cron expression.
#[utoipa::path(
    get, path = "/schedules/presets", operation_id = "listSchedulePresets",
    responses((status = 200, body = Presets)),
)]
pub(crate) async fn presets() -> Json<Presets> {
    let presets = ordinaut_core::schedule::presets().iter();
    let told = presets.map(|preset| Preset { name: preset.name, expr: preset.expr(), description: preset.description });
    Json(Presets { presets: told.collect() })
}
