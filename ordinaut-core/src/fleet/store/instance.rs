//! Every process of an installation, as each tells of itself.

use crate::client::Instances;
use crate::error::Error;
use crate::fleet::store::scheduler::ALIVE_FOR;
use crate::host::{host_name, process_name};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::net::SocketAddr;
use uuid::Uuid;

/// A process: of the API, a scheduler, or a worker.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Instance {
    /// `api`, `scheduler` or `worker`.
    pub program: String,
    /// One life of the process; of a worker its session.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where it runs.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// The library's version.
    pub version: String,
    /// Host and port where it answers, of the API.
    pub address: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last told of itself.
    pub seen_at: DateTime<Utc>,
    /// Whether that was lately; of a worker, whether its leases hold.
    pub alive: bool,
}

impl Instances<'_> {
    /// All of them, by program; of each the one seen last first.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self) -> Result<Vec<Instance>, Error> {
        let instances = sqlx::query_as(self.client.sql(sql!("fleet/instances"))).bind(ALIVE_FOR.as_secs_f64());
        Ok(instances.fetch_all(self.client).await?)
    }

    /// Says that this process of the API lives, and where it listens. To be said every few seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn api_seen(self, id: Uuid, listens: SocketAddr) -> Result<(), Error> {
        // Who listens on all of its addresses is found by its name.
        let address = match listens.ip().is_unspecified() {
            true => format!("{}:{}", host_name(), listens.port()),
            false => listens.to_string(),
        };
        sqlx::query(self.client.sql(sql!("fleet/api_seen")))
            .bind(id)
            .bind(process_name())
            .bind(host_name())
            .bind(std::process::id().cast_signed())
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(address)
            .execute(self.client)
            .await?;
        Ok(())
    }

    /// Says that this process of the API has ended.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn api_left(self, id: Uuid) -> Result<(), Error> {
        sqlx::query(self.client.sql(sql!("fleet/api_left"))).bind(id).execute(self.client).await?;
        Ok(())
    }
}
