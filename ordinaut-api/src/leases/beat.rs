//! The heartbeat of a session: it renews all leases, and tells what the worker has to know.

use super::session::Said;
use super::{Leasing, number, unknown};
use crate::auth::Caller;
use crate::problem::Problem;
use ordinaut_core::lease::{Noticed, Renewal, SessionCounts, Token};
use ordinaut_core::report::Newest;
use std::time::Instant;
use tracing::{debug, warn};

/// What a heartbeat is answered.
pub(crate) struct Beat {
    pub(crate) lease_seconds: f64,
    pub(crate) cancel: Vec<Noticed>,
    pub(crate) lost: Vec<Noticed>,
    /// Jobs with parameters.
    pub(crate) attached: Vec<(Noticed, Newest)>,
    pub(crate) drain: bool,
}

impl Leasing {
    /// Renews the leases of a session that runs these, and has had an answer to every claim up to
    /// `answered`, or given it up.
    pub(crate) async fn beat(
        &self,
        id: &str,
        caller: &Caller,
        running: Vec<Token>,
        answered: i32,
    ) -> Result<Beat, Problem> {
        let session = self.session_of(number(id)?, caller).await?.ok_or_else(|| unknown(id))?;
        if let Some(stranger) = running.iter().find(|token| token.session != session.id) {
            return Err(Problem::invalid("running", format!("has {stranger}, a lease of another session")));
        }
        let (none, asked) = (SessionCounts::default(), Instant::now());
        let renewed = self.links.run(async |leases| leases.renew(session.id, running.len(), &none).await).await?;
        if renewed == Renewal::Dead {
            return Err(self.lose(&session));
        }
        let noticed = self.links.run(async |leases| leases.noticed(&running).await).await?;
        let status = self.links.run(async |leases| leases.session(session.id).await).await?;
        session.looked(asked, status.as_ref());
        let (lost, held): (Vec<_>, Vec<_>) = noticed.into_iter().partition(|noticed| noticed.lost);
        let cancel: Vec<_> = held.iter().copied().filter(|noticed| noticed.cancel).collect();
        let attached = self.parameters_of(held).await?;
        if !cancel.is_empty() {
            // The list for a worker that reads it; here each heartbeat looks at the jobs
            // themselves, because an answer over HTTP may be lost.
            self.links.run(async |leases| leases.cancels(session.id).await.map(drop)).await?;
        }
        let gone =
            |token: &&Token| lost.iter().any(|lost| (lost.job_id, lost.attempt) == (token.job_id, token.attempt));
        session.settled(running.iter().filter(gone));
        let forgotten = session.heard(Said { answered, running: running.into_iter().collect() });
        if !forgotten.is_empty() {
            warn!(worker.session = session.id, "gave back {} jobs that their worker does not run", forgotten.len());
            self.give_back(session.id, &forgotten).await?;
        }
        if !self.hub.has_polls(session.id)
            && let Err(error) = self.say_whether_it_asks(&session, false).await
        {
            debug!(%error, "session {} is still told of jobs at their commit", session.id);
        }
        let (lease_seconds, drain) = (session.lease.as_secs_f64(), session.is_drained());
        Ok(Beat { lease_seconds, cancel, lost, attached, drain })
    }

    /// Those that were given parameters while they ran, with the newest. They are told with each
    /// heartbeat, because an answer over HTTP may be lost.
    async fn parameters_of(&self, held: Vec<Noticed>) -> Result<Vec<(Noticed, Newest)>, Problem> {
        let jobs: Vec<_> = held.iter().filter(|noticed| noticed.attached).map(|noticed| noticed.job_id).collect();
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.links.run(async |leases| leases.attached(&jobs).await).await?;
        Ok(held.into_iter().filter_map(|noticed| Some((noticed, found.remove(&noticed.job_id)?))).collect())
    }
}
