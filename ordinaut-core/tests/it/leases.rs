//! Leases in the hands of a program that is no worker: the same fence, rescue, limits and cancels.

use crate::fixture::{database, probe, schedule_once, tell, within};
use ordinaut_core::job::{Backoff, Cancelled, JobState};
use ordinaut_core::lease::{
    CheckpointError, ClaimRequest, Claimed, Lease, Look, Renewal, Reply, SessionCounts, SessionProfile, SettledAttempt,
    Settlement, lanes,
};
use ordinaut_core::limit::{AdmitRequest, Limiter};
use ordinaut_core::{Client, JobError, Limit, Outcome};
use std::sync::Arc;
use std::time::Duration;

const BACKOFF: Backoff = Backoff::Fixed { delay: Duration::from_secs(60) };

/// A program with a session, which counts its claims.
struct Program {
    client: Client,
    session: i64,
    claims: i32,
}

impl Program {
    async fn start(client: &Client) -> Self {
        let profile = SessionProfile::new("a program", Duration::from_secs(60)).queues(["default"]).kinds(["probe"]);
        let session = client.leases().open_session(&profile.concurrency(10).max_attempts(4)).await.unwrap();
        Self { client: client.clone(), session, claims: 0 }
    }

    /// Claims up to `limit` jobs, and up to as many under limits.
    async fn claim_with(&mut self, limiter: Option<&mut Limiter>, limit: usize, look: Look) -> Vec<Lease> {
        self.claims += 1;
        let (lanes, kinds) = (lanes(&[Arc::from("default")]), [Arc::from("probe")]);
        let request = ClaimRequest::new(self.session, self.claims, &lanes, &kinds, limit).look(look);
        let Claimed { mut leases, limits, .. } = self.client.leases().claim(&request).await.unwrap();
        if let Some(limiter) = limiter {
            limiter.claimed(limits);
            leases.extend(limiter.admit_all(&self.client, &AdmitRequest::of(&request)).await.unwrap());
        }
        leases
    }

    async fn claim(&mut self, limit: usize) -> Vec<Lease> {
        self.claim_with(None, limit, Look::Ordinary).await
    }

    async fn settle(&self, ends: &[SettledAttempt]) -> Vec<Reply> {
        self.client.leases().settle(ends).await.unwrap()
    }
}

fn end(lease: &Lease, result: Result<(), JobError>) -> SettledAttempt {
    SettledAttempt::of(lease, Settlement::of(result, lease.retries(4, BACKOFF), 0.5)).ran_for(Duration::from_millis(3))
}

async fn state(db: &Client, lease: &Lease) -> JobState {
    db.jobs().get(lease.token.job_id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn each_end_of_a_batch_is_answered_by_itself() {
    let db = database().await;
    db.enqueue_many((0..5).map(probe)).await.unwrap();
    let mut program = Program::start(&db).await;
    let leases = program.claim(5).await;
    let [done, failed, fatal, stale, unrun] = &leases[..] else { panic!("{leases:?}") };
    assert_eq!(done.body.as_ref().unwrap().args, r#"{"n": 0}"#);
    let mut of_another = end(stale, Ok(()));
    of_another.token.nonce += 1;

    let ends = [
        end(done, Ok(())).output(&"ok").unwrap(),
        of_another,
        end(fatal, Err(JobError::fatal("never"))),
        end(failed, Err(JobError::retry("busy"))),
    ];
    let replies = program.settle(&ends).await;

    let settled = [Outcome::Succeeded, Outcome::Dead, Outcome::Failed].map(Reply::Settled);
    assert_eq!(replies, [settled[0], Reply::LeaseLost, settled[1], settled[2]]);
    assert_eq!(program.settle(&ends).await, [Reply::LeaseLost; 4], "what was settled has lost its lease");
    program.client.leases().give_back(program.session, &[unrun.token]).await.unwrap();
    let states = [JobState::Succeeded, JobState::Scheduled, JobState::Dead, JobState::Running, JobState::Waiting];
    for (lease, expected) in leases.iter().zip(states) {
        assert_eq!(state(&db, lease).await, expected);
    }
    let [run] = &db.jobs().runs(done.token.job_id).await.unwrap()[..] else { panic!("it ran once") };
    assert!(run.outcome == Outcome::Succeeded && run.started_at.is_some() && run.output.is_some());
}

#[tokio::test]
async fn ends_are_written_by_place_where_that_is_possible_and_say_so_where_it_is_not() {
    let db = database().await;
    db.enqueue_many((0..3).map(probe)).await.unwrap();
    let mut program = Program::start(&db).await;
    let mut leases = program.claim(3).await;
    leases.sort_by_key(|lease| lease.token.job_id);
    let ends: Vec<_> = leases.iter().map(|lease| end(lease, Ok(()))).collect();
    // The row of the second moves, as by a cancel.
    assert_eq!(db.jobs().cancel(leases[1].token.job_id).await.unwrap(), Cancelled::Asked);

    let tried = db.leases().try_settle(&ends).await.unwrap();

    assert_eq!(tried, [Some(Outcome::Succeeded), None, Some(Outcome::Succeeded)]);
    let settled = Reply::Settled(Outcome::Succeeded);
    assert_eq!(program.settle(&ends).await, [Reply::LeaseLost, settled, Reply::LeaseLost]);
}

#[tokio::test]
async fn an_end_waits_for_no_lock_but_is_written_at_once_behind_one_that_was_left() {
    let db = database().await;
    db.enqueue_many((0..3).map(probe)).await.unwrap();
    let mut program = Program::start(&db).await;
    let leases = program.claim(3).await;
    let failed = |lease| end(lease, Err(JobError::retry("no route")));
    let ends: Vec<_> = leases.iter().map(failed).collect();
    let lock = "select from ordinaut.due_work where job_id = $1 for update";
    let mut left = db.pool().begin().await.unwrap();
    sqlx::query(lock).bind(leases[0].token.job_id).execute(&mut *left).await.unwrap();
    left.commit().await.unwrap();
    let mut held = db.pool().begin().await.unwrap();
    sqlx::query(lock).bind(leases[1].token.job_id).execute(&mut *held).await.unwrap();

    let tried = within(db.leases().try_settle(&ends)).await.unwrap();

    assert_eq!(tried, [Some(Outcome::Failed), None, Some(Outcome::Failed)]);
    held.rollback().await.unwrap();
    let tried = db.leases().try_settle(&ends).await.unwrap();
    assert_eq!(tried, [None, Some(Outcome::Failed), None]);
}

#[tokio::test]
async fn a_session_hears_of_cancels_and_a_retry_of_a_cancelled_job_ends_it() {
    let db = database().await;
    db.enqueue(&probe(1)).await.unwrap();
    let mut program = Program::start(&db).await;
    let lease = program.claim(1).await.remove(0);
    assert_eq!(db.leases().cancels(program.session).await.unwrap(), []);
    assert_eq!(db.jobs().cancel(lease.token.job_id).await.unwrap(), Cancelled::Asked);

    let [asked] = db.leases().cancels(program.session).await.unwrap()[..] else { panic!("one job is to stop") };

    assert_eq!((asked.job_id, asked.attempt), (lease.token.job_id, 1));
    let replies = program.settle(&[end(&lease, Err(JobError::retry("stopped")))]).await;
    assert_eq!(replies, [Reply::Settled(Outcome::Cancelled)]);
}

#[tokio::test]
async fn a_session_that_was_declared_dead_hears_so_and_writes_nothing_more() {
    let db = database().await;
    db.enqueue(&probe(1)).await.unwrap();
    let mut program = Program::start(&db).await;
    let lease = program.claim(1).await.remove(0);
    let mut counts = SessionCounts::default();
    counts.add(&lease.queue, Outcome::Succeeded, 3);
    db.leases().save_checkpoint(lease.token, &7).await.unwrap();
    assert_eq!(db.leases().renew(program.session, 1, &counts).await.unwrap(), Renewal::Held);
    tell(&db, "update ordinaut.worker set expires_at = now() - interval '1 s'").await;

    schedule_once(&db).await;

    assert_eq!(db.leases().renew(program.session, 1, &counts).await.unwrap(), Renewal::Dead);
    assert_eq!(program.settle(&[end(&lease, Ok(()))]).await, [Reply::LeaseLost]);
    let refused = db.leases().save_checkpoint(lease.token, &8).await;
    assert!(matches!(refused, Err(CheckpointError::LeaseLost)), "{refused:?}");
    let mut next = Program::start(&db).await;
    let again = next.claim(1).await.remove(0);
    assert_eq!((again.token.attempt, again.failures), (2, 0));
    assert_eq!(db.leases().checkpoint::<i32>(lease.token.job_id).await.unwrap(), Some(7));
    assert_eq!(db.leases().after_restart(&[lease.token, again.token]).await.unwrap().missing, [lease.token.job_id]);
    db.leases().close_session(program.session, &counts).await.unwrap();
}

#[tokio::test]
async fn limits_hold_for_jobs_that_are_leased_without_a_worker() {
    let db = database().await;
    db.limits().put(&Limit::new("one").kind("probe").concurrency(1)).await.unwrap();
    db.enqueue_many((0..3).map(probe)).await.unwrap();
    let (mut program, mut limiter) = (Program::start(&db).await, Limiter::default());

    let first = program.claim_with(Some(&mut limiter), 10, Look::Ordinary).await;

    let [one] = &first[..] else { panic!("a limit of one lets one in: {first:?}") };
    assert!(one.limited);
    assert_eq!(program.claim(10).await.len(), 0, "claims pass by jobs that a limit concerns");
    limiter.woken();
    assert_eq!(program.claim_with(Some(&mut limiter), 10, Look::Ordinary).await.len(), 0);
    assert_eq!(program.settle(&[end(one, Ok(()))]).await, [Reply::Settled(Outcome::Succeeded)]);
    limiter.woken();
    assert_eq!(program.claim_with(Some(&mut limiter), 10, Look::Ordinary).await.len(), 1);
}

#[tokio::test]
async fn large_arguments_are_fetched_and_suspects_are_asked_for() {
    let db = database().await;
    db.enqueue(&probe(1)).await.unwrap();
    tell(&db, "update ordinaut.job set args = jsonb_build_object('n', 1, 'text', repeat(md5(random()::text), 20000))")
        .await;
    let mut program = Program::start(&db).await;

    let mut lease = program.claim(1).await.remove(0);

    let job_id = lease.token.job_id;
    assert!(lease.left_out.is_some());
    let args = db.leases().fetch_args(&[job_id]).await.unwrap().remove(&job_id).unwrap();
    lease.complete(Ok(args));
    assert_eq!((lease.left_out, lease.body.as_ref().unwrap().args.len() > 640_000), (None, true));
    let strays = db.leases().strays(program.session, &[program.claims]).await.unwrap();
    assert_eq!(strays, [lease.token]);
    db.leases().give_back(program.session, &strays).await.unwrap();
    tell(&db, "update ordinaut.due_work set flags = flags | ordinaut.flag_suspect()").await;
    assert_eq!(program.claim(1).await.len(), 0);
    let suspects = program.claim_with(None, 1, Look::Suspects).await;
    assert!(suspects.len() == 1 && suspects[0].suspect);
}
