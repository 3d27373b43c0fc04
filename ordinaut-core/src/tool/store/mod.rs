//! The rows of tools: put, told by workers, read, deleted.

use crate::client::Tools;
use crate::error::{Error, InvalidField};
use crate::name;
use crate::tool::definition::{Tool, ToolSource};
use crate::tool::error::ToolError;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use tracing::warn;

/// Maximum number of tools, and of what they take together, in bytes: each process that checks
/// reads all of them.
const MOST: i64 = 1_000;
const MOST_BYTES: i64 = 4 * 1024 * 1024;

/// A tool, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StoredTool {
    /// The kind of its jobs, and what a step of a pipeline `uses`.
    pub name: String,
    /// What it takes and returns.
    #[serde(flatten)]
    pub tool: Tool,
    /// Who wrote that.
    pub source: ToolSource,
    /// Grows with each change.
    pub version: i64,
    /// The agent that put it, or the version of the worker that told it; absent if it was not put
    /// through the API.
    pub registered_by: Option<String>,
    /// When it was first registered.
    pub registered_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Another one whenever the catalogue has changed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CatalogueState {
    tools: i64,
    versions: i64,
    changed_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    tool: Value,
    source: String,
    version: i64,
    registered_by: Option<String>,
    registered_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    /// `None`: a newer version has written what this one cannot read, which must stop no other.
    fn read(self) -> Option<StoredTool> {
        let Self { name, tool, source, version, registered_by, registered_at, updated_at } = self;
        let read = Tool::from_json(tool).map_err(|error| error.to_string());
        match read.and_then(|tool| Ok((tool, ToolSource::try_from(source)?))) {
            Ok((tool, source)) => {
                Some(StoredTool { name, tool, source, version, registered_by, registered_at, updated_at })
            }
            Err(error) => {
                warn!(tool = name, "the tool {name} is unknown here: it cannot be read: {error}");
                None
            }
        }
    }
}

impl Tools<'_> {
    /// Puts a tool, in place of the one of the name. The same one again changes nothing, the
    /// version neither.
    ///
    /// # Errors
    ///
    /// [`ToolError::Invalid`] names the field that cannot be accepted; [`ToolError::Full`]: there
    /// are 1,000, or they take 4 MiB.
    pub async fn put(self, name: &str, tool: &Tool) -> Result<StoredTool, ToolError> {
        self.write(name, tool, ToolSource::Put, self.client.agent()).await?;
        // Deleted in the meantime, as if it had been a moment later.
        self.get(name).await?.ok_or(ToolError::Full)
    }

    /// Puts a tool that a worker of this version has built in. One that somebody put stays as it
    /// is.
    ///
    /// # Errors
    ///
    /// Those of [`Tools::put`].
    pub async fn register(self, name: &str, tool: &Tool, version: &str) -> Result<(), ToolError> {
        self.write(name, tool, ToolSource::Worker, Some(version)).await
    }

    async fn write(self, name: &str, tool: &Tool, source: ToolSource, by: Option<&str>) -> Result<(), ToolError> {
        name::check(name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        tool.check()?;
        let room: Option<bool> = sqlx::query_scalar(self.client.sql(sql!("tool/put")))
            .bind(name)
            .bind(Json(tool))
            .bind(source.as_str())
            .bind(by)
            .bind(MOST)
            .bind(MOST_BYTES)
            .fetch_optional(self.client)
            .await
            .map_err(Error::from)?;
        if room == Some(true) { Ok(()) } else { Err(ToolError::Full) }
    }

    /// A tool.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<StoredTool>, Error> {
        Ok(self.read(Some(name)).await?.pop())
    }

    /// What tells whether the catalogue has changed, without reading it.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn state(self) -> Result<CatalogueState, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("tool/state"))).fetch_one(self.client).await?)
    }

    /// All tools, by name: 1,000 at most, without those that only a newer version can read.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self) -> Result<Vec<StoredTool>, Error> {
        Ok(self.read(None).await?)
    }

    async fn read(self, name: Option<&str>) -> sqlx::Result<Vec<StoredTool>> {
        let rows: Vec<Row> =
            sqlx::query_as(self.client.sql(sql!("tool/list"))).bind(name).fetch_all(self.client).await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// Deletes a tool: what its jobs take is not known any more, and not checked. A stock worker
    /// tells its own ones anew when it starts. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete(self, name: &str) -> Result<bool, Error> {
        let deleted = sqlx::query(self.client.sql(sql!("tool/delete"))).bind(name).execute(self.client).await?;
        Ok(deleted.rows_affected() > 0)
    }
}
