//! The kinds of job that every worker can run, one in each file.

pub(crate) mod echo;
pub(crate) mod http;
pub(crate) mod pipeline;
pub(crate) mod sleep;
pub(crate) mod webhook;

pub use echo::Echo;
pub use http::Http;
pub use sleep::Sleep;
