//! The statistics of the overview, asked for once for all that see the same.

use super::series::Span;
use super::visit::{Fault, Visit};
use crate::cached::{Cached, fresh_for};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Maximum number of visitors who see different things whose statistics are remembered.
const MOST: usize = 500;

/// What came and ended in a span.
#[derive(Clone)]
pub(super) struct OverviewStats {
    /// When it was asked for: the steps that were over then are those that it has.
    pub(super) now: DateTime<Utc>,
    pub(super) kinds: Value,
    pub(super) steps: Value,
    /// By queue; nothing if there are too many queues for one answer.
    pub(super) queues: Value,
}

/// What tells one from another.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    tenant: Option<String>,
    queues: Option<Vec<String>>,
    span: &'static str,
}

type Asked = Cached<Result<Arc<OverviewStats>, Fault>>;

/// The statistics that were asked for last, of each view.
#[derive(Default)]
pub(super) struct StatsCache(Mutex<HashMap<Key, Arc<Asked>>>);

impl StatsCache {
    /// As they are, or as they were at most a minute ago where reading them takes long.
    pub(super) async fn of(&self, visit: &Visit, span: Span) -> Result<Arc<OverviewStats>, Fault> {
        let access = &visit.caller.access;
        let key = Key { tenant: access.tenant.clone(), queues: access.queues.clone(), span: span.word };
        let cached = {
            let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if views.len() >= MOST {
                views.clear();
            }
            views.entry(key).or_default().clone()
        };
        let fresh = |stats: &Result<Arc<OverviewStats>, _>, took| match stats {
            // Three statements at once.
            Ok(_) => fresh_for(took * 2),
            Err(_) => Duration::ZERO,
        };
        cached.get_soon(|_| true, fresh, ask(visit.clone(), span)).await
    }
}

async fn ask(visit: Visit, span: Span) -> Result<Arc<OverviewStats>, Fault> {
    let now = Utc::now();
    let (by_kind, by_step) = (span.stats(now, &[("by", "kind")]), span.stats(now, &[("step", span.step)]));
    let by_queue = span.stats(now, &[("step", span.step), ("by", "queue")]);
    let (kinds, steps, queues) = tokio::join!(visit.get(&by_kind), visit.get(&by_step), visit.get(&by_queue));
    let (kinds, steps, queues) = (kinds?, steps?, queues.unwrap_or_default());
    Ok(Arc::new(OverviewStats { now, kinds, steps, queues }))
}
