//! What came and ended over time, as charts and as numbers.

use super::show::{Fields, count, duration_or_dash, time};
use super::visit::{Fault, Visit};
use super::{Shown, link, shown};
use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};
use serde_json::{Value, json};

/// The time that the overview is about.
pub(super) struct Span {
    pub(super) word: &'static str,
    /// What the API calls one line of it.
    pub(super) step: &'static str,
    each: TimeDelta,
    steps: i32,
}

impl Span {
    pub(super) fn of(visit: &Visit) -> Self {
        match visit.parameter("span").as_deref() {
            Some("day") => Self { word: "day", step: "hour", each: TimeDelta::hours(1), steps: 24 },
            _ => Self { word: "hour", step: "minute", each: TimeDelta::minutes(1), steps: 60 },
        }
    }

    /// The beginning of the step that is not over.
    fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.duration_trunc(self.each).unwrap_or(now)
    }

    /// The statistics of this time, as the API is asked for them.
    pub(super) fn stats(&self, now: DateTime<Utc>, parameter: (&str, &str)) -> String {
        let since = (self.end(now) - self.each * self.steps).to_rfc3339_opts(SecondsFormat::Secs, true);
        link::with("/stats", &[("since", &since), parameter])
    }

    /// The steps that are over, with what the API says of each: one that is not over would look
    /// like a fall, and one that is left out like a line through it.
    pub(super) fn steps<'a>(&self, stats: &'a Value, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, Option<&'a Value>)> {
        let (lines, end) = (stats.list("lines"), self.end(now));
        let line = |at: DateTime<Utc>| lines.iter().find(|line| line.instant("begins") == Some(at));
        (1..=self.steps).rev().map(|back| end - self.each * back).map(|at| (at, line(at))).collect()
    }
}

/// Drawn by `page.js`; the same numbers are below as a table, for those that read.
pub(super) fn charts(span: &Span, steps: &[(DateTime<Utc>, Option<&Value>)]) -> Markup {
    let source = link::with("/ui/series", &[("span", span.word)]);
    let now = Utc::now();
    html! {
        section.charts {
            figure {
                figcaption { h2 { "Jobs a second" } }
                div.chart data-source=(source) data-lines="in out" data-unit="rate" {}
            }
            figure {
                figcaption { h2 { "Wait and run" } }
                div.chart data-source=(source) data-lines="wait50 wait95 run50 run95" data-unit="seconds" {}
            }
        }
        details.plain {
            summary { "The same as numbers" }
            table {
                thead { tr { th { "From" } th.n { "In" } th.n { "Out" } th.n { "Failed" } th.n.wide { "Wait p50" } th.n { "Wait p95" } th.n.wide { "Run p50" } th.n { "Run p95" } } }
                tbody {
                    @for (at, line) in steps.iter().rev() {
                        @let line = line.unwrap_or(&Value::Null);
                        tr {
                            td { (time(*at, now)) }
                            td.n { (count(line.whole("arrived"))) } td.n { (count(line.whole("ended"))) } td.n { (count(line.whole("failed"))) }
                            td.n.wide { (duration_or_dash(line["wait"].number("p50"))) } td.n { (duration_or_dash(line["wait"].number("p95"))) }
                            td.n.wide { (duration_or_dash(line["run"].number("p50"))) } td.n { (duration_or_dash(line["run"].number("p95"))) }
                        }
                    }
                }
            }
        }
    }
}

/// What the charts draw: columns, the first of which is time.
pub(super) async fn show(visit: Visit) -> Shown {
    shown(visit, async |visit: Visit| -> Result<Response, Fault> {
        let (span, now) = (Span::of(&visit), Utc::now());
        let stats = visit.get(&span.stats(now, ("step", span.step))).await?;
        Ok(Json(columns(&span, &span.steps(&stats, now))).into_response())
    })
    .await
}

fn columns(span: &Span, steps: &[(DateTime<Utc>, Option<&Value>)]) -> Value {
    let rate = |field: &str| {
        steps.iter().map(|(_, line)| line.and_then(|line| line.number(field)).unwrap_or(0.0)).collect::<Vec<_>>()
    };
    let quantile = |of: &str, which: &str| {
        steps.iter().map(|(_, line)| line.and_then(|line| line[of].number(which))).collect::<Vec<_>>()
    };
    let at: Vec<_> = steps.iter().map(|(at, _)| at.timestamp()).collect();
    json!({
        "since": at.first(),
        "until": at.last().map(|last| last + span.each.num_seconds()),
        "at": at,
        "in": rate("arrived_per_second"),
        "out": rate("ended_per_second"),
        "wait50": quantile("wait", "p50"),
        "wait95": quantile("wait", "p95"),
        "run50": quantile("run", "p50"),
        "run95": quantile("run", "p95"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_in_which_nothing_happened_is_drawn_as_nothing() {
        let span = Span { word: "hour", step: "minute", each: TimeDelta::minutes(1), steps: 3 };
        let now = DateTime::parse_from_rfc3339("2030-01-01T00:03:30Z").unwrap().to_utc();
        let stats = json!({"lines": [
            {"begins": "2030-01-01T00:01:00Z", "arrived_per_second": 2.0, "ended_per_second": 1.0, "wait": {"p50": 0.5}, "run": {}},
            {"begins": "2030-01-01T00:03:00Z", "arrived_per_second": 9.0},
        ]});
        let drawn = columns(&span, &span.steps(&stats, now));
        assert_eq!(drawn["in"], json!([0.0, 2.0, 0.0]));
        assert_eq!(drawn["wait50"], json!([null, 0.5, null]));
        assert_eq!(drawn["until"].as_i64().unwrap() - drawn["since"].as_i64().unwrap(), 180);
        assert!(span.stats(now, ("step", "minute")).starts_with("/stats?since=2030-01-01T00%3A00%3A00Z&"));
    }
}
