//! Targets that a handler calls.

use crate::job::job_error::JobError;
use crate::report::LogLevel;
use crate::target::run::call::{Reached, TargetCall, reach};
use crate::worker::context::{Context, Home};

impl<S> Context<S> {
    /// A host of a [target](crate::target) that may be called now. While the process has as many
    /// calls under way as the host gets for now, this waits; and for a second at most while the
    /// target's `concurrency` and `rate` leave no room.
    ///
    /// ```
    /// # use ordinaut_core::{Context, Job, JobError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Charge { cents: u64 }
    /// # impl Job for Charge { const KIND: &'static str = "charge"; }
    /// # async fn post(url: &str, cents: u64) -> std::io::Result<u16> { Ok(200) }
    /// async fn charge(job: Charge, ctx: Context<()>) -> Result<(), JobError> {
    ///     let call = ctx.target("billing").await?;
    ///     match post(&call.url("/charge")?, job.cents).await {
    ///         Ok(..500) => Ok(call.succeeded().await),
    ///         Ok(status) => {
    ///             call.failed(&format!("it answered {status}"), None).await?;
    ///             Err(JobError::retry("billing is not well"))
    ///         }
    ///         Err(error) => {
    ///             call.failed(&error, None).await?;
    ///             Err(error.into())
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What the handler is to return. If no host of it takes calls, nor one of the target that
    /// stands for it, or its limits leave no room: the job waits until that is so, and has not
    /// failed. If there is no such target:
    /// no retry mends that. And if Postgres did not say how it is: it is tried again.
    pub async fn target(&self, name: &str) -> Result<TargetCall, JobError> {
        match self.target_or_value(name).await? {
            Reached::Call(call) => Ok(call),
            Reached::Value(_) => Err(JobError::unavailable(name)),
        }
    }

    /// The same, or the value that is declared to be the target's answer while it takes no calls.
    ///
    /// # Errors
    ///
    /// As [`Context::target`].
    pub async fn target_or_value(&self, name: &str) -> Result<Reached, JobError> {
        let book = match self.home() {
            Home::Database { targets, .. } => targets,
            #[cfg(feature = "testing")]
            Home::Memory(_) => {
                let reason = format!("the target {name:?} cannot be called in a test without a database");
                return Err(JobError::fatal(reason));
            }
        };
        let reached = reach(book, name, self.token()).await?;
        match &reached {
            Reached::Call(call) if call.is_degraded() => {
                let instead = &call.target().name;
                self.log_at(LogLevel::Warn, format!("the target {name} takes no calls: {instead} is called instead"));
            }
            Reached::Value(_) => {
                self.log_at(LogLevel::Warn, format!("the target {name} takes no calls: its declared value is used"));
            }
            Reached::Call(_) => {}
        }
        Ok(reached)
    }
}
