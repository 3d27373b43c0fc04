//! The statements of leases.

pub(crate) mod checkpoint;
pub(crate) mod claim;
pub(crate) mod commit_check;
pub(crate) mod drain;
pub(crate) mod give_back;
pub(crate) mod held;
pub(crate) mod placed;
pub(crate) mod restart;
pub(crate) mod session;
pub(crate) mod settle;

use crate::client::Client;
use crate::db::pool_or_connection::PoolOrConnection;
use crate::db::schema::Schema;
use sqlx::{PgConnection, SqlStr};

/// Leases: claim them under a session, keep them, settle what was run. [The module](crate::lease)
/// has an example.
///
/// Each method is one statement, in a transaction of its own.
#[derive(Debug)]
#[must_use = "it does nothing by itself"]
pub struct Leases<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) executor: PoolOrConnection<'a>,
}

impl Client {
    /// Leases: claim jobs under a session and settle them, for a program that runs jobs without a
    /// [`Worker`](crate::Worker).
    pub fn leases(&self) -> Leases<'_> {
        Leases { schema: self.schema(), executor: PoolOrConnection::Pool(self.by_key()) }
    }
}

impl<'a> Leases<'a> {
    /// The same over a connection that the caller keeps, or in the caller's transaction.
    pub(crate) fn on(schema: &'a Schema, connection: &'a mut PgConnection) -> Self {
        Self { schema, executor: PoolOrConnection::Connection(connection) }
    }

    pub(crate) fn sql(&self, text: &'static str) -> SqlStr {
        self.schema.sql(text)
    }
}
