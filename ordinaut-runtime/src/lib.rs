//! What the programs share, and a user of the library never links: settings as variables, flags and
//! a file, the log, the database at the start, the signals that stop a process, how it ends, and
//! what its supervisor is told.

mod args;
mod catalogue;
mod exit;
mod health;
mod lines;
mod listener;
mod log;
mod node;
mod password;
mod process;
mod schema;
mod serve;
pub mod settings;
mod signals;
mod startup;
mod systemd;
mod tls;
mod watched;

pub use crate::args::{SETTINGS, source, with_flags};
pub use crate::catalogue::{Catalogue, KnownTool, KnownTools};
pub use crate::exit::{EXIT_PANICKED, end, exit, refuse};
pub use crate::health::{Health, can_use, listen_for_health, loops_turn, serve_health};
pub use crate::lines::dropped_log_lines;
pub use crate::listener::{Listener, Peer};
pub use crate::log::{flush_log, start_log};
pub use crate::node::tell_of_node;
pub use crate::password::{LONGEST_PASSWORD, SHORTEST_PASSWORD, hash_password, is_password};
pub use crate::process::run;
pub use crate::schema::{Misfit, Schema};
pub use crate::serve::serve;
pub use crate::signals::shutdown;
pub use crate::startup::open_database;
pub use crate::systemd::tell_supervisor;
pub use crate::tls::{Tls, TlsError};
pub use ordinaut_core::program::{Loops, host_name};
