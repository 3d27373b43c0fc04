//! What `http` jobs need: a client that calls only what it may, and what to make of an answer.

pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod arguments;
pub(crate) mod client;
pub(crate) mod expectation;
pub(crate) mod payload;
pub(crate) mod probe;
pub(crate) mod redirect;
pub(crate) mod retry_after;
pub(crate) mod schema;
pub(crate) mod sign;
pub(crate) mod status;
mod tls;
