//! Conditions over facts.

use crate::error::InvalidField;
use crate::name;
use crate::schedule::duration;
use crate::schedule::refusal::refuse;
use chrono::TimeDelta;
use std::time::Duration;

/// A condition: a fact compared with a threshold, true for some time, and not again before some
/// more.
///
/// ```
/// use ordinaut_core::schedule::{Fact, Condition};
///
/// let condition = Condition::parse("failure_share(mail) > 0.2 for 5m cooldown 1h")?;
/// assert_eq!(condition.fact, Fact::FailureShare("mail".to_owned()));
/// assert!(condition.holds(Some(0.25)) && !condition.holds(Some(0.2)) && !condition.holds(None));
/// # Ok::<(), ordinaut_core::error::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// What is looked at.
    pub fact: Fact,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what; a length of time is in seconds.
    pub threshold: f64,
    /// Time for which it must be true before the task is due.
    pub holds_for: Duration,
    /// Time after it was due in which it may not be due again.
    pub cooldown: Duration,
}

/// Something that can be measured.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fact {
    /// Number of jobs that wait in a queue.
    ReadyDepth(String),
    /// Time for which the oldest job has waited in a queue, in seconds.
    OldestWait(String),
    /// The share of a queue's attempts that failed, from 0 to 1.
    FailureShare(String),
    /// Number of alerts of a rule that fire.
    FiringAlerts(String),
    /// A value that somebody pushed, by name.
    Pushed(String),
}

/// A way to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each says what it is")]
#[non_exhaustive]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

/// Longer ones first: `>` begins `>=`.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
];

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// With the field `expr`, if it is no comparison of a fact or a built-in value with a number.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        const FORM: &str = "must be a condition such as ready_depth(mail) > 100 for 60s cooldown 1h";
        if text.len() > 300 {
            return refuse("must not be longer than 300 bytes");
        }
        let Some((word, rest)) = text.split_once('(') else { return refuse(FORM) };
        let Some((name, rest)) = rest.split_once(')') else { return refuse(FORM) };
        let fact = fact(word.trim(), name.trim())?;
        let rest = rest.trim_start();
        let Some((comparison, rest)) =
            COMPARISONS.iter().find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)))
        else {
            return refuse("must compare its fact by >, >=, <, <=, == or !=");
        };
        let mut words = rest.split_whitespace();
        let threshold = threshold(words.next().unwrap_or_default(), matches!(fact, Fact::OldestWait(_)))?;
        let (mut holds_for, mut cooldown) = (None, None);
        while let Some(word) = words.next() {
            let place = match word {
                "for" => &mut holds_for,
                "cooldown" => &mut cooldown,
                _ => return refuse(FORM),
            };
            let length = words.next().and_then(duration::parse).filter(|length| *length <= TimeDelta::days(366));
            match length.and_then(|length| length.to_std().ok()) {
                Some(length) if place.is_none() => *place = Some(length),
                Some(_) => return refuse(format!("has {word} twice")),
                None => {
                    return refuse(format!("must have a length of time of at most a year, such as 60s, behind {word}"));
                }
            }
        }
        let (holds_for, cooldown) = (holds_for.unwrap_or_default(), cooldown.unwrap_or_default());
        Ok(Self { fact, comparison, threshold, holds_for, cooldown })
    }

    /// Whether it is true of a value; of none it is not.
    pub fn holds(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| match self.comparison {
            Comparison::Greater => value > self.threshold,
            Comparison::GreaterOrEqual => value >= self.threshold,
            Comparison::Less => value < self.threshold,
            Comparison::LessOrEqual => value <= self.threshold,
            Comparison::Equal => value == self.threshold,
            // Not a number is no value.
            Comparison::NotEqual => value != self.threshold && !value.is_nan(),
        })
    }
}

fn fact(word: &str, name: &str) -> Result<Fact, InvalidField> {
    let fact = match word {
        "ready_depth" => Fact::ReadyDepth,
        "oldest_wait" => Fact::OldestWait,
        "failure_share" => Fact::FailureShare,
        "firing_alerts" => Fact::FiringAlerts,
        "fact" => Fact::Pushed,
        _ => {
            return refuse(
                "must begin with ready_depth(…), oldest_wait(…), failure_share(…), firing_alerts(…) or fact(…)",
            );
        }
    };
    match name::check(name) {
        Ok(()) => Ok(fact(name.to_owned())),
        Err(reason) => refuse(format!("names a queue, rule or fact that {reason}")),
    }
}

fn threshold(text: &str, is_length: bool) -> Result<f64, InvalidField> {
    if is_length && let Some(length) = duration::parse(text) {
        return Ok(length.as_seconds_f64());
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => refuse("must compare its fact with a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        let seconds = Duration::from_secs;
        let read = |text| Condition::parse(text).unwrap();
        let depth = read("ready_depth(mail) > 100 for 60s");
        assert_eq!((depth.threshold, depth.holds_for, depth.cooldown), (100.0, seconds(60), Duration::ZERO));
        let wait = read(" oldest_wait( bulk mail )>=5m cooldown 1h ");
        assert_eq!((wait.threshold, wait.cooldown), (300.0, seconds(3600)));
        assert_eq!(
            (wait.fact, wait.comparison),
            (Fact::OldestWait("bulk mail".to_owned()), Comparison::GreaterOrEqual)
        );
        assert_eq!(read("fact(x)!=-1.5e3").threshold, -1500.0);
        assert_eq!(read("firing_alerts(disk-full) > 0").fact, Fact::FiringAlerts("disk-full".to_owned()));
    }

    #[test]
    fn others_are_refused() {
        let texts = [
            "",
            "ready_depth",
            "ready_depth(",
            "ready_depth() > 1",
            "depth(mail) > 1",
            "fact(x) 1",
            "fact(x) >",
            "fact(x) > NaN",
            "fact(x) > inf",
            "fact(x) > 1 for",
            "fact(x) > 1 forever",
            "fact(x) > 1 for 1s for 2s",
            "fact(x) > 1 since 1s",
            "fact(x) > 1 for 9999w",
            "fact(x) => 1",
        ];
        for text in texts {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
