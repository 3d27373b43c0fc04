//! Machines on which the installation runs: what their processes tell of them, how healthy each is,
//! and which is the best for the next job.

pub(crate) mod error;
pub(crate) mod level;
pub(crate) mod report;
pub(crate) mod score;
pub(crate) mod store;
pub(crate) mod threshold;

pub use crate::node::error::NodeError;
pub use crate::node::level::NodeLevel;
pub use crate::node::report::NodeReport;
pub use crate::node::score::NodeScore;
pub use crate::node::store::Node;
pub use crate::node::threshold::{NodeThresholds, Threshold};
