//! Calls of targets: what a process knows of them, and one call.

pub(crate) mod book;
pub(crate) mod call;
pub(crate) mod page;
pub(crate) mod told;
pub(crate) mod turn;
