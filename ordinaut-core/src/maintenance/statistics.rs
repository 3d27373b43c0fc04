//! Statistics: what happened is counted by the minute and the hour.

use crate::client::Client;
use crate::error::Error;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};

pub(crate) struct Statistics {
    database: Client,
}

impl Statistics {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone() }
    }
}

impl Periodic for Statistics {
    const NAME: &'static str = "statistics";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        self.database.stats().collect().await
    }
}
