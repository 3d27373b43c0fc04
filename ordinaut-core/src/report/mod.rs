//! What a running job says of itself, its progress, its log and its streamed output, and the
//! parameters that it is given while it runs.
//!
//! A handler says it by its [`Context`](crate::Context): `progress`, `advance`, `log`, `stream`.
//! These return at once; the worker writes what they said in batches, under the lease, within half
//! a second, and before the attempt is settled. Jobs that say nothing cost nothing.
//!
//! ```
//! use ordinaut_core::{Context, Job, JobError};
//! use std::time::Duration;
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Import { rows: u64 }
//!
//! impl Job for Import {
//!     const KIND: &'static str = "import";
//!     // Stalled when it has not moved for a minute, and cancelled then.
//!     const STALLS_AFTER: Option<Duration> = Some(Duration::from_secs(60));
//!     const CANCEL_STALLED: bool = true;
//! }
//!
//! async fn import(job: Import, ctx: Context<()>) -> Result<(), JobError> {
//!     ctx.log("reading the file");
//!     for row in 0..job.rows {
//!         ctx.advance(1);
//!         ctx.progress(100.0 * row as f64 / job.rows as f64, "importing rows");
//!     }
//!     Ok(())
//! }
//! ```

pub(crate) mod attachment;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::report::attachment::{Attachment, MAX_ATTACHMENT_BYTES, Newest};
pub use crate::report::output::{
    Channel, LogLevel, MAX_CHUNKS, MAX_LINE_BYTES, MAX_LINES, MAX_LOG_BYTES, MAX_OUTPUT_BYTES, NewOutput, OutputCursor,
    OutputRecord, WholeOutput,
};
pub use crate::report::progress::{MAX_NOTE, NewProgress, Progress};
pub use crate::report::run::Attached;
