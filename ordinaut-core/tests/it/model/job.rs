//! What the model knows of a job, and what each verb makes of it.

use ordinaut_core::JobError;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use std::time::Duration;
use uuid::Uuid;

/// Far beyond the end of any walk.
pub(super) const LATER: Duration = Duration::from_secs(3600);

/// The limit of workers, for jobs that name none.
pub(super) const WORKERS_MAX_ATTEMPTS: i16 = 3;

/// What a job is doing, as `job_state` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Scheduled,
    Waiting,
    Running {
        lease: Lease,
        cancel_asked: bool,
    },
    /// Set aside with its task; it may have been for later.
    Parked {
        later: bool,
    },
    /// Set aside by its mode (run again) until the leader runs no more; it may be for later.
    Behind {
        leader: Uuid,
        later: bool,
    },
    /// Set aside until its target takes calls.
    Unavailable,
    Succeeded,
    Cancelled,
    Dead,
}

/// What holds a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) session: i64,
    /// Whether its session is; else the next rescue takes the job back.
    pub(super) alive: bool,
}

/// All that the model knows of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) state: State,
    pub(super) attempt: i32,
    pub(super) failures: i16,
    /// Number of times that its worker was lost.
    pub(super) losses: i16,
    pub(super) priority: i16,
    pub(super) max_attempts: Option<i16>,
    pub(super) task: Option<Uuid>,
    /// Of a unique one.
    pub(super) key: Option<&'static str>,
    /// Ends of attempts; an attempt that was given back has none.
    pub(super) runs: i64,
}

impl Job {
    /// One that waits, or will.
    pub(super) fn new(later: bool, priority: i16, max_attempts: Option<i16>, task: Option<Uuid>) -> Self {
        let state = if later { State::Scheduled } else { State::Waiting };
        Self { state, attempt: 0, failures: 0, losses: 0, priority, max_attempts, task, key: None, runs: 0 }
    }

    /// The smallest runs first: a suspect, if no other one runs, and then by priority.
    pub(super) fn urgency(&self) -> (bool, i16) {
        (self.losses < 2, self.priority)
    }

    pub(super) fn change(&mut self, priority: i16, max_attempts: i16, is_later: bool) {
        (self.priority, self.max_attempts) = (priority, Some(max_attempts));
        if self.state == State::Unavailable {
            self.state = State::Waiting;
        }
        if is_later {
            match &mut self.state {
                State::Parked { later } | State::Behind { later, .. } => *later = true,
                state => *state = State::Scheduled,
            }
        }
    }

    pub(super) fn is_due_again(&mut self, after: Duration) {
        self.state = if after.is_zero() { State::Waiting } else { State::Scheduled };
    }

    /// Whether it holds its key.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.state, State::Succeeded | State::Cancelled | State::Dead)
    }

    /// Ended by a cancel before anybody claimed it.
    pub(super) fn cancel_unclaimed(&mut self) {
        (self.state, self.attempt, self.runs) = (State::Cancelled, self.attempt + 1, self.runs + 1);
    }

    /// The attempt under way has ended: what goes on although it was asked to stop is cancelled
    /// instead.
    pub(super) fn end_attempt(&mut self, ends: impl FnOnce(&mut Self)) {
        let asked = matches!(self.state, State::Running { cancel_asked: true, .. });
        ends(self);
        self.runs += 1;
        if asked && matches!(self.state, State::Waiting | State::Scheduled) {
            self.state = State::Cancelled;
        }
    }

    /// A failure that counts: another attempt after so long, or the end.
    pub(super) fn fail(&mut self, after: Duration) {
        self.failures += 1;
        if self.failures >= self.max_attempts.unwrap_or(WORKERS_MAX_ATTEMPTS) {
            self.state = State::Dead;
        } else {
            self.is_due_again(after);
        }
    }

    /// What `job_state` shows of it.
    pub(super) fn shown(&self) -> Shown {
        let (state, cancel_asked, failures) = match self.state {
            State::Scheduled => ("scheduled", false, Some(self.failures)),
            State::Waiting => ("waiting", false, Some(self.failures)),
            State::Running { cancel_asked, .. } => ("running", cancel_asked, Some(self.failures)),
            State::Parked { .. } | State::Behind { .. } | State::Unavailable => ("parked", false, Some(self.failures)),
            State::Succeeded => ("succeeded", false, None),
            State::Cancelled => ("cancelled", false, None),
            State::Dead => ("dead", false, Some(self.failures)),
        };
        (state.to_owned(), self.attempt, failures, cancel_asked, self.runs)
    }
}

/// State, attempt, failures, cancel asked, runs.
pub(super) type Shown = (String, i32, Option<i16>, bool, i64);

/// How a handler ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    Succeed,
    Retry(Duration),
    Fatal,
    Snooze(Duration),
    Cancel,
    Panic,
}

impl Ending {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let wait = if random.random() { Duration::ZERO } else { LATER };
        match random.random_range(0..8) {
            0..3 => Self::Succeed,
            3..5 => Self::Retry(wait),
            5 => Self::Snooze(wait),
            6 => *[Self::Fatal, Self::Cancel].choose(random).unwrap(),
            _ => Self::Panic,
        }
    }

    pub(super) fn result(self) -> Result<(), JobError> {
        match self {
            Self::Succeed => Ok(()),
            Self::Retry(wait) => Err(JobError::retry("no").after(wait)),
            Self::Fatal => Err(JobError::fatal("bad")),
            Self::Snooze(wait) => Err(JobError::snooze(wait)),
            Self::Cancel => Err(JobError::cancel("moot")),
            Self::Panic => panic!("as the walk wants it"),
        }
    }

    /// What the end of a claimed attempt makes of its job.
    pub(super) fn apply(self, job: &mut Job) {
        match self {
            Self::Succeed => job.state = State::Succeeded,
            Self::Retry(wait) => job.fail(wait),
            // Its backoff is 0 here.
            Self::Panic => job.fail(Duration::ZERO),
            Self::Fatal => (job.state, job.failures) = (State::Dead, job.failures + 1),
            Self::Snooze(wait) => job.is_due_again(wait),
            Self::Cancel => job.state = State::Cancelled,
        }
    }
}
