//! The claimer: takes leases for a session, on a connection of its own.

use super::session::Session;
use crate::store::claim::{self, Claim};
use crate::store::database::Database;
use crate::store::link::Link;
use crate::vocabulary::lease::{Lease, Token};
use std::time::{Duration, Instant};
use tracing::warn;

pub(super) struct Claimer {
    link: Link,
    queues: Vec<String>,
    kinds: Vec<String>,
    /// The server gives up a claim after this, so that afterwards it cannot commit any more.
    patience: Duration,
    /// Claims whose answer never came, by session and nonce, and when they were sent.
    strays: Vec<(i64, i32, Instant)>,
}

impl Claimer {
    pub(super) fn new(
        database: &Database,
        name: &str,
        queues: Vec<String>,
        kinds: Vec<String>,
        lease: Duration,
    ) -> Self {
        let patience = lease / 3;
        let link = Link::new(database, &format!("ordinaut-claim/{name}"), patience);
        Self { link, queues, kinds, patience, strays: Vec::new() }
    }

    /// Takes up to `limit` leases: suspects only, or none of them.
    pub(super) async fn claim(&mut self, session: &Session, limit: usize, suspects: bool) -> sqlx::Result<Vec<Lease>> {
        self.hand_strays_back(session).await?;
        // The next claim begins with the next queue, so that a full one does not starve the others.
        self.queues.rotate_left(1);
        let lanes: Vec<_> =
            (1..=9).flat_map(|priority| self.queues.iter().map(move |queue| (queue.clone(), priority))).collect();
        let (nonce, sent) = (session.next_nonce(), Instant::now());
        let claim = Claim { lanes: &lanes, kinds: &self.kinds, limit, session: session.id, nonce, suspects };
        let schema = self.link.schema();
        let result = claim::claim(self.link.connection().await?, &schema, claim).await;
        // A refusal was rolled back. Of anything else it is not known whether it committed.
        if matches!(&result, Err(error) if error.as_database_error().is_none()) {
            self.strays.push((session.id, nonce, sent));
        }
        let leases = self.link.checked(result)?;
        // An answer after the end of its session is worth nothing: those jobs are rescued.
        Ok(if session.is_lost() { Vec::new() } else { leases })
    }

    /// Hands leases back whose handlers did not start. A failure leaves them to a later try, or to the rescue.
    pub(super) async fn give_back(&mut self, session: &Session, leases: &[Lease]) {
        if leases.is_empty() {
            return;
        }
        let tokens: Vec<_> = leases.iter().map(|lease| lease.token).collect();
        if let Err(error) = self.give_back_tokens(session.id, &tokens).await {
            warn!(%error, "could not hand {} leases back: they end with the session", tokens.len());
        }
    }

    pub(super) async fn close(&mut self) {
        self.link.close().await;
    }

    async fn hand_strays_back(&mut self, session: &Session) -> sqlx::Result<()> {
        self.strays.retain(|(owner, ..)| *owner == session.id);
        if !self.strays.iter().any(|(.., sent)| sent.elapsed() > self.patience + Duration::from_secs(1)) {
            return Ok(());
        }
        let schema = self.link.schema();
        let nonces: Vec<_> = self.strays.iter().map(|(_, nonce, _)| *nonce).collect();
        let result = claim::strays(self.link.connection().await?, &schema, session.id, &nonces).await;
        let tokens = self.link.checked(result)?;
        if !tokens.is_empty() {
            self.give_back_tokens(session.id, &tokens).await?;
            warn!("handed {} jobs back whose claim was never answered", tokens.len());
        }
        self.strays.retain(|(.., sent)| sent.elapsed() <= self.patience + Duration::from_secs(1));
        Ok(())
    }

    async fn give_back_tokens(&mut self, session: i64, tokens: &[Token]) -> sqlx::Result<()> {
        let schema = self.link.schema();
        let result = claim::give_back(self.link.connection().await?, &schema, session, tokens).await;
        self.link.checked(result)
    }
}
