//! Jobs that wait: what publishers and workers that died have left undone.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::step::run::catch_up;

pub(crate) struct Waits {
    database: Client,
}

impl Waits {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone() }
    }
}

impl Periodic for Waits {
    const NAME: &'static str = "waits";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        catch_up(&self.database).await
    }
}
