//! Which machines a command goes to, and why it leaves the others out.

use crate::fleet::WorkerStatus;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A machine that a command leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LeftOut {
    /// Its name.
    pub node: String,
    /// Why.
    pub reason: String,
}

/// The machines with a worker that takes jobs of a kind and queue, of those that are asked for, or
/// else of all that have a living worker; and why not the others.
pub(crate) fn chosen(
    workers: &[WorkerStatus],
    wanted: Option<&[String]>,
    kind: &str,
    queue: &str,
) -> (Vec<String>, Vec<LeftOut>) {
    let mut there: BTreeMap<&str, Vec<&WorkerStatus>> = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.alive && !worker.host.is_empty()) {
        there.entry(&worker.host).or_default().push(worker);
    }
    let nodes: BTreeSet<&str> = match wanted {
        None => there.keys().copied().collect(),
        Some(wanted) => wanted.iter().map(String::as_str).collect(),
    };
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for node in nodes {
        let here = there.get(node).map_or(&[][..], Vec::as_slice);
        match why_not(here, kind, queue) {
            None => chosen.push(node.to_owned()),
            Some(reason) => left_out.push(LeftOut { node: node.to_owned(), reason }),
        }
    }
    (chosen, left_out)
}

fn why_not(here: &[&WorkerStatus], kind: &str, queue: &str) -> Option<String> {
    let has = |words: &[String], word: &str| words.iter().any(|one| one == word);
    let mut fit = here.iter().filter(|worker| has(&worker.queues, queue) && has(&worker.kinds, kind)).peekable();
    if here.is_empty() {
        Some("has no living worker".to_owned())
    } else if fit.peek().is_none() {
        Some(format!("has no worker that runs jobs of the kind {kind} of queue {queue}"))
    } else if fit.all(|worker| worker.drained) {
        Some("has drained workers alone".to_owned())
    } else {
        None
    }
}
