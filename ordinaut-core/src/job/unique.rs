//! What makes a job unique: the parts of its key, and what becomes of a second one.

use crate::error::InvalidField;
use crate::job::args::{MAX_DEPTH, written_out};
use crate::seconds;
use crate::seconds::YEAR;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What a key can be made of.
pub(crate) struct Identity<'a> {
    pub(crate) kind: &'a str,
    pub(crate) queue: &'a str,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) args: &'a RawValue,
}

const MAX_KEY: usize = 1000;

/// What makes a job unique. Its kind and its tenant always do; everything else only if it is said.
///
/// One job at a time for each customer, the newest arguments winning as long as it has not begun:
///
/// # Examples
///
/// ```
/// use ordinaut_core::{NewJob, Unique};
/// use ordinaut_core::job::OnDuplicate;
///
/// let job = NewJob::new("bill", &serde_json::json!({"customer": {"id": 7}, "sum": 3}))?
///     .unique(Unique::by_kind().args(["customer.id"]).on_duplicate(OnDuplicate::Replace));
/// assert!(job.check().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// The key is held from the enqueue to the end of the job, over retries, and for
/// [`Unique::after_end`] beyond.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Unique {
    /// Paths into the arguments whose values are part of the key, such as `customer.id`.
    args: Vec<String>,
    /// The whole arguments are part of the key.
    all_args: bool,
    /// The queue is part of the key.
    queue: bool,
    /// A text of its own, up to 1000 characters.
    key: Option<String>,
    /// Seconds: one job for each such length of time, ended or not.
    #[serde(with = "seconds::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    period: Option<Duration>,
    /// What becomes of a job whose key another one holds.
    mode: OnDuplicate,
    /// Seconds for which the key is held after the end of the job.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    after_end: Duration,
}

/// What becomes of a job whose key another one holds. One that has ended and still holds its key
/// makes the new one a duplicate in every mode; so does one that runs, but for the last two modes,
/// which are for work that must see the newest state: what changes while a job runs needs another
/// run. All jobs of one key should have the same mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnDuplicate {
    /// It is not made.
    #[default]
    Skip,
    /// It takes the place of one that waits, which is cancelled, and is due when that was: a steady
    /// stream of them cannot put the work off forever.
    Replace,
    /// The same, but it is due when it says itself: the work happens once it has been quiet for
    /// that long.
    Debounce,
    /// It is an error, and nothing is stored.
    Error,
    /// It is not made while the other one waits. Once a worker has taken that, the key is free, and
    /// this one may run beside it: for handlers that read the newest state themselves, such as a
    /// reindex.
    UntilStarted,
    /// It takes the place of one that waits, as with `Replace`; while one runs it waits behind
    /// that, and goes within a second of its end. If that attempt failed, this one runs instead of
    /// the next. So the newest arguments are always seen, by one job at a time: a sync.
    RunAgain,
}

impl OnDuplicate {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Skip, Self::Replace, Self::Debounce, Self::Error, Self::UntilStarted, Self::RunAgain];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Replace => "replace",
            Self::Debounce => "debounce",
            Self::Error => "error",
            Self::UntilStarted => "until_started",
            Self::RunAgain => "run_again",
        }
    }
}

impl std::str::FromStr for OnDuplicate {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == word);
        found.ok_or_else(|| format!("no mode is called {word:?}: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl Unique {
    /// By kind and tenant alone.
    pub fn by_kind() -> Self {
        Self::default()
    }

    /// And by these parts of the arguments, as dotted paths: `customer.id`. One that the arguments
    /// do not have makes the job invalid, because with a typo all jobs would be duplicates of each
    /// other; null is a value.
    #[must_use]
    pub fn args(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = paths.into_iter().map(Into::into).collect();
        self
    }

    /// And by the whole arguments.
    #[must_use]
    pub fn all_args(mut self) -> Self {
        self.all_args = true;
        self
    }

    /// And by the queue.
    #[must_use]
    pub fn queue(mut self) -> Self {
        self.queue = true;
        self
    }

    /// And by a text of your own.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// And by the time of the enqueue on the database's clock, cut into periods of so long since
    /// 1970 (UTC): of each period one, even if that of the last one has not ended. From a second to
    /// a year.
    #[must_use]
    pub fn period(mut self, period: Duration) -> Self {
        self.period = Some(period);
        self
    }

    /// What becomes of a second one; it is skipped if not said.
    #[must_use]
    pub fn on_duplicate(mut self, mode: OnDuplicate) -> Self {
        self.mode = mode;
        self
    }

    /// Time for which the key is held after the job has ended, however it did; not at all if not
    /// said. A year at most.
    #[must_use]
    pub fn after_end(mut self, window: Duration) -> Self {
        self.after_end = window;
        self
    }

    /// Whether the key is held until the job's end.
    pub(crate) fn ends_with_job(&self) -> bool {
        !matches!(self.mode, OnDuplicate::UntilStarted | OnDuplicate::RunAgain)
    }

    pub(crate) fn mode(&self) -> OnDuplicate {
        self.mode
    }

    /// In seconds.
    pub(crate) fn period_seconds(&self) -> Option<f64> {
        self.period.map(|period| period.as_secs_f64())
    }

    /// In seconds.
    pub(crate) fn after_end_seconds(&self) -> f64 {
        self.after_end.as_secs_f64()
    }

    /// The readable key: JSON without spaces, sorted, whose text two jobs have in common only if
    /// they mean the same.
    pub(crate) fn key_of(&self, job: &Identity<'_>) -> Result<String, InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.key.as_ref().is_some_and(|key| key.is_empty() || key.chars().count() > MAX_KEY) {
            return invalid("unique.key", "must be of 1 to 1000 characters");
        }
        if self.period.is_some_and(|period| !(Duration::from_secs(1)..=YEAR).contains(&period)) {
            return invalid("unique.period", "must be from a second to a year");
        }
        if self.after_end > YEAR {
            return invalid("unique.after_end", "must be at most a year");
        }
        if !self.ends_with_job() && !self.after_end.is_zero() {
            let reason =
                format!("has no effect in mode {}, in which a key is not held beyond its job", self.mode.as_str());
            return invalid("unique.after_end", &reason);
        }
        if self.all_args && !self.args.is_empty() {
            return invalid("unique.args", "must not be given with all of them");
        }
        let mut parts = BTreeMap::new();
        if self.all_args {
            parts.insert("all_args", sorted(job.args)?);
        }
        if !self.args.is_empty() {
            let chosen = self.args.iter().map(|path| Ok((&**path, at(job.args, path)?)));
            parts.insert("args", object(&chosen.collect::<Result<_, InvalidField>>()?));
        }
        let texts = [("key", self.key.as_deref()), ("queue", self.queue.then_some(job.queue))];
        for (name, text) in texts.into_iter().chain([("kind", Some(job.kind)), ("tenant", job.tenant)]) {
            if let Some(text) = text {
                parts.insert(name, quoted(text));
            }
        }
        if let Some(period) = self.period {
            parts.insert("period", period.as_secs_f64().to_string());
        }
        Ok(object(&parts))
    }
}

/// The part of the arguments that a dotted path leads to.
fn at(args: &RawValue, path: &str) -> Result<String, InvalidField> {
    let mut found = args;
    for name in path.split('.') {
        let fields: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(found.get()).ok();
        found = fields.and_then(|mut fields| fields.remove(name)).ok_or_else(|| InvalidField {
            field: "unique.args",
            reason: format!("name {path}, which the arguments do not have"),
        })?;
    }
    sorted(found)
}

/// The same JSON, without spaces and with each object's fields in their order. Numbers are written
/// out as Postgres does, so that plain SQL makes the same key (`sql/functions/key_json.sql`); as
/// floats, two large ones could be the same.
fn sorted(json: &RawValue) -> Result<String, InvalidField> {
    fn within(json: &RawValue, depth: usize) -> Option<String> {
        let (text, deeper) = (json.get(), depth.checked_sub(1)?);
        Some(match text.as_bytes().first() {
            Some(b'{') => {
                let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let fields = fields.iter().map(|(name, value)| Some((&**name, within(value, deeper)?)));
                object(&fields.collect::<Option<_>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                let items: Option<Vec<_>> = items.iter().map(|item| within(item, deeper)).collect();
                format!("[{}]", items?.join(","))
            }
            Some(b'"') => quoted(&serde_json::from_str::<String>(text).ok()?),
            Some(b'-' | b'0'..=b'9') => written_out(text)?,
            _ => text.to_owned(),
        })
    }
    // A value in the deepest array or object is one level deeper.
    within(json, MAX_DEPTH + 1).ok_or_else(|| InvalidField {
        field: "unique.args",
        reason: format!("must not be nested more than {MAX_DEPTH} deep"),
    })
}

fn object(fields: &BTreeMap<&str, String>) -> String {
    let mut text = String::from("{");
    for (name, value) in fields {
        let comma = if text.len() == 1 { "" } else { "," };
        write!(text, "{comma}{}:{value}", quoted(name)).expect("a string takes everything that is written to it");
    }
    text + "}"
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::new_job::NewJob;
    use serde_json::json;

    fn job(args: serde_json::Value) -> NewJob {
        NewJob::new("k", &args).unwrap().queue("q")
    }

    fn key(unique: Unique, args: serde_json::Value) -> String {
        unique.key_of(&job(args).identity()).unwrap()
    }

    #[test]
    fn the_key_has_the_parts_that_were_chosen() {
        let args = json!({"z": 1, "a": {"y": [1, "é\n"], "b": null}});
        assert_eq!(key(Unique::by_kind(), args.clone()), r#"{"kind":"k"}"#);
        assert_eq!(
            key(Unique::by_kind().args(["z", "a.b"]).queue().key("own"), args.clone()),
            r#"{"args":{"a.b":null,"z":1},"key":"own","kind":"k","queue":"q"}"#
        );
        assert_eq!(
            key(Unique::by_kind().all_args().period(Duration::from_secs(60)), args),
            r#"{"all_args":{"a":{"b":null,"y":[1,"é\n"]},"z":1},"kind":"k","period":60}"#
        );
        let tenant = job(json!({})).tenant("t");
        assert_eq!(Unique::by_kind().key_of(&tenant.identity()).unwrap(), r#"{"kind":"k","tenant":"t"}"#);
    }

    #[test]
    fn the_order_and_the_spaces_of_arguments_do_not_matter_and_large_numbers_do() {
        let raw = |text: &str| NewJob::new("k", &RawValue::from_string(text.to_owned()).unwrap()).unwrap();
        let key = |text: &str| Unique::by_kind().all_args().key_of(&raw(text).identity()).unwrap();
        assert_eq!(key(r#"{"a": 1, "b" : "\u0041"}"#), key(r#"{"b":"A","a":1}"#));
        assert_ne!(key("18446744073709551617"), key("18446744073709551618"));
        assert_eq!(key("[1e2]"), key("[100]"));
    }

    #[test]
    fn what_cannot_be_a_key_is_named() {
        let field = |unique: Unique, args| unique.key_of(&job(args).identity()).unwrap_err().field;
        let by_kind = Unique::by_kind;
        assert_eq!(field(by_kind().args(["a.b"]), json!({"a": 5})), "unique.args");
        assert_eq!(field(by_kind().args(["b"]), json!({"a": 5})), "unique.args");
        assert_eq!(field(by_kind().args(["a"]).all_args(), json!({"a": 5})), "unique.args");
        assert_eq!(field(by_kind().key(""), json!({})), "unique.key");
        assert_eq!(field(by_kind().period(Duration::from_millis(999)), json!({})), "unique.period");
        assert_eq!(field(by_kind().after_end(Duration::MAX), json!({})), "unique.after_end");
        let again = by_kind().on_duplicate(OnDuplicate::RunAgain).after_end(Duration::from_secs(1));
        assert_eq!(field(again, json!({})), "unique.after_end");
        let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(field(by_kind().all_args(), deep), "unique.args");
    }
}
