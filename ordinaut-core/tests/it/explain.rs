//! Why a job has not run: each reason is made, told, and stands in a table of `docs/explain.md`, as
//! do those of tasks, queues and batches.
//!
//! `ORDINAUT_RENEW_EXPLAIN=1` writes the tables anew.

use crate::explain_others;
use crate::fixture::{
    Gate, Probe, Running, TestDatabase, ask, database, enqueue, eventually, gated, probe, quick_but, run, schedule,
    schedule_once, succeed, tell, within, worker, worker_with,
};
use crate::target;
use ordinaut_core::explain::{Reason, ReasonKind};
use ordinaut_core::job::OnDuplicate;
use ordinaut_core::placement::Placement;
use ordinaut_core::policy::{AllowedHours, HoursMode, KindPolicy};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::step::ApprovalRequest;
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Context, JobError, Limit, NewJob, Scheduler, Unique};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// What was told of each kind of reason: the cells of its line.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<String, Vec<String>>);

impl Table {
    async fn add(&mut self, db: &TestDatabase, job_id: Uuid, expected: ReasonKind) {
        let explanation = db.jobs().explain(job_id).await.unwrap().unwrap();
        self.note(&explanation.reasons, expected, &explanation.to_string(), &[]);
    }

    /// Takes a reason down that was told among these, with more cells behind its name.
    #[track_caller]
    pub(crate) fn note(&mut self, reasons: &[Reason], expected: ReasonKind, told: &str, more: &[&str]) {
        let found = find(reasons, expected);
        let reason = found.unwrap_or_else(|| panic!("{expected:?} is not told: {told}"));
        let cell = |text: &str| masked(text).replace('|', "\\|");
        let mut cells: Vec<String> = more.iter().map(|text| (*text).to_owned()).collect();
        cells.extend([cell(&reason.says), reason.advice.as_deref().map(cell).unwrap_or_default()]);
        self.0.entry(word(expected)).or_insert(cells);
    }

    fn lines(&self) -> String {
        self.0.iter().map(|(word, cells)| format!("| `{word}` | {} |\n", cells.join(" | "))).collect()
    }
}

/// The reason, wherever in the tree it is.
pub(crate) fn find(reasons: &[Reason], kind: ReasonKind) -> Option<&Reason> {
    let found = reasons.iter().find(|reason| reason.reason == kind);
    found.or_else(|| reasons.iter().find_map(|reason| find(&reason.because, kind)))
}

fn word(kind: ReasonKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

/// The same in each run: ids and instants are left out.
fn masked(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if bare.parse::<Uuid>().is_ok() {
            word.replace(bare, "ID")
        } else if bare.parse::<chrono::DateTime<chrono::Utc>>().is_ok() {
            word.replace(bare, "TIME")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn hourly(title: &str) -> TaskDefinition {
    TaskDefinition::new(title, "probe", Schedule::new(ScheduleKind::Every, "1h"))
}

pub(crate) async fn new(db: &TestDatabase, job: NewJob) -> Uuid {
    db.enqueue(&job).await.unwrap();
    job.id()
}

#[tokio::test]
async fn every_reason_is_told_and_stands_in_the_docs() {
    let mut table = Table::default();
    nobody_runs_it(&mut table).await;
    behind_others(&mut table).await;
    set_aside(&mut table).await;
    under_limits(&mut table).await;
    a_handler_waits(&mut table).await;
    a_handler_does_not_move(&mut table).await;

    let (mut tasks, mut queues, mut batches) = (Table::default(), Table::default(), Table::default());
    explain_others::of_tasks(&mut tasks).await;
    explain_others::of_queues(&mut queues).await;
    explain_others::of_batches(&mut batches).await;

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/explain.md");
    let (page, plain) = (std::fs::read_to_string(&path).unwrap(), "| reason | such as | what to do |\n|---|---|---|\n");
    let mut written = page.clone();
    for (name, head, table) in [
        ("reasons", plain, &table),
        ("task", plain, &tasks),
        ("queue", "| finding | component | such as | what to do |\n|---|---|---|---|\n", &queues),
        ("batch", plain, &batches),
    ] {
        let (begin, end) = (format!("<!-- {name} -->\n"), "<!-- end -->");
        let (before, rest) = written.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        written = format!("{before}{begin}{head}{}{end}{after}", table.lines());
    }
    if std::env::var_os("ORDINAUT_RENEW_EXPLAIN").is_some() {
        std::fs::write(&path, written).unwrap();
    } else {
        assert_eq!(page, written, "ORDINAUT_RENEW_EXPLAIN=1 writes it anew");
    }
    let tables = [&table, &tasks, &queues, &batches];
    let told = |kind: &ReasonKind| tables.iter().any(|table| table.0.contains_key(&word(*kind)));
    let untold: Vec<_> = ReasonKind::ALL.iter().filter(|kind| !told(kind)).collect();
    assert!(untold.is_empty(), "no test makes {untold:?}");
}

/// Past a pooler: behind one, each statement of the library is within a transaction, which a block
/// must not end.
pub(crate) async fn many_transactions(db: &TestDatabase) {
    let many = "do $$ begin for n in 1..1100 loop perform pg_current_xact_id(); commit; end loop; end $$";
    sqlx::query(many).execute(db.pool()).await.unwrap();
}

async fn nobody_runs_it(table: &mut Table) {
    let db = database().await;
    let job = enqueue(&db).await;
    table.add(&db, job, ReasonKind::NoWorkerAlive).await;
    let mut elsewhere = worker(&db, succeed).queue("elsewhere");
    elsewhere.step().await.unwrap();
    table.add(&db, job, ReasonKind::QueueUnserved).await;
    let mut here = worker_with(&db, quick_but(|options| options.name = "press".to_owned()), succeed);
    here.step().await.unwrap();
    let unknown = new(&db, NewJob::new("tpyo", &()).unwrap()).await;
    table.add(&db, unknown, ReasonKind::KindUnknown).await;
    let job = new(&db, probe(0).priority(1)).await;
    let told = db.jobs().explain(job).await.unwrap().unwrap();
    assert_eq!((told.reasons.len(), told.says.starts_with("nothing is in its way")), (0, true), "{told}");
    db.rollouts().put("probe", "2.0.0", 100).await.unwrap();
    table.add(&db, job, ReasonKind::VersionMissing).await;
    db.rollouts().end("probe").await.unwrap();
    db.workers().drain("press").await.unwrap();
    table.add(&db, job, ReasonKind::WorkersDrained).await;
    db.queues().pause("default", Some("ann"), Some("the printer is out of ink")).await.unwrap();
    table.add(&db, job, ReasonKind::QueuePaused).await;
    db.queues().resume("default").await.unwrap();
    db.queues().pause("*", Some("ann"), None).await.unwrap();
    table.add(&db, job, ReasonKind::InstallationPaused).await;
    // What would be in its way later is told as well.
    let later = new(&db, probe(1).delay(HOUR)).await;
    table.add(&db, later, ReasonKind::NotDue).await;
    table.add(&db, later, ReasonKind::InstallationPaused).await;

    let db = database().await;
    let never = AllowedHours::new(HoursMode::Never, ["00:00-24:00".parse().unwrap()]);
    db.policies().put("probe", &KindPolicy::default().hours(never)).await.unwrap();
    let (put_off, later) = (enqueue(&db).await, new(&db, probe(2).delay(48 * HOUR)).await);
    worker(&db, succeed).step().await.unwrap();
    table.add(&db, put_off, ReasonKind::OutsideHours).await;
    // It waits for its own time first.
    table.add(&db, later, ReasonKind::NotDue).await;
}

/// A worker that has as many slots as are said, all of them busy.
pub(crate) async fn busy(db: &TestDatabase, slots: usize) -> (Running<sqlx::Result<()>>, Vec<Gate>) {
    let (gate, mut starts) = gated();
    let running = run(worker_with(db, quick_but(|options| options.concurrency = slots), gate));
    let mut handlers = Vec::new();
    for _ in 0..slots {
        enqueue(db).await;
        handlers.push(within(starts.recv()).await.unwrap());
    }
    // What a worker runs is as old as its last renewal.
    eventually(db, "select bool_and(running = concurrency) from ordinaut.worker where ended_at is null").await;
    (running, handlers)
}

async fn behind_others(table: &mut Table) {
    let db = database().await;
    let (running, handlers) = busy(&db, 2).await;
    enqueue(&db).await;
    let last = enqueue(&db).await;
    table.add(&db, last, ReasonKind::SlotsBusy).await;
    table.add(&db, last, ReasonKind::InLine).await;
    let mut held = db.pool().begin().await.unwrap();
    sqlx::raw_sql("set transaction isolation level repeatable read; select 1").execute(&mut *held).await.unwrap();
    many_transactions(&db).await;
    table.add(&db, last, ReasonKind::VacuumHeldUp).await;
    tell(&db, "update ordinaut.due_work set flags = flags | 2").await;
    table.add(&db, last, ReasonKind::Suspect).await;
    held.rollback().await.unwrap();
    for handler in handlers {
        handler.end(Ok(()));
    }
    running.stop().await.unwrap();
}

async fn set_aside(table: &mut Table) {
    let db = database().await;
    let (parent, dead) = (new(&db, probe(0).delay(HOUR)).await, new(&db, probe(1).delay(HOUR)).await);
    let child = new(&db, probe(2).after([parent, dead])).await;
    table.add(&db, child, ReasonKind::Dependency).await;
    table.add(&db, child, ReasonKind::NoSchedulerAlive).await;
    let called = probe(4);
    db.batch("b").add(probe(3).delay(HOUR)).on_complete(called.clone()).commit().await.unwrap();
    table.add(&db, called.id(), ReasonKind::Batch).await;
    let on_success = probe(6);
    let dies = probe(5).queue("mortuary");
    let failed = db.batch("f").add(dies).on_success(on_success.clone()).commit().await.unwrap();
    worker(&db, async |_: Probe, _: Context<()>| Err::<(), _>(JobError::fatal("no")))
        .queue("mortuary")
        .step()
        .await
        .unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    eventually(&db, "select exists (select from ordinaut.batch where state = 'failed')").await;
    let told = db.jobs().explain(on_success.id()).await.unwrap().unwrap();
    assert!(told.says.contains(&format!("its batch {failed} has failed")), "{told}");
    assert_eq!(find(&told.reasons, ReasonKind::Batch).unwrap().evidence["dead"], 1);
    let task = db.tasks().create(&hourly("t")).await.unwrap();
    let of_task = db.tasks().run_now(task.id).await.unwrap();
    db.tasks().pause(task.id).await.unwrap();
    schedule_once(&db).await;
    table.add(&db, of_task, ReasonKind::TaskPaused).await;

    for_labels(table).await;

    let db = target::with_open_target().await;
    let calls = target::parked(&db, &probe(1)).await;
    table.add(&db, calls, ReasonKind::TargetUnavailable).await;

    let db = database().await;
    let (running, handlers) = busy(&db, 1).await;
    let unique = || probe(9).unique(Unique::by_kind().on_duplicate(OnDuplicate::RunAgain));
    tell(&db, "update ordinaut.worker set concurrency = 2").await;
    drop(handlers);
    running.stop().await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate));
    new(&db, unique()).await;
    let handler = within(starts.recv()).await.unwrap();
    let behind = new(&db, unique()).await;
    table.add(&db, behind, ReasonKind::RunAgain).await;
    handler.end(Ok(()));
    drop(running);
}

async fn for_labels(table: &mut Table) {
    let db = database().await;
    let options = quick_but(|options| (options.labels, options.concurrency) = (vec!["zone=a".to_owned()], 1));
    let (handler, mut starts) = gated();
    let running = run(worker_with(&db, options, handler));
    eventually(&db, "select exists (select from ordinaut.worker)").await;
    let requires = new(&db, probe(1).placement(Placement::default().require(["gpu"]))).await;
    table.add(&db, requires, ReasonKind::LabelsMissing).await;
    new(&db, probe(2)).await;
    let handler = within(starts.recv()).await.unwrap();
    let prefers = new(&db, probe(3).placement(Placement::default().prefer(["zone=a"]).prefer_for(HOUR))).await;
    table.add(&db, prefers, ReasonKind::PrefersWorker).await;
    let fits = new(&db, probe(4).placement(Placement::default().require(["zone=a"]))).await;
    tell(&db, "update ordinaut.worker set running = 1").await;
    table.add(&db, fits, ReasonKind::SlotsBusy).await;
    let name = ask::<String>(&db, "select name from ordinaut.worker").await;
    db.workers().drain(&name).await.unwrap();
    let told = db.jobs().explain(fits).await.unwrap().unwrap();
    let reason = find(&told.reasons, ReasonKind::WorkersDrained).unwrap_or_else(|| panic!("{told}"));
    assert_eq!(reason.says, "the workers that have the labels it requires are drained: zone=a");
    handler.end(Ok(()));
    drop(running);
}

async fn under_limits(table: &mut Table) {
    let db = database().await;
    db.limits().put(&Limit::new("each").queue("a").key("n").concurrency(1)).await.unwrap();
    db.limits().put(&Limit::new("none").queue("b").concurrency(0)).await.unwrap();
    db.limits().put(&Limit::new("slow").queue("c").rate(0.001).burst(1.0)).await.unwrap();
    db.limits().put(&Limit::new("in order").queue("d").key("n").ordered()).await.unwrap();
    let jobs: Vec<NewJob> =
        ["a", "b", "c", "d"].iter().flat_map(|queue| [probe(7).queue(*queue), probe(7).queue(*queue)]).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let (gate, mut starts) = gated();
    let all = ["a", "b", "c", "d"].into_iter().fold(worker(&db, gate), |worker, queue| worker.queue(queue));
    let running = run(all);
    let mut handlers = Vec::new();
    for _ in 0..3 {
        handlers.push(within(starts.recv()).await.unwrap());
    }
    eventually(&db, "select count(*) = 5 from ordinaut.parked where reason = 'limit'").await;
    let behind = |queue: usize| {
        let pair = [jobs[queue * 2].id(), jobs[queue * 2 + 1].id()];
        let runs = handlers.iter().map(|handler| handler.context.job_id()).find(|id| pair.contains(id));
        pair.into_iter().find(|id| Some(*id) != runs).unwrap()
    };
    table.add(&db, behind(0), ReasonKind::LimitFull).await;
    table.add(&db, behind(1), ReasonKind::KindPaused).await;
    table.add(&db, behind(2), ReasonKind::RateUsedUp).await;
    table.add(&db, behind(3), ReasonKind::Order).await;
    for handler in handlers {
        handler.end(Ok(()));
    }
    drop(running);
}

async fn waits(probe: Probe, ctx: Context<()>) -> Result<(), JobError> {
    match probe.n {
        0 => ctx.sleep("nap", HOUR).await,
        1 => ctx.wait_for::<()>("paid", "orders.paid", "7", HOUR).await.map(drop),
        2 => ctx.approval("release", ApprovalRequest::new("Pay 5,000 euros?").within(HOUR)).await.map(drop),
        3 => {
            let child = ctx.enqueue("child", NewJob::new("child", &())?.delay(HOUR)).await?;
            ctx.wait_for_job(child, HOUR).await.map(drop)
        }
        _ => Ok(()),
    }
}

async fn a_handler_waits(table: &mut Table) {
    let db = database().await;
    let kinds = [ReasonKind::Sleeps, ReasonKind::WaitsForEvent, ReasonKind::WaitsForApproval, ReasonKind::WaitsForJob];
    let jobs: Vec<NewJob> = (0..4).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let running = run(worker(&db, waits));
    eventually(&db, "select count(*) = 4 from ordinaut.wait").await;
    eventually(&db, "select not exists (select from ordinaut.due_work where session is not null)").await;
    for (job, kind) in jobs.iter().zip(kinds) {
        table.add(&db, job.id(), kind).await;
    }
    running.stop().await.unwrap();
}

async fn a_handler_does_not_move(table: &mut Table) {
    let db = database().await;
    let job = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate));
    let handler = within(starts.recv()).await.unwrap();
    handler.context.advance(1);
    eventually(&db, "select exists (select from ordinaut.progress)").await;
    let told = db.jobs().explain(job).await.unwrap().unwrap();
    assert_eq!((told.reasons.len(), &*told.says), (0, "it runs: attempt 1"), "{told}");
    tell(&db, "update ordinaut.progress set stalls_after = interval '60 s', stalls_at = clock_timestamp()").await;
    schedule_once(&db).await;
    table.add(&db, job, ReasonKind::Stalled).await;
    handler.end(Ok(()));
    running.stop().await.unwrap();
}
