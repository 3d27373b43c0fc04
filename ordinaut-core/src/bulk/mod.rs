//! Bulk operations: one verb to all jobs that a filter names, durable and in batches.
//!
//! An operation is stored, and schedulers do it: each batch moves its cursor in the transaction
//! that changes the jobs, so that a process that dies at any moment leaves the rest to another, and
//! nothing is done twice.
//!
//! ```no_run
//! # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
//! use ordinaut_core::bulk::{BulkRequest, BulkVerb};
//! use ordinaut_core::job::CancelFilter;
//!
//! let dead_mails = CancelFilter::default().queue("mail");
//! let operation = client.bulk().start(&BulkRequest::new(BulkVerb::Requeue, dead_mails).rate(50.0), "ann").await?;
//! println!("{} of {} are back", operation.done, operation.looked);
//! # Ok(())
//! # }
//! ```

pub(crate) mod operation;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod store;

pub use crate::bulk::operation::{BulkOperation, BulkState};
pub use crate::bulk::request::{BulkRequest, BulkVerb};
