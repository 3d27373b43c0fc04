//! What only the programs of this workspace use. It is no part of the library's public face, and
//! may change at any time.

pub use crate::error::Chain;
pub use crate::failure::is_connection_limit;
pub use crate::host::host_name;
pub use crate::loops::Loops;
pub use crate::name::check as check_name;

use crate::name::{check_one, check_queue};
use crate::schedule::timezone::Zone;

/// Whether jobs can wait in a queue of this name.
pub fn is_queue(name: &str) -> bool {
    check_one(name).is_ok() && check_queue(name).is_ok()
}

/// Whether schedules know a time zone of this name.
pub fn is_time_zone(name: &str) -> bool {
    Zone::named(name).is_ok()
}
