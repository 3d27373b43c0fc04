//! Followers of the log: each event counts once, whatever fails, and one process at a time is given
//! a batch.

use crate::events::events;
use crate::fixture::{Probe, ask, database, enqueue, eventually, tell, until, within};
use futures_util::future::join_all;
use ordinaut_core::event::{Event, EventFilter, EventType};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Client, Error, Job, Limit, Scheduler};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A table in which a consumer counts.
async fn with_table(db: &Client) {
    tell(db, "create table seen (n bigint not null)").await;
}

/// Lets a scheduler number the events.
fn relayed(db: &Client) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(Scheduler::new(db.clone()).run(stop.clone().cancelled_owned()));
    stop.drop_guard()
}

#[tokio::test]
async fn each_event_counts_once_although_handlers_fail_and_several_follow() {
    let db = database().await;
    with_table(&db).await;
    let _scheduler = relayed(&db);
    // The place begins here.
    assert!(db.events().follower("count").unwrap().next().await.unwrap().is_none());
    let calls = AtomicU32::new(0);
    let consumers = (0..3).map(|_| {
        db.events().follow("count", async |events, tx| {
            for event in events {
                sqlx::query("insert into seen values ($1)").bind(event.n).execute(&mut *tx).await?;
            }
            // The first time, and then every third, it fails after it has written.
            if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
                Err(sqlx::Error::WorkerCrashed)
            } else {
                Ok(())
            }
        })
    });
    let writer = async {
        // In rounds, so that a consumer that is slow is called several times too.
        for round in 1..=5 {
            for _ in 0..10 {
                enqueue(&db).await;
            }
            let sql = "select (select count(*) from seen) >= $1 and
                              (select n = (select n from ordinaut.event_head) from ordinaut.follower where name = 'count')";
            let seen = async || sqlx::query_scalar(sql).bind(round * 10_i64).fetch_one(&*db).await.unwrap();
            until("the events of a round", seen).await;
        }
    };
    tokio::select! {
        _ = join_all(consumers) => unreachable!("they follow without end"),
        () = within(writer) => {}
    }

    assert!(calls.load(Ordering::Relaxed) > 1, "one failed");
    let told: BTreeSet<i64> = events(&db).await.iter().map(|event| event.n).collect();
    let seen: i64 = ask(&db, "select count(*) from seen").await;
    let once: i64 = ask(&db, "select count(distinct n) from seen").await;
    assert_eq!(seen, once, "none counts twice");
    let begun: i64 = ask(&db, "select min(n) from seen").await;
    assert_eq!(once, i64::try_from(told.range(begun..).count()).unwrap(), "none is missing");
}

#[tokio::test]
async fn one_at_a_time_is_given_a_batch_and_what_is_dropped_comes_again() {
    let db = database().await;
    let _scheduler = relayed(&db);
    enqueue(&db).await;
    eventually(&db, "select n > 0 from ordinaut.event_head").await;
    let mut first = db.events().follower("mails").unwrap().from_start().batch(1);
    let mut second = db.events().follower("mails").unwrap();

    let held = first.next().await.unwrap().expect("there is an event");
    assert!(second.next().await.unwrap().is_none(), "the first has it");
    let n = held.events()[0].n;
    drop(held);
    eventually(&db, "select not exists (select from pg_locks where relation = 'ordinaut.follower'::regclass)").await;
    let again = second.next().await.unwrap().expect("it was not dealt with");
    assert_eq!((again.events()[0].n, again.missed()), (n, 0));
    again.commit().await.unwrap();

    // The scheduler follows under names of its own.
    let followers = db.events().followers().await.unwrap();
    let status = followers.iter().find(|follower| follower.name == "mails").expect("it has a place");
    assert_eq!(status.behind, 0);
    assert!(db.events().forget_follower("mails").await.unwrap());
    assert!(!db.events().forget_follower("mails").await.unwrap());
}

#[tokio::test]
async fn what_was_pruned_before_it_was_read_is_said_to_be_missing() {
    let db = database().await;
    for _ in 0..3 {
        enqueue(&db).await;
    }
    let scheduler = relayed(&db);
    eventually(&db, "select n >= 3 from ordinaut.event_head").await;
    let mut follower = db.events().follower("late").unwrap().from_start().batch(1);
    follower.next().await.unwrap().expect("there are events").commit().await.unwrap();
    drop(scheduler);
    tell(&db, "delete from ordinaut.event where n = 2").await;

    let next = follower.next().await.unwrap().expect("there are more");
    assert_eq!((next.events()[0].n, next.missed()), (3, 1));
}

#[tokio::test]
async fn a_follower_may_run_in_a_task_of_its_own() {
    let db = database().await;
    with_table(&db).await;
    let _scheduler = relayed(&db);
    let client = db.clone();
    let follows = tokio::spawn(async move {
        client
            .events()
            .follow("spawned", async |events, tx| {
                for event in events {
                    sqlx::query("insert into seen values ($1)").bind(event.n).execute(&mut *tx).await?;
                }
                Ok::<_, sqlx::Error>(())
            })
            .await
    });
    eventually(&db, "select count(*) = 1 from ordinaut.follower where name = 'spawned'").await;
    enqueue(&db).await;
    eventually(&db, "select count(*) > 0 from seen").await;
    follows.abort();
}

#[tokio::test]
async fn a_name_that_cannot_be_one_is_refused() {
    let db = database().await;
    let refused = db.events().follower("").unwrap_err();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "name"), "{refused}");
}

/// The types of events about a subject, in their order.
async fn about(db: &Client, subject: &str) -> Vec<EventType> {
    let events = events(db).await.into_iter().filter(|event| event.subject.as_deref() == Some(subject));
    events.map(|event| event.r#type).collect()
}

#[tokio::test]
async fn changes_of_tasks_queues_limits_and_agents_are_in_the_log() {
    let db = database().await;
    let _scheduler = relayed(&db);
    let schedule = Schedule::new(ScheduleKind::Every, "3600");
    let definition = TaskDefinition::new("Hourly", Probe::KIND, schedule).dedupe_key("hourly");
    let put = db.tasks().put(&definition).await.unwrap();
    let id = put.task().id;
    drop(db.tasks().put(&definition).await.unwrap());
    db.tasks().pause(id).await.unwrap();
    db.tasks().resume(id).await.unwrap();
    db.tasks().run_now(id).await.unwrap();
    db.tasks().cancel(id).await.unwrap();
    db.tasks().delete(id).await.unwrap();
    db.queues().pause("mail", None, None).await.unwrap();
    db.queues().resume("mail").await.unwrap();
    let limit = Limit::new("mails").queue("mail").concurrency(2);
    db.limits().put(&limit).await.unwrap();
    db.limits().put(&limit).await.unwrap();
    db.limits().put(&limit.concurrency(3)).await.unwrap();
    db.limits().delete("mails").await.unwrap();
    tell(&db, "insert into ordinaut.drained_worker (name) values ('w1')").await;
    eventually(&db, "select not exists (select from ordinaut.outbox)").await;

    use EventType::*;
    let of_task = about(&db, &id.to_string()).await;
    assert_eq!(of_task, [TaskCreated, TaskPaused, TaskResumed, TaskCancelled, TaskDeleted]);
    assert_eq!(about(&db, "mail").await, [QueuePaused, QueueResumed]);
    assert_eq!(about(&db, "mails").await, [LimitCreated, LimitChanged, LimitDeleted]);
    assert_eq!(about(&db, "w1").await, [WorkerDrained]);
}

#[tokio::test]
async fn the_table_takes_every_type_of_event_and_no_other() {
    let db = database().await;
    let check: String =
        ask(&db, "select pg_get_constraintdef(oid) from pg_constraint where conname = 'outbox_type_check'").await;
    let words: BTreeSet<&str> = check.split('\'').skip(1).step_by(2).collect();
    assert_eq!(words, EventType::ALL.iter().map(EventType::as_str).collect());
}

#[tokio::test]
async fn events_are_narrowed_to_a_task_a_tenant_and_a_worker() {
    let db = database().await;
    let mut ids = Vec::new();
    for (tenant, task, worker) in [("acme", 1, "one"), ("acme", 2, "two"), ("umbrella", 1, "two")] {
        let sql = "with job as (
                       insert into ordinaut.job (id, kind, queue, args, priority, created_at, tenant, task_id)
                       values (gen_random_uuid(), 'probe', 'default', '{}', 5, now(), $1, lpad($2::text, 32, '0')::uuid)
                       returning id
                   ), worker as (
                       insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease, expires_at)
                       select count(*) + 1, $3, 'here', 1, '0', '{default}', '{probe}', 1, 3, '1 min', now() from ordinaut.worker
                       returning session
                   )
                   insert into ordinaut.run (job_id, attempt, session, started_at, outcome)
                   select id, 1, session, now(), 'succeeded' from job, worker returning job_id";
        let id: Uuid = sqlx::query_scalar(sql).bind(tenant).bind(task).bind(worker).fetch_one(&*db).await.unwrap();
        ids.push(id);
    }
    let task = Uuid::from_u128(1);
    let log = "insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts, subject)
               values (1, now(), 'succeeded', 'default', 'probe', $1, '{1,1,1}', null),
                      (2, now(), 'task_paused', 'default', 'probe', '{}', '{}', $2::text),
                      (3, now(), 'queue_paused', 'mail', '', '{}', '{}', 'mail')";
    sqlx::query(log).bind(&ids).bind(task).execute(&*db).await.unwrap();
    let told = async |filter: EventFilter| {
        let (events, _) = db.events().page_of(&filter, 0, 10).await.unwrap();
        let jobs = |event: &Event| event.jobs.iter().map(|job| job.id).collect::<Vec<_>>();
        events.iter().map(|event| (event.n, jobs(event))).collect::<Vec<_>>()
    };
    let all = || EventFilter::default();

    let mut of_task = all();
    of_task.task = Some(task);
    assert_eq!(told(of_task).await, [(1, vec![ids[0], ids[2]]), (2, vec![])]);
    let mut of_tenant = all();
    of_tenant.tenant = Some("acme".to_owned());
    assert_eq!(told(of_tenant.clone()).await, [(1, vec![ids[0], ids[1]])]);
    of_tenant.worker = Some("two".to_owned());
    assert_eq!(told(of_tenant).await, [(1, vec![ids[1]])]);
    assert_eq!(told(all().queue("mail")).await, [(3, vec![])]);
    assert_eq!(told(all().of_type(EventType::TaskPaused).kind("probe")).await, [(2, vec![])]);
}
