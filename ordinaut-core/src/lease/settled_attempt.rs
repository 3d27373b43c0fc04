//! An attempt whose end is to be written, and what became of that.

use crate::db::ctid::Ctid;
use crate::job::outcome::Outcome;
use crate::job::output::{OutputError, written};
use crate::lease::leased::Lease;
use crate::lease::settlement::Settlement;
use crate::lease::token::Token;
use serde::Serialize;
use std::time::Duration;

/// An attempt whose end is to be written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SettledAttempt {
    /// What proves it.
    pub token: Token,
    /// What becomes of its job.
    pub settlement: Settlement,
    /// Time since its handler started; `None` if it is not known.
    pub ran_for: Option<Duration>,
    /// JSON.
    pub(crate) output: Option<String>,
    /// Where the row of its lease was, if it may be settled there.
    pub(crate) place: Option<Ctid>,
    /// Its handler waits for something that may have come in the meantime.
    pub(crate) waits: bool,
    /// The target that takes no calls: the job waits for it, and this is no end.
    pub(crate) unavailable: Option<String>,
}

impl SettledAttempt {
    /// The end of the attempt of a lease.
    pub fn of(lease: &Lease, settlement: Settlement) -> Self {
        Self { place: lease.place_to_settle(), ..Self::new(lease.token, settlement) }
    }

    /// The end of an attempt of which nothing but the token is known.
    pub fn new(token: Token, settlement: Settlement) -> Self {
        Self { token, settlement, ran_for: None, output: None, place: None, waits: false, unavailable: None }
    }

    /// Says how long its handler ran.
    #[must_use]
    pub fn ran_for(mut self, time: Duration) -> Self {
        self.ran_for = Some(time);
        self
    }

    /// Keeps an output with its run, 64 KiB of JSON at most.
    ///
    /// # Errors
    ///
    /// If it cannot be written as JSON, or is too large.
    pub fn output(mut self, output: &(impl Serialize + ?Sized)) -> Result<Self, OutputError> {
        self.output = Some(written(&output)?);
        Ok(self)
    }

    /// Keeps of its output what the policy of its kind says.
    #[must_use]
    pub fn keeping(mut self, kept: impl FnOnce(String) -> Option<String>) -> Self {
        self.output = self.output.and_then(kept);
        self
    }

    /// Says that its handler waits for something that may have come in the meantime: it is looked
    /// for after the end was written.
    #[must_use]
    pub fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// Says that a target takes no calls: the job waits for it, with no attempt spent, whatever the
    /// settlement says.
    #[must_use]
    pub fn waits_for_target(mut self, name: impl Into<String>) -> Self {
        self.unavailable = Some(name.into());
        self
    }

    /// Whether it succeeded and has nothing more to say, as nearly all do: then it can be written
    /// at its place.
    pub(crate) fn is_plain_success(&self) -> bool {
        self.place.is_some() && self.settlement.outcome == Outcome::Succeeded && self.output.is_none()
    }
}

impl AsRef<Self> for SettledAttempt {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Whether the end of an attempt was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an attempt that has lost its lease wrote nothing"]
pub enum Reply {
    /// It was, with this outcome: that of a job which was asked to stop and would have gone on is
    /// `cancelled`.
    Settled(Outcome),
    /// Its job was set aside until its target takes calls.
    Parked,
    /// Another attempt owns the job, or the job has ended: nothing was written.
    LeaseLost,
}
