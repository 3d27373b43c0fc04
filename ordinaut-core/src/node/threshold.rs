//! From which figures on a machine is at a level.

use crate::error::InvalidField;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shortest silence after which a machine is taken for gone: shorter than two reports would be
/// none.
const SHORTEST_SILENCE: f64 = 10.0;
const LONGEST_SILENCE: f64 = 86_400.0;

/// The silence that is one if nobody says otherwise.
const SILENCE: Duration = Duration::from_secs(120);

/// From which part of a resource on a machine is at a level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Percent from which on it is a warning.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub warning: f32,
    /// Percent from which on it is critical.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub critical: f32,
}

impl Threshold {
    /// Of two numbers of percent.
    pub const fn new(warning: f32, critical: f32) -> Self {
        Self { warning, critical }
    }
}

/// Thresholds of a machine, or of all: what is absent is as for all, or as the schedulers are set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NodeThresholds {
    /// Of busy processors; 80 and 95 if nobody says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub cpu: Option<Threshold>,
    /// Of memory in use; 85 and 95 if nobody says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub memory: Option<Threshold>,
    /// Of the disk that is taken; 80 and 90 if nobody says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub disk: Option<Threshold>,
    /// Seconds of silence after which it is offline, from 10 to 86400; 120 if nobody says
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 10, maximum = 86_400))]
    pub offline_after: Option<f64>,
}

impl NodeThresholds {
    /// Whether they can be used.
    ///
    /// # Errors
    ///
    /// Names the first field that cannot be accepted; a warning that begins above what is critical
    /// cannot.
    pub fn check(&self) -> Result<(), InvalidField> {
        let fields = [("cpu", self.cpu), ("memory", self.memory), ("disk", self.disk)];
        for (field, threshold) in fields.into_iter().filter_map(|(field, given)| Some((field, given?))) {
            let percent = |number: f32| (1.0..=100.0).contains(&number);
            if !percent(threshold.warning) || !percent(threshold.critical) || threshold.warning > threshold.critical {
                let reason = "must be two numbers of percent from 1 to 100, of which warning is not above critical";
                return Err(InvalidField { field, reason: reason.to_owned() });
            }
        }
        if self.offline_after.is_some_and(|time| !(SHORTEST_SILENCE..=LONGEST_SILENCE).contains(&time)) {
            let reason = "must be from 10 to 86400, in seconds".to_owned();
            return Err(InvalidField { field: "offline_after", reason });
        }
        Ok(())
    }

    /// These, and what they leave open as the others have it.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        Self {
            cpu: self.cpu.or(others.cpu),
            memory: self.memory.or(others.memory),
            disk: self.disk.or(others.disk),
            offline_after: self.offline_after.or(others.offline_after),
        }
    }

    pub(crate) fn whole(&self) -> Whole {
        Whole {
            cpu: self.cpu.unwrap_or(Threshold::new(80.0, 95.0)),
            memory: self.memory.unwrap_or(Threshold::new(85.0, 95.0)),
            disk: self.disk.unwrap_or(Threshold::new(80.0, 90.0)),
            offline_after: self
                .offline_after
                .and_then(|time| Duration::try_from_secs_f64(time).ok())
                .unwrap_or(SILENCE),
        }
    }

    /// These, with the defaults where they leave something open.
    #[must_use]
    pub fn filled(&self) -> Self {
        let whole = self.whole();
        Self {
            cpu: Some(whole.cpu),
            memory: Some(whole.memory),
            disk: Some(whole.disk),
            offline_after: Some(whole.offline_after.as_secs_f64()),
        }
    }
}

/// Thresholds with nothing left open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Whole {
    pub(crate) cpu: Threshold,
    pub(crate) memory: Threshold,
    pub(crate) disk: Threshold,
    pub(crate) offline_after: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_of_one_is_as_for_all_and_then_as_it_comes() {
        let one = NodeThresholds { disk: Some(Threshold::new(50.0, 60.0)), ..Default::default() };
        let all = NodeThresholds {
            disk: Some(Threshold::new(1.0, 2.0)),
            cpu: Some(Threshold::new(10.0, 20.0)),
            ..Default::default()
        };
        let whole = one.or(&all).whole();
        assert_eq!(whole.disk, Threshold::new(50.0, 60.0));
        assert_eq!(whole.cpu, Threshold::new(10.0, 20.0));
        assert_eq!((whole.memory, whole.offline_after.as_secs()), (Threshold::new(85.0, 95.0), 120));
    }

    #[test]
    fn inverted_and_impossible_ones_are_refused_with_their_field() {
        let cpu =
            |warning, critical| NodeThresholds { cpu: Some(Threshold::new(warning, critical)), ..Default::default() };
        for bad in [cpu(95.0, 80.0), cpu(0.0, 80.0), cpu(80.0, 101.0), cpu(f32::NAN, 90.0)] {
            assert_eq!(bad.check().unwrap_err().field, "cpu");
        }
        assert!(cpu(80.0, 80.0).check().is_ok());
        let silent = NodeThresholds { offline_after: Some(9.0), ..Default::default() };
        assert_eq!(silent.check().unwrap_err().field, "offline_after");
    }
}
