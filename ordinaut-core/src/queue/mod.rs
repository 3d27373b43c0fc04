//! Queues: paused, bounded, and how full they are.

pub(crate) mod pressure;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod store;

pub use crate::name::ALL_QUEUES;
pub use crate::queue::pressure::QueueLevel;
pub use crate::queue::settings::QueueChange;
pub use crate::queue::store::QueueRoom;
pub use crate::queue::store::stats::{OutcomeCount, QueueStatus};
