//! Every way in which a job ends writes the same: no work, one run, no key, no room of a limit, one
//! count, one event, and one row for those that follow it.

use crate::fixture::{TestDatabase, database, probe, run, schedule_once, succeed, tell, until, worker};
use crate::unique::{LATER, keyed_in, new};
use ordinaut_core::job::{CancelFilter, Erase, JobState, OnDuplicate};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Limit, NewJob, Outcome, Unique};
use uuid::Uuid;

const TAG: &str = "person:42";

/// A way to end a job, and what its run says then.
struct End {
    name: &'static str,
    before: Before,
    outcome: Outcome,
    /// Whether the statement counts it: what a worker ended is counted by that worker, when it
    /// renews its session.
    counted: bool,
}

/// What the job does when it is ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Waits,
    /// Set aside by a limit.
    IsParked,
    /// Leased to the session 7, which is not renewed, under a limit.
    IsLeased,
    /// The same, and asked to stop.
    IsCancelled,
}

const fn end(name: &'static str, before: Before, outcome: Outcome, counted: bool) -> End {
    End { name, before, outcome, counted }
}

const ENDS: &[End] = &[
    end("cancel", Before::Waits, Outcome::Cancelled, true),
    end("cancel", Before::IsParked, Outcome::Cancelled, true),
    end("cancel_where", Before::Waits, Outcome::Cancelled, true),
    end("cancel_where", Before::IsParked, Outcome::Cancelled, true),
    end("cancel_task", Before::Waits, Outcome::Cancelled, true),
    end("cancel_task", Before::IsParked, Outcome::Cancelled, true),
    end("erase", Before::Waits, Outcome::Cancelled, true),
    end("erase", Before::IsParked, Outcome::Cancelled, true),
    end("expire", Before::Waits, Outcome::Cancelled, true),
    end("expire", Before::IsParked, Outcome::Cancelled, true),
    end("replace", Before::Waits, Outcome::Cancelled, true),
    end("replace", Before::IsParked, Outcome::Cancelled, true),
    end("work", Before::Waits, Outcome::Succeeded, false),
    end("work under a limit", Before::Waits, Outcome::Succeeded, false),
    end("give_back", Before::IsCancelled, Outcome::Cancelled, false),
    end("park", Before::IsCancelled, Outcome::Cancelled, false),
    end("settle", Before::IsLeased, Outcome::Succeeded, false),
    end("settle", Before::IsLeased, Outcome::Dead, false),
    end("settle", Before::IsCancelled, Outcome::Cancelled, false),
    end("rescue", Before::IsLeased, Outcome::Dead, true),
    end("rescue", Before::IsCancelled, Outcome::Cancelled, true),
];

fn job() -> NewJob {
    probe(0).unique(Unique::by_kind().key("k")).tags([TAG])
}

/// A job in the state that the end finds it in. Somebody follows it; what is told of its end is
/// noted, because the fold deletes it.
async fn prepared(db: &TestDatabase, before: Before) -> Uuid {
    for text in [
        "create table ordinaut.noted (job_id uuid, outcome text)",
        "create function ordinaut.note() returns trigger language plpgsql as
         'begin insert into ordinaut.noted values (new.job_id, new.outcome); return null; end'",
        "create trigger note after insert on ordinaut.followed_end for each row execute function ordinaut.note()",
    ] {
        tell(db, text).await;
    }
    let job_id = new(db, &job()).await;
    tell(db, "update ordinaut.due_work set flags = flags | 64").await;
    match before {
        Before::Waits => {}
        Before::IsParked => {
            tell(
                db,
                "with gone as (delete from ordinaut.due_work returning *)
                 insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
                 select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'limit', '[]' from gone",
            )
            .await;
        }
        Before::IsLeased | Before::IsCancelled => {
            tell(
                db,
                "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts,
                                              lease, expires_at)
                 values (7, 'gone', 'nowhere', 1, '0.0.0', '{default}', '{probe}', 1, 4, '1 ms', now() - interval '1 s')",
            )
            .await;
            let flags = if before == Before::IsCancelled { 1 | 4 | 8 | 64 } else { 4 | 8 | 64 };
            sqlx::query("update ordinaut.due_work set session = 7, nonce = 1, attempt = attempt + 1, flags = $1")
                .bind(flags)
                .execute(db.pool())
                .await
                .unwrap();
            tell(
                db,
                "insert into ordinaut.limit_slot (name, key, job_id, weight, session, ordered)
                 select 'one', '', job_id, 1, 7, false from ordinaut.due_work",
            )
            .await;
        }
    }
    job_id
}

async fn bring_about(db: &TestDatabase, end: &End, job_id: Uuid) {
    match end.name {
        "cancel" => drop(db.jobs().cancel(job_id).await.unwrap()),
        "cancel_where" => {
            let filter = CancelFilter::default().tag(TAG);
            assert_eq!(db.jobs().cancel_where(&filter).await.unwrap().removed, 1);
        }
        "cancel_task" => {
            let definition = TaskDefinition::new("later", "probe", Schedule::new(ScheduleKind::Every, "365d"));
            let task = db.tasks().create(&definition).await.unwrap();
            sqlx::query("insert into ordinaut.task_job (task_id, job_id) values ($1, $2)")
                .bind(task.id)
                .bind(job_id)
                .execute(db.pool())
                .await
                .unwrap();
            db.tasks().cancel(task.id).await.unwrap();
        }
        "erase" => drop(db.jobs().erase(&Erase::Tag(TAG.to_owned())).await.unwrap()),
        "expire" => {
            db.queues().update("default", &QueueChange::default().max_age(Some(LATER))).await.unwrap();
            for table in ["due_work", "parked"] {
                let older = format!("update ordinaut.{table} set run_at = now() - interval '2 h'");
                sqlx::query(sqlx::AssertSqlSafe(older)).execute(db.pool()).await.unwrap();
            }
            schedule_once(db).await;
        }
        "replace" => drop(new(db, &keyed_in(OnDuplicate::Replace, "k")).await),
        "work" => work(db, job_id).await,
        "work under a limit" => {
            db.limits().put(&Limit::new("one").concurrency(1)).await.unwrap();
            work(db, job_id).await;
        }
        "give_back" => {
            let statement = sqlx::query(sql!("lease/give_back")).bind([job_id]).bind([1]).bind(7_i64).bind([1]);
            statement.execute(db.pool()).await.unwrap();
        }
        "park" => {
            let statement =
                sqlx::query(sql!("lease/park")).bind([job_id]).bind([1]).bind([7_i64]).bind([1]).bind(["t"]);
            statement.execute(db.pool()).await.unwrap();
        }
        "settle" => settle(db, job_id, end.outcome).await,
        "rescue" => {
            if end.outcome == Outcome::Dead {
                tell(db, "update ordinaut.due_work set flags = flags | 2, failures = 3").await;
            }
            schedule_once(db).await;
        }
        other => panic!("nobody knows how to end a job by {other}"),
    }
}

/// A worker runs it.
async fn work(db: &TestDatabase, job_id: Uuid) {
    let worker = run(worker(db, succeed));
    until("the job has ended", async || db.jobs().get(job_id).await.unwrap().unwrap().state == JobState::Succeeded)
        .await;
    worker.stop().await.unwrap();
}

/// One that was asked to stop would be tried again, and is cancelled.
async fn settle(db: &TestDatabase, job_id: Uuid, outcome: Outcome) {
    let (asked, again_in) = match outcome {
        Outcome::Cancelled => ("failed", Some(1.0)),
        outcome => (outcome.as_str(), None),
    };
    sqlx::query(sql!("lease/settle"))
        .bind([job_id])
        .bind([1])
        .bind([7_i64])
        .bind([1])
        .bind([asked])
        .bind([again_in])
        .bind([1_i16])
        .bind([None::<&str>])
        .bind([None::<&str>])
        .bind([Some(0.5)])
        .bind(true)
        .execute(db.pool())
        .await
        .unwrap();
}

/// What is left of a job, in words that a failure of this test can show.
async fn left(db: &TestDatabase, job_id: Uuid) -> String {
    let looked = sqlx::query_scalar(
        "select concat_ws('; ',
             'work ' || (select count(*) from ordinaut.due_work where job_id = $1),
             'parked ' || (select count(*) from ordinaut.parked where job_id = $1),
             'runs ' || (select string_agg(outcome, ', ') from ordinaut.run where job_id = $1),
             'keys ' || (select count(*) from ordinaut.unique_key where job_id = $1 and held_until is null),
             'slots ' || (select count(*) from ordinaut.limit_slot where job_id = $1),
             'events ' || (select string_agg(type, ', ') from
                 (select type from ordinaut.outbox where $1 = any(job_ids) and type <> all($2)
                  union all select type from ordinaut.event where $1 = any(job_ids) and type <> all($2)) told),
             'followers ' || (select coalesce(string_agg(outcome, ', '), 'none') from ordinaut.noted where job_id = $1),
             'dead letters ' || (select count(*) from ordinaut.dead_letter where job_id = $1),
             'counted ' || (select coalesce(sum(ended), 0) from ordinaut.outcome_count))",
    );
    looked.bind(job_id).bind(["enqueued", "leased", "parked"]).fetch_one(db.pool()).await.unwrap()
}

fn expected(end: &End) -> String {
    let (outcome, counted) = (end.outcome.as_str(), i64::from(end.counted));
    let buried = i64::from(end.outcome == Outcome::Dead);
    format!(
        "work 0; parked 0; runs {outcome}; keys 0; slots 0; events {outcome}; followers {outcome}; \
         dead letters {buried}; counted {counted}"
    )
}

#[tokio::test]
async fn every_way_to_end_a_job_writes_the_same() {
    let mut remarks = Vec::new();
    for end in ENDS {
        let db = database().await;
        let job_id = prepared(&db, end.before).await;
        bring_about(&db, end, job_id).await;
        let (left, expected) = (left(&db, job_id).await, expected(end));
        if left != expected {
            remarks
                .push(format!("{} of one that {:?}:\n  left     {left}\n  expected {expected}", end.name, end.before));
        }
    }
    assert!(remarks.is_empty(), "{}", remarks.join("\n"));
}
