//! The one decision on what a caller may do.

use crate::access::scope::Scope;
use std::fmt;
use std::sync::Arc;

/// What one caller may do: an agent as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Its name, for the audit and the log.
    pub agent: Arc<str>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only queues that it may use and see; `None`: all of them.
    pub queues: Option<Vec<String>>,
    /// The only tenant whose jobs it sees; `None`: those of all tenants.
    pub tenant: Option<String>,
}

impl Access {
    /// Of somebody who may do everything.
    pub fn admin(agent: impl Into<Arc<str>>) -> Self {
        Self { agent: agent.into(), scopes: vec![Scope::Admin], queues: None, tenant: None }
    }

    /// Whether it may enqueue into a queue.
    ///
    /// # Errors
    ///
    /// [`Denied::Queue`] if its queues do not contain this one.
    pub fn may_use(&self, queue: &str) -> Result<(), Denied> {
        match &self.queues {
            Some(queues) if !queues.iter().any(|own| own == queue) => Err(Denied::Queue(queue.to_owned())),
            _ => Ok(()),
        }
    }

    /// Whether it sees a part of the installation only.
    pub fn is_partial(&self) -> bool {
        self.queues.is_some() || self.tenant.is_some()
    }
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// What the store shows to this caller: it leaves out what the caller may not see.
    Visible,
    /// One queue, by its name.
    Queue(&'a str),
    /// Jobs of the caller's queues, whatever their tenant.
    OwnQueues,
    /// Something that all tenants and queues share.
    Installation,
}

/// Why a caller may not do what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// It lacks this scope.
    Scope(Scope),
    /// Its queues do not contain this one.
    Queue(String),
    /// It is bound to a tenant, and this is of all tenants.
    Tenant(String),
    /// It is bound to some queues, and this is of the whole installation.
    Queues,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "this agent lacks the scope {scope}"),
            Self::Queue(queue) => write!(f, "this agent may not use the queue \"{queue}\""),
            Self::Tenant(tenant) => {
                write!(f, "this agent sees the tenant \"{tenant}\" only, and this is of all tenants")
            }
            Self::Queues => f.write_str("this agent sees some queues only, and this is of the whole installation"),
        }
    }
}

/// Whether a caller may do what takes `scope` to `object`.
///
/// # Errors
///
/// Why not: a scope that it lacks, a queue that is none of its own, or a tenant or queues to which
/// it is bound.
pub fn check(access: &Access, scope: Scope, object: Object<'_>) -> Result<(), Denied> {
    if !access.scopes.iter().any(|held| *held == scope || *held == Scope::Admin) {
        return Err(Denied::Scope(scope));
    }
    match (object, &access.queues, &access.tenant) {
        (Object::Visible, ..) => Ok(()),
        (_, _, Some(tenant)) => Err(Denied::Tenant(tenant.clone())),
        (Object::Queue(queue), Some(queues), _) if !queues.iter().any(|own| own == queue) => {
            Err(Denied::Queue(queue.to_owned()))
        }
        (Object::Installation, Some(_), _) => Err(Denied::Queues),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(scope: Scope, queues: Option<&[&str]>, tenant: Option<&str>) -> Access {
        let queues = queues.map(|queues| queues.iter().map(|queue| (*queue).to_owned()).collect());
        Access { agent: "a".into(), scopes: vec![scope], queues, tenant: tenant.map(str::to_owned) }
    }

    #[test]
    fn a_scope_is_needed_and_admin_has_all() {
        let reader = access(Scope::JobsRead, None, None);
        assert_eq!(check(&reader, Scope::JobsRead, Object::Installation), Ok(()));
        assert_eq!(check(&reader, Scope::JobsWrite, Object::Visible), Err(Denied::Scope(Scope::JobsWrite)));
        for scope in Scope::ALL {
            assert_eq!(check(&Access::admin("root"), scope, Object::Installation), Ok(()), "{scope}");
        }
    }

    #[test]
    fn who_sees_a_part_is_refused_the_whole() {
        let mail = access(Scope::QueuesAdmin, Some(&["mail"]), None);
        assert_eq!(check(&mail, Scope::QueuesAdmin, Object::OwnQueues), Ok(()));
        let may = |object| check(&mail, Scope::QueuesAdmin, object);
        assert_eq!(may(Object::Queue("mail")), Ok(()));
        assert_eq!(may(Object::Queue("bulk")), Err(Denied::Queue("bulk".into())));
        assert_eq!(may(Object::Installation), Err(Denied::Queues));
        // Its tenant's jobs lie in queues that others share.
        let acme = access(Scope::Admin, None, Some("acme"));
        assert_eq!(check(&acme, Scope::QueuesAdmin, Object::Queue("mail")), Err(Denied::Tenant("acme".into())));
        assert_eq!(check(&acme, Scope::JobsRead, Object::OwnQueues), Err(Denied::Tenant("acme".into())));
        assert_eq!(check(&acme, Scope::JobsRead, Object::Visible), Ok(()));
    }
}
