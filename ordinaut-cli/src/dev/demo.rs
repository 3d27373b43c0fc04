//! The tour: 1,000 mixed jobs, a progress bar, and how they fared.

use crate::output::{facts, say};
use indicatif::{ProgressBar, ProgressStyle};
use ordinaut_core::db::Summary;
use ordinaut_core::{Client, NewJob};
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Between two looks at how far the jobs are.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The slowest job of the demo fails twice and waits a few seconds; a demo that takes this long is
/// stuck.
const DEMO_TIMEOUT: Duration = Duration::from_secs(180);

/// Runs the jobs. True: every one ended as it should.
pub(super) async fn run(database: &Client, api: SocketAddr, urgent: &str) -> anyhow::Result<bool> {
    let jobs = jobs(api, urgent)?;
    let ids: Vec<Uuid> = jobs.iter().map(NewJob::id).collect();
    let started = Instant::now();
    database.enqueue_many(&jobs).await?;
    let enqueued_in = started.elapsed();
    let summary = watch(database, &ids).await?;
    let took = started.elapsed();
    show(&summary, enqueued_in, took);
    // Not how often each was tried: a busy machine gives leases back that no slot takes, and what
    // fails at its first two attempts has then had one of them.
    let as_it_should = summary.jobs == count(ids.len()) && summary.succeeded == summary.jobs - 1 && summary.dead == 1;
    if !as_it_should {
        say(format_args!("not every job ended as it should: {} of {} ended", summary.ended(), ids.len()));
    }
    Ok(as_it_should)
}

const HTTP: usize = 300;
const SLEEP: usize = 150;
const FAIL_TWICE: usize = 100;
const SNOOZE: usize = 49;
const URGENT: usize = 100;
const ECHO: usize = 300;

fn jobs(api: SocketAddr, urgent: &str) -> anyhow::Result<Vec<NewJob>> {
    let http = json!({"url": format!("http://{api}/health/live")});
    let twice = json!({"times": 2});
    let snooze = json!({"times": 1, "how": "snooze", "seconds": 1});
    let mut jobs = Vec::new();
    let mut add = |many: usize, kind: &str, args: &serde_json::Value, priority: i16| -> anyhow::Result<()> {
        for _ in 0..many {
            jobs.push(NewJob::new(kind, args)?.priority(priority).tags(["demo"]));
        }
        Ok(())
    };
    add(HTTP, "http", &http, 5)?;
    add(SLEEP, "sleep", &json!({"seconds": 0.05}), 6)?;
    add(FAIL_TWICE, "fail", &twice, 5)?;
    add(SNOOZE, "fail", &snooze, 5)?;
    add(ECHO, "echo", &json!({"hello": "world"}), 5)?;
    jobs.push(NewJob::new("fail", &json!({"how": "fatal"}))?.tags(["demo"]));
    for number in 0..URGENT {
        jobs.push(NewJob::new("echo", &json!({"number": number}))?.queue(urgent).priority(1).tags(["demo"]));
    }
    Ok(jobs)
}

async fn watch(database: &Client, ids: &[Uuid]) -> anyhow::Result<Summary> {
    let bar = ProgressBar::new(ids.len() as u64);
    let style = "{bar:40} {pos}/{len} jobs, {elapsed}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let until = Instant::now() + DEMO_TIMEOUT;
    let summary = loop {
        let summary = database.diagnostics().summary(ids).await?;
        bar.set_position(summary.ended().unsigned_abs());
        if summary.ended() >= count(ids.len()) || Instant::now() >= until {
            break summary;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    bar.finish_and_clear();
    Ok(summary)
}

fn show(summary: &Summary, enqueued_in: Duration, took: Duration) {
    let milliseconds = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
    let per_second = summary.jobs as f64 / took.as_secs_f64();
    let rows = [
        ("enqueued", format!("{} in {:.0} ms", summary.jobs, enqueued_in.as_secs_f64() * 1000.0)),
        ("succeeded", summary.succeeded.to_string()),
        ("retried", format!("{} attempts", summary.retried)),
        ("snoozed", format!("{} attempts", summary.snoozed)),
        ("dead", format!("{} (one is meant to be)", summary.dead)),
        ("jobs/s", format!("{per_second:.0}, all of it in {:.1} s", took.as_secs_f64())),
        ("wait p50", milliseconds(summary.wait_p50)),
        ("wait p95", milliseconds(summary.wait_p95)),
    ];
    say(facts(rows));
}

fn count(jobs: usize) -> i64 {
    i64::try_from(jobs).unwrap_or(i64::MAX)
}
