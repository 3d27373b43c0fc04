//! The rows of agents and their secrets.

use crate::access::agent::{Agent, NewAgent};
use crate::access::check::Access;
use crate::access::error::AgentError;
use crate::access::scope::Scope;
use crate::access::secret::{AgentToken, Parts, RANDOM};
use crate::client::Agents;
use crate::db::page::Page;
use crate::error::Error;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::time::Duration;
use uuid::Uuid;

/// Whom a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Authenticated {
    /// This caller, who may do this.
    As(Access),
    /// An agent that has been revoked.
    Revoked,
    /// An agent or a secret whose time is over.
    Expired,
    /// Nobody.
    Unknown,
}

/// What came of taking an agent's rights away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Removed {
    /// It is done.
    Yes,
    /// There is no such agent.
    Unknown,
    /// It is the last one that may do everything.
    LastAdmin,
    /// Tasks that it created are active, this number of them: nobody would know whose they are.
    OwnsTasks(i64),
}

impl Agents<'_> {
    /// Makes an agent with its first secret, which is in no other answer; `by` is who makes it.
    ///
    /// # Errors
    ///
    /// [`AgentError::Invalid`] if a field cannot be accepted, [`AgentError::Duplicate`] if there is
    /// an agent of this name, [`AgentError::Database`] if Postgres refused the statement or could
    /// not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::{NewAgent, Scope};
    ///
    /// let new = NewAgent::new("billing").scope(Scope::JobsWrite).queues(["invoices"]);
    /// let (agent, token) = client.agents().create(&new, "setup").await?;
    /// println!("{} calls with {}", agent.name, token.reveal());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(self, agent: &NewAgent, by: &str) -> Result<(Agent, AgentToken), AgentError> {
        agent.check()?;
        let token = new_token();
        let parts = token.parts().ok_or(AgentError::Duplicate)?;
        let mut scopes = agent.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        let scopes: Vec<_> = scopes.into_iter().map(Scope::as_str).collect();
        let made: Option<Agent> = sqlx::query_as(self.client.sql(sql!("access/create")))
            .bind(Uuid::now_v7())
            .bind(&agent.name)
            .bind(scopes)
            .bind(agent.queues.as_deref())
            .bind(agent.tenant.as_deref())
            .bind(by)
            .bind(agent.expires_at)
            .bind(parts.id)
            .bind(&parts.hash[..])
            .fetch_optional(self.client)
            .await?;
        made.map(|agent| (agent, token)).ok_or(AgentError::Duplicate)
    }

    /// Agents by name: up to `limit` of them, after the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let page = client.agents().list(100, None).await?;
    /// println!("{} agents, and more after {:?}", page.items.len(), page.next);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<Agent, String>, Error> {
        let list = sqlx::query_as(self.client.sql(sql!("access/list"))).bind(limit.saturating_add(1)).bind(after);
        let agents: Vec<Agent> = list.fetch_all(self.client).await?;
        Ok(Page::of_one_more(agents, limit, |agent| agent.name.clone()))
    }

    /// One agent; `None`: there is none of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let agent = client.agents().get("billing").await?;
    /// println!("{:?}", agent.map(|agent| agent.scopes));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(self, name: &str) -> Result<Option<Agent>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("access/get"))).bind(name).fetch_optional(self.client).await?)
    }

    /// Gives an agent a new secret; the ones that it has end after `overlap`. `None`: there is no
    /// such agent.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// // Both secrets work for an hour: time to hand the new one out.
    /// let token = client.agents().rotate("billing", Duration::from_secs(3600)).await?;
    /// println!("{:?}", token.map(|token| token.reveal().to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate(self, name: &str, overlap: Duration) -> Result<Option<AgentToken>, Error> {
        let token = new_token();
        let Some(parts) = token.parts() else { return Ok(None) };
        let found: bool = sqlx::query_scalar(self.client.sql(sql!("access/rotate")))
            .bind(name)
            .bind(parts.id)
            .bind(&parts.hash[..])
            .bind(overlap.as_secs_f64())
            .fetch_one(self.client)
            .await?;
        Ok(found.then_some(token))
    }

    /// Shuts an agent out, and keeps its row. Every API process knows within a second.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::Removed;
    ///
    /// if client.agents().revoke("billing").await? == Removed::LastAdmin {
    ///     println!("somebody must be able to make agents");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke(self, name: &str) -> Result<Removed, Error> {
        self.removed(name, sql!("access/revoke")).await
    }

    /// Deletes an agent with its secrets, if no task that it created is active: a task that fires
    /// has somebody whose it is. Every API process knows within a second.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let removed = client.agents().delete("billing").await?;
    /// println!("{removed:?}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(self, name: &str) -> Result<Removed, Error> {
        self.removed(name, sql!("access/delete")).await
    }

    async fn removed(self, name: &str, sql: &'static str) -> Result<Removed, Error> {
        let (answer, tasks): (String, i64) =
            sqlx::query_as(self.client.sql(sql)).bind(name).fetch_one(self.client).await?;
        Ok(match &*answer {
            "done" => Removed::Yes,
            "last_admin" => Removed::LastAdmin,
            "owns" => Removed::OwnsTasks(tasks),
            _ => Removed::Unknown,
        })
    }

    /// Whom a token belongs to. One that has not the form of a token asks nobody.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, token: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::access::Authenticated;
    ///
    /// if let Authenticated::As(access) = client.agents().authenticate(token).await? {
    ///     let seen = client.seen_by(&access).jobs().list(&Default::default(), 10).await?;
    ///     println!("{} may see {} jobs", access.agent, seen.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authenticate(self, token: &str) -> Result<Authenticated, Error> {
        let Some(parts) = Parts::of(token) else { return Ok(Authenticated::Unknown) };
        let row = sqlx::query(self.client.sql(sql!("access/authenticate")))
            .bind(parts.id)
            .bind(&parts.hash[..])
            .fetch_optional(self.client)
            .await?;
        let Some(row) = row else { return Ok(Authenticated::Unknown) };
        if row.try_get("revoked")? {
            return Ok(Authenticated::Revoked);
        }
        if row.try_get("expired")? {
            return Ok(Authenticated::Expired);
        }
        Ok(Authenticated::As(Access {
            agent: row.try_get::<String, _>("name")?.into(),
            scopes: scopes(&row)?,
            queues: row.try_get("queues")?,
            tenant: row.try_get("tenant")?,
        }))
    }
}

fn new_token() -> AgentToken {
    let mut random = [0; RANDOM];
    rand::Rng::fill(&mut rand::rng(), &mut random[..]);
    AgentToken::of(&random)
}

/// The scopes of a row; one that a newer version has added means nothing here.
pub(super) fn scopes(row: &PgRow) -> sqlx::Result<Vec<Scope>> {
    let words: Vec<String> = row.try_get("scopes")?;
    Ok(words.iter().filter_map(|word| word.parse().ok()).collect())
}

impl FromRow<'_, PgRow> for Agent {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            scopes: scopes(row)?,
            queues: row.try_get("queues")?,
            tenant: row.try_get("tenant")?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
            secrets: row.try_get("secrets")?,
        })
    }
}
