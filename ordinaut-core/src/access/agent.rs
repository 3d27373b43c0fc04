//! Agents: who may call.

use crate::access::scope::Scope;
use crate::error::InvalidField;
use crate::name;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who calls with the token of the settings (`API_ADMIN_TOKEN`), which is no row.
pub const SETTINGS_AGENT: &str = "admin";

/// Who may call the API, as it is stored. Its secrets are not in it: nobody can read them back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Agent {
    /// Made when it was created.
    pub id: Uuid,
    /// What people call it; no other agent has this name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only queues that it may use and see; absent: all of them.
    pub queues: Option<Vec<String>>,
    /// The only tenant whose jobs it sees; absent: those of all tenants.
    pub tenant: Option<String>,
    /// The agent that created it.
    pub created_by: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it may not call any more.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it has been shut out.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Number of its secrets that can still be used.
    pub secrets: i64,
}

/// An agent to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewAgent {
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// What it may do; one at least.
    pub scopes: Vec<Scope>,
    /// The only queues that it may use and see; absent: all of them.
    #[serde(default)]
    pub queues: Option<Vec<String>>,
    /// The only tenant whose jobs it sees; absent: those of all tenants.
    #[serde(default)]
    pub tenant: Option<String>,
    /// When it may not call any more.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewAgent {
    /// An agent that may do nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), scopes: Vec::new(), queues: None, tenant: None, expires_at: None }
    }

    /// Lets it do one thing more.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    /// Bounds it to these queues.
    #[must_use]
    pub fn queues<Q: Into<String>>(self, queues: impl IntoIterator<Item = Q>) -> Self {
        Self { queues: Some(queues.into_iter().map(Into::into).collect()), ..self }
    }

    /// Bounds it to one tenant's jobs.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        Self { tenant: Some(tenant.into()), ..self }
    }

    /// Shuts it out at this time.
    #[must_use]
    pub fn expires_at(self, at: DateTime<Utc>) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// Whether it can be made.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let fault = |field, reason: &str| InvalidField { field, reason: reason.to_owned() };
        name::check(&self.name).map_err(|reason| fault("name", reason))?;
        if self.name == SETTINGS_AGENT {
            return Err(fault("name", "must be another one: \"admin\" calls with the token of API_ADMIN_TOKEN"));
        }
        // It stands in a path: /agents/NAME.
        if !self.name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@')) {
            return Err(fault("name", "must be letters, digits, \"-\", \"_\", \".\" or \"@\""));
        }
        if self.scopes.is_empty() {
            return Err(fault("scopes", &format!("must name one at least, of {}", Scope::words())));
        }
        if self.queues.as_ref().is_some_and(Vec::is_empty) {
            return Err(fault("queues", "must name one at least; leave it out for all queues"));
        }
        for queue in self.queues.iter().flatten() {
            name::check_queue(queue).map_err(|reason| fault("queues", reason))?;
        }
        if let Some(tenant) = &self.tenant {
            name::check(tenant).map_err(|reason| fault("tenant", reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_cannot_be_named_or_may_do_nothing_is_refused_by_field() {
        let field = |agent: NewAgent| agent.check().map_err(|invalid| invalid.field);
        let good = || NewAgent::new("billing").scope(Scope::JobsRead);
        assert_eq!(field(good()), Ok(()));
        assert_eq!(field(good().queues(["mail"]).tenant("acme")), Ok(()));
        assert_eq!(field(NewAgent::new("billing")), Err("scopes"));
        for name in ["", "admin", "a/b", "a b", &"a".repeat(101)] {
            assert_eq!(field(NewAgent::new(name).scope(Scope::JobsRead)), Err("name"), "{name:?}");
        }
        assert_eq!(field(good().queues(Vec::<String>::new())), Err("queues"));
        assert_eq!(field(good().queues(["a,b"])), Err("queues"));
        assert_eq!(field(good().tenant("")), Err("tenant"));
    }
}
