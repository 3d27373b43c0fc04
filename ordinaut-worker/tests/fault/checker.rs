//! The checker: what must hold of jobs, runs, answers and calls, whatever was killed at the same
//! time. All cases use this one.

use crate::history::{History, Run};
use crate::sink::Call;
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

const FINAL: [&str; 3] = ["succeeded", "cancelled", "dead"];

/// What a case may do that others may not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Number of attempts that may fail, or be lost beyond the first two losses of a job.
    pub(crate) max_attempts: usize,
    /// A claim is not durable: after a crash of Postgres its call has no run, and the attempt's
    /// number comes again.
    pub(crate) postgres_crashes: bool,
}

/// What was found: what is wrong, and figures.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) wrong: Vec<String>,
    pub(crate) jobs: usize,
    pub(crate) lost: usize,
    pub(crate) called_twice: usize,
    /// Calls that began when their session had ended already.
    pub(crate) began_late: usize,
    /// Calls of claims that Postgres had forgotten.
    pub(crate) forgotten: usize,
    /// The longest time for which a call without a lease went on beside its successor.
    pub(crate) beside: f64,
}

impl Findings {
    /// Ends the test if anything is wrong.
    pub(crate) fn hold(&self) {
        let (count, first) = (self.wrong.len(), &self.wrong[..self.wrong.len().min(10)]);
        assert!(self.wrong.is_empty(), "{count} wrong, such as:\n{}", first.join("\n"));
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, lost, called_twice, began_late, forgotten, beside, .. } = self;
        write!(
            f,
            "{jobs} jobs, {lost} attempts lost, {called_twice} jobs called more than once, {began_late} calls begun \
             after their lease, {forgotten} under forgotten claims, {beside:.2} s beside a successor at most"
        )
    }
}

/// Judges. `answered` are the jobs whose enqueue was answered; `calls` is what the sink saw.
pub(crate) fn check(history: &History, answered: &[Uuid], calls: &[Call], rules: Rules) -> Findings {
    let mut findings = Findings { jobs: history.states.len(), ..Findings::default() };
    for id in answered.iter().filter(|id| !history.states.contains_key(id)) {
        findings.wrong.push(format!("job {id} was answered, and is not there"));
    }
    let mut by_job: HashMap<Uuid, Vec<&Call>> = HashMap::new();
    calls.iter().for_each(|call| by_job.entry(call.job_id).or_default().push(call));
    for (id, state) in &history.states {
        let runs = history.runs.get(id).map_or(&[][..], Vec::as_slice);
        findings.lost += runs.iter().filter(|run| run.outcome == "lost").count();
        findings.ended_once(*id, state, runs);
        findings.bounded(*id, runs, rules);
        let calls = by_job.remove(id).unwrap_or_default();
        findings.called_twice += usize::from(calls.len() > 1);
        findings.fenced(*id, runs, &calls, history, rules);
        findings.apart(*id, runs, &calls, history);
    }
    let strangers = by_job.keys().map(|id| format!("job {id} was called, and is not there"));
    findings.wrong.extend(strangers);
    findings
}

impl Findings {
    /// One final outcome, which is that of the last attempt.
    fn ended_once(&mut self, id: Uuid, state: &str, runs: &[Run]) {
        let ends: Vec<_> = runs.iter().filter(|run| FINAL.contains(&run.outcome.as_str())).collect();
        match (&ends[..], runs.last()) {
            ([end], Some(last)) if end.attempt == last.attempt && end.outcome == state => {}
            _ => self.wrong.push(format!("job {id} is {state} after {runs:?}")),
        }
    }

    /// Attempts grow in the order of time, and no more of them fail than may.
    fn bounded(&mut self, id: Uuid, runs: &[Run], rules: Rules) {
        let grow =
            runs.windows(2).all(|pair| pair[0].attempt < pair[1].attempt && pair[0].finished <= pair[1].finished);
        let of = |outcome| runs.iter().filter(|run| run.outcome == outcome).count();
        let failures = of("failed") + of("dead") + of("lost").saturating_sub(2);
        if !grow || failures > rules.max_attempts {
            self.wrong.push(format!("job {id} has {failures} failures: {runs:?}"));
        }
    }

    /// Nothing was written by a stale attempt: each end that a handler came to is that of a call
    /// under the same lease, no token was used twice, and nothing was called after the end.
    fn fenced(&mut self, id: Uuid, runs: &[Run], calls: &[&Call], history: &History, rules: Rules) {
        let run_of =
            |call: &Call| runs.iter().find(|run| (run.attempt, run.session) == (call.attempt, Some(call.session)));
        for run in runs.iter().filter(|run| matches!(run.outcome.as_str(), "succeeded" | "failed") && !calls.is_empty())
        {
            if !calls.iter().any(|call| (run.attempt, run.session) == (call.attempt, Some(call.session))) {
                self.wrong.push(format!("job {id}: {run:?} was never called: {calls:?}"));
            }
        }
        for (at, call) in calls.iter().enumerate() {
            if calls[..at].iter().any(|other| other.token() == call.token()) {
                self.wrong.push(format!("job {id}: a token was used twice: {calls:?}"));
            }
            let leased_until = history.sessions.get(&call.session).copied().unwrap_or(f64::NEG_INFINITY);
            if call.began > leased_until {
                self.began_late += 1;
            } else if run_of(call).is_none() {
                self.forgotten += 1;
                if !rules.postgres_crashes {
                    self.wrong.push(format!("job {id}: {call:?} has no run: {runs:?}"));
                }
            }
        }
    }

    /// No two calls overlap of which the earlier one still held its lease.
    fn apart(&mut self, id: Uuid, runs: &[Run], calls: &[&Call], history: &History) {
        for (at, early) in calls.iter().enumerate() {
            for late in calls[at + 1..].iter().filter(|late| late.began < early.ended) {
                let run = runs.iter().find(|run| (run.attempt, run.session) == (early.attempt, Some(early.session)));
                let leased_until = history.sessions.get(&early.session).copied().unwrap_or(f64::NEG_INFINITY);
                // Rescued after its session; or of a claim that Postgres forgot, which fenced() has
                // judged.
                let was_over = run.is_none_or(|run| run.outcome == "lost" && leased_until <= late.began);
                let beside = early.ended.min(late.ended) - late.began;
                if was_over {
                    self.beside = self.beside.max(beside);
                } else {
                    self.wrong.push(format!("job {id}: two calls at once for {beside} s: {early:?} and {late:?}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { max_attempts: 2, postgres_crashes: false };

    fn id() -> Uuid {
        Uuid::from_u128(1)
    }

    fn run(attempt: i32, session: i64, outcome: &str, finished: f64) -> Run {
        Run { job_id: id(), attempt, session: Some(session), outcome: outcome.to_owned(), finished }
    }

    fn call(attempt: i32, session: i64, began: f64, ended: f64) -> Call {
        Call { job_id: id(), attempt, session, nonce: 1, key: String::new(), began, ended }
    }

    /// A job that was lost by session 1, which ended at 10, and done by session 2.
    fn history(runs: Vec<Run>) -> History {
        History {
            states: [(id(), "succeeded".to_owned())].into(),
            runs: [(id(), runs)].into(),
            sessions: [(1, 10.0), (2, f64::INFINITY)].into(),
        }
    }

    fn rescued() -> Vec<Run> {
        vec![run(1, 1, "lost", 10.0), run(2, 2, "succeeded", 12.0)]
    }

    fn wrong(runs: Vec<Run>, calls: &[Call]) -> usize {
        check(&history(runs), &[id()], calls, RULES).wrong.len()
    }

    #[test]
    fn a_rescued_job_is_right_though_its_first_call_goes_on_without_a_lease() {
        let calls = [call(1, 1, 1.0, 14.0), call(2, 2, 11.0, 12.0)];
        let findings = check(&history(rescued()), &[id()], &calls, RULES);
        assert_eq!(findings.wrong, [""; 0]);
        assert_eq!((findings.lost, findings.called_twice, findings.beside), (1, 1, 1.0));
    }

    #[test]
    fn each_kind_of_wrong_is_found() {
        let calls = [call(1, 1, 1.0, 2.0), call(2, 2, 11.0, 12.0)];
        assert_eq!(wrong(rescued(), &calls), 0);
        // A successor before the lease had ended.
        assert_eq!(wrong(rescued(), &[call(1, 1, 1.0, 14.0), call(2, 2, 9.0, 12.0)]), 1);
        // Two ends.
        assert_eq!(wrong(vec![run(1, 1, "succeeded", 10.0), run(2, 2, "succeeded", 12.0)], &calls), 1);
        // None.
        assert_eq!(wrong(vec![run(1, 1, "lost", 10.0)], &calls[..1]), 1);
        // An end that nobody called for, under a stale session.
        assert_eq!(wrong(vec![run(1, 1, "lost", 10.0), run(2, 1, "succeeded", 12.0)], &calls), 2);
        // A token twice, and a call without a run.
        assert_eq!(wrong(rescued(), &[call(1, 1, 1.0, 2.0), call(1, 1, 3.0, 4.0), call(2, 2, 11.0, 12.0)]), 1);
        assert_eq!(wrong(rescued(), &[calls.as_slice(), &[call(3, 2, 13.0, 14.0)]].concat()), 1);
        // Attempts that go back in time, and too many of them.
        assert_eq!(wrong(vec![run(1, 1, "lost", 13.0), run(2, 2, "succeeded", 12.0)], &calls), 1);
        let failed = (1..=3).map(|n| run(n, 2, "failed", 1.0)).chain([run(4, 2, "succeeded", 12.0)]).collect();
        assert_eq!(wrong(failed, &[]), 1);
        // A job that is not there.
        assert_eq!(check(&history(rescued()), &[Uuid::nil()], &calls, RULES).wrong.len(), 1);
    }
}
