//! Jobs of many tasks that wait to go into one statement; `together.rs` alone works on it.

use crate::job::new_job::NewJob;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Statements at once: while one waits for the disk, the next one is made.
const LANES: usize = 2;

/// Jobs of one statement. Of more each would wait longer for the others.
const JOBS: usize = 100;

/// Shared by all clones of a [`Client`](crate::client::Client).
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Waiting>,
    /// Lanes that are open.
    lanes: usize,
}

/// A job, and the task that waits for it to be stored.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) job: NewJob,
    pub(crate) stored: oneshot::Sender<()>,
}

impl Gathering {
    /// Adds a job. The answer is a lane that has to be worked, if there is room for one more.
    pub(crate) fn add(self: &Arc<Self>, waiting: Waiting) -> Option<Lane> {
        let mut state = self.state();
        state.jobs.push_back(waiting);
        if state.lanes == LANES {
            return None;
        }
        state.lanes += 1;
        Some(Lane { of: self.clone(), open: true })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to take jobs, for one statement after another.
#[derive(Debug)]
pub(crate) struct Lane {
    of: Arc<Gathering>,
    open: bool,
}

impl Lane {
    /// The jobs of the next statement, which somebody still waits for. Without any the lane is
    /// closed, under the same lock, so that a job that comes then opens another one.
    pub(crate) fn next(&mut self) -> Vec<Waiting> {
        let mut state = self.of.state();
        let mut some = Vec::new();
        while some.len() < JOBS
            && let Some(waiting) = state.jobs.pop_front()
        {
            if !waiting.stored.is_closed() {
                some.push(waiting);
            }
        }
        if some.is_empty() && self.open {
            state.lanes -= 1;
            self.open = false;
        }
        some
    }
}

/// One that ends before its time, with its runtime or by a panic, leaves nobody waiting: a caller
/// that hears nothing sends its job alone.
impl Drop for Lane {
    fn drop(&mut self) {
        if self.open {
            let mut state = self.of.state();
            state.lanes -= 1;
            state.jobs.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> (Waiting, oneshot::Receiver<()>) {
        let (stored, hears) = oneshot::channel();
        (Waiting { job: NewJob::new("probe", &()).unwrap(), stored }, hears)
    }

    #[test]
    fn what_comes_while_all_lanes_are_under_way_goes_together() {
        let gathering = Arc::new(Gathering::default());
        let mut hears = Vec::new();
        let mut add = || {
            let (waiting, hear) = waiting();
            hears.push(hear);
            gathering.add(waiting)
        };
        let mut first = add().unwrap();
        assert_eq!(first.next().len(), 1, "one that comes alone is sent at once");
        let mut second = add().unwrap();
        for _ in 0..JOBS {
            assert!(add().is_none());
        }
        assert_eq!((second.next().len(), first.next().len()), (JOBS, 1));
        assert!(first.next().is_empty() && second.next().is_empty());
        assert!(add().is_some(), "a closed lane makes room for another one");
    }

    #[test]
    fn nobody_waits_for_a_lane_that_is_gone_and_a_job_of_nobody_is_not_taken() {
        let gathering = Arc::new(Gathering::default());
        let (first, mut hears) = waiting();
        let lane = gathering.add(first).unwrap();
        drop(lane);
        assert_eq!(hears.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        let (given_up, hears) = waiting();
        drop(hears);
        assert!(gathering.add(given_up).unwrap().next().is_empty());
    }
}
