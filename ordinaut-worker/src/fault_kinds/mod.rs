//! The kinds of job that fail on purpose, one in each file.

pub(crate) mod abort;
pub(crate) mod fail;
pub(crate) mod listen;
pub(crate) mod panic;
pub(crate) mod spin;

pub use abort::Abort;
pub use fail::{Fail, How};
pub use listen::Listen;
pub use panic::Panic;
pub use spin::Spin;
