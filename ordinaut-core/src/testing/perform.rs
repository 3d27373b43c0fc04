//! Running the handler of one job at once.

use crate::job::Job;
use crate::job::job_error::JobError;
use crate::job::output;
use crate::testing::context::ContextBuilder;
use crate::worker::context::Context;
use crate::worker::options::Undecodable;
use serde::Serialize;
use std::time::Instant;

/// Runs one attempt of a job at once, without a queue and a database, as a worker would: the
/// arguments are checked as an enqueue checks them, become JSON, and are read from it; the handler
/// finds the job's kind, queue, tags and limits in its context, and is ended when its time is over;
/// an output that a run could not keep is an error. See [`context`](super::context) for what else
/// the handler may find.
///
/// A job that must be seen in the queue first, or whose handler enqueues others, is one for
/// [`drain`](super::drain).
///
/// ```
/// use ordinaut_core::{Context, Job, JobError, Outcome, testing};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Square {
///     of: i64,
/// }
///
/// impl Job for Square {
///     const KIND: &'static str = "square";
/// }
///
/// async fn square(job: Square, ctx: Context<()>) -> Result<i64, JobError> {
///     assert_eq!(ctx.kind(), "square");
///     job.of.checked_mul(job.of).ok_or_else(|| JobError::fatal("too large"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let nine = testing::perform(square, &Square { of: 3 }, testing::context(())).await;
/// assert_eq!(nine.unwrap(), 9);
///
/// let large = testing::perform(square, &Square { of: i64::MAX }, testing::context(()).attempt(2)).await;
/// assert_eq!(large.unwrap_err().outcome(), Outcome::Dead);
/// # });
/// ```
///
/// # Errors
///
/// What the handler returned; and as a worker makes them, of arguments that cannot be stored or
/// read, of an attempt that took longer than its time limit, and of an output that cannot be kept.
///
/// # Panics
///
/// With the handler's panic, so that the test shows it. A worker makes a failed attempt of it.
pub async fn perform<J, S, F, R, T>(handler: F, job: &J, context: ContextBuilder<S>) -> Result<T, JobError>
where
    J: Job,
    F: FnOnce(J, Context<S>) -> R,
    R: Future<Output = Result<T, JobError>>,
    T: Serialize + 'static,
{
    let new = job.new_job()?;
    new.check()?;
    let context = context.of(&new).build();
    let job = match context.args(Undecodable::Retry) {
        Ok(args) => args?.decode()?,
        Err(reason) => return Err(JobError::fatal(reason.to_owned())),
    };
    let left = context.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let work = handler(job, context);
    let value = match left {
        Some(left) => tokio::time::timeout(left, work).await.map_err(|_| JobError::retry("timed out"))??,
        None => work.await?,
    };
    output::of(&value).map_err(JobError::fatal)?;
    Ok(value)
}
