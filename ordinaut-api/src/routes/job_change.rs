//! `PATCH /jobs/{id}`: other values for a job that waits.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonBody, said};
use crate::guard;
use crate::parameters::JobId;
use crate::problem::Problem;
use crate::redact::refuse_masked_args;
use crate::routes::enqueue::instant;
use crate::routes::jobs::{Details, details, no_job};
use crate::routes::pipelines::refuse_faulty;
use crate::routes::tool_use::refuse_misfit;
use axum::Json;
use axum::extract::State;
use ordinaut_core::job::{Changed, DEFAULT_PRIORITY, JobChange};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// Other values for a job that waits.
//
// Numbers are wider here than in a job, so that one out of range is told its range.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobChange)]
pub(crate) struct Asked {
    #[serde(default, deserialize_with = "said")]
    #[schema(nullable = false)]
    queue: Option<String>,
    /// 1 is most urgent.
    #[serde(default, deserialize_with = "said")]
    #[schema(nullable = false, minimum = 1, maximum = 9)]
    priority: Option<i64>,
    /// An instant; one in the past means now.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<DateTime<Utc>>, nullable = false)]
    run_at: Option<String>,
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Value)]
    args: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "said")]
    #[schema(nullable = false, max_items = 50)]
    tags: Option<Vec<String>>,
    /// Number of attempts that may fail; null: the worker's setting.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 32767)]
    max_attempts: Option<Option<i64>>,
}

impl Asked {
    fn change(self) -> Result<JobChange, Problem> {
        let mut change = JobChange::default();
        if let Some(priority) = self.priority {
            let wrong = |_| Problem::invalid("priority", "must be from 1 (most urgent) to 9");
            change.priority = Some(priority.try_into().map_err(wrong)?);
        }
        if let Some(attempts) = self.max_attempts {
            let wrong = |_| Problem::invalid("max_attempts", "must be from 1 to 32767");
            change.max_attempts = Some(attempts.map(i16::try_from).transpose().map_err(wrong)?);
        }
        change.run_at = self.run_at.as_deref().map(|at| instant("run_at", at)).transpose()?;
        (change.queue, change.args, change.tags) = (self.queue, self.args, self.tags);
        Ok(change)
    }
}

/// Changes a job that waits; what is not named stays.
#[utoipa::path(
    patch, path = "/jobs/{id}", operation_id = "changeJob",
    request_body = Asked,
    responses((status = 200, body = Details), (status = 409, description = "It runs, or has ended.")),
)]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<Json<Details>, Problem> {
    if let Some(args) = &asked.args {
        refuse_masked_args(&app.redaction, args)?;
        let job = caller.data.jobs().get(id).await?.ok_or_else(|| no_job(id))?;
        let tools = app.catalogue.tools().await?;
        refuse_faulty(&caller.access, &tools, &job.kind, args.get())?;
        refuse_misfit(&tools, &job.kind, args.get())?;
    }
    let change = asked.change()?;
    change.check()?;
    if let Some(queue) = &change.queue {
        caller.access.may_use(queue).map_err(|denied| guard::problem(&denied))?;
        // As a job that is enqueued there.
        app.rooms.enter(queue, change.priority.unwrap_or(DEFAULT_PRIORITY).into()).await?;
    }
    match caller.data.jobs().update(id, &change).await? {
        Changed::Now => Ok(Json(details(&caller, id).await?)),
        Changed::Running => Err(Problem::conflict(format!("job {id} runs: nothing was changed"))),
        Changed::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}
