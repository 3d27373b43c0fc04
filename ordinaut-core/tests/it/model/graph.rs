//! A walk through jobs that come after others and through batches: whatever ends a job, what
//! follows from that is what the model says.

use super::{Story, Told, given};
use crate::fixture::{Probe, TestDatabase, database, eventually, probe, schedule, worker};
use ordinaut_core::batch::{BatchState, NewBatch};
use ordinaut_core::job::{AfterPolicy, Cancelled, JobState};
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, JobError, NewJob, Scheduler, Worker};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

const STEPS: usize = 120;

/// What the model knows of a job.
#[derive(Clone, Debug)]
struct Node {
    state: JobState,
    /// The jobs whose ends it waits for.
    after: BTreeSet<Uuid>,
    policy: AfterPolicy,
}

/// What the model knows of a batch.
#[derive(Clone, Debug)]
struct Group {
    members: Vec<Uuid>,
    on_success: Uuid,
    on_complete: Uuid,
}

struct Graph {
    db: TestDatabase,
    worker: Worker<()>,
    ending: Arc<Mutex<JobState>>,
    random: StdRng,
    jobs: BTreeMap<Uuid, Node>,
    batches: BTreeMap<Uuid, Group>,
    log: Vec<String>,
}

impl Told for Graph {
    fn log(&self) -> &[String] {
        &self.log
    }
}

impl Graph {
    async fn begin(seed: u64) -> Self {
        let db = database().await;
        let ending = Arc::new(Mutex::new(JobState::Succeeded));
        let script = ending.clone();
        let worker = worker(&db, move |_: Probe, _: Context<()>| {
            let ending = *script.lock().unwrap();
            async move {
                match ending {
                    JobState::Succeeded => Ok(()),
                    JobState::Dead => Err(JobError::fatal("bad")),
                    _ => Err(JobError::cancel("moot")),
                }
            }
        });
        let (random, jobs, batches) = (StdRng::seed_from_u64(seed), BTreeMap::new(), BTreeMap::new());
        Self { db, worker, ending, random, jobs, batches, log: Vec::new() }
    }

    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..30 => self.enqueue().await,
            30..38 => self.enqueue_batch().await,
            38..80 => self.run_one().await,
            80..90 => self.cancel().await,
            _ => self.requeue().await,
        }
        self.compare().await;
    }

    /// A job that comes after some that there are, whatever has become of these.
    fn draw(&mut self) -> (NewJob, Node) {
        let number = *[0, 1, 1, 2, 3].choose(&mut self.random).unwrap();
        let after: BTreeSet<Uuid> =
            self.jobs.keys().copied().choose_multiple(&mut self.random, number).into_iter().collect();
        let policy = *AfterPolicy::ALL.choose(&mut self.random).unwrap();
        let job = probe(0).after(after.iter().copied()).after_policy(policy);
        let state = if after.is_empty() { JobState::Waiting } else { JobState::Parked };
        (job, Node { state, after, policy })
    }

    async fn enqueue(&mut self) {
        let (job, node) = self.draw();
        self.log.push(format!("enqueue {}: {node:?}", job.id()));
        self.db.enqueue(&job).await.unwrap();
        self.insert(job.id(), node);
    }

    async fn enqueue_batch(&mut self) {
        let (success, complete) = (probe(0), probe(0));
        let members: Vec<_> = (0..self.random.random_range(1..=4)).map(|_| self.draw()).collect();
        let batch = members.iter().fold(self.db.batch("walk"), |batch, (job, _)| NewBatch::add(batch, job.clone()));
        let id = batch.on_success(success.clone()).on_complete(complete.clone()).commit().await.unwrap();
        self.log.push(format!("batch {id} of {members:?}, then {} and {}", success.id(), complete.id()));
        for called in [&success, &complete] {
            let (state, after, policy) = (JobState::Parked, BTreeSet::new(), AfterPolicy::Cancel);
            self.jobs.insert(called.id(), Node { state, after, policy });
        }
        let group = Group {
            members: members.iter().map(|(job, _)| job.id()).collect(),
            on_success: success.id(),
            on_complete: complete.id(),
        };
        self.batches.insert(id, group);
        for (job, node) in &members {
            self.jobs.insert(job.id(), node.clone());
        }
        for (job, _) in members {
            self.tell_of_ended_parents(job.id());
        }
        self.end_batches();
    }

    /// Ends that were there before it reach it at once.
    fn insert(&mut self, id: Uuid, node: Node) {
        self.jobs.insert(id, node);
        self.tell_of_ended_parents(id);
        self.end_batches();
    }

    fn tell_of_ended_parents(&mut self, id: Uuid) {
        for parent in self.jobs[&id].after.clone() {
            let state = self.jobs[&parent].state;
            if has_ended(state) {
                self.reach(id, parent, state);
            }
        }
    }

    async fn run_one(&mut self) {
        let ending =
            *[JobState::Succeeded, JobState::Succeeded, JobState::Succeeded, JobState::Dead, JobState::Cancelled]
                .choose(&mut self.random)
                .unwrap();
        *self.ending.lock().unwrap() = ending;
        let step = self.worker.step().await.unwrap();
        self.log.push(format!("{step:?} as {ending:?}"));
        match step {
            Step::Worked(id) => {
                assert_eq!(self.jobs[&id].state, JobState::Waiting);
                self.end(id, ending);
                self.end_batches();
            }
            Step::Idle => assert!(self.jobs.values().all(|job| job.state != JobState::Waiting)),
            Step::LeaseLost(_) => panic!("nobody takes a lease from a step"),
        }
    }

    async fn cancel(&mut self) {
        let Some(id) = self.jobs.keys().copied().choose(&mut self.random) else { return };
        let answer = self.db.jobs().cancel(id).await.unwrap();
        self.log.push(format!("cancel {id}: {answer:?}"));
        if has_ended(self.jobs[&id].state) {
            assert_eq!(answer, Cancelled::TooLate);
            return;
        }
        assert_eq!(answer, Cancelled::Now);
        self.end(id, JobState::Cancelled);
        self.end_batches();
    }

    /// What was sent back waits for nobody, and its batch counts it anew.
    async fn requeue(&mut self) {
        let dead = self.jobs.iter().filter(|(_, job)| job.state == JobState::Dead).map(|(id, _)| *id);
        let Some(id) = dead.choose(&mut self.random) else { return };
        self.log.push(format!("requeue {id}"));
        assert_eq!(self.db.dead_letters().requeue(&[id]).await.unwrap().back, [id]);
        self.jobs.get_mut(&id).unwrap().state = JobState::Waiting;
    }

    fn end(&mut self, id: Uuid, state: JobState) {
        let node = self.jobs.get_mut(&id).unwrap();
        (node.state, node.after) = (state, BTreeSet::new());
        let children: Vec<_> = self.jobs.iter().filter(|(_, job)| job.after.contains(&id)).map(|(id, _)| *id).collect();
        for child in children {
            self.reach(child, id, state);
        }
    }

    /// The end of a parent reaches a child, if that still waits for it.
    fn reach(&mut self, child: Uuid, parent: Uuid, how: JobState) {
        let node = self.jobs.get_mut(&child).unwrap();
        if !node.after.remove(&parent) {
            return;
        }
        let (policy, is_last) = (node.policy, node.after.is_empty());
        match policy {
            AfterPolicy::Cancel if how != JobState::Succeeded => self.end(child, JobState::Cancelled),
            AfterPolicy::Bury if how != JobState::Succeeded => self.end(child, JobState::Dead),
            _ if is_last => node.state = JobState::Waiting,
            _ => {}
        }
    }

    /// What batches call goes on, or is cancelled, when all members have ended; once.
    fn end_batches(&mut self) {
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for group in self.batches.clone().into_values() {
                let number = |state| group.members.iter().filter(|id| self.jobs[id].state == state).count();
                let [succeeded, dead, cancelled] =
                    [JobState::Succeeded, JobState::Dead, JobState::Cancelled].map(number);
                if succeeded + dead + cancelled < group.members.len() {
                    continue;
                }
                let [complete, success] = [group.on_complete, group.on_success].map(|id| (id, self.jobs[&id].state));
                if let (id, JobState::Parked) = complete {
                    self.jobs.get_mut(&id).unwrap().state = JobState::Waiting;
                }
                match success {
                    (id, JobState::Parked) if succeeded == group.members.len() => {
                        self.jobs.get_mut(&id).unwrap().state = JobState::Waiting;
                    }
                    // It cannot succeed any more.
                    (id, JobState::Parked) if cancelled > 0 => {
                        self.end(id, JobState::Cancelled);
                        changed = true;
                    }
                    _ => {}
                }
            }
        }
    }

    async fn compare(&self) {
        eventually(&self.db, "select not exists (select from ordinaut.followed_end)").await;
        for (id, node) in &self.jobs {
            let found = self.db.jobs().get(*id).await.unwrap().unwrap();
            assert_eq!(found.state, node.state, "job {id}: {node:?}");
        }
        for (id, group) in &self.batches {
            let batch = self.db.batches().get(*id).await.unwrap().unwrap();
            let number = |state| group.members.iter().filter(|id| self.jobs[id].state == state).count() as i64;
            let counts = [JobState::Succeeded, JobState::Dead, JobState::Cancelled].map(number);
            assert_eq!([batch.succeeded, batch.dead, batch.cancelled], counts, "batch {id}");
            let goes_on = counts.iter().sum::<i64>() < group.members.len() as i64;
            assert_eq!(batch.state == BatchState::Running, goes_on, "batch {id}");
        }
    }
}

fn has_ended(state: JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Dead | JobState::Cancelled)
}

#[tokio::test]
async fn a_random_walk_through_jobs_that_follow_others_agrees_with_the_model() {
    let seed = given("ORDINAUT_MODEL_SEED").unwrap_or_else(rand::random);
    let mut walk = Graph::begin(seed).await;
    let _scheduler = schedule(Scheduler::new(walk.db.clone()));
    let story = Story(&mut walk, seed);
    for _ in 0..given("ORDINAUT_MODEL_STEPS").unwrap_or(STEPS) {
        story.0.step().await;
    }
}
