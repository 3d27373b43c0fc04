//! Webhooks: events become jobs that deliver them.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};
use crate::webhook::run::dispatch::dispatch;

pub(crate) struct Webhooks {
    database: Client,
}

impl Webhooks {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone() }
    }
}

impl Periodic for Webhooks {
    const NAME: &'static str = "webhooks";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        dispatch(&self.database).await
    }
}
