//! Portion: how much one claim takes, so that its answer can be delivered.

use std::time::Duration;

/// What the arguments in one answer take together at most, however many jobs it is for. An answer
/// of this size fits into the buffers of nearly every socket, so that the claim commits though its
/// reader has stopped reading.
const ANSWER_BYTES: usize = 128 * 1024;

/// Arguments up to this size always come with the claim: with many jobs a claim, fetching small
/// ones costs more.
const SMALL_BYTES: usize = 512;

/// Claims of as many jobs are as large as any.
const FULL: usize = 1024;

/// For as long after a claim that was too much, no arguments come along: what made it fail may be
/// in them, and Postgres may hold those rows until it has given up too.
const WITHOUT_ARGUMENTS: Duration = Duration::from_secs(60);

/// How much one claim takes. After one that failed, the next are for fewer jobs, down to one, and
/// bring no arguments for a while. Each that finds jobs is followed by one of twice as many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Portion {
    most: Option<usize>,
}

impl Portion {
    /// The number of jobs to claim, where `wanted` are wanted.
    pub(crate) fn of(self, wanted: usize) -> usize {
        self.most.map_or(wanted, |most| wanted.min(most))
    }

    /// Arguments of more bytes do not come with a claim of this many jobs, so long after one was
    /// too much.
    pub(crate) fn inline_bytes(jobs: usize, since_failure: Option<Duration>) -> usize {
        if since_failure.is_some_and(|time| time < WITHOUT_ARGUMENTS) {
            return 0;
        }
        (ANSWER_BYTES / jobs.max(1)).max(SMALL_BYTES)
    }

    /// A claim of this many jobs was too much.
    pub(crate) fn failed(&mut self, jobs: usize) {
        self.most = Some((self.of(jobs) / 2).max(1));
    }

    /// A claim found jobs.
    pub(crate) fn carried(&mut self) {
        self.most = self.most.map(|most| most * 2).filter(|most| *most < FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_repeated_smaller_down_to_one_and_grows_again() {
        let mut portion = Portion::default();
        assert_eq!(portion.of(400), 400);
        let mut sizes = Vec::new();
        for _ in 0..10 {
            portion.failed(400);
            sizes.push(portion.of(400));
        }
        assert_eq!(sizes, [200, 100, 50, 25, 12, 6, 3, 1, 1, 1]);
        for _ in 0..10 {
            portion.carried();
        }
        assert_eq!(portion.of(5000), 5000);
    }

    #[test]
    fn small_arguments_come_along_and_large_ones_share_the_answer() {
        let bytes = |jobs| Portion::inline_bytes(jobs, None);
        assert_eq!([1, 64, 1000].map(bytes), [ANSWER_BYTES, ANSWER_BYTES / 64, SMALL_BYTES]);
        assert_eq!(Portion::inline_bytes(32, Some(Duration::ZERO)), 0, "what was too much may be in the arguments");
        assert_eq!(Portion::inline_bytes(64, Some(WITHOUT_ARGUMENTS)), ANSWER_BYTES / 64);
    }
}
