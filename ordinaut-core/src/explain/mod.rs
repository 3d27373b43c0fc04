//! Why a job has not run, a task has not fired, a batch has not ended, and what holds a queue up:
//! reasons, with what shows them and what to do.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! if let Some(explanation) = client.jobs().explain(id).await? {
//!     println!("{explanation}");
//! }
//! # Ok(())
//! # }
//! ```

pub(crate) mod answer;
pub(crate) mod facts;
pub(crate) mod of_batch;
pub(crate) mod of_queue;
pub(crate) mod of_target;
pub(crate) mod of_task;
pub(crate) mod reason;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod store;
pub(crate) mod tree;

pub use crate::explain::answer::{BatchExplanation, Component, Finding, QueueExplanation, Severity, TaskExplanation};
pub use crate::explain::reason::{Explanation, Reason, ReasonKind};
