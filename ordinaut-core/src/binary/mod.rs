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

pub use crate::binary::exit::{EXIT_PANICKED, end, exit, refuse};
pub use crate::binary::flags::{source, with_flags};
pub use crate::binary::health::{Health, can_use, listen_for_health, loops_turn, serve_health};
pub use crate::binary::lines::dropped_log_lines;
pub use crate::binary::log::{flush_log, start_log};
pub use crate::binary::open::open_database;
pub use crate::binary::process::run;
pub use crate::binary::serve::{Peer, serve};
pub use crate::binary::signals::shutdown;
pub use crate::binary::supervisor::tell_supervisor;
pub use crate::loops::Loops;
