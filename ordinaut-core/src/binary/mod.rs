//! What the binaries share: settings as flags, the log, the signals that stop them.

mod flags;
mod log;
mod signals;

pub use flags::{source, with_flags};
pub use log::start_log;
pub use signals::shutdown;
