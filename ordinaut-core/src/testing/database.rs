//! A database of one test.

use crate::client::{Client, ClientBuilder};
use crate::db::migrate::error::SchemaError;
use crate::db::schema::Schema;
use crate::error::Error;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::run::destination::Destination;
use crate::job::store::enqueue::Enqueued;
use crate::testing::store::{create_database, drop_database};
use sqlx::postgres::PgConnectOptions;
use std::ops::Deref;
use uuid::Uuid;

/// Maximum number of connections that a test may have at once.
const CONNECTIONS: u32 = 10;

/// A database of one test, on a server that is there: created with all tables, and dropped with
/// this value, even while connections to it are open. `&TestDatabase` is a `&Client`.
///
/// It is a copy of a template, `ordinaut_template_…`, which the first test makes in a second or two
/// and which stays on the server; a copy takes some tens of milliseconds.
///
/// A server for tests is any Postgres 14 or newer on which the user may create databases, such as
/// `docker run -e POSTGRES_PASSWORD=test -p 5432:5432 postgres`, with `fsync = off` if nothing else
/// lives there.
#[derive(Debug)]
pub struct TestDatabase {
    database: Client,
    server: PgConnectOptions,
    name: Schema,
}

/// Why there is no database for a test.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestDatabaseError {
    /// No server is named.
    #[error("DATABASE_URL is not set: it must name a Postgres on which tests may create databases")]
    NoServer,
    /// The server refused, or was not there.
    #[error("could not create a database for the test")]
    Database(#[from] Error),
    /// Its tables could not be made.
    #[error("could not migrate the database of the test")]
    Schema(#[from] SchemaError),
}

impl From<sqlx::Error> for TestDatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Deref for TestDatabase {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.database
    }
}

impl Destination for &TestDatabase {
    async fn receive(self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        self.database.enqueue(job).await
    }
}

impl TestDatabase {
    /// On the server that `DATABASE_URL` names. The database in the URL is connected to, and
    /// nothing is changed in it.
    ///
    /// # Errors
    ///
    /// [`TestDatabaseError::NoServer`] if `DATABASE_URL` is not set, and those of
    /// [`TestDatabase::on`].
    pub async fn new() -> Result<Self, TestDatabaseError> {
        let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Self::on(&url.ok_or(TestDatabaseError::NoServer)?).await
    }

    /// On the server of this URL.
    ///
    /// # Errors
    ///
    /// [`TestDatabaseError::Database`] if the server cannot be reached or the user may not create
    /// databases there, [`TestDatabaseError::Schema`] if its tables could not be made.
    pub async fn on(url: &str) -> Result<Self, TestDatabaseError> {
        let server: PgConnectOptions = url.parse()?;
        let name = format!("ordinaut_test_{}", Uuid::new_v4().simple());
        let name = Schema::new(&name).map_err(|invalid| sqlx::Error::Configuration(invalid.into()))?;
        create_database(&server, &name).await.map_err(|error| match error {
            SchemaError::Database(error) => TestDatabaseError::Database(error),
            error => TestDatabaseError::Schema(error),
        })?;
        let options = server.clone().database(name.as_str());
        let database = match Client::builder(options).max_connections(CONNECTIONS).connect().await {
            Ok(database) => database,
            Err(error) => {
                drop_database(&server, &name).await?;
                return Err(error.into());
            }
        };
        // From here on it is dropped whatever happens.
        let test = Self { database, server, name };
        // The template may be of last year.
        test.make_partitions().await?;
        Ok(test)
    }

    /// The same with other options of the client:
    /// `db.with(|client| client.encrypt_kinds(["charge"])).await?`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if one of the options cannot be used.
    pub async fn with(mut self, options: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, Error> {
        self.database = options(self.database.to_builder()).connect().await?;
        Ok(self)
    }
}

impl Drop for TestDatabase {
    /// Waits for it, on a thread of its own, because a runtime may not be waited for within
    /// another.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || -> Result<(), sqlx::Error> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_database(&server, &name))
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            tracing::warn!("could not drop the database {} of a test", self.name);
        }
    }
}
