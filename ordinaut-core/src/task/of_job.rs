//! A task that makes jobs of a type.

use crate::error::InvalidField;
use crate::job::{Job, required_by};
use crate::schedule::definition::Schedule;
use crate::task::definition::{KEPT_READABLE, TaskDefinition};

impl TaskDefinition {
    /// A task that makes jobs as `job` is: of its kind, with its arguments, as the constants of
    /// [`Job`] say, and unique if [`Job::unique`] says so. A kind whose arguments are to be
    /// encrypted is refused, because a task keeps them readable.
    ///
    /// # Errors
    ///
    /// With the field `kind` if the kind is encrypted, because a task keeps its arguments readable;
    /// with `args` if they cannot be written as JSON.
    pub fn of<J: Job>(title: impl Into<String>, job: &J, schedule: Schedule) -> Result<Self, InvalidField> {
        if J::ENCRYPTED {
            return Err(InvalidField { field: "kind", reason: KEPT_READABLE.to_owned() });
        }
        let args = serde_json::to_value(job).map_err(|error| InvalidField {
            field: "args",
            reason: format!("could not be written as JSON: {error}"),
        })?;
        Ok(Self {
            args,
            queue: J::QUEUE.to_owned(),
            priority: J::PRIORITY,
            max_retries: J::MAX_ATTEMPTS.map(|attempts| attempts.saturating_sub(1)),
            timeout: J::TIMEOUT.map(|timeout| timeout.as_secs_f64()),
            tags: J::TAGS.iter().map(|tag| (*tag).to_owned()).collect(),
            unique: job.unique(),
            placement: required_by::<J>(),
            ..Self::new(title, J::KIND, schedule)
        })
    }
}
