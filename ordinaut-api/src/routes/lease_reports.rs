//! `/leases/progress`, `/leases/log`, `/leases/output`, `/leases/parameters`: what running jobs of
//! workers elsewhere say, and are told.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonBody, LargeJsonBody};
use crate::leases::lease_lost;
use crate::problem::Problem;
use crate::redact::Unmasked;
use crate::routes::leases::token;
use axum::extract::State;
use axum::{Extension, Json};
use ordinaut_core::Error;
use ordinaut_core::lease::{InvalidToken, Token};
use ordinaut_core::report::{LogLevel, MAX_CHUNKS, MAX_LINES, NewOutput, NewProgress};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Maximum number of reports of one request.
const MOST: usize = 1000;

/// Maximum number of lines or chunks of one report.
const MOST_PARTS: usize = 1000;

/// What became of each report, in their order.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportAnswers)]
pub(crate) struct Answers {
    answers: Vec<Answered>,
}

/// What became of a report.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ReportAnswer)]
pub(crate) struct Answered {
    /// Null if the token cannot be read.
    job_id: Option<Uuid>,
    attempt: Option<i32>,
    status: ReportStatus,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Whether a report was written.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportStatus {
    Written,
    /// Another attempt owns the job, or it has ended: nothing was written.
    LeaseLost,
    /// What it says cannot be accepted: nothing was written.
    Refused,
}

/// How far jobs have come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgressReports {
    /// Each is answered by itself; of several of one job the last counts.
    #[schema(value_type = Vec<ProgressReport>, min_items = 1, max_items = 1000)]
    reports: Vec<Box<RawValue>>,
}

/// How far a job has come; what is left out stays as the attempt said it before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgressReport {
    token: String,
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    percent: Option<f64>,
    /// What it is at, in words.
    #[schema(max_length = 500, nullable = false)]
    note: Option<String>,
    /// What it has counted in this attempt; it never falls.
    #[schema(minimum = 0, nullable = false)]
    counter: Option<i64>,
    /// Seconds after which it is stalled if neither percent nor counter changes.
    #[schema(minimum = 1, maximum = 1000000000, nullable = false)]
    stalls_after_seconds: Option<f64>,
    /// Whether it is cancelled then.
    #[schema(nullable = false)]
    cancel_stalled: Option<bool>,
}

/// Says how far jobs have come.
#[utoipa::path(
    post, path = "/leases/progress", operation_id = "reportProgress",
    request_body = ProgressReports,
    responses((status = 200, body = Answers)),
)]
pub(crate) async fn progress(
    State(app): State<Arc<App>>,
    caller: Caller,
    LargeJsonBody(asked): LargeJsonBody<ProgressReports>,
) -> Result<Json<Answers>, Problem> {
    let read = |report: ProgressReport, token: Token| {
        let mut new = NewProgress::new(token);
        (new.percent, new.note, new.counter) = (report.percent, report.note, report.counter);
        new.cancel_stalled = report.cancel_stalled;
        new.stalls_after = seconds("stalls_after_seconds", report.stalls_after_seconds)?;
        new.check().map_err(|invalid| invalid.to_string())?;
        Ok(vec![new])
    };
    let write = async |reports: Vec<NewProgress>| {
        // Of several of one job the last counts: together they are one write.
        let last: HashMap<Uuid, NewProgress> = reports.into_iter().map(|new| (new.token.job_id, new)).collect();
        let reports: Vec<_> = last.into_values().collect();
        app.installation.leases().report_progress(&reports).await
    };
    each(&app, &caller, &asked.reports, read, write).await
}

/// Lines for the logs of jobs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogReports {
    /// Each is answered by itself.
    #[schema(value_type = Vec<LogReport>, min_items = 1, max_items = 1000)]
    reports: Vec<Box<RawValue>>,
}

/// Lines for the log of a job.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogReport {
    token: String,
    /// The number of the first line in the attempt's log, from 1 on; the others follow it. A number
    /// that was written is not written again, so a request may come again.
    #[schema(minimum = 1, maximum = 2000000000)]
    first: i32,
    #[schema(min_items = 1, max_items = 1000)]
    lines: Vec<NewLine>,
}

/// A line.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLogLine)]
pub(crate) struct NewLine {
    /// 8 KiB are kept.
    text: String,
    /// `info` if not given.
    #[schema(nullable = false)]
    level: Option<LogLevel>,
    /// Seconds since it was said; 0 if not given.
    #[schema(minimum = 0, nullable = false)]
    age_seconds: Option<f64>,
}

/// Adds lines to the logs of jobs: 1,000 lines and 64 KiB of an attempt are kept.
#[utoipa::path(
    post, path = "/leases/log", operation_id = "reportLog",
    request_body = LogReports,
    responses((status = 200, body = Answers)),
)]
pub(crate) async fn log(
    State(app): State<Arc<App>>,
    caller: Caller,
    LargeJsonBody(asked): LargeJsonBody<LogReports>,
) -> Result<Json<Answers>, Problem> {
    let read = |report: LogReport, token: Token| {
        let numbers = numbers(report.first, report.lines.len(), "lines", MAX_LINES)?;
        let lines = numbers.zip(report.lines).map(|(n, line)| {
            let mut new = NewOutput::line(token, n, line.level.unwrap_or_default(), &line.text);
            new.age = seconds("age_seconds", line.age_seconds)?.unwrap_or_default().min(Duration::from_secs(86_400));
            Ok(new)
        });
        lines.collect()
    };
    each(&app, &caller, &asked.reports, read, async |lines: Vec<NewOutput>| {
        app.installation.leases().report_output(&lines).await
    })
    .await
}

/// What jobs put out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputReports {
    /// Each is answered by itself.
    #[schema(value_type = Vec<OutputReport>, min_items = 1, max_items = 1000)]
    reports: Vec<Box<RawValue>>,
}

/// What a job puts out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputReport {
    token: String,
    /// The number of the first chunk in the attempt's output, from 1 on; the others follow it. A
    /// number that was written is not written again, so a request may come again.
    #[schema(minimum = 1, maximum = 2000000000)]
    first: i32,
    #[schema(min_items = 1, max_items = 1000)]
    chunks: Vec<String>,
}

/// Adds chunks to the outputs of jobs: 10,000 chunks and 1 MiB of an attempt are kept.
#[utoipa::path(
    post, path = "/leases/output", operation_id = "reportOutput",
    request_body = OutputReports,
    responses((status = 200, body = Answers)),
)]
pub(crate) async fn output(
    State(app): State<Arc<App>>,
    caller: Caller,
    LargeJsonBody(asked): LargeJsonBody<OutputReports>,
) -> Result<Json<Answers>, Problem> {
    let read = |report: OutputReport, token: Token| {
        let numbers = numbers(report.first, report.chunks.len(), "chunks", MAX_CHUNKS)?;
        Ok(numbers.zip(report.chunks).map(|(n, chunk)| NewOutput::chunk(token, n, &chunk)).collect())
    };
    each(&app, &caller, &asked.reports, read, async |chunks: Vec<NewOutput>| {
        app.installation.leases().report_output(&chunks).await
    })
    .await
}

/// The numbers of the parts of a report. Those beyond what is kept are counted, so that none of
/// them is the greatest that there is.
fn numbers(first: i32, count: usize, field: &str, kept: i32) -> Result<std::ops::Range<i32>, String> {
    if !(1..=2_000_000_000).contains(&first) {
        return Err(format!("first must be from 1 to 2000000000; {kept} are kept"));
    }
    let count = i32::try_from(count).ok().filter(|_| (1..=MOST_PARTS).contains(&count));
    let count = count.ok_or_else(|| format!("{field} must be 1 to {MOST_PARTS}"))?;
    Ok(first..first + count)
}

fn seconds(field: &str, seconds: Option<f64>) -> Result<Option<Duration>, String> {
    let read = |seconds| Duration::try_from_secs_f64(seconds).map_err(|_| format!("{field} must be 0 or more"));
    seconds.map(read).transpose()
}

/// A report names the lease of its attempt.
trait OfLease: DeserializeOwned {
    fn token(&self) -> &str;
}

impl OfLease for ProgressReport {
    fn token(&self) -> &str {
        &self.token
    }
}

impl OfLease for LogReport {
    fn token(&self) -> &str {
        &self.token
    }
}

impl OfLease for OutputReport {
    fn token(&self) -> &str {
        &self.token
    }
}

/// What is to be written of a report, or why it cannot be.
type Read<W> = Result<(Token, Vec<W>), (Option<Token>, String)>;

/// Writes what could be read of reports, together, and answers each by itself.
async fn each<R: OfLease, W>(
    app: &App,
    caller: &Caller,
    reports: &[Box<RawValue>],
    read: impl Fn(R, Token) -> Result<Vec<W>, String>,
    write: impl AsyncFnOnce(Vec<W>) -> Result<Vec<(Uuid, i32)>, Error>,
) -> Result<Json<Answers>, Problem> {
    #[derive(Deserialize)]
    struct Named {
        token: String,
    }
    if !(1..=MOST).contains(&reports.len()) {
        return Err(Problem::invalid("reports", "must be 1 to 1000"));
    }
    let read = reports.iter().map(|raw| {
        let report: R = serde_json::from_str(raw.get()).map_err(|error| {
            let named = serde_json::from_str::<Named>(raw.get()).ok();
            (named.and_then(|named| named.token.parse().ok()), error.to_string())
        })?;
        let token: Token =
            report.token().parse().map_err(|invalid: InvalidToken| (None, format!("token {invalid}")))?;
        let parts = read(report, token).map_err(|reason| (Some(token), reason))?;
        Ok((token, parts))
    });
    let read: Vec<Read<W>> = read.collect();
    let tokens = read.iter().filter_map(|read| read.as_ref().ok()).map(|(token, _)| *token);
    let held: HashSet<Token> = app.leasing.held(caller, tokens, 0).await?.into_keys().collect();
    let (mut parts, mut answers) = (Vec::new(), Vec::with_capacity(read.len()));
    for read in read {
        let (token, status, reason) = match read {
            Err((token, reason)) => (token, ReportStatus::Refused, Some(reason)),
            Ok((token, _)) if !held.contains(&token) => (Some(token), ReportStatus::LeaseLost, None),
            Ok((token, of_it)) => {
                parts.extend(of_it);
                (Some(token), ReportStatus::Written, None)
            }
        };
        let (job_id, attempt) = token.map(|token| (token.job_id, token.attempt)).unzip();
        answers.push(Answered { job_id, attempt, status, reason });
    }
    if !parts.is_empty() {
        let written: HashSet<(Uuid, i32)> = write(parts).await?.into_iter().collect();
        for answer in answers.iter_mut().filter(|answer| answer.status == ReportStatus::Written) {
            if !answer.job_id.zip(answer.attempt).is_some_and(|attempt| written.contains(&attempt)) {
                answer.status = ReportStatus::LeaseLost;
            }
        }
    }
    Ok(Json(Answers { answers }))
}

/// The attempt whose job is asked about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ParametersOfLease)]
pub(crate) struct Of {
    token: String,
}

/// The newest parameters of a job.
#[derive(Serialize, ToSchema)]
#[schema(as = LeaseParameters)]
pub(crate) struct Newest {
    /// Which of the job's they are; 0: it was given none.
    n: i32,
    /// Null if it was given none.
    #[schema(value_type = Value)]
    value: Option<Box<RawValue>>,
}

/// The newest parameters that the job of a lease was given. Later ones come with heartbeats.
#[utoipa::path(
    post, path = "/leases/parameters", operation_id = "getLeaseParameters",
    request_body = Of,
    responses((status = 200, body = Newest), (status = 409, description = "`lease_lost`")),
)]
pub(crate) async fn parameters(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<Of>,
) -> Result<(Extension<Unmasked>, Json<Newest>), Problem> {
    let token = token(&asked.token)?;
    app.leasing.held(&caller, [token].into_iter(), 0).await?.remove(&token).ok_or_else(lease_lost)?;
    let newest = app.installation.leases().attached(&[token.job_id]).await?.remove(&token.job_id);
    let (n, value) = newest.map(|newest| (newest.n, newest.value)).unzip();
    let value = value.map(RawValue::from_string).transpose().map_err(|_| Problem::internal())?;
    Ok((Extension(Unmasked), Json(Newest { n: n.unwrap_or(0), value })))
}
