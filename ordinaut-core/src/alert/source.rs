//! What a rule looks at.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! sources {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $about:literal, $says:literal,)*) => {
        /// What a rule looks at: a figure of each thing of a sort. The rule holds of those whose
        /// figure is at least its threshold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum AlertSource {
            $($(#[$doc])* $variant,)*
        }

        impl AlertSource {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What its subjects are: `node`, `queue`, `kind`, `target`, `limit`, `follower` or
            /// `installation`, whose one subject is `*`.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => $about,)*
                }
            }

            /// A sentence about the figure of a subject, where `{subject}` and `{value}` stand.
            const fn says(self) -> &'static str {
                match self {
                    $(Self::$variant => $says,)*
                }
            }
        }
    };
}

sources! {
    /// How healthy a machine is: 1 a warning, 2 critical, 3 offline.
    NodeLevel = "node_level", "node", "node {subject} is not healthy",
    /// Busy processors of a machine, in percent.
    Cpu = "cpu", "node", "{value} % of the processors of node {subject} are busy",
    /// Memory of a machine in use, in percent.
    Memory = "memory", "node", "{value} % of the memory of node {subject} are in use",
    /// Disk of a machine that is taken, in percent.
    Disk = "disk", "node", "{value} % of the disk of node {subject} are taken",
    /// Jobs that wait in a queue, due and not leased.
    QueueDepth = "queue_depth", "queue", "jobs that wait in queue {subject}: {value}",
    /// Seconds for which the oldest job of a queue that is not paused has waited.
    QueueAge = "queue_age", "queue", "the oldest job of queue {subject} has waited for {value} s",
    /// Due jobs of a queue that no living worker takes.
    NoWorker = "no_worker", "queue", "jobs of queue {subject} that no worker takes: {value}",
    /// The share of a queue's attempts that failed in the window, from 0 to 1; at least ten
    /// attempts must have ended.
    FailureShare = "failure_share", "queue", "a share of {value} of the attempts of queue {subject} failed",
    /// The same of a kind.
    KindFailureShare = "kind_failure_share", "kind", "a share of {value} of the attempts of kind {subject} failed",
    /// Jobs of a queue that died in the window and are dead letters.
    DeadLetters = "dead_letters", "queue", "jobs of queue {subject} that died: {value}",
    /// Jobs of a kind that ended in the window and took longer than their SLA.
    LateJobs = "late_jobs", "kind", "jobs of kind {subject} that took longer than their SLA: {value}",
    /// Hosts of a target that are not called, because their breakers are open.
    BreakerOpen = "breaker_open", "target", "hosts of target {subject} that are not called: {value}",
    /// The part of a limit's concurrency that running jobs take, in percent, under the key with
    /// most.
    LimitSaturated = "limit_saturated", "limit", "{value} % of limit {subject} are taken",
    /// Seconds for which a task has been due and did not fire.
    ScheduleLag = "schedule_lag", "installation", "a task has been due for {value} s and did not fire",
    /// Seconds since the first thing happened that is no event yet.
    RelayLag = "relay_lag", "installation", "what happened {value} s ago is no event yet",
    /// Events that a follower of the log has not dealt with.
    FollowerLag = "follower_lag", "follower", "events that follower {subject} has not dealt with: {value}",
    /// Seconds for which the oldest snapshot of the server is held, from which on vacuum removes
    /// nothing.
    SnapshotAge = "snapshot_age", "installation", "a snapshot of the server is held for {value} s",
    /// Connections of the server that are taken, in percent.
    Connections = "connections", "installation", "{value} % of the connections of Postgres are taken",
}

impl AlertSource {
    /// Whether its figure is of a time, which ends now.
    pub const fn has_window(self) -> bool {
        matches!(self, Self::FailureShare | Self::KindFailureShare | Self::DeadLetters | Self::LateJobs)
    }

    /// What a figure of it means.
    pub(crate) fn sentence(self, subject: &str, value: f64) -> String {
        let text = self.says().replace("{value}", &shown(value));
        // At the end: a name may have braces.
        text.replace("{subject}", subject)
    }
}

/// A figure as people read it.
fn shown(value: f64) -> String {
    let rounded = if value.abs() < 10.0 { (value * 100.0).round() / 100.0 } else { value.round() };
    format!("{rounded}")
}

impl fmt::Display for AlertSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AlertSource {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|source| source.as_str() == word);
        let words = || Self::ALL.iter().map(|source| source.as_str()).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| format!("no source of alerts is called {word:?}: {}", words()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_and_a_figure_is_said() {
        for source in AlertSource::ALL {
            assert_eq!(source.as_str().parse(), Ok(*source));
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        assert_eq!(AlertSource::QueueDepth.sentence("{value}", 1234.4), "jobs that wait in queue {value}: 1234");
        assert!(AlertSource::FailureShare.sentence("mail", 0.256).contains("a share of 0.26"));
    }
}
