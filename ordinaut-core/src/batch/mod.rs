//! Jobs that belong together, and what follows from the ends of jobs.
//!
//! A batch has members, which run as any job does, and jobs that are called when all members have
//! ended. Members are counted as they end, by one transaction at a time, so that no end waits for
//! the row of a batch.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use ordinaut_core::NewJob;
//! use ordinaut_core::batch::OnDead;
//! use serde_json::json;
//!
//! let mut batch = client.batch("import 7").on_dead(OnDead::CancelRest);
//! for part in 0..1000 {
//!     batch = batch.add(NewJob::new("load", &json!({ "part": part }))?);
//! }
//! let id = batch.on_success(NewJob::new("publish", &json!({}))?).commit().await?;
//! let now = client.batches().get(id).await?;
//! println!("{:?}", now.map(|batch| batch.progress));
//! # Ok(())
//! # }
//! ```

#[expect(clippy::module_inception, reason = "a batch is the noun of this folder")]
pub(crate) mod batch;
pub(crate) mod child;
pub(crate) mod run;
pub(crate) mod store;
pub(crate) mod tally;

pub use crate::batch::batch::{Batch, BatchFilter, BatchState, OnDead};
pub use crate::batch::run::control::BatchCancelled;
pub use crate::batch::run::new_batch::NewBatch;
