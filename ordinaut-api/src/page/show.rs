//! How things read on the page: numbers, times, states, and the fields of what the API answers.

use super::link;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde_json::Value;

/// The fields of an answer. One that is absent reads as nothing.
pub(super) trait Fields {
    fn text(&self, name: &str) -> &str;
    fn whole(&self, name: &str) -> i64;
    fn number(&self, name: &str) -> Option<f64>;
    fn flag(&self, name: &str) -> bool;
    fn list(&self, name: &str) -> &[Value];
    fn instant(&self, name: &str) -> Option<DateTime<Utc>>;
    /// A text that is there, and not empty.
    fn said(&self, name: &str) -> Option<&str>;
}

impl Fields for Value {
    fn text(&self, name: &str) -> &str {
        self[name].as_str().unwrap_or_default()
    }

    fn whole(&self, name: &str) -> i64 {
        self[name].as_i64().unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<f64> {
        self[name].as_f64()
    }

    fn flag(&self, name: &str) -> bool {
        self[name].as_bool().unwrap_or_default()
    }

    fn list(&self, name: &str) -> &[Value] {
        self[name].as_array().map_or(&[], Vec::as_slice)
    }

    fn instant(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(self[name].as_str()?).ok().map(|at| at.to_utc())
    }

    fn said(&self, name: &str) -> Option<&str> {
        self[name].as_str().filter(|text| !text.is_empty())
    }
}

/// A number with commas.
pub(super) fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if n < 0 { format!("-{text}") } else { text }
}

/// A rate, as exact as it is worth being.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0".to_owned(),
        r if r < 0.095 => format!("{r:.2}"),
        r if r < 9.95 => format!("{r:.1}"),
        r => count(r.round() as i64),
    }
}

/// What a description says first, without its point.
pub(super) fn first_sentence(about: &str) -> &str {
    about.split_once(". ").map_or(about, |(first, _)| first).trim_end_matches('.')
}

/// A description whose names stand between backticks.
pub(super) fn prose(about: &str) -> Markup {
    html! {
        @for (n, part) in about.split('`').enumerate() {
            @if n % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

/// Seconds in the two largest units that say something.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.abs();
    let two = |large: f64, small: f64, names: [&str; 2]| {
        let (first, rest) = ((whole / large).floor(), (whole % large / small).floor());
        if rest == 0.0 { format!("{first} {}", names[0]) } else { format!("{first} {} {rest} {}", names[0], names[1]) }
    };
    match whole {
        0.0 => "0 s".to_owned(),
        s if s < 0.001 => "< 1 ms".to_owned(),
        s if s < 0.9995 => format!("{} ms", (s * 1000.0).round()),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{} s", s.floor()),
        s if s < 3600.0 => two(60.0, 1.0, ["min", "s"]),
        s if s < 86_400.0 => two(3600.0, 60.0, ["h", "min"]),
        _ => two(86_400.0, 3600.0, ["d", "h"]),
    }
}

/// The same, or a dash.
pub(super) fn duration_or_dash(seconds: Option<f64>) -> String {
    seconds.map_or("–".to_owned(), duration)
}

/// An instant as a person thinks of it, with the exact one behind it. `page.js` keeps it true.
pub(super) fn time(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let exact = at.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string();
    html! { time datetime=(at.to_rfc3339()) title=(exact) { (relative(at, now)) } }
}

/// The instant in a field, or a dash.
pub(super) fn time_of(answer: &Value, field: &str) -> Markup {
    match answer.instant(field) {
        Some(at) => time(at, Utc::now()),
        None => html! { span.none { "–" } },
    }
}

/// An instant as the clocks of its zone say it: `2026-12-01 02:30 -05:00`.
pub(super) fn wall(rfc3339: &str) -> String {
    let Ok(at) = DateTime::parse_from_rfc3339(rfc3339) else { return rfc3339.to_owned() };
    let time = if at.timestamp() % 60 == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    let zone = if rfc3339.ends_with('Z') { "UTC".to_owned() } else { at.format("%:z").to_string() };
    format!("{} {zone}", at.format(time))
}

/// In the largest unit alone, so that it changes seldom.
fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_milliseconds() as f64 / 1000.0;
    let (size, is_past) = (seconds.abs(), seconds >= 0.0);
    let amount = match size {
        s if s < 1.0 => return "now".to_owned(),
        s if s < 60.0 => format!("{} s", s.floor()),
        s if s < 3600.0 => format!("{} min", (s / 60.0).floor()),
        s if s < 86_400.0 => format!("{} h", (s / 3600.0).floor()),
        s => format!("{} d", (s / 86_400.0).floor()),
    };
    if is_past { format!("{amount} ago") } else { format!("in {amount}") }
}

/// A state or an outcome: a colour, and always the word too.
pub(super) fn state(word: &str) -> Markup {
    let class = match word {
        "scheduled" | "waiting" | "running" | "parked" | "succeeded" | "cancelled" | "dead" | "failed" | "lost"
        | "snoozed" | "released" | "active" | "paused" | "done" | "healthy" | "degraded" | "unhealthy" | "expired" => {
            word
        }
        "warning" => "degraded",
        "critical" | "firing" => "unhealthy",
        "pending" => "waiting",
        "resolved" => "done",
        "offline" => "lost",
        _ => "other",
    };
    html! { span class=(format!("state s-{class}")) { (word) } }
}

/// The end of an id: its beginning is a time, and alike for all that were made together.
pub(super) fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// A link to a job, by the end of its id.
pub(super) fn job_link(id: &str) -> Markup {
    html! { a.id href=(link::path(&["ui", "jobs", id])) title=(id) { (short(id)) } }
}

/// A link to the jobs of a queue, a kind, and so on.
pub(super) fn jobs_of(filter: &str, value: &str) -> Markup {
    html! { a href=(link::with("/ui/jobs", &[(filter, value)])) { (value) } }
}

/// The first line of an error, for a table.
pub(super) fn first_line(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let mut text: String = line.chars().take(160).collect();
    if text.len() < error.trim_end().len() {
        text.push('…');
    }
    text
}

/// `1 job`, `2 jobs`.
pub(super) fn counted(n: i64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn numbers_and_durations_read_as_people_say_them() {
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-12_345, "-12,345")] {
            assert_eq!(count(n), text);
        }
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.000_2, "< 1 ms"),
            (0.034, "34 ms"),
            (0.999_9, "1.0 s"),
            (59.99, "59 s"),
            (60.0, "1 min"),
            (131.0, "2 min 11 s"),
            (3600.0 * 5.0, "5 h"),
            (86_400.0 * 3.0 + 7200.0, "3 d 2 h"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
        for (per_second, text) in [(0.0, "0"), (0.014, "0.01"), (0.5, "0.5"), (12.4, "12"), (1234.0, "1,234")] {
            assert_eq!(rate(per_second), text, "{per_second}");
        }
    }

    #[test]
    fn an_instant_is_told_from_now_and_exactly() {
        let now = DateTime::parse_from_rfc3339("2030-01-02T03:04:05.678Z").unwrap().to_utc();
        let shown = time(now - TimeDelta::minutes(3), now).into_string();
        assert!(shown.contains("3 min ago") && shown.contains("2030-01-02 03:01:05.678 UTC"), "{shown}");
        assert_eq!(relative(now + TimeDelta::hours(30), now), "in 1 d");
        assert_eq!(relative(now, now), "now");
        assert_eq!(wall("2026-12-01T02:30:00-05:00"), "2026-12-01 02:30 -05:00");
        assert_eq!(wall("2026-12-01T02:30:07Z"), "2026-12-01 02:30:07 UTC");
        assert_eq!(wall("soon"), "soon");
    }
}
