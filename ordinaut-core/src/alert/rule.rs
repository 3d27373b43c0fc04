//! A rule: what is looked at, from which figure on it is an alert, and who is told.

use crate::alert::severity::Severity;
use crate::alert::source::AlertSource;
use crate::error::InvalidField;
use crate::json;
use crate::json::InvalidJson;
use crate::name;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Maximum number of addresses of one mail, as the executor `email` has it.
const MOST_ADDRESSES: usize = 100;

/// Longest text about a rule, in characters.
const LONGEST_ABOUT: usize = 500;

/// The longest time that a rule asks for.
const WEEK: f64 = 7.0 * 86_400.0;

/// The window of a rule that says none.
const WINDOW: f64 = 600.0;

/// What is looked at, from which figure on it is an alert, and who is told. Lengths of time are in
/// seconds.
///
/// ```
/// use ordinaut_core::alert::{AlertRule, AlertSource};
///
/// let full = AlertRule::new(AlertSource::Disk, 90.0).webhook("https://ops.example.org/alerts");
/// assert!(full.check().is_ok());
/// assert_eq!(full.email(["nobody"]).check().unwrap_err().field, "email");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertRule {
    /// What is looked at.
    pub source: AlertSource,
    /// The node, queue, kind, target, limit or follower; absent: each of them.
    #[serde(default)]
    pub subject: Option<String>,
    /// The rule holds of what has at least this figure.
    pub threshold: f64,
    /// Seconds for which it must hold before the alert fires.
    #[serde(default)]
    pub for_seconds: f64,
    /// Of a source that looks at a time: its length in seconds, up to now; 600 if not given.
    #[serde(default)]
    pub window_seconds: Option<f64>,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it means, for people.
    #[serde(default)]
    pub about: String,
    /// A URL that gets a POST when an alert fires and when it is over, from a job of the kind
    /// `http`.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Addresses that get a mail when an alert fires and when it is over, from a job of the kind
    /// `email`.
    #[serde(default)]
    pub email: Vec<String>,
    /// The queue in which those jobs wait.
    #[serde(default = "default_queue")]
    pub queue: String,
}

fn yes() -> bool {
    true
}

fn default_queue() -> String {
    "default".to_owned()
}

impl AlertRule {
    /// A rule about everything of a sort, which fires at once, as a warning, and sends nothing.
    pub fn new(source: AlertSource, threshold: f64) -> Self {
        let (subject, window_seconds, webhook) = (None, None, None);
        let (for_seconds, severity, enabled) = (0.0, Severity::default(), true);
        let (about, email, queue) = (String::new(), Vec::new(), default_queue());
        Self {
            source,
            subject,
            threshold,
            for_seconds,
            window_seconds,
            severity,
            enabled,
            about,
            webhook,
            email,
            queue,
        }
    }

    /// About this alone.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// It must hold for this long before it fires.
    #[must_use]
    pub fn holds_for(mut self, time: Duration) -> Self {
        self.for_seconds = time.as_secs_f64();
        self
    }

    /// The time that its source looks at.
    #[must_use]
    pub fn window(mut self, time: Duration) -> Self {
        self.window_seconds = Some(time.as_secs_f64());
        self
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Whether it is looked at.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// What it means, for people.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// A URL that is told.
    #[must_use]
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    /// Addresses that are told.
    #[must_use]
    pub fn email(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.email = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// The queue in which the jobs wait that tell; `default` if not said.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// The length of the time that is looked at, if its source looks at one.
    pub(crate) fn seconds(&self) -> Option<f64> {
        self.source.has_window().then(|| self.window_seconds.unwrap_or(WINDOW))
    }

    /// Whether somebody is told by a job.
    pub fn tells(&self) -> bool {
        self.webhook.is_some() || !self.email.is_empty()
    }

    /// Reads a rule from JSON. An error names the field.
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

    /// Whether it can be accepted.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if let Some(subject) = &self.subject {
            name::check(subject).or_else(|reason| invalid("subject", reason))?;
        }
        if !(self.threshold.is_finite() && self.threshold > 0.0) {
            return invalid("threshold", "must be a number above 0");
        }
        if !(0.0..=WEEK).contains(&self.for_seconds) {
            return invalid("for_seconds", "must be from 0 to a week");
        }
        match self.window_seconds {
            Some(_) if !self.source.has_window() => {
                return invalid("window_seconds", "must not be given: this source looks at the present");
            }
            Some(seconds) if !(60.0..=WEEK).contains(&seconds) => {
                return invalid("window_seconds", "must be from a minute to a week");
            }
            _ => {}
        }
        if self.about.chars().count() > LONGEST_ABOUT || self.about.contains('\0') {
            return invalid("about", "must be of 500 characters at most, without NUL");
        }
        if let Some(url) = &self.webhook {
            name::check_url(url).or_else(|reason| invalid("webhook", reason))?;
        }
        let is_address = |text: &String| {
            let sane = text.len() <= 320 && !text.chars().any(char::is_control);
            sane && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        };
        if self.email.len() > MOST_ADDRESSES || !self.email.iter().all(is_address) {
            return invalid("email", "must be 100 addresses such as ann@example.org at most");
        }
        name::check_one(&self.queue)?;
        name::check_queue(&self.queue).or_else(|reason| invalid("queue", reason))
    }
}

/// A rule as it is kept.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct StoredRule {
    /// Its name.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub rule: AlertRule,
    /// When it was put.
    pub set_at: DateTime<Utc>,
    /// The agent that put it; null if that was not done through the API.
    pub set_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_bad_field_is_named() {
        let deep = || AlertRule::new(AlertSource::QueueDepth, 10.0);
        let field = |rule: AlertRule| rule.check().map_or_else(|invalid| invalid.field, |()| "none");
        assert_eq!(field(deep()), "none");
        assert_eq!(field(deep().subject("")), "subject");
        assert_eq!(field(AlertRule { threshold: f64::NAN, ..deep() }), "threshold");
        assert_eq!(field(AlertRule { threshold: 0.0, ..deep() }), "threshold");
        assert_eq!(field(AlertRule { for_seconds: -1.0, ..deep() }), "for_seconds");
        assert_eq!(field(deep().window(Duration::from_secs(600))), "window_seconds");
        assert_eq!(field(AlertRule::new(AlertSource::LateJobs, 1.0).window(Duration::from_secs(1))), "window_seconds");
        assert_eq!(field(deep().webhook("ftp://x")), "webhook");
        assert_eq!(field(deep().webhook("https://ann:secret@example.org")), "webhook");
        assert_eq!(field(deep().email(["ann@"])), "email");
        assert_eq!(field(deep().queue("*")), "queue");
        let read = AlertRule::from_json(json!({"source": "disk", "threshold": 90})).unwrap();
        assert_eq!((read.severity, read.enabled, read.queue.as_str()), (Severity::Warning, true, "default"));
        for bad in [json!([]), json!({"source": "moon", "threshold": 1}), json!({"source": "disk"})] {
            assert!(AlertRule::from_json(bad).is_err());
        }
    }
}
