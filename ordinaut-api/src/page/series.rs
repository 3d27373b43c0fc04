//! What came and ended over time, as charts and as numbers.

use super::link;
use super::show::{Fields, count, duration_or_dash, time};
use super::visit::Visit;
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The time that the overview is about.
#[derive(Clone, Copy)]
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

    /// Links to the other time that a page may be about, beside its own.
    pub(super) fn tabs(&self, here: &str) -> Markup {
        let (path, other) = (here.split('?').next().unwrap_or("/ui"), if self.word == "day" { "hour" } else { "day" });
        let at = link::with(path, &[("span", other)]);
        html! { span.tabs { span aria-current="true" { "Last " (self.word) } a href=(at) { "Last " (other) } } }
    }

    /// The beginning of the step that is not over.
    fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.duration_trunc(self.each).unwrap_or(now)
    }

    /// The statistics of this time, as the API is asked for them.
    pub(super) fn stats(&self, now: DateTime<Utc>, parameters: &[(&str, &str)]) -> String {
        let since = (self.end(now) - self.each * self.steps).to_rfc3339_opts(SecondsFormat::Secs, true);
        link::with("/stats", &[&[("since", &*since)], parameters].concat())
    }

    /// The steps that are over, with what the API says of each: one that is not over would look
    /// like a fall, and one that is left out like a line through it.
    pub(super) fn steps<'a>(&self, stats: &'a Value, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, Option<&'a Value>)> {
        let (lines, end) = (stats.list("lines"), self.end(now));
        let line = |at: DateTime<Utc>| lines.iter().find(|line| line.instant("begins") == Some(at));
        (1..=self.steps).rev().map(|back| end - self.each * back).map(|at| (at, line(at))).collect()
    }
}

/// What a chart draws: lines over the same steps.
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// How its numbers read, as `page.js` knows it: `rate`, `seconds` or `jobs`.
    pub(super) unit: &'static str,
}

/// A line: its name, the variable of the stylesheet that has its colour, and its numbers.
pub(super) type Line = (String, &'static str, Vec<Option<f64>>);

/// Of queues: more are not drawn.
const COLOURS: [&str; 6] = ["--waiting", "--succeeded", "--parked", "--running", "--accent", "--dead"];

/// Where charts are drawn. They stay, so that a line that somebody points at does not go.
pub(super) fn frames(charts: &[Chart]) -> Markup {
    html! {
        section.charts {
            @for Chart { id, title, unit } in charts {
                figure { figcaption { h2 { (title) } } div.chart data-chart=(id) data-unit=(unit) {} }
            }
        }
    }
}

/// What is drawn there, for `page.js`: a part of what moves.
pub(super) fn data(span: &Span, at: &[DateTime<Utc>], lines: &[(&Chart, Vec<Line>)]) -> Markup {
    let drawn = |(chart, lines): &(&Chart, Vec<Line>)| {
        let line = |(name, colour, values): &Line| json!({"name": name, "colour": colour, "values": values});
        (chart.id.to_owned(), lines.iter().map(line).collect::<Value>())
    };
    let charts: Map<_, _> = lines.iter().map(drawn).collect();
    let until = at.last().map(|last| (*last + span.each).timestamp());
    let at: Vec<_> = at.iter().map(DateTime::timestamp).collect();
    let all = json!({"since": at.first(), "until": until, "at": at, "charts": charts});
    html! { div id="series" hidden data-series=(all) {} }
}

pub(super) const RATES: Chart = Chart { id: "rates", title: "Jobs a second", unit: "rate" };
pub(super) const DEPTH: Chart = Chart { id: "depth", title: "Jobs that have not ended, by queue", unit: "jobs" };
pub(super) const TIMES: Chart = Chart { id: "times", title: "Wait and run", unit: "seconds" };

/// A step of time, with what the API says of it.
pub(super) type Steps<'a> = [(DateTime<Utc>, Option<&'a Value>)];

pub(super) fn rates(steps: &Steps<'_>) -> Vec<Line> {
    let rate = |field: &str| steps.iter().map(|(_, line)| line.map_or(Some(0.0), |line| line.number(field))).collect();
    vec![
        ("in".to_owned(), "--waiting", rate("arrived_per_second")),
        ("out".to_owned(), "--succeeded", rate("ended_per_second")),
    ]
}

pub(super) fn times(steps: &Steps<'_>) -> Vec<Line> {
    let quantile =
        |of: &str, which: &str| steps.iter().map(|(_, line)| line.and_then(|line| line[of].number(which))).collect();
    vec![
        ("wait p50".to_owned(), "--waiting", quantile("wait", "p50")),
        ("wait p95".to_owned(), "--parked", quantile("wait", "p95")),
        ("run p50".to_owned(), "--succeeded", quantile("run", "p50")),
        ("run p95".to_owned(), "--running", quantile("run", "p95")),
    ]
}

/// Jobs of each queue that had not ended at the end of each step: counted back from those of now,
/// by what each step says that they grew. Queues that had none are left out.
pub(super) fn depth(span: &Span, queues: &[Value], stats: &Value, now: DateTime<Utc>) -> Vec<Line> {
    let of_queue = |queue: &Value| {
        let name = queue.text("name");
        let grew: HashMap<_, _> = stats
            .list("lines")
            .iter()
            .filter(|line| matches!(line.text("queue"), of if of.is_empty() || of == name))
            .filter_map(|line| Some((line.instant("begins")?, line.whole("growth"))))
            .collect();
        let mut left: i64 = ["waiting", "scheduled", "parked", "running"].iter().map(|field| queue.whole(field)).sum();
        let mut depths = Vec::new();
        for back in 0..=span.steps {
            // What is counted is a second behind, and a job may have come from another queue.
            left = left.max(0);
            if back > 0 {
                depths.push(left);
            }
            left -= grew.get(&(span.end(now) - span.each * back)).copied().unwrap_or_default();
        }
        depths.reverse();
        (name.to_owned(), depths)
    };
    let mut all: Vec<_> = queues.iter().map(of_queue).collect();
    let most = |(_, depths): &(String, Vec<i64>)| depths.iter().copied().max().unwrap_or_default();
    all.retain(|of| most(of) > 0);
    all.sort_by_key(|of| std::cmp::Reverse(most(of)));
    let drawn = all.into_iter().zip(COLOURS);
    drawn.map(|((name, depths), colour)| (name, colour, depths.iter().map(|n| Some(*n as f64)).collect())).collect()
}

/// Depths as a table, for those that read.
pub(super) fn depth_numbers(at: &[DateTime<Utc>], lines: &[Line]) -> Markup {
    let now = Utc::now();
    html! {
        @if !lines.is_empty() {
            details.plain {
                summary { "Depth as numbers" }
                table {
                    thead { tr { th { "From" } @for (name, ..) in lines { th.n { (name) } } } }
                    tbody {
                        @for (place, at) in at.iter().enumerate().rev() {
                            tr {
                                td { (time(*at, now)) }
                                @for (.., depths) in lines { td.n { (count(depths[place].unwrap_or_default() as i64)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Rates and times as a table, for those that read.
pub(super) fn numbers(steps: &Steps<'_>) -> Markup {
    let now = Utc::now();
    html! {
        details.plain {
            summary { "Rates and times as numbers" }
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
        let steps = span.steps(&stats, now);
        assert_eq!(rates(&steps)[0].2, [Some(0.0), Some(2.0), Some(0.0)]);
        assert_eq!(times(&steps)[0].2, [None, Some(0.5), None]);
        assert!(span.stats(now, &[("step", "minute")]).starts_with("/stats?since=2030-01-01T00%3A00%3A00Z&"));
    }

    #[test]
    fn depth_is_counted_back_from_that_of_now_and_never_below_0() {
        let span = Span { word: "hour", step: "minute", each: TimeDelta::minutes(1), steps: 3 };
        let now = DateTime::parse_from_rfc3339("2030-01-01T00:03:30Z").unwrap().to_utc();
        let stats = json!({"lines": [
            {"begins": "2030-01-01T00:01:00Z", "queue": "mail", "growth": 30},
            {"begins": "2030-01-01T00:02:00Z", "queue": "mail", "growth": -5},
            {"begins": "2030-01-01T00:03:00Z", "queue": "mail", "growth": 2},
            {"begins": "2030-01-01T00:02:00Z", "queue": "idle", "growth": 0},
        ]});
        let queues =
            [json!({"name": "idle", "waiting": 0}), json!({"name": "mail", "waiting": 9, "running": 3, "parked": 1})];
        let lines = depth(&span, &queues, &stats, now);
        // 13 now, 11 when the last whole minute ended, 16 before it, and more came than there were.
        assert_eq!(lines, [("mail".to_owned(), "--waiting", vec![Some(0.0), Some(16.0), Some(11.0)])]);
    }
}
