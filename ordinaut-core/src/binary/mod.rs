//! What the binaries share: settings as flags, the log, the database at the start, the signals that stop
//! them, and what they tell whoever supervises them.

mod exit;
mod flags;
mod health;
mod log;
mod open;
mod signals;
mod supervisor;

pub use exit::{exit, refuse};
pub use flags::{source, with_flags};
pub use health::{Health, can_use, listen_for_health, serve_health};
pub use log::start_log;
pub use open::open_database;
pub use signals::shutdown;
pub use supervisor::tell_supervisor;
