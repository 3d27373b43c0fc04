//! Why a command was not given.

use crate::EnqueueError;
use crate::command::whom::LeftOut;
use crate::error::{Error, InvalidField};

/// Why a command was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// No machine could take it.
    #[error("no node can take the command: {}", told(.0))]
    Nobody(Vec<LeftOut>),
    /// Its jobs were not enqueued.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// Postgres refused, or was not there.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Names of machines that an error tells of; the others are only counted.
const SHOWN: usize = 5;

fn told(left_out: &[LeftOut]) -> String {
    if left_out.is_empty() {
        return "no worker is alive".to_owned();
    }
    let shown: Vec<_> = left_out.iter().take(SHOWN).map(|one| format!("{} {}", one.node, one.reason)).collect();
    let more = left_out.len().saturating_sub(SHOWN);
    if more == 0 { shown.join("; ") } else { format!("{}; and {more} more", shown.join("; ")) }
}
