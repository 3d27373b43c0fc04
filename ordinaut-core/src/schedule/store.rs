//! What holds for the whole installation: the zone of schedules that name none.

use crate::client::Client;
use crate::error::Error;
use crate::schedule::timezone::Zone;
use sqlx::PgExecutor;

impl Client {
    /// The zone of schedules that name none: an IANA name. A task that is created without a zone
    /// keeps it.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement, for example because the schema is not
    /// migrated, or could not be reached.
    pub async fn time_zone(&self) -> Result<String, Error> {
        Ok(self.time_zone_on(self).await?)
    }

    /// Changes [`Client::time_zone`] for tasks that are created from now on; those that exist keep
    /// theirs.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the field `timezone` if it is no IANA name of a zone that this build
    /// knows; [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn set_time_zone(&self, name: &str) -> Result<(), Error> {
        Zone::named(name)?;
        let set = sqlx::query(self.sql(sql!("schedule/set_time_zone"))).bind(name);
        Ok(set.execute(self).await.map(drop)?)
    }

    pub(crate) async fn time_zone_on<'e>(&self, db: impl PgExecutor<'e>) -> sqlx::Result<String> {
        sqlx::query_scalar(self.sql(sql!("schedule/time_zone"))).fetch_one(db).await
    }
}
