//! The statements of leases.

pub(crate) mod checkpoint;
pub(crate) mod claim;
pub(crate) mod commit_check;
pub(crate) mod drain;
pub(crate) mod rescue;
pub(crate) mod session;
pub(crate) mod settle;
