//! What a worker process says of its health.

use ordinaut_core::Client;
use ordinaut_core::worker::WorkerLiveness;
use ordinaut_runtime::{Health, can_use, host_name, loops_turn};
use std::sync::OnceLock;

/// A worker process from its first moment on: before there is a Postgres to work with, it lives,
/// and is not ready.
#[derive(Default)]
pub struct WorkerHealth {
    /// Its loops.
    pub pulse: WorkerLiveness,
    /// What it works on, once that is there.
    pub database: OnceLock<Client>,
}

impl Health for WorkerHealth {
    /// A process whose whole runtime is blocked gives no answer, and ends itself.
    fn live(&self) -> Result<(), String> {
        loops_turn(self.pulse.stuck())
    }

    async fn ready(&self) -> Result<(), String> {
        let Some(database) = self.database.get() else { return Err("it waits for Postgres".to_owned()) };
        can_use(database).await?;
        let workers = database.workers().all().await.map_err(|_| "Postgres does not answer".to_owned())?;
        let (host, pid) = (host_name(), std::process::id().cast_signed());
        let alive = workers.iter().any(|worker| worker.alive && worker.host == host && worker.pid == pid);
        if alive { Ok(()) } else { Err("no session of this process is alive".to_owned()) }
    }
}
