//! Calls of targets that a worker elsewhere has made, as it tells them.

use crate::client::Targets;
use crate::error::Error;
use crate::target::breaker::Verdict;
use crate::target::run::book::TRIAL_MARGIN;
use crate::target::store::breaker::{Counted, FailedCall};
use std::time::Duration;
use uuid::Uuid;

/// A call of a target that a worker elsewhere has made.
#[derive(Clone, Copy, Debug)]
pub struct ToldCall<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The host that was called; `None`: the only one that it has, and else none is counted.
    pub host: Option<&'a str>,
    /// The worker.
    pub by: &'a str,
    /// Why it failed; `None`: the host has answered, and is well.
    pub failed: Option<&'a str>,
    /// Time that it took.
    pub took: Duration,
}

impl Targets<'_> {
    /// Tells all of a call that a worker elsewhere has made, as a worker of the library tells of
    /// its own: a failure counts for the breaker of the host, and one that is made when the host
    /// may be tried decides. False: there is no such target or host.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn tell(self, call: &ToldCall<'_>) -> Result<bool, Error> {
        let Some(read) = self.read(call.target).await? else { return Ok(false) };
        let found = match call.host {
            Some(host) => read.hosts.iter().find(|(name, ..)| name == host),
            None if read.hosts.len() == 1 => read.hosts.first(),
            None => return Ok(true),
        };
        let Some((host, _, breaker)) = found else { return Ok(false) };
        let trial = match breaker.verdict(Duration::ZERO) {
            Verdict::Try => {
                let id = Uuid::new_v4();
                self.try_host(call.target, host, id, TRIAL_MARGIN).await?.map(|_| id)
            }
            Verdict::Call | Verdict::Leave => None,
        };
        let (target, by) = (call.target, call.by);
        match call.failed {
            Some(reason) => drop(self.call_failed(&FailedCall { target, host, by, reason, asked: None, trial }).await?),
            None if trial.is_some() || breaker.failures > 0 => drop(self.call_succeeded(target, host, trial).await?),
            None => {}
        }
        let failed = i64::from(call.failed.is_some());
        let seconds = if failed == 0 { call.took.as_secs_f64() } else { 0.0 };
        self.add_counted(&[(target.to_owned(), host.clone(), Counted { calls: 1, failed, seconds })]).await?;
        Ok(true)
    }
}
