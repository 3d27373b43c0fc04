//! What running jobs say of themselves: progress, a log, an output, under the lease and within
//! bounds.

use crate::fixture::{
    Gate, Probe, ask, database, enqueue, eventually, gated, quick, schedule_once, tell, until, within, worker,
};
use ordinaut_core::access::Access;
use ordinaut_core::event::EventType;
use ordinaut_core::job::{Erase, JobState};
use ordinaut_core::maintenance::Retention;
use ordinaut_core::report::{Channel, LogLevel, NewOutput, NewProgress, OutputCursor, OutputRecord};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Context, Job, JobError, Outcome, Worker};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use uuid::Uuid;

const NOTHING: &str = "select (select count(*) from ordinaut.progress) + (select count(*) from ordinaut.output)
                              + (select count(*) from ordinaut.attachment)";

async fn log(db: &Client, job_id: Uuid) -> Vec<OutputRecord> {
    db.jobs().said(job_id, Channel::Log, None, OutputCursor::default(), 5000).await.unwrap().items
}

async fn texts(db: &Client, job_id: Uuid) -> Vec<String> {
    log(db, job_id).await.into_iter().map(|line| line.text).collect()
}

/// What an agent of a tenant sees.
pub(crate) fn of_tenant(db: &Client, tenant: &str) -> Client {
    let mut access = Access::admin("agent");
    access.tenant = Some(tenant.to_owned());
    db.seen_by(&access)
}

/// A job that runs until the test ends it.
async fn running(db: &Client) -> (Uuid, Gate, tokio::task::JoinHandle<Step>) {
    let job_id = enqueue(db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker(db, handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    (job_id, within(starts.recv()).await.unwrap(), step)
}

#[tokio::test]
async fn a_job_that_says_nothing_has_no_row() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, crate::fixture::succeed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, NOTHING).await, 0);
    assert_eq!(db.jobs().progress(job_id).await.unwrap(), None);
}

#[tokio::test]
async fn progress_is_seen_while_the_job_runs_and_kept_when_it_has_ended() {
    let db = database().await;
    let (job_id, gate, step) = running(&db).await;
    gate.context.progress(12.5, "reading");
    gate.context.advance(3);
    let seen = async || db.jobs().progress(job_id).await.unwrap();
    until("it is seen", async || seen().await.is_some_and(|seen| seen.counter == 3)).await;
    let first = seen().await.unwrap();
    assert_eq!((first.attempt, first.percent, first.note.as_deref()), (1, Some(12.5), Some("reading")));
    assert!(first.stalled_at.is_none() && first.stalls_after_seconds.is_none());

    gate.context.progress(250.0, &"x".repeat(600));
    gate.context.advance(4);
    gate.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    let last = seen().await.unwrap();
    assert_eq!((last.percent, last.counter), (Some(100.0), 7), "what it said last is written before it is settled");
    assert_eq!(last.note.unwrap().len(), 500);
    assert!(last.moved_at > first.moved_at);
}

#[tokio::test]
async fn many_reports_of_a_second_are_one_write() {
    let db = database().await;
    tell(&db, "create table public.written (n bigint generated always as identity)").await;
    let count = "create function public.count_it() returns trigger language plpgsql as
                 $$ begin insert into public.written default values; return new; end $$";
    tell(&db, count).await;
    tell(
        &db,
        "create trigger count_it after insert or update on ordinaut.progress for each row execute function public.count_it()",
    )
    .await;
    let (job_id, gate, step) = running(&db).await;
    for n in 0..10_000_u32 {
        gate.context.progress(f64::from(n) / 100.0, "counting");
        gate.context.advance(1);
    }
    let counter = async || db.jobs().progress(job_id).await.unwrap().map(|seen| seen.counter);
    until("all are seen", async || counter().await == Some(10_000)).await;
    assert!(ask::<i64>(&db, "select count(*) from public.written").await <= 2);
    gate.end(Ok(()));
    within(step).await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_says_nothing_more() {
    let db = database().await;
    let (job_id, slow, step) = running(&db).await;
    slow.context.log("before");
    until("it is seen", async || !log(&db, job_id).await.is_empty()).await;
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    schedule_once(&db).await;
    let (handler, mut starts) = gated();
    let mut new = worker(&db, handler);
    let next_step = tokio::spawn(async move { new.step().await.unwrap() });
    let next = within(starts.recv()).await.unwrap();
    next.context.progress(1.0, "the new one");
    next.context.log("after");
    until("it is seen", async || log(&db, job_id).await.len() == 2).await;

    slow.context.progress(99.0, "the old one");
    slow.context.log("too late");
    slow.context.stream("too late");
    let (leases, token) = (|| db.leases(), slow.context.token());
    let mut late = NewProgress::new(token);
    late.percent = Some(99.0);
    assert_eq!(leases().report_progress(&[late]).await.unwrap(), []);
    let line = NewOutput::line(token, 7, LogLevel::Info, "too late");
    assert_eq!(leases().report_output(&[line]).await.unwrap(), []);
    slow.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::LeaseLost(job_id));
    next.end(Ok(()));
    assert_eq!(within(next_step).await.unwrap(), Step::Worked(job_id));
    assert_eq!(texts(&db, job_id).await, ["before", "after"]);
    let progress = db.jobs().progress(job_id).await.unwrap().unwrap();
    assert_eq!((progress.attempt, progress.percent), (2, Some(1.0)));
    assert_eq!(db.jobs().output(job_id, None).await.unwrap(), None);
}

#[derive(Serialize, Deserialize)]
struct Watched {}

impl Job for Watched {
    const KIND: &'static str = "watched";
    const STALLS_AFTER: Option<Duration> = Some(Duration::from_secs(1));
}

#[derive(Serialize, Deserialize)]
struct Doomed {}

impl Job for Doomed {
    const KIND: &'static str = "doomed";
    const STALLS_AFTER: Option<Duration> = Some(Duration::from_secs(1));
    const CANCEL_STALLED: bool = true;
}

async fn stalled_events(db: &Client, job_id: Uuid) -> usize {
    let events = db.events().after(0, 1000).await.unwrap();
    events.iter().filter(|event| event.r#type == EventType::Stalled && event.jobs[0].id == job_id).count()
}

#[tokio::test]
async fn a_job_that_does_not_move_is_stalled_once_and_again_only_when_it_has_moved() {
    let db = database().await;
    let job_id = Watched {}.enqueue(&*db).await.unwrap().id();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |_: Watched, context: Context<()>| {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        started.send((context, end)).ok();
        async move { ended.await.map_err(JobError::from) }
    };
    let mut worker = Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let (context, end) = within(starts.recv()).await.unwrap();
    let seen = async || db.jobs().progress(job_id).await.unwrap();
    // It has said nothing at all.
    until("it is stalled", async || {
        schedule_once(&db).await;
        seen().await.is_some_and(|seen| seen.stalled_at.is_some())
    })
    .await;
    for _ in 0..3 {
        schedule_once(&db).await;
    }
    assert_eq!(stalled_events(&db, job_id).await, 1);
    assert_eq!(db.jobs().count_stalled().await.unwrap(), 1);
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Running, "nobody asked for a cancel");
    let since = seen().await.unwrap().stalled_at;
    // A note is no move.
    context.advance(0);
    until("it is written", async || seen().await.is_some_and(|seen| seen.reported_at > since.unwrap())).await;
    assert_eq!(seen().await.unwrap().stalled_at, since);

    context.advance(1);
    until("it moves", async || seen().await.is_some_and(|seen| seen.stalled_at.is_none())).await;
    until("it is stalled again", async || {
        schedule_once(&db).await;
        stalled_events(&db, job_id).await == 2
    })
    .await;
    end.send(()).unwrap();
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    assert_eq!(db.jobs().count_stalled().await.unwrap(), 0);
}

#[tokio::test]
async fn a_stalled_job_is_cancelled_if_its_kind_asks_for_it_and_its_run_says_why() {
    let db = database().await;
    let job_id = Doomed {}.enqueue(&*db).await.unwrap().id();
    let handler = |_: Doomed, context: Context<()>| async move {
        context.progress(10.0, "stuck");
        std::future::pending::<Result<(), JobError>>().await
    };
    let mut worker = Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    until("it is asked to stop", async || {
        schedule_once(&db).await;
        db.jobs().get(job_id).await.unwrap().unwrap().cancel_asked || step.is_finished()
    })
    .await;
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!(run.outcome, Outcome::Cancelled);
    assert!(run.error.unwrap().starts_with("cancelled because it was stalled"));
    // What the last turn told is numbered by another turn of the relay.
    schedule_once(&db).await;
    assert_eq!(stalled_events(&db, job_id).await, 1);
}

#[tokio::test]
async fn what_has_ended_is_not_stalled() {
    let db = database().await;
    let job_id = Watched {}.enqueue(&*db).await.unwrap().id();
    let quiet = Watched {}.enqueue(&*db).await.unwrap().id();
    let handler = move |_: Watched, context: Context<()>| async move {
        if context.job_id() == job_id {
            context.advance(1);
        }
        Ok::<_, JobError>(())
    };
    let mut worker = Worker::with_options(db.clone(), (), quick()).when_stuck(|| ()).handle(handler);
    for _ in 0..2 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    assert_eq!(db.jobs().progress(quiet).await.unwrap(), None, "it was quick, and has said nothing");
    tell(&db, "update ordinaut.progress set stalls_at = now()").await;
    schedule_once(&db).await;
    eventually(&db, "select stalls_at is null and stalled_at is null from ordinaut.progress").await;
    schedule_once(&db).await;
    assert_eq!(stalled_events(&db, job_id).await, 0);
}

#[tokio::test]
async fn lines_are_seen_within_half_a_second_in_their_order() {
    let db = database().await;
    let (job_id, gate, step) = running(&db).await;
    let said = Instant::now();
    gate.context.log("first");
    gate.context.log_at(LogLevel::Warn, "second\0\nof two lines");
    until("they are seen", async || log(&db, job_id).await.len() == 2).await;
    // What the machine takes is not the worker's.
    assert!(said.elapsed() < Duration::from_secs(5), "{:?}", said.elapsed());
    let lines = log(&db, job_id).await;
    let told: Vec<_> = lines.iter().map(|line| (line.attempt, line.n, line.level, &*line.text)).collect();
    assert_eq!(told, [(1, 1, Some(LogLevel::Info), "first"), (1, 2, Some(LogLevel::Warn), "second\nof two lines")]);
    let after = db.jobs().said(job_id, Channel::Log, None, lines[0].cursor(), 10).await.unwrap();
    assert_eq!(after.items, lines[1..]);
    gate.context.log("last");
    gate.end(Err(JobError::fatal("no")));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    assert_eq!(texts(&db, job_id).await.last().unwrap(), "last", "it is written before the end is");
}

#[tokio::test]
async fn a_log_is_bounded_and_says_how_much_was_not_kept() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, context: Context<()>| async move {
        for n in 0..1200 {
            context.log(format!("line {n}"));
        }
        if context.attempt() == 1 { Err(JobError::retry("again").after(Duration::ZERO)) } else { Ok(()) }
    });
    for _ in 0..2 {
        assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    }
    let lines = log(&db, job_id).await;
    assert_eq!(lines.len(), 2002, "each attempt has its own");
    for attempt in [1, 2] {
        let lines: Vec<_> = lines.iter().filter(|line| line.attempt == attempt).collect();
        assert_eq!((&*lines[999].text, lines[999].dropped), ("line 999", None));
        assert_eq!((&*lines[1000].text, lines[1000].dropped), ("", Some(200)));
    }
    let first = db.jobs().said(job_id, Channel::Log, Some(2), OutputCursor::default(), 10).await.unwrap();
    assert_eq!((first.len(), first.next.unwrap().to_string()), (10, "2-10".to_owned()));
}

#[tokio::test]
async fn the_bounds_hold_for_a_writer_that_does_not_know_them_and_a_number_counts_once() {
    let db = database().await;
    let (job_id, gate, step) = running(&db).await;
    let token = gate.context.token();
    let line = |n: i32, text: &str| NewOutput::line(token, n, LogLevel::Info, text);
    for _ in 0..2 {
        let held = db.leases().report_output(&[line(1, "a"), line(2, "b")]).await.unwrap();
        assert_eq!(held, [(job_id, 1)]);
    }
    assert_eq!(texts(&db, job_id).await, ["a", "b"]);
    let large = "x".repeat(8 * 1024);
    let lines: Vec<_> = (3..20).map(|n| line(n, &large)).collect();
    db.leases().report_output(&lines).await.unwrap();
    db.leases().report_output(&[line(20, "small"), line(25, "small")]).await.unwrap();
    let kept = log(&db, job_id).await;
    assert_eq!((kept.len(), kept[8].n), (10, 9), "seven of 8 KiB fit beside the first two");
    assert_eq!(kept[9].dropped, Some(25 - 9));
    gate.end(Ok(()));
    within(step).await.unwrap();
}

#[tokio::test]
async fn an_output_is_followed_in_chunks_and_read_as_a_whole() {
    let db = database().await;
    let (job_id, gate, step) = running(&db).await;
    let chunks = async || db.jobs().said(job_id, Channel::Output, None, OutputCursor::default(), 100).await.unwrap();
    gate.context.stream("once ");
    gate.context.stream("upon ");
    until("the first are seen", async || !chunks().await.is_empty()).await;
    assert_eq!(chunks().await[0].text, "once upon ");
    gate.context.stream("a time");
    gate.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    let whole = db.jobs().output(job_id, None).await.unwrap().unwrap();
    assert_eq!((whole.attempt, &*whole.text, whole.truncated), (1, "once upon a time", false));
    assert_eq!(db.jobs().output(job_id, Some(2)).await.unwrap(), None);

    let (job_id, gate, step) = running(&db).await;
    for _ in 0..5 {
        gate.context.stream("y".repeat(300_000));
    }
    gate.end(Ok(()));
    within(step).await.unwrap();
    let whole = db.jobs().output(job_id, None).await.unwrap().unwrap();
    assert_eq!((whole.text.len(), whole.truncated), (900_000, true));
}

#[tokio::test]
async fn what_is_said_before_a_handler_settles_itself_is_written() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let pool = db.clone();
    let mut worker = worker(&db, move |_, context: Context<()>| {
        let pool = pool.clone();
        async move {
            context.log("done");
            let mut tx = pool.begin().await?;
            context.settle_in(&mut tx).await?;
            tx.commit().await?;
            Ok(())
        }
    });
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(texts(&db, job_id).await, ["done"]);
}

async fn says_everything(_: Probe, context: Context<()>) -> Result<(), JobError> {
    context.progress(50.0, "half");
    context.log("a line");
    context.stream("a chunk");
    Ok(())
}

#[tokio::test]
async fn what_was_said_is_erased_with_what_its_job_was_about_and_goes_with_it() {
    let db = database().await;
    let mut worker = worker(&db, says_everything);
    let job_id = db.enqueue(&crate::fixture::probe(0).tags(["person:1"])).await.unwrap().id();
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(ask::<i64>(&db, NOTHING).await, 3);
    assert_eq!(db.jobs().erase(&Erase::Tag("person:1".to_owned())).await.unwrap().erased, 1);
    assert_eq!(ask::<i64>(&db, NOTHING).await, 0);

    let job_id = enqueue(&db).await;
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    tell(&db, "update ordinaut.progress set reported_at = now() - interval '30 days'").await;
    let part: String = ask(&db, "select tableoid::regclass::text from ordinaut.output limit 1").await;
    let name = part.rsplit('.').next().unwrap().to_owned();
    let drop = "select ordinaut.drop_partition($1)";
    assert!(sqlx::query_scalar::<_, bool>(drop).bind(&name).fetch_one(db.pool()).await.unwrap(), "{name}");
    let pruned = db.maintenance().prune(&Retention::default()).await.unwrap();
    assert_eq!(pruned.reports, 1);
    assert_eq!(ask::<i64>(&db, NOTHING).await, 0);
}

#[tokio::test]
async fn of_a_job_that_a_caller_does_not_see_nothing_is_told() {
    let db = database().await;
    let mut worker = worker(&db, says_everything);
    let job_id = db.enqueue(&crate::fixture::probe(0).tenant("acme")).await.unwrap().id();
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    let other = of_tenant(&db, "umbrella");
    assert_eq!(other.jobs().progress(job_id).await.unwrap(), None);
    assert_eq!(other.jobs().output(job_id, None).await.unwrap(), None);
    assert!(texts(&other, job_id).await.is_empty());
    assert_eq!(texts(&of_tenant(&db, "acme"), job_id).await, ["a line"]);
}

#[cfg(feature = "log-capture")]
#[tokio::test]
async fn events_of_a_handler_are_lines_of_its_log() {
    use ordinaut_core::worker::CaptureLogs;
    use tracing_subscriber::layer::SubscriberExt;

    let db = database().await;
    let job_id = enqueue(&db).await;
    let subscriber = tracing_subscriber::registry().with(CaptureLogs::new(tracing::Level::INFO));
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("of no handler");
    let mut worker = worker(&db, |_, _: Context<()>| async move {
        tracing::warn!(row = 7, name = "ann", "odd row");
        tracing::debug!("too fine");
        tokio::task::yield_now().await;
        tracing::info!(done = true);
        Ok(())
    });
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    let lines = log(&db, job_id).await;
    let told: Vec<_> = lines.iter().map(|line| (line.level.unwrap(), &*line.text)).collect();
    assert_eq!(told, [(LogLevel::Warn, "odd row row=7 name=ann"), (LogLevel::Info, "done=true")]);
}
