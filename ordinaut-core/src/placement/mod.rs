//! Which worker runs a job: the labels of workers, what jobs require and prefer of them, and the
//! part of a kind that a version runs.
//!
//! A worker declares labels ([`WorkerOptions::labels`](crate::worker::WorkerOptions)), such as
//! `gpu` or `zone=a`; `worker=NAME`, `node=HOST` and `version=VERSION` it has by itself. A job says
//! what it asks for with [`NewJob::placement`](crate::NewJob::placement). One that asks for nothing
//! costs what it costs without all of this.

pub(crate) mod eligibility;
pub(crate) mod label;
pub(crate) mod request;
pub(crate) mod rollout_error;
pub(crate) mod store;

pub use crate::placement::eligibility::Eligibility;
pub use crate::placement::label::label_fault;
pub use crate::placement::request::{Placement, Strategy};
pub use crate::placement::rollout_error::RolloutError;
pub use crate::placement::store::rollout::Rollout;
