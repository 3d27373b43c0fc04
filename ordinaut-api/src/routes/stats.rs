//! `/stats`: how much came and ended, and how long it took.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use chrono::{DateTime, TimeDelta, Utc};
use ordinaut_core::stat::{ActiveHour, StatFilter, StatLine, Step};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

const DEFAULT_TIME: TimeDelta = TimeDelta::hours(1);

const DEFAULT_LIMIT: i64 = 20;

#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct Stats {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    step: Option<&'static str>,
    lines: Vec<StatLine>,
}

/// What came and ended in a time.
#[utoipa::path(
    get, path = "/stats", operation_id = "listStatistics",
    params(
        Wanted,
        ("step" = Option<String>, Query, pattern = "^(minute|hour|day)$", description = "The length of a line; absent: one for all."),
        ("by" = Option<String>, Query, description = "`queue`, `kind`, or both with a comma: a line for each."),
    ),
    responses((status = 200, body = Stats)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Stats>, Problem> {
    let mut filter = filter(&mut wanted)?;
    filter.step = wanted.take("step", "minute, hour or day", |text| text.parse().ok())?;
    let by = wanted.take("by", "queue, kind, or both with a comma", |text| {
        text.split(',')
            .map(|word| matches!(word, "queue" | "kind").then(|| word.to_owned()))
            .collect::<Option<Vec<_>>>()
    })?;
    let by = by.unwrap_or_default();
    (filter.by_queue, filter.by_kind) = (by.iter().any(|word| word == "queue"), by.iter().any(|word| word == "kind"));
    wanted.end()?;
    let lines = caller.data.stats().list(&filter).await?;
    Ok(Json(Stats { since: filter.since, until: filter.until, step: filter.step.map(Step::as_str), lines }))
}

/// The kinds whose attempts ran longest, by the p95.
#[utoipa::path(
    get, path = "/stats/slowest", operation_id = "listSlowestKinds",
    params(
        Wanted,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 500, description = "Lines at most; 20 if not given."),
    ),
    responses((status = 200, body = Stats)),
)]
pub(crate) async fn slowest(caller: Caller, mut wanted: Parameters) -> Result<Json<Stats>, Problem> {
    let filter = filter(&mut wanted)?;
    let limit = wanted.take("limit", "a number from 1 to 500", |text| {
        text.parse().ok().filter(|limit: &i64| (1..=500).contains(limit))
    })?;
    wanted.end()?;
    let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
    let lines = caller.data.stats().slowest(&filter, limit).await?;
    Ok(Json(Stats { since: filter.since, until: filter.until, step: None, lines }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Activity {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    hours: Vec<ActiveHour>,
}

/// What came and ended in each hour of the day.
#[utoipa::path(
    get, path = "/stats/activity", operation_id = "listActivity",
    params(Wanted),
    responses((status = 200, body = Activity)),
)]
pub(crate) async fn activity(caller: Caller, mut wanted: Parameters) -> Result<Json<Activity>, Problem> {
    let filter = filter(&mut wanted)?;
    wanted.end()?;
    let hours = caller.data.stats().activity(&filter).await?;
    Ok(Json(Activity { since: filter.since, until: filter.until, hours }))
}

/// Of what, as the document says it; `filter` takes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the document alone reads it")]
struct Wanted {
    /// From then; an hour before `until` if not given.
    since: Option<DateTime<Utc>>,
    /// Until then; now if not given.
    until: Option<DateTime<Utc>>,
    /// Only of this queue.
    queue: Option<String>,
    /// Only of this kind.
    kind: Option<String>,
}

/// The last hour, if nothing is said of time.
fn filter(wanted: &mut Parameters) -> Result<StatFilter, Problem> {
    let until = wanted.instant("until")?.unwrap_or_else(Utc::now);
    let since = wanted.instant("since")?;
    let since = since.or_else(|| until.checked_sub_signed(DEFAULT_TIME)).unwrap_or(until);
    let mut filter = StatFilter::new(since, until);
    (filter.queue, filter.kind) = (wanted.name("queue")?, wanted.name("kind")?);
    Ok(filter)
}
