//! The verbs, a file each.

pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod migrate;
pub(crate) mod status;
