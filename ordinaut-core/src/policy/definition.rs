//! What a person writes about a kind.

use crate::error::InvalidField;
use crate::json;
use crate::json::InvalidJson;
use crate::policy::hours::AllowedHours;
use crate::policy::outputs::OutputPolicy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// A year, as of a job's own timeout.
const LONGEST: f64 = 366.0 * 86_400.0;

/// What holds for all jobs of a kind. Lengths of time are in seconds.
///
/// ```
/// use ordinaut_core::policy::{AllowedHours, HoursMode, KindPolicy};
/// use std::time::Duration;
///
/// let office = AllowedHours::new(HoursMode::Only, ["mon-fri 09:00-17:00".parse()?]);
/// let policy = KindPolicy::default().hours(office).timeout(Duration::from_secs(30)).sla(Duration::from_secs(300));
/// assert!(policy.check().is_ok());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KindPolicy {
    /// When its jobs may run: one that comes due outside is due again when they begin. One that
    /// runs goes on.
    #[serde(default)]
    pub hours: Option<AllowedHours>,
    /// Time that an attempt may take if the job does not say.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// Time in which a job should be done, from when it was made or scheduled for: one that ends
    /// later is counted and told as late.
    #[serde(default)]
    pub sla: Option<f64>,
    /// What is kept of what its handlers return, and of the results of their steps: `keep` if not
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub output: Option<OutputPolicy>,
}

impl KindPolicy {
    /// When its jobs may run.
    #[must_use]
    pub fn hours(mut self, hours: AllowedHours) -> Self {
        self.hours = Some(hours);
        self
    }

    /// Time that an attempt may take if the job does not say.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.as_secs_f64());
        self
    }

    /// Time in which a job should be done.
    #[must_use]
    pub fn sla(mut self, sla: Duration) -> Self {
        self.sla = Some(sla.as_secs_f64());
        self
    }

    /// What is kept of what its handlers return.
    #[must_use]
    pub fn output(mut self, output: OutputPolicy) -> Self {
        self.output = Some(output);
        self
    }

    /// Reads a policy from JSON. An error names the field.
    ///
    /// # Errors
    ///
    /// The path of the first field that is unknown, or of another type.
    pub fn from_json(json: Value) -> Result<Self, InvalidJson> {
        if !json.is_object() {
            return Err(InvalidJson::no_object("."));
        }
        json::read(json)
    }

    /// Whether it can be accepted, its calendars apart.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        for (field, seconds, least) in [("timeout", self.timeout, 0.001), ("sla", self.sla, 0.001)] {
            if seconds.is_some_and(|seconds| !(least..=LONGEST).contains(&seconds)) {
                return Err(InvalidField { field, reason: "must be from a millisecond to a year".to_owned() });
            }
        }
        if let Some(hours) = &self.hours {
            hours.compile(&[])?;
        }
        if *self == Self::default() {
            let reason = "must say something: hours, timeout, sla or output".to_owned();
            return Err(InvalidField { field: "policy", reason });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_field_is_named() {
        let field = |policy: KindPolicy| policy.check().map_or_else(|invalid| invalid.field, |()| "none");
        assert_eq!(field(KindPolicy::default()), "policy");
        assert_eq!(field(KindPolicy { timeout: Some(0.0), ..KindPolicy::default() }), "timeout");
        assert_eq!(field(KindPolicy { sla: Some(f64::NAN), ..KindPolicy::default() }), "sla");
        assert_eq!(field(KindPolicy::default().sla(Duration::from_secs(1))), "none");
        let unknown = KindPolicy::from_json(serde_json::json!({"slo": 5})).unwrap_err();
        assert!(unknown.to_string().contains("slo"), "{unknown}");
    }
}
