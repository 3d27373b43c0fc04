//! What a job asks of its worker.

use crate::error::InvalidField;
use crate::placement::label::list_fault;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::time::Duration;

/// The longest time for which a job may wait for what it prefers, in seconds.
const MOST_PATIENT: f64 = 86_400.0;

/// What a job asks of the worker that runs it.
///
/// # Examples
///
/// ```
/// use ordinaut_core::NewJob;
/// use ordinaut_core::placement::Placement;
/// use std::time::Duration;
///
/// let placement = Placement::default().require(["gpu", "!spot"]).prefer(["zone=a"]).prefer_for(Duration::from_secs(5));
/// let job = NewJob::new("render", &serde_json::json!({}))?.placement(placement);
/// assert!(job.check().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Placement {
    /// Labels that the worker must have, such as `gpu` or `zone=a`; one that begins with `!` it
    /// must not have. At most 8, of 100 octets each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub require: Vec<String>,
    /// The same of what it should have: while such a worker is alive, the job waits for it, but no
    /// longer than it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 8))]
    pub prefer: Vec<String>,
    /// Seconds for which it waits for what it prefers; 10 if not given, a day at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 86400, nullable = false))]
    pub prefer_for: Option<f64>,
    /// How one of the workers that could run it is chosen, to be preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub strategy: Option<Strategy>,
    /// Whether a failed or lost attempt's worker is avoided for the next one, if there is another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub avoid_last: bool,
}

/// How a worker is chosen when the job becomes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// The one with the most free slots.
    LeastTasks,
    /// Each in turn.
    RoundRobin,
    /// Any.
    Random,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LeastTasks, Self::RoundRobin, Self::Random];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeastTasks => "least_tasks",
            Self::RoundRobin => "round_robin",
            Self::Random => "random",
        }
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|strategy| strategy.as_str() == word);
        found.ok_or_else(|| format!("no strategy is called {word:?}: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl Placement {
    /// Labels that the worker must have, or after `!` must not have.
    #[must_use]
    pub fn require(mut self, labels: impl IntoIterator<Item: Into<String>>) -> Self {
        self.require = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Labels that it should have, or after `!` should not have.
    #[must_use]
    pub fn prefer(mut self, labels: impl IntoIterator<Item: Into<String>>) -> Self {
        self.prefer = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Time for which the job waits for what it prefers.
    #[must_use]
    pub fn prefer_for(mut self, time: Duration) -> Self {
        self.prefer_for = Some(time.as_secs_f64());
        self
    }

    /// How one of the workers that could run it is chosen.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Avoids the worker of an attempt that failed or was lost.
    #[must_use]
    pub fn avoid_last(mut self) -> Self {
        self.avoid_last = true;
        self
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    ///
    /// Names the first field that cannot be accepted.
    pub(crate) fn check(&self) -> Result<(), InvalidField> {
        let lists = [("placement.require", &self.require), ("placement.prefer", &self.prefer)];
        for (field, labels) in lists {
            if let Some(reason) = list_fault(labels) {
                return Err(InvalidField { field, reason });
            }
        }
        if self.prefer_for.is_some_and(|seconds| !(0.0..=MOST_PATIENT).contains(&seconds)) {
            let reason = "must be from nothing to a day, in seconds".to_owned();
            return Err(InvalidField { field: "placement.prefer_for", reason });
        }
        Ok(())
    }

    /// As it is stored; none if it asks for nothing.
    pub(crate) fn stored(&self) -> Option<String> {
        // Words and finite numbers: it can be written.
        if self.is_empty() { None } else { serde_json::to_string(self).ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_cannot_be_accepted_is_named() {
        let field = |placement: Placement| placement.check().map_err(|invalid| invalid.field);
        assert_eq!(field(Placement::default().require(["gpu", "!spot"]).prefer(["zone=a"])), Ok(()));
        assert_eq!(field(Placement::default().require(["g pu"])), Err("placement.require"));
        assert_eq!(field(Placement::default().prefer(["="])), Err("placement.prefer"));
        let endless = Placement { prefer_for: Some(f64::INFINITY), ..Placement::default() };
        assert_eq!(field(endless), Err("placement.prefer_for"));
    }

    #[test]
    fn what_asks_for_nothing_is_not_stored() {
        assert_eq!(Placement::default().stored(), None);
        let stored = Placement::default().strategy(Strategy::RoundRobin).stored();
        assert_eq!(stored.as_deref(), Some(r#"{"strategy":"round_robin"}"#));
    }
}
