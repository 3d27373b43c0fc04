//! Jobs that come after others: they wait for the ends of these, whatever brings them about.

use crate::fixture::{
    Probe, TestDatabase, ask, ask_of, database, eventually, gated, probe, quick_but, run, schedule, succeed, tell,
    until, within, worker, worker_with,
};
use crate::unique::{keyed, new, state};
use ordinaut_core::job::{AfterPolicy, Cancelled, JobState, MAX_PARENTS, RunNow, Wait};
use ordinaut_core::{Context, EnqueueError, Enqueued, JobError, NewJob, Outcome, Scheduler};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Fails for good if its number is odd.
async fn odd_ones_die(probe: Probe, _: Context<()>) -> Result<(), JobError> {
    if probe.n % 2 == 1 { Err(JobError::fatal("odd")) } else { Ok(()) }
}

fn after(n: i32, parents: &[Uuid]) -> NewJob {
    probe(n).after(parents.iter().copied())
}

async fn ends_as(db: &TestDatabase, job_id: Uuid, expected: JobState) {
    until(&format!("job {job_id} is {expected:?}"), async || state(db, job_id).await == expected).await;
}

async fn refused(enqueued: Result<impl Sized, EnqueueError>) -> String {
    match enqueued {
        Err(EnqueueError::Invalid(invalid)) => invalid.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn a_chain_runs_in_its_order_without_a_scheduler() {
    let db = database().await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = order.clone();
    let mut chain: Vec<NewJob> = Vec::new();
    for n in 0..100 {
        let last = chain.last().map(NewJob::id);
        chain.push(after(n, last.as_slice()));
    }
    db.enqueue_many(&chain).await.unwrap();
    let worker = run(worker(&db, move |probe: Probe, _: Context<()>| {
        noted.lock().unwrap().push((probe.n, Instant::now()));
        async { Ok(()) }
    }));
    ends_as(&db, chain.last().unwrap().id(), JobState::Succeeded).await;
    worker.stop().await.unwrap();
    let order = order.lock().unwrap().clone();
    assert_eq!(order.iter().map(|(n, _)| *n).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    let mut hops: Vec<Duration> = order.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    hops.sort_unstable();
    let (half, most) = (hops[hops.len() / 2], hops[hops.len() * 95 / 100]);
    eprintln!("a chain of 100: half of the hops within {half:.1?}, 95 % within {most:.1?}");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dependency").await, 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.followed_end").await, 0);
}

#[tokio::test]
async fn a_job_waits_for_all_that_it_comes_after_and_says_so() {
    let db = database().await;
    let (first, second) = (new(&db, &probe(0)).await, new(&db, &probe(2)).await);
    let child = new(&db, &after(4, &[first, second, first]).tags(["x"])).await;
    let found = db.jobs().get(child).await.unwrap().unwrap();
    assert_eq!(found.state, JobState::Parked);
    let mut jobs = [first, second];
    jobs.sort_unstable();
    assert_eq!(found.waits, Some(Wait::Dependency { jobs: jobs.to_vec() }));
    assert_eq!(db.jobs().run_now(child).await.unwrap(), RunNow::Parked);
    let (handler, mut starts) = gated();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let worker = run(worker(&db, handler));
    let (one, other) = (within(starts.recv()).await.unwrap(), within(starts.recv()).await.unwrap());
    assert_eq!([one.probe.n, other.probe.n].iter().sum::<i32>(), 2);
    let left = other.context.job_id();
    one.end(Ok(()));
    until("one end has come", async || {
        db.jobs().get(child).await.unwrap().unwrap().waits == Some(Wait::Dependency { jobs: vec![left] })
    })
    .await;
    assert_eq!(state(&db, child).await, JobState::Parked);
    other.end(Ok(()));
    let last = within(starts.recv()).await.unwrap();
    assert_eq!((last.probe.n, last.context.tags()), (4, &["x".to_owned()][..]));
    last.end(Ok(()));
    ends_as(&db, child, JobState::Succeeded).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_death_or_a_cancel_means_is_said_by_the_child() {
    let db = database().await;
    let (dies, cancelled) = (probe(1), probe(2).queue("nobody"));
    let graph = |parent: &NewJob| {
        [AfterPolicy::Cancel, AfterPolicy::Run, AfterPolicy::Bury]
            .map(|policy| after(4, &[parent.id()]).after_policy(policy))
    };
    let (of_dead, of_cancelled) = (graph(&dies), graph(&cancelled));
    // What comes after what is cancelled for it is cancelled too, and so on.
    let mut late = vec![after(6, &[of_dead[0].id()])];
    for _ in 0..5 {
        late.push(after(6, &[late.last().unwrap().id()]));
    }
    let all: Vec<_> = [&dies, &cancelled].into_iter().chain(&of_dead).chain(&of_cancelled).chain(&late).collect();
    db.enqueue_many(all).await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let worker = run(worker(&db, odd_ones_die));
    assert_eq!(db.jobs().cancel(cancelled.id()).await.unwrap(), Cancelled::Now);
    for (children, how, parent) in [(&of_dead, "is dead", dies.id()), (&of_cancelled, "was cancelled", cancelled.id())]
    {
        let expected = [JobState::Cancelled, JobState::Succeeded, JobState::Dead];
        for (child, expected) in children.iter().zip(expected) {
            ends_as(&db, child.id(), expected).await;
        }
        let runs = db.jobs().runs(children[0].id()).await.unwrap();
        assert_eq!(runs[0].error, Some(format!("the job {parent}, which it comes after, {how}")));
        assert_eq!((runs.len(), runs[0].outcome), (1, Outcome::Cancelled));
    }
    for child in &late {
        ends_as(&db, child.id(), JobState::Cancelled).await;
    }
    // What was buried is sent back, and runs.
    let back = db.dead_letters().requeue(&[of_dead[2].id()]).await.unwrap();
    assert_eq!(back.back, [of_dead[2].id()]);
    ends_as(&db, of_dead[2].id(), JobState::Succeeded).await;
    worker.stop().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dependency").await, 0);
}

#[tokio::test]
async fn parents_that_have_ended_count_at_once() {
    let db = database().await;
    let (done, dead, cancelled) = (new(&db, &probe(0)).await, new(&db, &probe(1)).await, new(&db, &probe(2)).await);
    db.jobs().cancel(cancelled).await.unwrap();
    let worker = run(worker(&db, odd_ones_die));
    ends_as(&db, done, JobState::Succeeded).await;
    ends_as(&db, dead, JobState::Dead).await;
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let goes = new(&db, &after(2, &[done])).await;
    let runs_anyway = new(&db, &after(2, &[done, dead]).after_policy(AfterPolicy::Run)).await;
    let buried = new(&db, &after(2, &[done, dead]).after_policy(AfterPolicy::Bury)).await;
    let not = new(&db, &after(2, &[done, cancelled])).await;
    for (child, expected) in [
        (goes, JobState::Succeeded),
        (runs_anyway, JobState::Succeeded),
        (buried, JobState::Dead),
        (not, JobState::Cancelled),
    ] {
        ends_as(&db, child, expected).await;
    }
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_refused_at_every_door() {
    let db = database().await;
    let (parent, nobody) = (new(&db, &probe(0)).await, Uuid::now_v7());
    let bad = after(0, &[parent, nobody]);
    let unknown = format!("after must name jobs that there are: no job has the id {nobody}");
    assert_eq!(refused(db.enqueue(&bad).await).await, unknown);
    assert_eq!(refused(db.enqueue_many([&probe(0), &bad]).await).await, unknown);
    assert_eq!(refused(db.enqueue_each(std::slice::from_ref(&bad)).await).await, unknown);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(refused(db.in_tx(&mut tx).enqueue(&bad).await).await, unknown);
    // The transaction goes on.
    db.in_tx(&mut tx).enqueue(&after(0, &[parent])).await.unwrap();
    tx.commit().await.unwrap();
    // A circle, of two and of one.
    let (one, other) = (probe(0), probe(0));
    let circle = [one.clone().after([other.id()]), other.clone().after([one.id()])];
    assert!(refused(db.enqueue_many(&circle).await).await.contains("no job has the id"));
    assert!(refused(db.enqueue(&one.clone().after([one.id()])).await).await.contains("itself"));
    let many = vec![parent; MAX_PARENTS + 1];
    assert!(refused(db.enqueue(&after(0, &many)).await).await.contains("1000"));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 2);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dependency").await, 1);
}

#[tokio::test]
async fn a_graph_is_made_in_a_transaction_or_not_at_all() {
    let db = database().await;
    let undone = probe(0);
    let mut tx = db.begin().await.unwrap();
    undone.enqueue(db.in_tx(&mut tx)).await.unwrap();
    after(0, &[undone.id()]).enqueue(db.in_tx(&mut tx)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dependency").await, 0);
    let (parent, child) = (probe(0), after(0, &[]));
    let mut tx = db.begin().await.unwrap();
    parent.enqueue(db.in_tx(&mut tx)).await.unwrap();
    let child = child.after([parent.id()]);
    child.enqueue(db.in_tx(&mut tx)).await.unwrap();
    tx.commit().await.unwrap();
    // Its own parent is followed from the start: nothing is left to the fold.
    assert_eq!(ask_of::<i16>(&db, "select flags from ordinaut.due_work where job_id = $1", parent.id()).await, 64);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.followed_end").await, 0);
    let again = db.enqueue(&child).await.unwrap();
    assert_eq!(again, Enqueued::Duplicate(child.id()));
}

#[tokio::test]
async fn a_transaction_that_stays_open_holds_up_no_parent() {
    let db = database().await;
    let parent = new(&db, &probe(0)).await;
    let (handler, mut starts) = gated();
    let worker = run(worker(&db, handler));
    let running = within(starts.recv()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let child = after(2, &[parent]);
    child.enqueue(db.in_tx(&mut tx)).await.unwrap();
    running.end(Ok(()));
    ends_as(&db, parent, JobState::Succeeded).await;
    tx.commit().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    within(starts.recv()).await.unwrap().end(Ok(()));
    ends_as(&db, child.id(), JobState::Succeeded).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn the_flag_survives_failures_and_a_limit() {
    let db = database().await;
    let limit = ordinaut_core::Limit::new("one").kind("probe").concurrency(1);
    db.limits().put(&limit).await.unwrap();
    let parent = new(&db, &probe(0)).await;
    let child = new(&db, &after(2, &[parent])).await;
    let tries = Arc::new(Mutex::new(BTreeMap::<i32, i32>::new()));
    let counted = tries.clone();
    let settings = quick_but(|options| options.backoff_cap = Duration::ZERO);
    let worker = run(worker_with(&db, settings, move |probe: Probe, _: Context<()>| {
        let tries = {
            let mut tries = counted.lock().unwrap();
            *tries.entry(probe.n).and_modify(|tries| *tries += 1).or_insert(1)
        };
        async move { if tries < 3 { Err(JobError::retry("again")) } else { Ok(()) } }
    }));
    let _scheduler = schedule(Scheduler::new(db.clone()));
    ends_as(&db, child, JobState::Succeeded).await;
    worker.stop().await.unwrap();
    assert_eq!(*tries.lock().unwrap(), BTreeMap::from([(0, 3), (2, 3)]));
}

#[tokio::test]
async fn many_folders_tell_each_child_once() {
    let db = database().await;
    let parents: Vec<_> = (0..60).map(|_| probe(0)).collect();
    let ids: Vec<Uuid> = parents.iter().map(NewJob::id).collect();
    // Each child comes after three, the last one after all.
    let mut children: Vec<_> = ids.windows(3).map(|few| after(2, few)).collect();
    children.push(after(4, &ids));
    db.enqueue_many(parents.iter().chain(&children)).await.unwrap();
    let schedulers = [Scheduler::new(db.clone()), Scheduler::new(db.another_pool().await)].map(schedule);
    let workers = [worker(&db, succeed), worker(&db.another_pool().await, succeed)].map(run);
    for child in &children {
        ends_as(&db, child.id(), JobState::Succeeded).await;
    }
    let unparked = "select count(*) from (select unnest(job_ids) from ordinaut.outbox where type = 'unparked'
                                          union all select unnest(job_ids) from ordinaut.event where type = 'unparked') told";
    assert_eq!(ask::<i64>(&db, unparked).await, children.len() as i64);
    for worker in workers {
        worker.stop().await.unwrap();
    }
    for scheduler in schedulers {
        scheduler.stop().await;
    }
}

#[tokio::test]
async fn a_waiting_child_is_cancelled_and_changed_as_any_job_and_does_not_expire() {
    let db = database().await;
    let parent = new(&db, &probe(0)).await;
    let (child, other) = (new(&db, &after(2, &[parent])).await, new(&db, &after(2, &[parent])).await);
    tell(&db, "update ordinaut.parked set run_at = now() - interval '1 h'").await;
    let change = ordinaut_core::queue::QueueChange::default().max_age(Some(Duration::from_secs(1800)));
    db.queues().update("default", &change).await.unwrap();
    let scheduler = schedule(Scheduler::new(db.clone()));
    assert_eq!(db.jobs().cancel(child).await.unwrap(), Cancelled::Now);
    let change = ordinaut_core::job::JobChange::default().priority(1);
    assert_eq!(db.jobs().update(other, &change).await.unwrap(), ordinaut_core::job::Changed::Now);
    let worker = run(worker(&db, succeed));
    ends_as(&db, other, JobState::Succeeded).await;
    assert_eq!(state(&db, child).await, JobState::Cancelled);
    worker.stop().await.unwrap();
    eventually(&db, "select not exists (select from ordinaut.followed_end)").await;
    scheduler.stop().await;
}

#[tokio::test]
async fn who_comes_after_a_duplicate_comes_after_the_job_that_is_there() {
    let db = database().await;
    let first = new(&db, &keyed("a")).await;
    let again = keyed("a");
    let child = after(2, &[again.id()]);
    assert_eq!(db.enqueue_many([&again, &child]).await.unwrap(), 1);
    let parents = "select parent_id from ordinaut.dependency where child_id = $1";
    assert_eq!(ask_of::<Uuid>(&db, parents, child.id()).await, first);
    // A child may be unique itself.
    let unique = keyed("b").after([first]);
    new(&db, &unique).await;
    assert_eq!(db.enqueue(&keyed("b").after([first])).await.unwrap(), Enqueued::Duplicate(unique.id()));
}

#[tokio::test]
async fn follow_answers_with_what_has_ended_and_marks_what_has_not() {
    let db = database().await;
    let (waits, done, dead) =
        (new(&db, &probe(0).queue("nobody")).await, new(&db, &probe(0)).await, new(&db, &probe(1)).await);
    let set_aside = new(&db, &after(2, &[waits])).await;
    let worker = run(worker(&db, odd_ones_die));
    ends_as(&db, done, JobState::Succeeded).await;
    ends_as(&db, dead, JobState::Dead).await;
    worker.stop().await.unwrap();
    let nobody = Uuid::now_v7();
    let follow = sqlx::query_as("select job_id, outcome from ordinaut.follow($1)");
    let answers: Vec<(Uuid, String)> =
        follow.bind([waits, done, dead, set_aside, nobody]).fetch_all(db.pool()).await.unwrap();
    let answers: BTreeMap<_, _> = answers.iter().map(|(id, outcome)| (*id, &**outcome)).collect();
    assert_eq!(answers, BTreeMap::from([(done, "succeeded"), (dead, "dead"), (nobody, "unknown")]));
    let marked = "select (flags & 64)::smallint from ordinaut.due_work where job_id = $1
                  union all select (flags & 64)::smallint from ordinaut.parked where job_id = $1";
    for job in [waits, set_aside] {
        assert_eq!(ask_of::<i16>(&db, marked, job).await, 64);
    }
}

/// What a job of a graph comes to, by what its parents came to: no more than the rules say.
fn outcome(n: i32, policy: AfterPolicy, parents: &[JobState]) -> JobState {
    let failed = parents.iter().any(|state| *state != JobState::Succeeded);
    match policy {
        AfterPolicy::Cancel if failed => JobState::Cancelled,
        AfterPolicy::Bury if failed => JobState::Dead,
        _ if n % 2 == 1 => JobState::Dead,
        _ => JobState::Succeeded,
    }
}

/// Graphs that nobody would draw, enqueued in parts while earlier parts run.
#[tokio::test]
async fn random_graphs_come_to_what_the_rules_say() {
    let seed = std::env::var("ORDINAUT_MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    let (mut random, db) = (StdRng::seed_from_u64(seed), database().await);
    let _schedulers = [Scheduler::new(db.clone()), Scheduler::new(db.another_pool().await)].map(schedule);
    let workers = [worker(&db, odd_ones_die), worker(&db.another_pool().await, odd_ones_die)].map(run);
    let mut expected: Vec<(Uuid, JobState)> = Vec::new();
    for _ in 0..8 {
        let mut part = Vec::new();
        for _ in 0..random.random_range(1..=12) {
            // Odd ones die; they are few, or nearly all would be cancelled.
            let n = if random.random_ratio(1, 8) { 1 } else { 2 };
            let policy = AfterPolicy::ALL[random.random_range(0..3)];
            let parents: Vec<(Uuid, JobState)> = (0..random.random_range(0..=3_usize).min(expected.len()))
                .map(|_| expected[random.random_range(0..expected.len())])
                .collect();
            let (ids, states): (Vec<_>, Vec<_>) = parents.into_iter().unzip();
            let job = after(n, &ids).after_policy(policy);
            expected.push((job.id(), outcome(n, policy, &states)));
            part.push(job);
        }
        db.enqueue_many(&part).await.unwrap();
    }
    let told = async || {
        let mut wrong = Vec::new();
        for (job, expected) in &expected {
            let state = state(&db, *job).await;
            if state != *expected {
                wrong.push(format!("{job} is {state:?}, and must be {expected:?}"));
            }
        }
        wrong
    };
    let done = async { until("the graph has come to its end", async || told().await.is_empty()).await };
    if tokio::time::timeout(Duration::from_secs(50), done).await.is_err() {
        panic!("seed {seed}: {:?}", told().await);
    }
    for worker in workers {
        worker.stop().await.unwrap();
    }
    eventually(&db, "select not exists (select from ordinaut.followed_end)").await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dependency").await, 0, "seed {seed}");
}
