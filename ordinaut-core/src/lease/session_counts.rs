//! What a session has settled so far.

use crate::job::outcome::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Number of attempts that a session has settled since it began, by queue and outcome. Its row
/// keeps it, so that what was settled is counted however the session ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionCounts(BTreeMap<Arc<str>, BTreeMap<Outcome, u64>>);

impl SessionCounts {
    /// Counts attempts that were settled.
    pub fn add(&mut self, queue: &Arc<str>, outcome: Outcome, attempts: u64) {
        *self.0.entry(queue.clone()).or_default().entry(outcome).or_default() += attempts;
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what others counted.
    pub fn merge(&mut self, others: &Self) {
        for (queue, outcomes) in &others.0 {
            outcomes.iter().for_each(|(outcome, attempts)| self.add(queue, *outcome, *attempts));
        }
    }

    /// `{queue: {outcome: count}}`, as the row of the session keeps it.
    pub(crate) fn json(&self) -> String {
        let plain: BTreeMap<&str, _> = self.0.iter().map(|(queue, outcomes)| (&**queue, outcomes)).collect();
        serde_json::to_string(&plain).expect("names and numbers can always be written as JSON")
    }
}
