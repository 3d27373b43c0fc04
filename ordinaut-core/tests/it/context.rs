//! What a handler knows of its attempt.

use crate::fixture::{Probe, database, probe, worker};
use chrono::{SubsecRound, TimeDelta, Utc};
use ordinaut_core::job::Trace;
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, JobError};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_handler_knows_what_bounds_its_attempt() {
    let db = database().await;
    let then = Utc::now().trunc_subsecs(0) - TimeDelta::minutes(5);
    let job = probe(0).max_attempts(7).timeout(Duration::from_secs(100)).tenant("acme").run_at(then);
    db.enqueue(&job).await.unwrap();
    let handler = move |_: Probe, context: Context<()>| async move {
        let left = context.deadline().unwrap() - Instant::now();
        assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(100), "{left:?}");
        assert_eq!((context.kind(), context.max_attempts(), context.is_cancelled()), ("probe", 7, false));
        assert_eq!((context.tenant(), context.scheduled_for()), (Some("acme"), Some(then)));
        Ok(())
    };
    assert_eq!(worker(&db, handler).step().await.unwrap(), Step::Worked(job.id()));
    let outcomes: Vec<_> = db.jobs().runs(job.id()).await.unwrap().iter().map(|run| run.outcome.as_str()).collect();
    assert_eq!(outcomes, ["succeeded"], "an assertion that fails is a failed attempt");
}

#[tokio::test]
async fn each_line_that_a_handler_logs_names_its_job() {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let written = lines.clone();
    // Of the whole process, because one of a thread alone misses what other threads were the first
    // to come by.
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || written.clone())
        .with_env_filter("it::context=info,ordinaut_core::worker::attempt=info")
        .init();
    let db = database().await;
    let job = probe(0);
    db.enqueue(&job).await.unwrap();
    let handler = |_: Probe, _: Context<()>| async {
        tracing::info!("here");
        tokio::task::yield_now().await;
        Err(JobError::snooze(Duration::ZERO))
    };
    assert_eq!(worker(&db, handler).step().await.unwrap(), Step::Worked(job.id()));
    let of_request = probe(1).priority(1).trace(Trace::default().request_id("order-17"));
    db.enqueue(&of_request).await.unwrap();
    assert_eq!(worker(&db, handler).step().await.unwrap(), Step::Worked(of_request.id()));
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.ends_with("here")).unwrap_or_else(|| panic!("{text}"));
    let named = format!("job{{job.id={} job.kind=\"probe\" job.queue=\"default\" job.attempt=1}}", job.id());
    assert!(line.contains(&named), "{line}");
    assert!(!line.contains("request.id"), "{line}");
    let named = format!(
        "job{{job.id={} job.kind=\"probe\" job.queue=\"default\" job.attempt=1 request.id=\"order-17\"}}",
        of_request.id()
    );
    assert!(text.contains(&named), "{text}");
}
