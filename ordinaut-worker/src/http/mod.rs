//! What `http` jobs need: a client that calls only what it may, and what to make of an answer.

pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod probe;
pub(crate) mod redirect;
pub(crate) mod retry_after;
pub(crate) mod status;
