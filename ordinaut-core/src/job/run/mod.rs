//! What callers do with jobs: statements, and the notifications that follow them.

pub(crate) mod cancel;
pub(crate) mod destination;
pub(crate) mod enqueue;
pub(crate) mod gathering;
pub(crate) mod list;
pub(crate) mod result;
pub(crate) mod run_list;
pub(crate) mod together;
