//! Why a task has not fired, what holds a queue up, and which members hold a batch up: each reason
//! is made and told.

use crate::explain::{HOUR, Table, busy, hourly, many_transactions, new};
use crate::fixture::{
    Probe, TestDatabase, database, enqueue, eventually, gated, probe, quick_but, run, schedule, schedule_once, succeed,
    tell, within, worker, worker_with,
};
use crate::target;
use chrono::{SecondsFormat, Utc};
use ordinaut_core::access::Access;
use ordinaut_core::explain::{Component, ReasonKind, Severity};
use ordinaut_core::placement::Placement;
use ordinaut_core::queue::QueueChange;
use ordinaut_core::schedule::{Misfire, Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskDefinition};
use ordinaut_core::{Context, JobError, Limit, NewJob, Scheduler, Unique};
use std::time::Duration;
use uuid::Uuid;

impl Table {
    async fn task(&mut self, db: &TestDatabase, task: &Task, expected: ReasonKind) {
        let explanation = db.tasks().explain(task.id).await.unwrap().unwrap();
        self.note(&explanation.reasons, expected, &explanation.to_string(), &[]);
    }

    async fn queue(&mut self, db: &TestDatabase, queue: &str, expected: ReasonKind, severity: Severity) {
        let explanation = db.queues().explain(queue).await.unwrap().unwrap();
        let found = explanation.findings.iter().find(|finding| finding.reason.reason == expected);
        let found = found.unwrap_or_else(|| panic!("{expected:?} is not told: {explanation}"));
        assert_eq!(found.severity, severity, "{explanation}");
        let component = match found.component {
            Component::Queue => "queue",
            Component::Workers => "workers",
            Component::Limits => "limits",
            Component::Targets => "targets",
            Component::Jobs => "jobs",
            Component::Scheduler => "scheduler",
            Component::Relay => "relay",
            _ => "database",
        };
        self.note(std::slice::from_ref(&found.reason), expected, "", &[component]);
    }

    async fn batch(&mut self, db: &TestDatabase, batch: Uuid, expected: ReasonKind) {
        let explanation = db.batches().explain(batch).await.unwrap().unwrap();
        self.note(&explanation.reasons, expected, &explanation.to_string(), &[]);
    }
}

fn by(kind: ScheduleKind, expr: &str) -> TaskDefinition {
    TaskDefinition::new("t", "probe", Schedule::new(kind, expr)).args(serde_json::json!({"n": 1}))
}

async fn created(db: &TestDatabase, definition: &TaskDefinition) -> Task {
    db.tasks().create(definition).await.unwrap()
}

/// An agent of a tenant.
fn of_acme() -> Access {
    let mut access = Access::admin("a");
    access.tenant = Some("acme".to_owned());
    access
}

/// As if the tasks that go by the clock had been due for this time.
async fn due_for(db: &TestDatabase, time: &str) {
    sqlx::query("update ordinaut.task set next_run_at = now() - $1::text::interval where next_run_at is not null")
        .bind(time)
        .execute(db.pool())
        .await
        .unwrap();
}

pub(crate) async fn of_tasks(table: &mut Table) {
    no_scheduler_fires_it(table).await;
    its_schedule_says_no(table).await;
    instants_are_left_out(table).await;
}

async fn no_scheduler_fires_it(table: &mut Table) {
    let db = database().await;
    let task = created(&db, &hourly("t")).await;
    table.task(&db, &task, ReasonKind::NoSchedulerAlive).await;
    table.task(&db, &task, ReasonKind::NotDue).await;
    db.queues().pause("*", Some("ann"), None).await.unwrap();
    table.task(&db, &task, ReasonKind::InstallationPaused).await;
    db.queues().resume("*").await.unwrap();
    db.queues().pause("default", Some("ann"), Some("the printer is out of ink")).await.unwrap();
    table.task(&db, &task, ReasonKind::QueuePaused).await;
    let alive =
        "insert into ordinaut.scheduler (id, name, host, pid, version) values (gen_random_uuid(), 's', 'h', 1, '0')";
    tell(&db, alive).await;
    due_for(&db, "1 minute").await;
    table.task(&db, &task, ReasonKind::Overdue).await;
    let told = db.tasks().explain(task.id).await.unwrap().unwrap();
    assert!(told.says.starts_with("it does not fire now: it has been due since "), "{told}");
    db.tasks().pause(task.id).await.unwrap();
    table.task(&db, &task, ReasonKind::TaskPaused).await;
    db.tasks().cancel(task.id).await.unwrap();
    table.task(&db, &task, ReasonKind::TaskCancelled).await;
    assert!(db.tasks().explain(Uuid::nil()).await.unwrap().is_none());
    let broken = created(&db, &hourly("broken")).await;
    tell(&db, "update ordinaut.task set definition = definition || '{\"priority\": 77}' where status = 'active'").await;
    due_for(&db, "1 second").await;
    schedule_once(&db).await;
    table.task(&db, &broken, ReasonKind::TaskBroken).await;
    let acme = db.seen_by(&of_acme());
    assert!(acme.tasks().explain(broken.id).await.unwrap().is_none(), "it is nobody's");
}

async fn its_schedule_says_no(table: &mut Table) {
    let db = database().await;
    let soon = (Utc::now() + Duration::from_secs(3)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let once = created(&db, &by(ScheduleKind::Once, &soon)).await;
    let event = created(&db, &by(ScheduleKind::Event, "orders.paid")).await;
    let heat = created(&db, &by(ScheduleKind::Condition, "fact(heat) > 1")).await;
    let service = created(&db, &by(ScheduleKind::Service, "5s")).await;
    let _scheduler = schedule(Scheduler::new(db.clone()));
    table.task(&db, &event, ReasonKind::WaitsForEvent).await;
    table.task(&db, &heat, ReasonKind::ConditionFalse).await;
    db.tasks().push_fact("heat", 5.0).await.unwrap();
    eventually(&db, "select exists (select from ordinaut.task where condition_state @> '{\"fired\": true}')").await;
    table.task(&db, &heat, ReasonKind::ConditionHeld).await;
    eventually(&db, "select count(*) = 3 from ordinaut.job").await;
    table.task(&db, &service, ReasonKind::ServiceRuns).await;
    table.task(&db, &once, ReasonKind::ScheduleEnded).await;
    table.task(&db, &once, ReasonKind::JobUnended).await;
    table.task(&db, &once, ReasonKind::NoWorkerAlive).await;
}

async fn instants_are_left_out(table: &mut Table) {
    let db = database().await;
    let snoozed = created(&db, &hourly("snoozed")).await;
    db.tasks().snooze(snoozed.id, 2 * HOUR).await.unwrap();
    table.task(&db, &snoozed, ReasonKind::Snoozed).await;
    db.tasks().cancel(snoozed.id).await.unwrap();
    let half_past = Schedule::every("1h").dtstart(Utc::now().naive_utc() - 21 * HOUR / 2);
    let late = |misfire| hourly("late").misfire(misfire).schedule(half_past.clone());
    let coalesced = created(&db, &late(Misfire::Coalesce)).await;
    let skipped = created(&db, &late(Misfire::Skip)).await;
    due_for(&db, "195 minutes").await;
    schedule_once(&db).await;
    table.task(&db, &coalesced, ReasonKind::Coalesced).await;
    table.task(&db, &skipped, ReasonKind::Misfired).await;

    let db = database().await;
    let alone = created(&db, &hourly("alone").max_instances(1)).await;
    let unique = Unique::by_kind().key("one");
    let keyed = created(&db, &hourly("keyed").unique(unique)).await;
    for _ in 0..2 {
        due_for(&db, "1 millisecond").await;
        schedule_once(&db).await;
    }
    table.task(&db, &alone, ReasonKind::Overlap).await;
    table.task(&db, &keyed, ReasonKind::Duplicate).await;
    let told = db.tasks().explain(alone.id).await.unwrap().unwrap();
    assert_eq!((told.fires.len(), told.fires[0].skipped.as_deref()), (2, Some("overlap")));
}

async fn fatal(_: Probe, _: Context<()>) -> Result<(), JobError> {
    Err(JobError::fatal("no"))
}

pub(crate) async fn of_queues(table: &mut Table) {
    nobody_serves_it(table).await;
    it_is_under_load(table).await;
    let db = target::with_open_target().await;
    target::parked(&db, &probe(1)).await;
    table.queue(&db, "default", ReasonKind::TargetUnavailable, Severity::Warning).await;
}

async fn nobody_serves_it(table: &mut Table) {
    use Severity::{Critical, Info, Warning};
    let db = database().await;
    assert!(db.queues().explain("default").await.unwrap().is_none(), "nobody has named it");
    enqueue(&db).await;
    table.queue(&db, "default", ReasonKind::NoWorkerAlive, Critical).await;
    table.queue(&db, "default", ReasonKind::NoSchedulerAlive, Critical).await;
    let mut elsewhere = worker(&db, succeed).queue("elsewhere");
    elsewhere.step().await.unwrap();
    table.queue(&db, "default", ReasonKind::QueueUnserved, Critical).await;
    let mut here = worker_with(&db, quick_but(|options| options.name = "press".to_owned()), succeed);
    here.step().await.unwrap();
    let unknown = new(&db, NewJob::new("tpyo", &()).unwrap()).await;
    table.queue(&db, "default", ReasonKind::KindUnknown, Critical).await;
    enqueue(&db).await;
    let gpu = new(&db, probe(1).placement(Placement::default().require(["gpu"]))).await;
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'placed'").await;
    table.queue(&db, "default", ReasonKind::LabelsMissing, Warning).await;
    db.jobs().cancel(gpu).await.unwrap();
    db.jobs().cancel(unknown).await.unwrap();
    db.rollouts().put("probe", "2.0.0", 100).await.unwrap();
    table.queue(&db, "default", ReasonKind::VersionMissing, Critical).await;
    db.rollouts().end("probe").await.unwrap();
    db.workers().drain("press").await.unwrap();
    table.queue(&db, "default", ReasonKind::WorkersDrained, Critical).await;
    db.queues().pause("default", Some("ann"), Some("the printer is out of ink")).await.unwrap();
    table.queue(&db, "default", ReasonKind::QueuePaused, Critical).await;
    let told = db.queues().explain("default").await.unwrap().unwrap();
    assert!(told.says.starts_with("1 job waits; critical: it was paused by ann"), "{told}");
    db.queues().pause("*", Some("ann"), None).await.unwrap();
    table.queue(&db, "elsewhere", ReasonKind::InstallationPaused, Info).await;
    let mut access = Access::admin("a");
    access.queues = Some(vec!["elsewhere".to_owned()]);
    let some = db.seen_by(&access);
    assert!(some.queues().explain("default").await.unwrap().is_none());
    assert!(some.queues().explain("elsewhere").await.unwrap().is_some());
    let acme = db.seen_by(&of_acme());
    assert!(acme.queues().explain("default").await.unwrap().is_none(), "its numbers are of all tenants");
}

async fn it_is_under_load(table: &mut Table) {
    use Severity::{Critical, Info, Warning};
    let db = database().await;
    let (running, handlers) = busy(&db, 1).await;
    for _ in 0..3 {
        enqueue(&db).await;
    }
    table.queue(&db, "default", ReasonKind::SlotsBusy, Warning).await;
    let mut held = db.pool().begin().await.unwrap();
    sqlx::raw_sql("set transaction isolation level repeatable read; select 1").execute(&mut *held).await.unwrap();
    many_transactions(&db).await;
    table.queue(&db, "default", ReasonKind::VacuumHeldUp, Warning).await;
    held.rollback().await.unwrap();
    // As a scheduler counts it from the log of events.
    let counted = "insert into ordinaut.stat (step, begins, queue, kind, arrived, ended, succeeded, failed, wait, run)
                   values ('minute', date_trunc('minute', now(), 'UTC') - interval '1 minute', 'default', 'probe', 100, 20, 15, 5, '{}', '{}')";
    tell(&db, counted).await;
    table.queue(&db, "default", ReasonKind::FallsBehind, Warning).await;
    table.queue(&db, "default", ReasonKind::Failures, Warning).await;
    tell(&db, "update ordinaut.due_work set run_at = now() - interval '5 minutes' where session is null").await;
    table.queue(&db, "default", ReasonKind::WaitsLong, Warning).await;
    tell(&db, "update ordinaut.outbox set at = at - interval '10 minutes'").await;
    table.queue(&db, "default", ReasonKind::RelayBehind, Warning).await;
    db.queues().update("default", &QueueChange::default().max_waiting(Some(1))).await.unwrap();
    schedule_once(&db).await;
    table.queue(&db, "default", ReasonKind::QueueFull, Critical).await;
    for handler in handlers {
        handler.end(Ok(()));
    }
    running.stop().await.unwrap();

    let db = database().await;
    db.limits().put(&Limit::new("none").queue("default").concurrency(0)).await.unwrap();
    enqueue(&db).await;
    let running = run(worker(&db, succeed));
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'limit'").await;
    table.queue(&db, "default", ReasonKind::LimitFull, Warning).await;
    running.stop().await.unwrap();
    new(&db, probe(1).queue("mortuary")).await;
    worker(&db, fatal).queue("mortuary").step().await.unwrap();
    table.queue(&db, "mortuary", ReasonKind::Deaths, Info).await;
}

pub(crate) async fn of_batches(table: &mut Table) {
    let db = database().await;
    let parent = new(&db, probe(0).delay(HOUR)).await;
    let members = db.batch("b").add(probe(1)).add(probe(2).queue("nobody")).add(probe(3).delay(HOUR));
    let batch = members.add(probe(4).after([parent])).commit().await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate));
    let handler = within(starts.recv()).await.unwrap();
    for kind in [
        ReasonKind::MembersParked,
        ReasonKind::MembersWait,
        ReasonKind::MembersScheduled,
        ReasonKind::MembersRun,
        ReasonKind::NoSchedulerAlive,
        // Why the first of them is there.
        ReasonKind::Dependency,
        ReasonKind::QueueUnserved,
        ReasonKind::NotDue,
    ] {
        table.batch(&db, batch, kind).await;
    }
    let told = db.batches().explain(batch).await.unwrap().unwrap();
    assert!(told.says.starts_with("it has not ended: 0 of 4 members have; 1 member was set aside"), "{told}");
    handler.end(Ok(()));
    running.stop().await.unwrap();
    // Of a large batch that was cancelled schedulers cancel the rest.
    tell(&db, "update ordinaut.batch set stopping = 'cancelled'").await;
    table.batch(&db, batch, ReasonKind::Stopping).await;

    let alone = probe(5);
    let uncounted = db.batch("u").add(alone.clone()).commit().await.unwrap();
    db.jobs().cancel(alone.id()).await.unwrap();
    table.batch(&db, uncounted, ReasonKind::FoldBehind).await;

    let on_success = probe(6);
    let dies = db.batch("f").add(probe(7).queue("mortuary")).add(probe(8).queue("later"));
    let failed = dies.on_success(on_success).commit().await.unwrap();
    worker(&db, fatal).queue("mortuary").step().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    eventually(&db, "select exists (select from ordinaut.batch where dead = 1)").await;
    table.batch(&db, failed, ReasonKind::MembersDead).await;
    worker(&db, succeed).queue("later").step().await.unwrap();
    eventually(&db, "select exists (select from ordinaut.batch where name = 'f' and state = 'failed')").await;
    table.batch(&db, failed, ReasonKind::CallbackUnended).await;
    assert!(db.batches().explain(Uuid::nil()).await.unwrap().is_none());
}
