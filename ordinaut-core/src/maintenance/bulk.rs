//! Bulk operations that are not finished go on.

use crate::bulk::run::work::work;
use crate::client::Client;
use crate::error::Error;
use crate::maintenance::periodic::{EACH_SECOND, Periodic};

pub(crate) struct BulkOperations {
    database: Client,
}

impl BulkOperations {
    pub(crate) fn new(database: &Client) -> Self {
        Self { database: database.clone() }
    }
}

impl Periodic for BulkOperations {
    const NAME: &'static str = "bulk";
    const EVERY: &'static str = EACH_SECOND;

    async fn run(&self) -> Result<(), Error> {
        work(&self.database).await
    }
}
