//! What tells somebody of an alert: jobs of the stock worker's executors.

use crate::alert::record::{Alert, AlertState};
use crate::alert::rule::AlertRule;
use crate::backoff::Backoff;
use crate::job::new_job::NewJob;
use crate::job::unique::Unique;
use serde_json::json;
use std::time::Duration;

/// Attempts of a job that tells: with the waits between them, about a day.
const ATTEMPTS: i16 = 12;

const BACKOFF: Backoff = Backoff::Exponential { base: Duration::from_secs(5), cap: Duration::from_secs(4 * 3600) };

/// An alert changes to a state once, so its key is held for as long as anybody could tell again.
const HELD: Duration = Duration::from_secs(7 * 86_400);

/// Before jobs that nobody waits for.
const PRIORITY: i16 = 2;

/// The jobs that tell of what has become of an alert: none if its rule names nobody.
pub(crate) fn jobs(alert: &Alert, rule: &AlertRule) -> Result<Vec<NewJob>, serde_json::Error> {
    let mut jobs = Vec::new();
    let job = |kind: &str, args: &serde_json::Value| {
        let key = format!("alert {} {}", alert.id, alert.state);
        let made = NewJob::new(kind, args)?.queue(&rule.queue).priority(PRIORITY);
        let made = made.max_attempts(ATTEMPTS).backoff(BACKOFF).tags(["alert"]);
        Ok::<_, serde_json::Error>(made.unique(Unique::by_kind().key(key).after_end(HELD)))
    };
    let over = alert.state == AlertState::Resolved;
    if let Some(url) = &rule.webhook {
        let body = json!({
            "type": if over { "alert_resolved" } else { "alert_firing" },
            "summary": alert.summary(),
            "about": rule.about,
            "alert": alert,
        });
        jobs.push(job("http", &json!({"method": "POST", "url": url, "body": body}))?);
    }
    if !rule.email.is_empty() {
        let word = if over { "over".to_owned() } else { alert.severity.to_string() };
        let mut text = vec![alert.summary(), rule.about.clone()];
        text.retain(|part| !part.is_empty());
        text.push(format!(
            "It was {} from {} on.",
            alert.severity,
            alert.pending_since.format("%Y-%m-%d %H:%M:%S UTC")
        ));
        if let Some(resolved_at) = alert.resolved_at {
            text.push(format!("It was over at {}.", resolved_at.format("%Y-%m-%d %H:%M:%S UTC")));
        }
        text.push(format!("ordinaut alert show {}", alert.id));
        // A name may have what would end the line of a header.
        let subject: String = format!("[{word}] {}: {}", alert.rule, alert.subject);
        let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
        jobs.push(job("email", &json!({"to": rule.email, "subject": subject, "text": text.join("\n\n")}))?);
    }
    Ok(jobs)
}
