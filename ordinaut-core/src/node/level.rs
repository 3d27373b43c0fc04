//! How healthy a machine is.

use crate::node::threshold::{Threshold, Whole};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How healthy a machine is.
///
/// ```
/// use ordinaut_core::node::NodeLevel;
///
/// assert!(NodeLevel::Offline > NodeLevel::Healthy);
/// assert_eq!(NodeLevel::Warning.as_str(), "warning");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeLevel {
    /// All figures are below their thresholds.
    #[default]
    Healthy,
    /// A figure has reached its first threshold.
    Warning,
    /// A figure has reached its second threshold.
    Critical,
    /// Nobody has told of it for longer than it may be silent.
    Offline,
}

impl NodeLevel {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Warning, Self::Critical, Self::Offline];

    /// The word in the table `node`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Offline => "offline",
        }
    }

    /// Its part of a score, from 0 to 1.
    pub(crate) const fn health(self) -> f64 {
        match self {
            Self::Healthy => 1.0,
            Self::Warning => 0.5,
            Self::Critical | Self::Offline => 0.0,
        }
    }
}

impl fmt::Display for NodeLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for NodeLevel {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == word);
        found.ok_or_else(|| format!("no level of a node is called {word:?}"))
    }
}

/// How far below its threshold a level ends, in percent: a machine at the threshold would change it
/// with each report.
const BACK: f32 = 5.0;

/// Parts of a machine that are in use, in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: f32,
    pub(crate) memory: f32,
    pub(crate) disk: f32,
}

/// The level of a machine, and why: such as `disk=critical`. What it was at before is in `before`,
/// in the same words: a figure leaves a level only when it is well below its threshold.
pub(crate) fn level(usage: Usage, silent: Duration, before: &[String], thresholds: &Whole) -> (NodeLevel, Vec<String>) {
    if silent > thresholds.offline_after {
        return (NodeLevel::Offline, vec!["silence=offline".to_owned()]);
    }
    let figures = [
        ("cpu", usage.cpu, thresholds.cpu),
        ("memory", usage.memory, thresholds.memory),
        ("disk", usage.disk, thresholds.disk),
    ];
    let mut worst = NodeLevel::Healthy;
    let mut causes = Vec::new();
    for (name, percent, threshold) in figures {
        let level = of_figure(percent, threshold, was(before, name));
        if level != NodeLevel::Healthy {
            causes.push(format!("{name}={level}"));
        }
        worst = worst.max(level);
    }
    (worst, causes)
}

fn was(before: &[String], figure: &str) -> NodeLevel {
    let word = before.iter().filter_map(|cause| cause.split_once('=')).find(|(name, _)| *name == figure);
    word.and_then(|(_, level)| level.parse().ok()).unwrap_or_default()
}

fn of_figure(percent: f32, threshold: Threshold, before: NodeLevel) -> NodeLevel {
    let reached = |bound: f32, level| percent >= if before >= level { bound - BACK } else { bound };
    if reached(threshold.critical, NodeLevel::Critical) {
        NodeLevel::Critical
    } else if reached(threshold.warning, NodeLevel::Warning) {
        NodeLevel::Warning
    } else {
        NodeLevel::Healthy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::threshold::NodeThresholds;

    const SOON: Duration = Duration::from_secs(5);

    fn of_disk(disk: f32, before: &[String]) -> (NodeLevel, Vec<String>) {
        level(Usage { cpu: 1.0, memory: 1.0, disk }, SOON, before, &NodeThresholds::default().whole())
    }

    #[test]
    fn a_figure_that_reaches_a_threshold_says_its_name_and_level() {
        assert_eq!(of_disk(79.9, &[]), (NodeLevel::Healthy, vec![]));
        assert_eq!(of_disk(80.0, &[]), (NodeLevel::Warning, vec!["disk=warning".to_owned()]));
        assert_eq!(of_disk(91.0, &[]), (NodeLevel::Critical, vec!["disk=critical".to_owned()]));
        let all = Usage { cpu: 81.0, memory: 96.0, disk: 1.0 };
        let (worst, causes) = level(all, SOON, &[], &NodeThresholds::default().whole());
        assert_eq!((worst, causes.join(",").as_str()), (NodeLevel::Critical, "cpu=warning,memory=critical"));
    }

    #[test]
    fn a_figure_that_swings_round_its_threshold_changes_the_level_once() {
        let mut causes = Vec::new();
        let mut levels = Vec::new();
        for percent in [89.0, 90.5, 89.5, 90.5, 86.0, 84.9, 84.0, 80.0, 76.0, 74.0] {
            let (level, now) = of_disk(percent, &causes);
            (causes, _) = (now, levels.push(level));
        }
        use NodeLevel::{Critical, Healthy, Warning};
        assert_eq!(
            levels,
            [Warning, Critical, Critical, Critical, Critical, Warning, Warning, Warning, Warning, Healthy]
        );
    }

    #[test]
    fn who_is_silent_is_offline_and_comes_back_at_what_its_figures_say() {
        let whole = NodeThresholds::default().whole();
        let usage = Usage { cpu: 1.0, memory: 1.0, disk: 1.0 };
        let (gone, causes) = level(usage, Duration::from_secs(121), &[], &whole);
        assert_eq!(gone, NodeLevel::Offline);
        assert_eq!(level(usage, SOON, &causes, &whole), (NodeLevel::Healthy, vec![]));
    }
}
