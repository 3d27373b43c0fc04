//! The processes of an installation, as far as they tell of themselves.

pub(crate) mod store;

pub use crate::fleet::store::instance::Instance;
pub use crate::fleet::store::scheduler::SchedulerStatus;
pub use crate::fleet::store::worker::WorkerStatus;
pub use crate::fleet::store::worker_cursor::WorkerCursor;
