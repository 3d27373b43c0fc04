//! The statements of jobs.

pub(crate) mod args;
pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod control;
pub(crate) mod dead_letter;
pub(crate) mod dead_letter_change;
pub(crate) mod dead_letter_groups;
pub(crate) mod encryption;
pub(crate) mod enqueue;
pub(crate) mod erase;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod result;
pub(crate) mod runs;
pub(crate) mod tied;
pub(crate) mod unique;
pub(crate) mod visible;
