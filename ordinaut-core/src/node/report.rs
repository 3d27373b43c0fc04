//! What a process tells of the machine on which it runs.

use crate::error::InvalidField;
use crate::name;
use crate::placement::label::list_fault;
use serde::{Deserialize, Serialize};

/// The longest address and version, in characters.
const LONGEST_WORD: usize = 200;

/// What a process tells of the machine on which it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NodeReport {
    /// The name of the host; workers there have the label `node=NAME`.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// Number of processors that its processes may use.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000))]
    pub cores: i32,
    /// Part of them that was busy since the report before, in percent.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub cpu: f32,
    /// Octets of memory that its processes may use.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub memory_total: i64,
    /// Octets of memory that they use.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub memory_used: i64,
    /// Octets of the disk.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub disk_total: i64,
    /// Octets of the disk that are taken.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub disk_used: i64,
    /// Mean number of threads that ran or waited to run, over a minute.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub load: f32,
    /// The version of the reporting program.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub version: String,
    /// Where the reporting program answers, if it does.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub address: Option<String>,
    /// What its workers have, of what jobs may ask of their worker; those of workers that are
    /// connected to Postgres are known without it.
    #[serde(default)]
    pub labels: Vec<String>,
}

impl NodeReport {
    /// Of a host that is idle, to be completed.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cores: 1, memory_total: 1, disk_total: 1, ..Self::default() }
    }

    /// Whether it can be stored.
    ///
    /// # Errors
    ///
    /// Names the first field that cannot be accepted.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if let Err(reason) = name::check(&self.name) {
            return invalid("name", reason);
        }
        if !(1..=1_000_000).contains(&self.cores) {
            return invalid("cores", "must be from 1 to 1000000");
        }
        if !(0.0..=100.0).contains(&self.cpu) {
            return invalid("cpu", "must be from 0 to 100, in percent");
        }
        if !(self.load.is_finite() && self.load >= 0.0) {
            return invalid("load", "must be 0 or more");
        }
        for (total_field, total, used_field, used) in [
            ("memory_total", self.memory_total, "memory_used", self.memory_used),
            ("disk_total", self.disk_total, "disk_used", self.disk_used),
        ] {
            if total < 1 {
                return invalid(total_field, "must be 1 or more, in octets");
            }
            if !(0..=total).contains(&used) {
                return invalid(used_field, &format!("must be from 0 to {total_field}, in octets"));
            }
        }
        for (field, word) in [("version", &*self.version), ("address", self.address.as_deref().unwrap_or_default())] {
            if word.chars().count() > LONGEST_WORD || word.chars().any(char::is_control) {
                return invalid(field, "must be 200 characters at most, and no control characters");
            }
        }
        match list_fault(&self.labels) {
            Some(reason) => invalid("labels", &reason),
            None => Ok(()),
        }
    }
}
