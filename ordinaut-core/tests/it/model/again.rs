//! Unique jobs in the walk whose key passes on while its job runs: what each enqueue answers, and
//! who goes when.

use super::Walk;
use super::job::{Job, LATER, State};
use crate::fixture::{TestDatabase, ask, probe};
use ordinaut_core::job::OnDuplicate;
use ordinaut_core::{Enqueued, Unique};
use rand::Rng;
use rand::seq::IndexedRandom;
use uuid::Uuid;

/// The keys of the two modes, which are their jobs' tags too.
const STARTED: &str = "started";
const AGAIN: &str = "again";

impl Walk {
    /// Enqueues a job of one of the two modes; under the key of `run_again` come jobs of the other
    /// modes as well, but of `until_started` none, which may run beside any.
    pub(super) async fn enqueue_again(&mut self) {
        let (key, mode) = *[
            (STARTED, OnDuplicate::UntilStarted),
            (AGAIN, OnDuplicate::RunAgain),
            (AGAIN, OnDuplicate::RunAgain),
            (AGAIN, OnDuplicate::RunAgain),
            (AGAIN, OnDuplicate::Replace),
            (AGAIN, OnDuplicate::Debounce),
            (AGAIN, OnDuplicate::Skip),
        ]
        .choose(&mut self.random)
        .unwrap();
        let (priority, later) = (self.random.random_range(1..=9), self.random.random_ratio(1, 4));
        let mut job = probe(0).priority(priority).tags([key]).unique(Unique::by_kind().key(key).on_duplicate(mode));
        if later {
            job = job.delay(LATER);
        }
        let answer = self.db.enqueue(&job).await.unwrap();
        self.log.push(format!("enqueue {}, later: {later}, {key} {mode:?}: {answer:?}", job.id()));
        let mut new = Job::new(later, priority, None, None);
        new.key = Some(key);
        let holder = if key == STARTED { self.starter_that_waits() } else { self.last_of_again() };
        match holder.map(|holder| (holder, self.jobs.get_mut(&holder).unwrap())) {
            None => {}
            Some((leader, Job { state: State::Running { .. }, .. })) if mode == OnDuplicate::RunAgain => {
                new.state = State::Behind { leader, later };
            }
            Some((_, holder)) if replaces(mode) && !matches!(holder.state, State::Running { .. }) => {
                new.state = match (holder.state, mode) {
                    (State::Behind { leader, .. }, OnDuplicate::Debounce) => State::Behind { leader, later },
                    (_, OnDuplicate::Debounce) => new.state,
                    (state, _) => state,
                };
                holder.cancel_unclaimed();
            }
            Some((holder, _)) => return assert_eq!(answer, Enqueued::Duplicate(holder)),
        }
        assert_eq!(answer, Enqueued::New(job.id()));
        if key == STARTED {
            self.starter = Some(job.id());
        }
        self.jobs.insert(job.id(), new);
    }

    /// The job that holds the key of `until_started` and waits; while it runs, the key is there to
    /// be taken.
    fn starter_that_waits(&self) -> Option<Uuid> {
        self.starter.filter(|id| matches!(self.jobs[id].state, State::Waiting | State::Scheduled))
    }

    /// The job that holds the key of `run_again`: the one that follows, or else the only one that
    /// is active.
    fn last_of_again(&self) -> Option<Uuid> {
        let active = || self.jobs.iter().filter(|(_, job)| job.key == Some(AGAIN) && job.is_active());
        let follower = active().find(|(_, job)| matches!(job.state, State::Behind { .. }));
        follower.or_else(|| active().next()).map(|(id, _)| *id)
    }

    /// Whether a dead job takes its key again, and that it does. A key of these modes whose job has
    /// ended is free once that was noticed: by an enqueue, or by the scheduler. Till then it may be
    /// refused.
    pub(super) fn may_be_sent_back(&mut self, job_id: Uuid, key: Option<&str>, was: bool) -> bool {
        match key {
            Some(AGAIN) => was && self.last_of_again().is_none(),
            Some(STARTED) if was => {
                let holder = self.starter.replace(job_id);
                holder.is_none_or(|holder| !self.jobs[&holder].is_active())
            }
            Some(STARTED) => false,
            key => self.holder(key).is_none(),
        }
    }

    /// What the scheduler does each second: what follows a job that runs no more goes, and if that
    /// one waits to be tried again, it is cancelled.
    pub(super) fn let_followers_go(&mut self) {
        let followers: Vec<_> = self.jobs.iter().map(|(id, job)| (*id, job.state)).collect();
        for (follower, state) in followers {
            let State::Behind { leader, later } = state else { continue };
            let leader = self.jobs.get_mut(&leader).unwrap();
            match leader.state {
                State::Running { .. } => continue,
                State::Waiting | State::Scheduled => leader.cancel_unclaimed(),
                _ => {}
            }
            self.jobs.get_mut(&follower).unwrap().state = if later { State::Scheduled } else { State::Waiting };
        }
    }
}

fn replaces(mode: OnDuplicate) -> bool {
    matches!(mode, OnDuplicate::Replace | OnDuplicate::Debounce | OnDuplicate::RunAgain)
}

/// By the database alone: no two jobs of the key of `run_again` run at once, and none waits in a
/// worker's sight beside one that runs; at most one follows.
pub(super) async fn at_most_one_runs_and_one_follows(db: &TestDatabase) {
    let work = "select count(*) <= 1 from ordinaut.due_work join ordinaut.job on id = job_id where tags && '{again}'";
    assert!(ask::<bool>(db, work).await, "two jobs of one key run, or may");
    let follows = "select count(*) <= 1 from ordinaut.parked join ordinaut.job on id = job_id where tags && '{again}'";
    assert!(ask::<bool>(db, follows).await, "two jobs of one key follow");
}
