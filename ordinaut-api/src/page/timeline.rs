//! What happened to a job in time, as a strip: when it waited, its attempts, its steps.

use super::show::{Fields, duration};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde_json::Value;

/// Rows that are drawn; a job may have thousands of steps.
const ROWS: usize = 60;

/// Units from its left to its right end.
const WIDTH: f64 = 1000.0;
const ROW: usize = 22;

struct Bar {
    name: String,
    class: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// `job` as the API shows it, with `steps` if it has some.
pub(super) fn strip(job: &Value, steps: Option<&Value>, now: DateTime<Utc>) -> Markup {
    let bars = bars(job, steps, now);
    let (Some(begin), Some(end)) = (bars.iter().map(|bar| bar.from).min(), bars.iter().map(|bar| bar.to).max()) else {
        return html! {};
    };
    let whole = seconds(begin, end).max(0.001);
    let x = |at: DateTime<Utc>| WIDTH * seconds(begin, at) / whole;
    let height = bars.len().min(ROWS) * ROW;
    html! {
        figure.timeline role="img" aria-label=(spoken(&bars)) {
            ol.names aria-hidden="true" {
                @for bar in bars.iter().take(ROWS) { li title=(bar.name) { (bar.name) } }
            }
            svg viewBox=(format!("0 0 {WIDTH} {height}")) preserveAspectRatio="none" height=(height) aria-hidden="true" {
                @for (row, bar) in bars.iter().take(ROWS).enumerate() {
                    @let width = (x(bar.to) - x(bar.from)).max(3.0);
                    rect.ground x="0" y=(row * ROW + 3) width=(WIDTH) height=(ROW - 6) {}
                    rect class=(bar.class) x=(format!("{:.1}", x(bar.from).min(WIDTH - width))) y=(row * ROW + 3) width=(format!("{width:.1}")) height=(ROW - 6) {
                        title { (bar.name) ": " (duration(seconds(bar.from, bar.to))) }
                    }
                }
            }
            ol.lengths aria-hidden="true" {
                @for bar in bars.iter().take(ROWS) { li { (duration(seconds(bar.from, bar.to))) } }
            }
        }
        @if bars.len() > ROWS { p.none { "and " (bars.len() - ROWS) " more" } }
    }
}

pub(super) fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_microseconds().unwrap_or(i64::MAX) as f64 / 1e6
}

fn spoken(bars: &[Bar]) -> String {
    let each = bars.iter().take(ROWS).map(|bar| format!("{}: {}", bar.name, duration(seconds(bar.from, bar.to))));
    each.collect::<Vec<_>>().join("; ")
}

fn bars(job: &Value, steps: Option<&Value>, now: DateTime<Utc>) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut runs: Vec<&Value> = job.list("runs").iter().collect();
    runs.sort_by_key(|run| run.whole("attempt"));
    let mut before = job.instant("created_at");
    for run in runs {
        let Some(end) = run.instant("finished_at") else { continue };
        let start = run.instant("started_at").unwrap_or(end);
        if let Some(since) = before.filter(|since| *since < start) {
            bars.push(Bar { name: "waited".to_owned(), class: "s-waiting".to_owned(), from: since, to: start });
        }
        let (attempt, outcome) = (run.whole("attempt"), run.text("outcome"));
        bars.push(Bar {
            name: format!("attempt {attempt}, {outcome}"),
            class: format!("s-{outcome}"),
            from: start,
            to: end,
        });
        before = Some(end);
    }
    let word = job.text("state");
    if let Some(since) = before.filter(|_| matches!(word, "waiting" | "scheduled" | "running" | "parked")) {
        bars.push(Bar { name: word.to_owned(), class: format!("s-{word}"), from: since, to: now });
    }
    for step in steps.map_or(&[][..], |steps| steps.list("steps")) {
        let Some(end) = step.instant("ended_at") else { continue };
        let start = step.instant("began_at").unwrap_or(end);
        bars.push(Bar { name: format!("· {}", step.text("name")), class: "s-step".to_owned(), from: start, to: end });
    }
    for wait in steps.map_or(&[][..], |steps| steps.list("waits")) {
        let Some(start) = wait.instant("began_at") else { continue };
        let end = wait.instant("answered_at").unwrap_or(now);
        bars.push(Bar {
            name: format!("· {}", wait.text("name")), class: "s-parked".to_owned(), from: start, to: end
        });
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_strip_has_what_was_waited_and_each_attempt_within_its_width() {
        let now = DateTime::parse_from_rfc3339("2030-01-01T00:01:00Z").unwrap().to_utc();
        let job = json!({
            "state": "scheduled",
            "created_at": "2030-01-01T00:00:00Z",
            "runs": [
                {"attempt": 2, "outcome": "failed", "started_at": "2030-01-01T00:00:30Z", "finished_at": "2030-01-01T00:00:31Z"},
                {"attempt": 1, "outcome": "failed", "started_at": "2030-01-01T00:00:10Z", "finished_at": "2030-01-01T00:00:12Z"},
            ],
        });
        let names: Vec<_> = bars(&job, None, now).into_iter().map(|bar| bar.name).collect();
        assert_eq!(names, ["waited", "attempt 1, failed", "waited", "attempt 2, failed", "scheduled"]);
        let drawn = strip(&job, None, now).into_string();
        assert!(drawn.contains(r#"x="166.7""#) && drawn.contains(r#"width="33.3""#), "{drawn}");
        let planted = json!({"steps": [{"name": "<script>", "began_at": "2030-01-01T00:00:00Z", "ended_at": "2030-01-01T00:00:01Z"}]});
        assert!(!strip(&job, Some(&planted), now).into_string().contains("<script>"));
    }
}
