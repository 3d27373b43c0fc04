//! `/jobs/{id}/explain`: why a job has not run.

use crate::auth::Caller;
use crate::parameters::JobId;
use crate::problem::Problem;
use crate::routes::jobs::no_job;
use axum::Json;
use ordinaut_core::explain::Explanation;

/// Why a job does not run now, with what shows it and what to do.
#[utoipa::path(get, path = "/jobs/{id}/explain", operation_id = "explainJob", responses((status = 200, body = Explanation)))]
pub(crate) async fn job(caller: Caller, JobId(id): JobId) -> Result<Json<Explanation>, Problem> {
    caller.data.jobs().explain(id).await?.map(Json).ok_or_else(|| no_job(id))
}
