//! `AUTH_ENFORCE=log`: while callers are given their tokens one by one, what would be refused is
//! let through, counted and logged.

use crate::auth::Caller;
use crate::origin::Origin;
use axum::http::Method;
use ordinaut_core::access::{Access, Denied, Object, Scope, check};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// As whom somebody without a token acts. No agent can have this name.
const ANONYMOUS: &str = "(anonymous)";

/// A caller that is let through again is not named again within this time.
const QUIET: Duration = Duration::from_secs(60);

/// Callers that are named within that time; the counter has the others.
const NAMED: usize = 1000;

/// What no leniency gives: with these a stranger could stay after it has ended, or reach other
/// machines.
const NEVER: [Scope; 3] = [Scope::Admin, Scope::FleetExec, Scope::WebhooksAdmin];

/// What a call may lack, as the metric names it.
const TOKEN: &str = "token";
const SCOPE: &str = "scope";

/// Whether what would be refused is let through.
pub(crate) struct Leniency {
    lenient: bool,
    pub(crate) let_through: Family<Lacked, Counter>,
    named: Mutex<(Instant, HashSet<Named>)>,
}

/// Who was let through where.
type Named = (Arc<str>, Origin, Method, String);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Lacked {
    lacked: &'static str,
}

impl Leniency {
    pub(crate) fn new(lenient: bool) -> Self {
        let let_through = Family::<Lacked, Counter>::default();
        // Told from the first scrape on.
        for lacked in [TOKEN, SCOPE] {
            drop(let_through.get_or_create(&Lacked { lacked }));
        }
        Self { lenient, let_through, named: Mutex::new((Instant::now(), HashSet::new())) }
    }

    /// Calls that were let through.
    pub(crate) fn total(&self) -> u64 {
        [TOKEN, SCOPE].into_iter().map(|lacked| self.let_through.get_or_create(&Lacked { lacked }).get()).sum()
    }

    /// As whom somebody without a right token may act, if at all.
    pub(crate) fn anonymous(&self) -> Option<Access> {
        let mut access = Access::admin(ANONYMOUS);
        access.scopes = Scope::ALL.into_iter().filter(|scope| !NEVER.contains(scope)).collect();
        self.lenient.then_some(access)
    }

    /// Whether a caller may do what takes `scope` to `object`; true: only because it is let
    /// through. Its queues and its tenant bound it nevertheless.
    pub(crate) fn check(&self, caller: &Caller, scope: Scope, object: Object<'_>) -> Result<bool, Denied> {
        match check(&caller.access, scope, object) {
            Ok(()) => Ok(caller.anonymous.is_some()),
            Err(Denied::Scope(_)) if self.lenient && !NEVER.contains(&scope) => {
                let mut access = Access::clone(&caller.access);
                access.scopes.push(scope);
                check(&access, scope, object).map(|()| true)
            }
            Err(denied) => Err(denied),
        }
    }

    /// Notes that a call was let through which would be refused.
    pub(crate) fn note(&self, caller: &Caller, origin: Origin, method: &Method, route: &str, scope: Scope) {
        let is_anonymous = caller.anonymous.is_some();
        let lacked = if is_anonymous { TOKEN } else { SCOPE };
        self.let_through.get_or_create(&Lacked { lacked }).inc();
        let agent = &caller.access.agent;
        if !self.is_new((agent.clone(), origin, method.clone(), route.to_owned())) {
            return;
        }
        let lack = if is_anonymous { "a right token".to_owned() } else { format!("the scope {scope}") };
        warn!(
            agent = &**agent,
            "let {method} {route} from {origin} through, which lacks {lack}: AUTH_ENFORCE=on would refuse it"
        );
    }

    fn is_new(&self, named: Named) -> bool {
        let mut known = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() >= QUIET {
            *known = (Instant::now(), HashSet::new());
        }
        known.1.len() < NAMED && known.1.insert(named)
    }
}
