//! Leases: the right to run a job, claimed under a session, renewed, and settled.
//!
//! [`Worker`](crate::Worker) does all of this by itself. This module is for a program that runs
//! jobs in its own way, such as one that hands them to workers in other languages: it opens a
//! session, claims leases under it, renews the session before its lease ends, and settles each
//! attempt under its [`Token`]. The worker uses the same functions.
//!
//! ```no_run
//! use ordinaut_core::lease::{ClaimRequest, Renewal, Reply, SessionCounts, SessionProfile, Settlement, SettledAttempt, lanes};
//! use ordinaut_core::{Client, Error, JobError};
//! use ordinaut_core::job::Backoff;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! # async fn run_mails(client: Client) -> Result<(), Error> {
//! // Renew it every third of its lease: when it has ended, its jobs run elsewhere.
//! let profile = SessionProfile::new("mailer-1", Duration::from_secs(60)).queues(["mail"]).kinds(["send_mail"]);
//! let session = client.leases().open_session(&profile).await?;
//!
//! let (lanes, kinds) = (lanes(&[Arc::from("mail")]), [Arc::from("send_mail")]);
//! // Each claim of a session has a number of its own.
//! let claimed = client.leases().claim(&ClaimRequest::new(session, 1, &lanes, &kinds, 10)).await?;
//! let mut ends = Vec::new();
//! for lease in &claimed.leases {
//!     let result = match &lease.body {
//!         Ok(body) => send(&body.args).await,
//!         Err(reason) => Err(JobError::fatal(reason.clone())),
//!     };
//!     let retries = lease.retries(20, Backoff::exponential(Duration::from_secs(3600)));
//!     ends.push(SettledAttempt::of(lease, Settlement::of(result, retries, 0.5)));
//! }
//! let mut counts = SessionCounts::default();
//! let replies = client.leases().settle(&ends).await?;
//! for (lease, reply) in claimed.leases.iter().zip(replies) {
//!     match reply {
//!         Reply::Settled(outcome) => counts.add(&lease.queue, outcome, 1),
//!         // Another attempt owns the job: what this one did must not count.
//!         Reply::LeaseLost => println!("lost the lease of job {}", lease.token.job_id),
//!         // Its target is not well: it waits, and the attempt is unspent.
//!         Reply::Parked => println!("job {} waits for its target", lease.token.job_id),
//!     }
//! }
//! if client.leases().renew(session, 0, &counts).await? == Renewal::Dead {
//!     println!("the session was declared dead: its jobs are not ours any more");
//! }
//! client.leases().close_session(session, &counts).await?;
//! # Ok(())
//! # }
//! # async fn send(_: &str) -> Result<(), JobError> { Ok(()) }
//! ```
//!
//! Claims pass by jobs that a limit concerns: [`Limiter`](crate::limit::Limiter) lets those in.

pub(crate) mod checkpoint;
pub(crate) mod checkpoint_error;
pub(crate) mod claim_floor;
pub(crate) mod claim_memory;
pub(crate) mod claim_request;
pub(crate) mod flags;
pub(crate) mod leased;
pub(crate) mod notify_mode;
pub(crate) mod portion;
pub(crate) mod priority_ageing;
pub(crate) mod restart_pause;
pub(crate) mod run;
pub(crate) mod session_counts;
pub(crate) mod session_profile;
pub(crate) mod settled_attempt;
pub(crate) mod settlement;
pub(crate) mod store;
pub(crate) mod token;
pub(crate) mod weighted_round_robin;

pub use crate::lease::checkpoint_error::CheckpointError;
pub use crate::lease::claim_floor::{ClaimFloors, Lane};
pub use crate::lease::claim_memory::{ClaimMemory, ClaimPlan, Source};
pub use crate::lease::claim_request::{ClaimRequest, Look, Scan, lanes};
pub use crate::lease::leased::{Body, Lease};
pub use crate::lease::notify_mode::NotifyMode;
pub use crate::lease::priority_ageing::Ageing;
pub use crate::lease::run::links::LeaseLinks;
pub use crate::lease::session_counts::SessionCounts;
pub use crate::lease::session_profile::SessionProfile;
pub use crate::lease::settled_attempt::{Reply, SettledAttempt};
pub use crate::lease::settlement::{Retries, Settlement};
pub use crate::lease::store::Leases;
pub use crate::lease::store::claim::Claimed;
pub use crate::lease::store::held::{Noticed, SettledBefore};
pub use crate::lease::store::restart::AfterRestart;
pub use crate::lease::store::session::{CancelAsked, Renewal, SessionNote, SessionStatus};
pub use crate::lease::token::{InvalidToken, Token};
