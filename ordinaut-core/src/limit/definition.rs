//! Limits: how much may run at once, and how much may start in a while.

use crate::error::InvalidField;
use crate::job::wait::{CONCURRENCY_KEY, MAX_INSTANCES};
use crate::name;
use serde::{Deserialize, Serialize};

/// What a limit may leave room for at most: more is no limit.
const MOST: u32 = 1_000_000;

/// As deep as a path into arguments goes.
const DEEPEST: usize = 10;

/// How much may run at once, and how much may start in a while: of a queue, of a kind, of each
/// tenant, or of each value that is found at a place in the arguments.
///
/// # Examples
///
/// ```
/// use ordinaut_core::Limit;
///
/// let limit = Limit::new("customer").kind("send_invoice").key("customer.id").concurrency(2).rate(10.0);
/// # limit.check().unwrap();
/// let quota = Limit::new("quota").per_tenant().concurrency(20);
/// # quota.check().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Limit {
    /// What it is known by; 1 to 100 characters.
    #[serde(default)]
    pub name: String,
    /// It concerns jobs of this queue; absent: of any.
    #[serde(default)]
    pub queue: Option<String>,
    /// It concerns jobs of this kind; absent: of any.
    #[serde(default)]
    pub kind: Option<String>,
    /// Where in the arguments a value is, such as `customer.id`: each value has the limit for
    /// itself, and a job without one is not concerned. Absent: one limit for all.
    #[serde(default)]
    pub key: Option<String>,
    /// Each tenant has the limit for itself, also where arguments are encrypted; a job without a
    /// tenant is not concerned. Not together with a key.
    #[serde(default)]
    pub per_tenant: bool,
    /// Where in the arguments it is said how much room a job takes, as a number from 1; 1 where
    /// nothing is said.
    #[serde(default)]
    pub weight: Option<String>,
    /// As much weight may run at once; 0 stops them.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// As much weight may start in a second, in the long run.
    #[serde(default)]
    pub rate: Option<f64>,
    /// As much may start at once after a pause; absent: a tenth of what may start in a second, and
    /// 1 at least.
    #[serde(default)]
    pub burst: Option<f64>,
    /// Each worker process has the limit for itself, instead of all together.
    #[serde(default)]
    pub per_process: bool,
    /// One at a time, in the order in which they were due, also when one is tried again. Needs a
    /// queue.
    #[serde(default)]
    pub ordered: bool,
}

impl Limit {
    /// A limit that limits nothing yet. With a key, or for each tenant, and nothing else, the
    /// values still take turns.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            queue: None,
            kind: None,
            key: None,
            per_tenant: false,
            weight: None,
            concurrency: None,
            rate: None,
            burst: None,
            per_process: false,
            ordered: false,
        }
    }

    /// Only jobs of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Only jobs of this kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Each value at this place in the arguments for itself, such as `customer.id`.
    #[must_use]
    pub fn key(mut self, path: impl Into<String>) -> Self {
        self.key = Some(path.into());
        self
    }

    /// Each tenant for itself: a quota, or, without any number, a fair share.
    #[must_use]
    pub fn per_tenant(mut self) -> Self {
        self.per_tenant = true;
        self
    }

    /// A job takes as much room as the number at this place in its arguments says.
    #[must_use]
    pub fn weight(mut self, path: impl Into<String>) -> Self {
        self.weight = Some(path.into());
        self
    }

    /// Maximum number at once.
    #[must_use]
    pub fn concurrency(mut self, jobs: u32) -> Self {
        self.concurrency = Some(jobs);
        self
    }

    /// Maximum number of starts a second.
    #[must_use]
    pub fn rate(mut self, jobs_a_second: f64) -> Self {
        self.rate = Some(jobs_a_second);
        self
    }

    /// Maximum number of starts at once after a pause.
    #[must_use]
    pub fn burst(mut self, jobs: f64) -> Self {
        self.burst = Some(jobs);
        self
    }

    /// In each process.
    #[must_use]
    pub fn per_process(mut self) -> Self {
        self.per_process = true;
        self
    }

    /// One at a time, in order.
    #[must_use]
    pub fn ordered(mut self) -> Self {
        (self.ordered, self.concurrency) = (true, Some(1));
        self
    }

    /// Whether it can be accepted.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name, such as a `burst` without a `rate`.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        name::check(&self.name).or_else(|reason| invalid("name", reason))?;
        if [CONCURRENCY_KEY, MAX_INSTANCES].contains(&&*self.name) {
            return invalid(
                "name",
                "must not be concurrency_key or max_instances: those names are for the limits that tasks imply",
            );
        }
        self.queue.as_deref().map_or(Ok(()), name::check).or_else(|reason| invalid("queue", reason))?;
        self.kind.as_deref().map_or(Ok(()), name::check).or_else(|reason| invalid("kind", reason))?;
        self.key.as_deref().map_or(Ok(()), check_path).or_else(|reason| invalid("key", reason))?;
        self.weight.as_deref().map_or(Ok(()), check_path).or_else(|reason| invalid("weight", reason))?;
        if self.per_tenant && self.key.is_some() {
            return invalid("per_tenant", "must not be true where key is given: a limit has one key");
        }
        if self.concurrency.is_some_and(|jobs| jobs > MOST) {
            return invalid("concurrency", "must be at most a million");
        }
        let sane = |number: f64| number.is_finite() && number <= f64::from(MOST);
        if self.rate.is_some_and(|rate| !sane(rate) || rate < 0.000_001) {
            return invalid("rate", "must be a number of jobs a second, from a millionth to a million");
        }
        if self.burst.is_some_and(|burst| !sane(burst) || burst < 1.0) {
            return invalid("burst", "must be from 1 to a million");
        }
        if self.burst.is_some() && self.rate.is_none() {
            return invalid("burst", "needs a rate");
        }
        if self.ordered && self.concurrency.is_some_and(|jobs| jobs != 1) {
            return invalid("concurrency", "must be 1, or not given, where ordered is true");
        }
        if self.ordered && self.queue.is_none() {
            return invalid("queue", "must be given where ordered is true");
        }
        if self.ordered && self.per_process {
            return invalid("per_process", "must not be true where ordered is");
        }
        let takes_turns = self.key.is_some() || self.per_tenant || self.ordered;
        if self.concurrency.is_none() && self.rate.is_none() && !takes_turns {
            let reason = "must be given, or rate, or key, or per_tenant: without any of them nothing is limited";
            return invalid("concurrency", reason);
        }
        Ok(())
    }

    /// What may start at once after a pause.
    pub(crate) fn burst_or_default(&self) -> Option<f64> {
        self.rate.map(|rate| self.burst.unwrap_or_else(|| (rate / 10.0).max(1.0)))
    }

    /// Whether the same jobs are concerned in the same lines, so that the numbers can simply
    /// change.
    pub(crate) fn same_lines(&self, other: &Self) -> bool {
        let shape = |limit: &Self| {
            (limit.queue.clone(), limit.kind.clone(), limit.key.clone(), limit.weight.clone(), limit.ordered)
        };
        let whose = |limit: &Self| (limit.per_tenant, limit.per_process);
        shape(self) == shape(other) && whose(self) == whose(other)
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.split('.').count() > DEEPEST || path.split('.').any(|part| name::check(part).is_err()) {
        return Err("must be a path of 1 to 10 names with dots between them, such as customer.id");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(limit: Limit) -> &'static str {
        limit.check().map_or_else(|invalid| invalid.field, |()| "none")
    }

    #[test]
    fn each_bad_field_is_named() {
        let limit = || Limit::new("l").concurrency(1);
        assert_eq!(field(limit()), "none");
        assert_eq!(field(Limit::new("").concurrency(1)), "name");
        assert_eq!(field(Limit::new("max_instances").concurrency(1)), "name");
        assert_eq!(field(limit().queue("")), "queue");
        assert_eq!(field(limit().kind("a\0")), "kind");
        assert_eq!(field(limit().key("a..b")), "key");
        assert_eq!(field(limit().weight("")), "weight");
        assert_eq!(field(limit().concurrency(MOST + 1)), "concurrency");
        assert_eq!(field(limit().rate(0.0)), "rate");
        assert_eq!(field(limit().rate(f64::NAN)), "rate");
        assert_eq!(field(limit().rate(1.0).burst(0.5)), "burst");
        assert_eq!(field(limit().burst(2.0)), "burst");
        assert_eq!(field(Limit::new("l")), "concurrency");
        assert_eq!(field(Limit::new("l").ordered()), "queue");
        assert_eq!(field(Limit::new("l").queue("q").ordered().concurrency(2)), "concurrency");
        assert_eq!(field(Limit::new("l").queue("q").ordered().per_process()), "per_process");
        assert_eq!(field(Limit::new("l").key("customer.id")), "none");
        assert_eq!(field(Limit::new("l").per_tenant()), "none");
        assert_eq!(field(limit().per_tenant().key("customer.id")), "per_tenant");
    }

    #[test]
    fn a_burst_is_a_tenth_of_a_second_unless_it_is_given() {
        assert_eq!(Limit::new("l").rate(100.0).burst_or_default(), Some(10.0));
        assert_eq!(Limit::new("l").rate(2.0).burst_or_default(), Some(1.0));
        assert_eq!(Limit::new("l").rate(2.0).burst(5.0).burst_or_default(), Some(5.0));
    }
}
