//! This process tells of itself while it lives, so that `/instances` has it.

use ordinaut_core::Client;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tracing::{debug, warn};
use uuid::Uuid;

/// Between two signs of life, as a scheduler's.
const EVERY: Duration = Duration::from_secs(5);

/// What saying that it ended may take at most.
const LAST_WORD: Duration = Duration::from_secs(2);

pub(crate) struct Presence {
    id: Uuid,
    database: Client,
    address: SocketAddr,
}

impl Presence {
    pub(crate) fn new(database: &Client, address: SocketAddr) -> Self {
        Self { id: Uuid::new_v4(), database: database.clone(), address }
    }

    /// Tells for as long as it is asked. A failure costs a sign of life, and nothing else.
    pub(crate) async fn tell(&self) {
        let mut times = tokio::time::interval(EVERY);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            times.tick().await;
            if let Err(error) = self.database.instances().api_seen(self.id, self.address).await {
                debug!(%error, "could not tell that this process lives, and will try again");
            }
        }
    }

    /// Says that it has ended. If Postgres is away too, its row is soon old.
    pub(crate) async fn end(&self) {
        let left = self.database.instances().api_left(self.id);
        if let Ok(Err(error)) = tokio::time::timeout(LAST_WORD, left).await {
            warn!(%error, "could not record that this process stopped");
        }
    }
}
