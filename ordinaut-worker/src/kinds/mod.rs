//! The kinds of job that every worker can run, one in each file.

pub(crate) mod abort;
pub(crate) mod echo;
pub(crate) mod fail;
pub(crate) mod http;
pub(crate) mod listen;
pub(crate) mod panic;
pub(crate) mod pipeline;
pub(crate) mod sleep;
pub(crate) mod spin;
pub(crate) mod webhook;

pub use abort::Abort;
pub use echo::Echo;
pub use fail::{Fail, How};
pub use http::Http;
pub use listen::Listen;
pub use panic::Panic;
pub use sleep::Sleep;
pub use spin::Spin;
