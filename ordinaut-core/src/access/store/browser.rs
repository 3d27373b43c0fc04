//! The rows of passwords and of browsers that are signed in.

use crate::access::browser::{Browser, BrowserSecret, RANDOM, SignIn};
use crate::access::check::Access;
use crate::access::secret::Parts;
use crate::access::store::agent::scopes;
use crate::client::Agents;
use crate::error::Error;
use sqlx::Row;
use std::time::Duration;

/// Wrong passwords in a row after which none is looked at for a while.
const WRONG_IN_A_ROW: i32 = 5;

/// That while: long enough that guessing is hopeless, short enough for somebody who forgot.
const LOCKED: Duration = Duration::from_secs(15 * 60);

/// What is known about the password of an agent that somebody signs in as.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum PasswordTry {
    /// It hashes to this, and the attempt has been counted.
    Hash(String),
    /// Too many were wrong: it is not looked at for a while.
    Locked,
    /// There is no such agent, it has no password, or it may not call any more.
    Unknown,
}

impl Agents<'_> {
    /// Gives an agent the password of which `hash` is what a slow hash made, or takes it away, and
    /// signs its browsers out. False: there is no such agent.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn set_password(self, name: &str, hash: Option<&str>) -> Result<bool, Error> {
        let set = sqlx::query_scalar(self.client.sql(sql!("access/password_set"))).bind(name).bind(hash);
        Ok(set.fetch_one(self.client).await?)
    }

    /// Counts an attempt to sign in with a password, and says what the right one hashes to. Who
    /// finds that it was right says so with [`password_was_right`](Self::password_was_right).
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn try_password(self, name: &str) -> Result<PasswordTry, Error> {
        let hash: Option<Option<String>> = sqlx::query_scalar(self.client.sql(sql!("access/password_try")))
            .bind(name)
            .bind(WRONG_IN_A_ROW)
            .bind(LOCKED.as_secs_f64())
            .fetch_optional(self.client)
            .await?;
        Ok(match hash {
            Some(Some(hash)) => PasswordTry::Hash(hash),
            Some(None) => PasswordTry::Locked,
            None => PasswordTry::Unknown,
        })
    }

    /// Forgets the attempts to sign in that were counted.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn password_was_right(self, name: &str) -> Result<(), Error> {
        let right = sqlx::query(self.client.sql(sql!("access/password_right"))).bind(name);
        right.execute(self.client).await?;
        Ok(())
    }

    /// Signs a browser in for `lifetime`. `None`: the agent is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn sign_in(self, by: SignIn<'_>, lifetime: Duration) -> Result<Option<BrowserSecret>, Error> {
        let mut random = [0; RANDOM];
        rand::Rng::fill(&mut rand::rng(), &mut random[..]);
        let secret = BrowserSecret::of(random);
        let (agent, parts, settings) = match by {
            SignIn::Password(agent) => (Some(agent), None, None),
            SignIn::Token { agent, token } => (Some(agent), Parts::of(token), None),
            SignIn::Settings { token } => (None, None, Some(secret.hash_with(token.as_bytes()))),
        };
        let opened: Option<bool> = sqlx::query_scalar(self.client.sql(sql!("access/browser_open")))
            .bind(&secret.hash()[..])
            .bind(agent)
            .bind(parts.map(|parts| parts.id))
            .bind(lifetime.as_secs_f64())
            .bind(settings.as_ref().map(|hash| &hash[..]))
            .fetch_optional(self.client)
            .await?;
        Ok(opened.map(|_| secret))
    }

    /// Whom a browser belongs to; `settings_token` is the token of the settings as it is now.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn browser(self, secret: &BrowserSecret, settings_token: &str) -> Result<Browser, Error> {
        let row = sqlx::query(self.client.sql(sql!("access/browser_get")))
            .bind(&secret.hash()[..])
            .fetch_optional(self.client)
            .await?;
        let Some(row) = row else { return Ok(Browser::Unknown) };
        if let Some(hash) = row.try_get::<Option<Vec<u8>>, _>("settings_hash")? {
            let same = hash == secret.hash_with(settings_token.as_bytes());
            return Ok(if same { Browser::OfSettings } else { Browser::Unknown });
        }
        Ok(Browser::Of(Access {
            agent: row.try_get::<String, _>("name")?.into(),
            scopes: scopes(&row)?,
            queues: row.try_get("queues")?,
            tenant: row.try_get("tenant")?,
        }))
    }

    /// Signs a browser out, or with `everywhere` all browsers of the same agent.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn sign_out(self, secret: &BrowserSecret, everywhere: bool) -> Result<(), Error> {
        let close =
            sqlx::query(self.client.sql(sql!("access/browser_close"))).bind(&secret.hash()[..]).bind(everywhere);
        close.execute(self.client).await?;
        Ok(())
    }
}
