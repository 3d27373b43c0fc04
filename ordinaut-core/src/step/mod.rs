//! Durable handlers: steps that run once, and waits that hold no lease.
//!
//! What a handler does in [`Context::step`](crate::Context::step) is recorded with its result:
//! another attempt of the job gets the result, and does not do it again. While it waits, with
//! [`Context::sleep`](crate::Context::sleep), [`Context::wait_for`](crate::Context::wait_for) or
//! [`Context::approval`](crate::Context::approval), its attempt ends, and the job holds neither a
//! slot of a worker nor a lease; when the wait is over, the handler is called anew, and comes back
//! to the same line with the answer.
//!
//! ```
//! use ordinaut_core::{Context, Job, JobError};
//! use std::time::Duration;
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Order { id: i64 }
//! # impl Job for Order { const KIND: &'static str = "order"; }
//! # async fn charge(_: i64) -> Result<String, std::io::Error> { Ok("r-1".to_owned()) }
//! # async fn ship(_: i64, _: &str) -> Result<(), std::io::Error> { Ok(()) }
//!
//! async fn order(job: Order, ctx: Context<()>) -> Result<(), JobError> {
//!     let receipt = ctx.step("charge", async || Ok(charge(job.id).await?)).await?;
//!     let month = Duration::from_secs(30 * 86_400);
//!     let packed: Option<String> = ctx.wait_for("packed", "parcels.packed", &job.id.to_string(), month).await?;
//!     match packed {
//!         Some(parcel) => ctx.step("ship", async || Ok(ship(job.id, &parcel).await?)).await,
//!         None => Err(JobError::fatal(format!("nobody packed it; receipt {receipt}"))),
//!     }
//! }
//! ```
//!
//! # What a handler may rely on
//!
//! A result that was recorded is never computed again. A closure whose process died before its
//! result was recorded runs again: its effect outside happens at least once. Where the effect is in
//! the same database, [`Context::step_in`](crate::Context::step_in) makes effect and record one
//! commit. Code between steps runs in each attempt.
//!
//! A handler asks for its steps by name. A name that comes again in an attempt gets `#2`, `#3` and
//! so on, so a loop needs no names of its own, as long as it comes to its steps in the same order.
//! Code that changes while jobs run: a step that is not found runs; a recorded one that is not
//! asked for any more is kept and shown; [`Context::version`](crate::Context::version) says on
//! which side of a change a job began.

pub(crate) mod approval;
pub(crate) mod book;
pub(crate) mod error;
pub(crate) mod name;
pub(crate) mod record;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::step::approval::{Approval, ApprovalRequest, Decided, Decision};
pub use crate::step::error::StepError;
pub use crate::step::record::{MAX_RESULT_BYTES, MAX_STEPS, StepKind, StepRecord, WaitKind, WaitRecord};
pub use crate::step::run::attempt_steps::RecordedStep;
