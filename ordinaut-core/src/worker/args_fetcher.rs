//! The fetcher: gets the arguments that claims left out because they are large, on a connection of
//! its own, before their jobs start. It has no connection as long as there are none.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::failure::is_too_much;
use crate::job::args::MAX_ARGS_BYTES;
use crate::job::store::args::carries;
use crate::lease::leased::Lease;
use crate::lease::store::Leases;
use crate::lease::store::claim::GONE;
use crate::lease::token::Token;
use crate::worker::liveness::Turns;
use crate::worker::prefetch_buffer::{PrefetchBuffer, Unread};
use crate::worker::session::Session;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;
use uuid::Uuid;

/// What the arguments fetched by one statement take together at most, as they are stored; larger
/// ones come one by one.
const BATCH_BYTES: usize = 256 * 1024;

/// Number of failed reads of one job's arguments, each the arguments' own fault, after which the
/// job is buried.
const TRIES: u32 = 3;

/// Between tries while Postgres is away.
const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(2) };

pub(crate) struct ArgsFetcher {
    link: DedicatedConnection,
    /// Its signs of life.
    pulse: Turns,
    /// Number of times that the arguments of a lease were to blame for a failure.
    blamed: HashMap<Token, u32>,
    /// Failures in a row that nobody is to blame for.
    failures: i16,
    /// The next ones are fetched one by one, to find which of them made a batch fail.
    alone: usize,
}

impl ArgsFetcher {
    pub(crate) fn new(database: &Client, name: &str, patience: Duration, pulse: Turns) -> Self {
        let link = DedicatedConnection::new(database, &format!("ordinaut-fetch/{name}"), patience);
        Self { link, pulse, blamed: HashMap::new(), failures: 0, alone: 0 }
    }

    /// Fetches as long as it is not dropped.
    pub(crate) async fn work(mut self, shelf: Arc<PrefetchBuffer>) {
        loop {
            let bytes = if self.alone > 0 { 0 } else { BATCH_BYTES };
            let unread = shelf.unread(bytes).await;
            let _turn = self.pulse.begin();
            for (token, args) in self.fetch(&unread).await {
                shelf.read(token, args);
            }
            unread.iter().for_each(|unread| shelf.postpone(unread.token));
            // Leases that went back, or were lost.
            self.blamed.retain(|token, _| shelf.is_unread(*token));
        }
    }

    /// Fetches the arguments of one lease, as long as its session lives.
    pub(crate) async fn complete(&mut self, lease: &mut Lease, session: &Session) {
        while lease.left_out.is_some() && !session.is_lost() {
            let unread = Unread { token: lease.token, bytes: lease.bytes() };
            for (_, args) in self.fetch(&[unread]).await {
                lease.complete(args);
            }
        }
    }

    /// One try: the arguments that were fetched, and those that cannot be, with the reason. What is
    /// missing in the answer is to be tried again.
    async fn fetch(&mut self, unread: &[Unread]) -> Vec<(Token, Result<String, String>)> {
        self.alone = self.alone.saturating_sub(1);
        let jobs: Vec<_> = unread.iter().map(|unread| unread.token.job_id).collect();
        match self.ask(&jobs).await {
            Ok(mut found) => {
                self.failures = 0;
                let read = |unread: &Unread| {
                    self.blamed.remove(&unread.token);
                    (unread.token, found.remove(&unread.token.job_id).ok_or_else(|| GONE.to_owned()))
                };
                unread.iter().map(read).collect()
            }
            Err(error) if unread.len() > 1 => {
                warn!(%error, "could not fetch the arguments of {} jobs together, and will fetch them one by one", jobs.len());
                self.alone = unread.len();
                Vec::new()
            }
            Err(error) => match unread {
                [one] => self.failed(*one, &error).await.into_iter().collect(),
                _ => Vec::new(),
            },
        }
    }

    /// What becomes of a lease whose arguments alone could not be fetched. They are to blame if the
    /// server refused them, gave up or said nothing, though it answers when asked for the same row
    /// without them, and for as many bytes as an enqueue accepts: a lock, a full disk or a wire
    /// that carries nothing large is not theirs.
    async fn failed(&mut self, unread: Unread, error: &sqlx::Error) -> Option<(Token, Result<String, String>)> {
        let Unread { token, bytes } = unread;
        warn!(job.id = %token.job_id, %error, "could not fetch the arguments of job {}", token.job_id);
        if is_too_much(error) && self.others_are_carried(token.job_id).await {
            let blamed = self.blamed.entry(token).or_default();
            *blamed += 1;
            if *blamed >= TRIES {
                self.blamed.remove(&token);
                return Some((token, Err(format!("could not read its arguments ({bytes} bytes as stored): {error}"))));
            }
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(RETRY.delay(self.failures, rand::random())).await;
        None
    }

    async fn ask(&mut self, jobs: &[Uuid]) -> sqlx::Result<HashMap<Uuid, String>> {
        let found = self.link.run(async |schema, to| Leases::on(schema, to).fetch_args(jobs).await).await;
        self.pulse.goes_on();
        found
    }

    async fn others_are_carried(&mut self, job_id: Uuid) -> bool {
        let carried = self.link.run(async |schema, to| carries(to, schema, job_id, MAX_ARGS_BYTES).await).await;
        self.pulse.goes_on();
        carried.is_ok_and(|carried| carried)
    }
}
