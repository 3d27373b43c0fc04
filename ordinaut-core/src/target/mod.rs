//! Targets: services outside that handlers call by a name, each with its hosts, and the breaker of
//! each host, which all workers share.
//!
//! A host whose calls fail again and again is not called for a while; jobs that want to call it
//! wait in `parked`, unspent. Then one call of the whole fleet tries it, and decides.
//! `docs/targets.md` is the guide.

pub(crate) mod address;
pub(crate) mod breaker;
pub(crate) mod choice;
pub(crate) mod definition;
pub(crate) mod error;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod slow_start;
pub(crate) mod status;
pub(crate) mod store;

pub use crate::target::breaker::BreakerState;
pub use crate::target::definition::{Fallback, Host, Target, TargetStrategy};
pub use crate::target::error::TargetError;
pub use crate::target::run::call::{Reached, TargetCall};
pub use crate::target::run::told::ToldCall;
pub use crate::target::status::{HostStatus, TargetSource, TargetStatus};
