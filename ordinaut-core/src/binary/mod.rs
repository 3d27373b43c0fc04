//! What the binaries share: settings as flags, the log, the database at the start, the signals that stop
//! them, how they end, and what they tell their supervisor.

mod exit;
mod flags;
mod health;
mod lines;
mod log;
mod open;
mod process;
mod serve;
mod signals;
mod supervisor;

pub use crate::loops::Loops;
pub use exit::{EXIT_PANICKED, end, exit, refuse};
pub use flags::{source, with_flags};
pub use health::{Health, can_use, listen_for_health, loops_turn, serve_health};
pub use lines::dropped_log_lines;
pub use log::{flush_log, start_log};
pub use open::open_database;
pub use process::run;
pub use serve::{Peer, serve};
pub use signals::shutdown;
pub use supervisor::tell_supervisor;
