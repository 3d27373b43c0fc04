//! What a scheduler process says of its health.

use ordinaut_core::Client;
use ordinaut_core::maintenance::SchedulerLiveness;
use ordinaut_runtime::{Health, can_use, loops_turn};
use std::sync::OnceLock;

/// A scheduler process from its first moment on: before there is a Postgres to work with, it lives,
/// and is not ready.
#[derive(Default)]
pub struct SchedulerHealth {
    /// Its loops.
    pub pulse: SchedulerLiveness,
    /// What it works on, once that is there.
    pub database: OnceLock<Client>,
}

impl Health for SchedulerHealth {
    fn live(&self) -> Result<(), String> {
        loops_turn(self.pulse.stuck())
    }

    async fn ready(&self) -> Result<(), String> {
        let Some(database) = self.database.get() else { return Err("it waits for Postgres".to_owned()) };
        can_use(database).await?;
        self.pulse.failing().map_or(Ok(()), |name| Err(format!("the loop {name} has not succeeded lately")))
    }
}
