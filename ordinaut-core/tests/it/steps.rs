//! Durable handlers: a recorded step does not run again, whatever becomes of the attempt, and a
//! stale attempt records nothing.

use crate::fixture::{
    Gate, Probe, ask, database, enqueue, gated, quick_but, returning, run, schedule_once, tell, within, worker,
    worker_with,
};
use ordinaut_core::job::JobState;
use ordinaut_core::step::StepKind;
use ordinaut_core::worker::{Step, StopReason};
use ordinaut_core::{Client, Context, JobError, NewJob, Outcome, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Calls of something that must not be called again.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// Calls it; the number of the call.
    fn call(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn number(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

async fn state(db: &Client, job_id: Uuid) -> JobState {
    db.jobs().get(job_id).await.unwrap().unwrap().state
}

async fn last_error(db: &Client, job_id: Uuid) -> String {
    db.jobs().runs(job_id).await.unwrap().pop().unwrap().error.unwrap_or_default()
}

fn again() -> JobError {
    JobError::retry("not yet").after(Duration::ZERO)
}

async fn work(worker: &mut Worker<()>, job_id: Uuid) {
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job_id));
}

#[tokio::test]
async fn a_step_that_was_recorded_does_not_run_again() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let calls = Calls::default();
    let seen = calls.clone();
    let mut worker = returning(&db, move |_: Probe, ctx| {
        let calls = calls.clone();
        async move {
            let mut sums = Vec::new();
            for n in 1..=3 {
                sums.push(ctx.step("add", async || Ok(calls.call() * 10 + n)).await?);
                if ctx.attempt() == n as i32 && n < 3 {
                    return Err(again());
                }
            }
            Ok(sums)
        }
    });

    for _ in 0..3 {
        work(&mut worker, job_id).await;
    }

    assert_eq!(seen.number(), 3);
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!((run.outcome, run.output.unwrap().get()), (Outcome::Succeeded, "[11, 22, 33]"));
    let steps = db.jobs().steps(job_id).await.unwrap();
    let found: Vec<_> = steps.iter().map(|step| (&*step.name, step.kind, step.attempt, step.result.get())).collect();
    assert_eq!(
        found,
        [("add", StepKind::Step, 1, "11"), ("add#2", StepKind::Step, 2, "22"), ("add#3", StepKind::Step, 3, "33")]
    );
}

#[tokio::test]
async fn a_step_that_failed_is_not_recorded() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let calls = Calls::default();
    let seen = calls.clone();
    let mut worker = worker(&db, move |_, ctx: Context<()>| {
        let calls = calls.clone();
        async move { ctx.step("flaky", async || if calls.call() == 1 { Err(again()) } else { Ok(()) }).await }
    });
    work(&mut worker, job_id).await;
    assert!(db.jobs().steps(job_id).await.unwrap().is_empty());
    work(&mut worker, job_id).await;
    assert_eq!((seen.number(), state(&db, job_id).await), (2, JobState::Succeeded));
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_records_nothing() {
    let db = database().await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let job_id = enqueue(&db).await;
    let step = tokio::spawn(async move { worker.step().await });
    let handler: Gate = within(starts.recv()).await.unwrap();
    let ctx = handler.context.clone();
    assert_eq!(ctx.step("before", async || Ok(1)).await.unwrap(), 1);

    tell(&db, "update ordinaut.due_work set nonce = nonce + 1").await;

    let lost = ctx.step("behind", async || Ok(2)).await.unwrap_err();
    assert_eq!(lost.outcome(), Outcome::Failed);
    assert!(lost.to_string().contains("the lease was lost"), "{lost}");
    assert!(ctx.sleep("nap", Duration::from_secs(9)).await.unwrap_err().to_string().contains("the lease was lost"));
    let child = NewJob::new("child", &()).unwrap();
    assert!(ctx.enqueue("child", child).await.unwrap_err().to_string().contains("the lease was lost"));
    let names: Vec<String> = sqlx::query_scalar("select name from ordinaut.step").fetch_all(db.pool()).await.unwrap();
    assert_eq!(names, ["before"]);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 1);
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::LeaseLost(job_id));
}

/// As after a freeze: the handler goes on before anybody could drop it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_wakes_after_its_lease_begins_no_step() {
    let db = database().await;
    enqueue(&db).await;
    let calls = Calls::default();
    let seen = calls.clone();
    let (say, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let running = run(worker_with(
        &db,
        quick_but(|options| options.lease = Duration::from_secs(3)),
        move |_: Probe, ctx: Context<()>| {
            let (calls, say) = (calls.clone(), say.clone());
            async move {
                say.send(None).ok();
                while ctx.stop_reason() != Some(StopReason::LeaseLost) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let step = ctx.step("late", async || Ok(calls.call())).await;
                say.send(step.as_ref().err().map(ToString::to_string)).ok();
                step.map(drop)
            }
        },
    ));
    assert_eq!(within(hear.recv()).await.unwrap(), None);

    tell(&db, "update ordinaut.worker set ended_at = now()").await;

    let error = within(hear.recv()).await.unwrap().unwrap();
    assert!(error.contains("the lease was lost"), "{error}");
    assert_eq!(seen.number(), 0);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_step_in_a_transaction_is_recorded_with_what_it_did_or_not_at_all() {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let job_id = enqueue(&db).await;
    let client = Client::clone(&db);
    let mut worker = worker(&db, move |_, ctx: Context<()>| {
        let client = client.clone();
        async move {
            let mut tx = client.begin().await?;
            let attempt = ctx.attempt();
            let n: i32 = ctx
                .step_in(&mut tx, "effect", async |tx| {
                    let n = sqlx::query_scalar("insert into effect values ($1) returning n").bind(attempt);
                    Ok(n.fetch_one(tx).await?)
                })
                .await?;
            if attempt == 1 {
                tx.rollback().await?;
                return Err(again());
            }
            tx.commit().await?;
            if attempt < 4 {
                Err(again())
            } else {
                assert_eq!(n, 2);
                Ok(())
            }
        }
    });
    for _ in 0..4 {
        work(&mut worker, job_id).await;
    }
    assert_eq!(state(&db, job_id).await, JobState::Succeeded);
    let effects: Vec<i32> = sqlx::query_scalar("select n from effect").fetch_all(db.pool()).await.unwrap();
    assert_eq!(effects, [2]);
}

#[tokio::test]
async fn of_two_attempts_in_transactions_one_commits() {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    enqueue(&db).await;
    let step = tokio::spawn(async move { worker.step().await });
    let handler: Gate = within(starts.recv()).await.unwrap();
    let ctx = handler.context.clone();
    let effect = async |tx: &mut sqlx::PgConnection| {
        sqlx::query("insert into effect values (1)").execute(tx).await?;
        Ok(())
    };
    let (mut first, mut second) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    ctx.step_in(&mut first, "effect", effect).await.unwrap();
    // An attempt that has not seen the first one's record.
    let other = sqlx::query("insert into ordinaut.step (job_id, name, attempt, kind, result, began_at)
                             select job_id, 'effect', 9, 'step', '0', now() from ordinaut.due_work on conflict do nothing");
    let blocked = tokio::spawn(async move {
        let done = other.execute(&mut *second).await.unwrap().rows_affected();
        second.rollback().await.unwrap();
        done
    });
    first.commit().await.unwrap();
    assert_eq!(within(blocked).await.unwrap(), 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from effect").await, 1);
    handler.end(Ok(()));
    within(step).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_child_is_enqueued_once() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, |_: Probe, ctx| async move {
        let child = NewJob::new("child", &ctx.attempt()).unwrap().queue("elsewhere");
        let id = ctx.enqueue("child", child).await?;
        if ctx.attempt() == 1 { Err(again()) } else { Ok(id) }
    });
    work(&mut worker, job_id).await;
    work(&mut worker, job_id).await;
    let children: Vec<Uuid> =
        sqlx::query_scalar("select id from ordinaut.job where kind = 'child'").fetch_all(db.pool()).await.unwrap();
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!(children.len(), 1);
    assert_eq!(run.output.unwrap().get(), format!("\"{}\"", children[0]));
}

#[tokio::test]
async fn what_cannot_be_recorded_buries_the_job_and_names_the_step() {
    let db = database().await;
    let large = "x".repeat(300_000);
    let refused: [(&str, &str); 4] = [
        ("large", "step \"big\": its result is 300002 bytes long, and 262144 are allowed"),
        ("name", "step \"\": name must not be empty"),
        ("topic", "step \"wait\": topic must be words"),
        ("question", "step \"ask\": question must not be empty"),
    ];
    for (what, reason) in refused {
        let job_id = enqueue(&db).await;
        let large = large.clone();
        let mut worker = worker(&db, move |_, ctx: Context<()>| {
            let large = large.clone();
            async move {
                match what {
                    "large" => ctx.step("big", async || Ok(large)).await.map(drop),
                    "name" => ctx.step("", async || Ok(())).await,
                    "topic" => ctx.wait_for::<()>("wait", "orders.*", "", Duration::ZERO).await.map(drop),
                    _ => ctx.approval("ask", ordinaut_core::step::ApprovalRequest::new(" ")).await.map(drop),
                }
            }
        });
        work(&mut worker, job_id).await;
        assert_eq!(state(&db, job_id).await, JobState::Dead, "{what}");
        let error = last_error(&db, job_id).await;
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_job_that_began_with_older_code_stays_on_its_side() {
    let db = database().await;
    let began = enqueue(&db).await;
    let mut older = worker(&db, |_, ctx: Context<()>| async move {
        ctx.step("one", async || Ok(())).await?;
        ctx.step("two", async || Ok(())).await?;
        Err(again())
    });
    work(&mut older, began).await;
    tell(&db, "update ordinaut.due_work set run_at = now()").await;
    let newer = |_: Probe, ctx: Context<()>| async move {
        ctx.step("one", async || Ok(())).await?;
        let version = ctx.version("change", 1..=2).await?;
        ctx.step("two", async || Ok(())).await?;
        if ctx.attempt() < 3 { Err(again()) } else { Ok(version) }
    };
    let mut worker = returning(&db, newer);
    work(&mut worker, began).await;
    work(&mut worker, began).await;
    let fresh = enqueue(&db).await;
    for _ in 0..3 {
        work(&mut worker, fresh).await;
    }
    for (job_id, version) in [(began, "1"), (fresh, "2")] {
        let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
        assert_eq!(run.output.unwrap().get(), version);
    }
    let third = enqueue(&db).await;
    let mut latest = returning(&db, |_: Probe, ctx| async move {
        if ctx.attempt() == 1 {
            ctx.version("change", 1..=1).await?;
            return Err(again());
        }
        ctx.version("change", 2..=3).await
    });
    work(&mut latest, third).await;
    work(&mut latest, third).await;
    assert_eq!(state(&db, third).await, JobState::Dead);
    assert!(last_error(&db, third).await.contains("began with version 1"));
}

#[tokio::test]
async fn steps_are_erased_with_what_their_job_was_about() {
    let db = database().await;
    let job_id = db.enqueue(&crate::fixture::probe(0).tags(["person:1"])).await.unwrap().id();
    let mut worker = worker(&db, |_, ctx: Context<()>| async move {
        ctx.step("who", async || Ok("ann".to_owned())).await?;
        ctx.sleep("nap", Duration::from_secs(3600)).await
    });
    work(&mut worker, job_id).await;
    assert_eq!(db.jobs().steps(job_id).await.unwrap().len(), 1);
    let erased = db.jobs().erase(&ordinaut_core::job::Erase::Tag("person:1".to_owned())).await.unwrap();
    assert_eq!((erased.erased, erased.cancelled), (1, 1));
    let left = "select (select count(*) from ordinaut.step) + (select count(*) from ordinaut.wait)";
    assert_eq!(ask::<i64>(&db, left).await, 0);
}

#[tokio::test]
async fn steps_go_with_their_partition_and_stay_with_a_job_that_has_not_ended() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, ctx: Context<()>| async move {
        ctx.step("one", async || Ok(())).await?;
        ctx.sleep("nap", Duration::from_secs(3600)).await
    });
    work(&mut worker, job_id).await;
    let part: String = ask(&db, "select tableoid::regclass::text from ordinaut.step").await;
    let name = part.rsplit('.').next().unwrap().to_owned();
    let drop = "select ordinaut.drop_partition($1)";
    assert!(sqlx::query_scalar::<_, bool>(drop).bind(&name).fetch_one(db.pool()).await.unwrap(), "{name}");
    assert_eq!(db.jobs().steps(job_id).await.unwrap().len(), 1);
    db.jobs().cancel(job_id).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.wait").await, 0);
}

#[tokio::test]
async fn steps_are_listed_in_pages_that_are_bounded_in_size() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, ctx: Context<()>| async move {
        for n in 0..12 {
            ctx.step(&format!("step {n}"), async || Ok("x".repeat(if n < 9 { 10 } else { 200_000 }))).await?;
        }
        Ok(())
    });
    work(&mut worker, job_id).await;
    let jobs = db.jobs();
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = jobs.steps_after(job_id, 4, after.as_deref()).await.unwrap();
        pages.push(page.iter().map(|step| step.name.clone()).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let numbers = |numbers: std::ops::Range<usize>| numbers.map(|n| format!("step {n}")).collect::<Vec<_>>();
    assert_eq!(pages, [numbers(0..4), numbers(4..8), numbers(8..12)]);
    // About 1 MiB is one page.
    assert_eq!(jobs.steps(job_id).await.unwrap().len(), 12);
    tell(&db, "update ordinaut.step set result = to_jsonb(repeat('y', 240000)) where name < 'step 8'").await;
    assert_eq!(jobs.steps(job_id).await.unwrap().len(), 4);
}
