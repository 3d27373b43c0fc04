//! What the binaries share: settings as flags, the log, the database at the start, and the signals that stop them.

mod exit;
mod flags;
mod log;
mod open;
mod signals;

pub use exit::{exit, refuse};
pub use flags::{source, with_flags};
pub use log::start_log;
pub use open::open_database;
pub use signals::shutdown;
