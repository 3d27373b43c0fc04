//! For a server whose workers run elsewhere, such as the HTTP API: what a worker does beside its
//! handlers, for the attempts of many sessions.
//!
//! Claims are in [`lease`](crate::lease): a [`ClaimMemory`](crate::lease::ClaimMemory) for each
//! session, over [`LeaseLinks`](crate::lease::LeaseLinks).

pub(crate) mod end_writer;
pub(crate) mod remote_steps;

pub use crate::notify::Hearing;
pub use crate::worker::elsewhere::end_writer::{EndWriter, RemoteEnd, Written};
pub use crate::worker::elsewhere::remote_steps::{RemoteSteps, WaitFor, Waited};
pub use crate::worker::kept_policies::KeptPolicies;
