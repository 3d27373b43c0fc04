//! A worker and a scheduler whose clocks are an hour ahead or behind: due times, leases and rescue
//! are those of the database's clock, and nothing is different.

use crate::checker::Rules;
use crate::history::History;
use crate::lab::{LEASE, Lab};
use crate::sink::clock;
use ordinaut_core::NewJob;
use ordinaut_core::job::Backoff;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

const DELAY: f64 = 3.0;
const RETRY: f64 = 2.0;

/// By how much what was measured may differ from run to run, in seconds.
const SLACK: f64 = 1.5;

/// What a run showed, in seconds.
#[derive(Debug)]
struct Figures {
    /// From the enqueue of a job for later to its call.
    delayed: f64,
    /// From a failure to the next attempt's end.
    retried: f64,
    /// From the kill of a worker to the next call of its job.
    rescued: f64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault clock"]
async fn a_clock_that_is_an_hour_off_changes_nothing() {
    let right = run(None).await;
    for offset in ["+3600s", "-3600s"] {
        let off = run(Some(offset)).await;
        for (off, right) in [(off.delayed, right.delayed), (off.retried, right.retried), (off.rescued, right.rescued)] {
            assert!((off - right).abs() <= SLACK, "{offset}: {off} s and not {right} s");
        }
    }
}

async fn run(offset: Option<&str>) -> Figures {
    let library = faketime().display().to_string();
    let faked = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME", offset.unwrap_or("+0s")),
        // What lasts is measured by a clock that nobody sets.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let mut lab = Lab::start().await;
    let url = lab.server.url();
    lab.others.clear();
    lab.add_other("ordinaut-scheduler", &[faked.as_slice(), &[("DATABASE_URL", &*url)]].concat());
    lab.add_workers(1, &faked).await;
    // Its session is seen before its first line is written.
    lab.wait(async || lab.workers[0].log().contains('\n')).await;
    assert_its_clock_is_off(&lab, offset);

    // Longer than its lease, under a worker that lives.
    let long = lab.call_of(u64::try_from(2 * LEASE.as_millis()).unwrap());
    let delayed = lab.call_of(10).delay(Duration::from_secs_f64(DELAY));
    let backoff = Backoff::Fixed { delay: Duration::from_secs_f64(RETRY) };
    let failing = NewJob::new("fail", &json!({"times": 1})).unwrap().backoff(backoff);
    let enqueued = clock();
    lab.database.enqueue_many([&long, &delayed, &failing]).await.unwrap();
    lab.until_idle().await;
    let after_first = History::of(lab.database.pool()).await;
    assert_eq!(after_first.runs[&long.id()].len(), 1, "it was rescued under a worker that lives");
    let retried = &after_first.runs[&failing.id()];
    assert_eq!(retried.len(), 2);
    let calls = lab.sink.calls();
    let delayed_for = calls[&delayed.id()][0].began - enqueued;

    let orphan = lab.call_of(3000);
    lab.database.enqueue_many([&orphan]).await.unwrap();
    lab.wait(async || lab.sink.calls().contains_key(&orphan.id())).await;
    lab.workers.remove(0).kill();
    let killed = clock();
    lab.add_worker(&faked);
    lab.until_idle().await;
    let figures = Figures {
        delayed: delayed_for,
        retried: retried[1].finished - retried[0].finished,
        rescued: lab.sink.calls()[&orphan.id()][1].began - killed,
    };
    eprintln!("{}: {figures:.2?}", offset.unwrap_or("the right time"));
    let answered = [&long, &delayed, &failing, &orphan].map(NewJob::id);
    lab.judge(&answered, Rules { max_attempts: 1, postgres_crashes: false }).await.hold();
    assert!(figures.delayed >= DELAY && figures.retried >= RETRY, "never early: {figures:?}");
    assert!(figures.rescued >= LEASE.as_secs_f64() / 2.0, "before its lease had ended: {figures:?}");
    figures
}

/// Else this would show nothing.
fn assert_its_clock_is_off(lab: &Lab, offset: Option<&str>) {
    let log = lab.workers[0].log();
    let stamp = log.split('"').nth(3).unwrap();
    let at = chrono::DateTime::parse_from_rfc3339(stamp).unwrap().timestamp() as f64;
    let expected = match offset {
        Some("+3600s") => 3600.0,
        Some(_) => -3600.0,
        None => 0.0,
    };
    assert!((at - clock() - expected).abs() < 30.0, "{stamp}");
}

/// Installed by `./ops/test.sh install`.
fn faketime() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib").unwrap().chain(std::fs::read_dir("/usr/lib64").into_iter().flatten());
    let places = found.map(|entry| entry.unwrap().path()).chain(["/usr/lib64".into(), "/usr/lib".into()]);
    let mut libraries = places.map(|place: PathBuf| place.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|path| path.is_file()).expect("libfaketime is installed by ./ops/test.sh fault")
}
