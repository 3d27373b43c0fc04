//! How long calls that were cut by the death of their worker waited until they were made again.

use crate::sink::Sink;
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

/// What the sink needs to notice that a caller is gone, in seconds.
const NOTICED: f64 = 0.5;

/// When workers were killed, in seconds of the machine's clock.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    kills: Vec<f64>,
}

/// From cut to called again, in seconds.
#[derive(Debug)]
pub(crate) struct Waits {
    pub(crate) count: usize,
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, median, p99, longest } = self;
        write!(f, "{count} calls, half within {median:.1} s, 99 % within {p99:.1} s, all within {longest:.1} s")
    }
}

impl Restarts {
    /// A worker was killed at this instant.
    pub(crate) fn killed(&mut self, at: f64) {
        self.kills.push(at);
    }

    /// Judges all calls after everything has ended. A call that was cut is one that ended within a
    /// moment after a kill and was followed by another one of its job.
    pub(crate) fn waits(&self, sink: &Sink) -> Waits {
        let calls: HashMap<Uuid, _> = sink.calls();
        let cut = |ended: f64| self.kills.iter().copied().find(|kill| (*kill - 0.1..kill + NOTICED).contains(&ended));
        let pairs = calls.values().flat_map(|calls| calls.windows(2));
        let mut waits: Vec<f64> =
            pairs.filter_map(|pair| cut(pair[0].ended).map(|kill| pair[1].began - kill)).collect();
        waits.sort_by(f64::total_cmp);
        assert!(!waits.is_empty(), "the kills cut no call");
        let at = |part: f64| waits[((waits.len() - 1) as f64 * part).round() as usize];
        Waits { count: waits.len(), median: at(0.5), p99: at(0.99), longest: at(1.0) }
    }
}
