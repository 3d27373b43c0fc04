//! `ordinaut stats show|slowest|activity`.

use crate::args::{By, StatTime, Stats};
use crate::output::{answer, or_dash, table, time};
use chrono::{TimeDelta, Utc};
use ordinaut_core::Client;
use ordinaut_core::stat::{Quantiles, StatFilter, StatLine};
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, verb: Stats) -> anyhow::Result<ExitCode> {
    match verb {
        Stats::Show { step, by, time } => {
            let mut filter = filter(&time);
            filter.step = step;
            (filter.by_queue, filter.by_kind) = (by.contains(&By::Queue), by.contains(&By::Kind));
            let lines = database.stats().list(&filter).await?;
            answer(time.format, &lines, || shown(&lines))?;
        }
        Stats::Slowest { limit, time } => {
            let lines = database.stats().slowest(&filter(&time), limit).await?;
            answer(time.format, &lines, || shown(&lines))?;
        }
        Stats::Activity(time) => {
            let hours = database.stats().activity(&filter(&time)).await?;
            answer(time.format, &hours, || {
                let rows = hours.iter().map(|hour| {
                    [
                        format!("{:02}", hour.hour),
                        hour.arrived.to_string(),
                        hour.ended.to_string(),
                        hour.failed.to_string(),
                    ]
                });
                table(["HOUR", "ARRIVED", "ENDED", "FAILED"], rows)
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(time: &StatTime) -> StatFilter {
    let until = time.until.unwrap_or_else(Utc::now);
    let hour_before = until.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(until);
    let mut filter = StatFilter::new(time.since.unwrap_or(hour_before), until);
    (filter.queue, filter.kind) = (time.queue.clone(), time.kind.clone());
    filter
}

fn shown(lines: &[StatLine]) -> String {
    let seconds = |of: Quantiles| {
        let of = [of.p50, of.p95, of.p99].map(|length| or_dash(length.map(|length| format!("{length:.3}"))));
        of.join(" ")
    };
    let rows = lines.iter().map(|line| {
        [
            time(line.begins),
            or_dash(line.queue.as_ref()),
            or_dash(line.kind.as_ref()),
            line.arrived.to_string(),
            line.ended.to_string(),
            or_dash(line.failure_share.map(|share| format!("{:.1} %", share * 100.0))),
            seconds(line.wait),
            seconds(line.run),
        ]
    });
    table(["BEGINS", "QUEUE", "KIND", "ARRIVED", "ENDED", "FAILED", "WAIT p50 p95 p99", "RUN p50 p95 p99"], rows)
}
