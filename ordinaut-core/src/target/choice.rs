//! Which host of a target is called next.

use crate::lease::weighted_round_robin::WeightedRoundRobin;
use crate::target::definition::TargetStrategy;
use std::sync::Arc;

/// A host that takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) host: Arc<str>,
    pub(crate) weight: u16,
    /// Calls of this process that are under way, or wait to be.
    pub(crate) load: u32,
}

/// Whose turn it is, among the hosts that took calls the last time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    of: Vec<(Arc<str>, u16)>,
    order: Option<WeightedRoundRobin>,
}

impl Turns {
    /// The next host, of those in the order of their list; `None`: there are none.
    pub(crate) fn next(&mut self, strategy: TargetStrategy, candidates: &[Candidate]) -> Option<Arc<str>> {
        let by_weight = strategy == TargetStrategy::Weighted;
        match strategy {
            TargetStrategy::PriorityFailover => candidates.first().map(|first| first.host.clone()),
            TargetStrategy::RoundRobin | TargetStrategy::Weighted => {
                self.order(candidates, by_weight).into_iter().next()
            }
            TargetStrategy::LeastLoaded => {
                let load = |host: &Arc<str>| {
                    let found = candidates.iter().find(|candidate| candidate.host == *host);
                    found.map_or(u64::MAX, |found| u64::from(found.load) * 1000 / u64::from(found.weight.max(1)))
                };
                // Among equals they take turns.
                self.order(candidates, by_weight).into_iter().min_by_key(load)
            }
        }
    }

    /// All of them, beginning with the one whose turn it is.
    fn order(&mut self, candidates: &[Candidate], by_weight: bool) -> Vec<Arc<str>> {
        let weight = |candidate: &Candidate| if by_weight { candidate.weight } else { 1 };
        let now: Vec<_> = candidates.iter().map(|candidate| (candidate.host.clone(), weight(candidate))).collect();
        // A host that takes no calls must not have turns that its neighbour then gets.
        if self.of != now {
            self.order = None;
            self.of = now;
        }
        let hosts = self.of.iter().map(|(host, weight)| (&**host, *weight));
        self.order.get_or_insert_with(|| WeightedRoundRobin::new(hosts)).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(hosts: &[(&str, u16, u32)]) -> Vec<Candidate> {
        let candidate =
            |(host, weight, load): &(&str, u16, u32)| Candidate { host: (*host).into(), weight: *weight, load: *load };
        hosts.iter().map(candidate).collect()
    }

    fn calls(strategy: TargetStrategy, hosts: &[(&str, u16, u32)], times: usize) -> String {
        let (mut turns, candidates) = (Turns::default(), candidates(hosts));
        (0..times).map(|_| turns.next(strategy, &candidates).unwrap().to_string()).collect()
    }

    #[test]
    fn each_strategy_chooses_as_it_is_called() {
        let hosts = [("a", 3, 4), ("b", 1, 1), ("c", 1, 2)];
        assert_eq!(calls(TargetStrategy::RoundRobin, &hosts, 6), "abcabc");
        assert_eq!(calls(TargetStrategy::PriorityFailover, &hosts, 3), "aaa");
        assert_eq!(calls(TargetStrategy::LeastLoaded, &hosts, 2), "bb");
        let weighted = calls(TargetStrategy::Weighted, &hosts, 100);
        assert_eq!(["a", "b", "c"].map(|host| weighted.matches(host).count()), [60, 20, 20]);
        assert_eq!(Turns::default().next(TargetStrategy::RoundRobin, &[]), None);
    }

    #[test]
    fn the_turns_of_a_host_that_takes_no_calls_go_to_all_others() {
        let mut turns = Turns::default();
        turns.next(TargetStrategy::RoundRobin, &candidates(&[("a", 1, 0), ("b", 1, 0), ("c", 1, 0)]));
        let two = candidates(&[("b", 1, 0), ("c", 1, 0)]);
        let calls: String = (0..6).map(|_| turns.next(TargetStrategy::RoundRobin, &two).unwrap().to_string()).collect();
        assert_eq!(calls, "bcbcbc");
    }

    #[test]
    fn those_with_as_little_to_do_take_turns() {
        assert_eq!(calls(TargetStrategy::LeastLoaded, &[("a", 1, 0), ("b", 1, 0)], 4), "abab");
        assert_eq!(calls(TargetStrategy::LeastLoaded, &[("a", 4, 4), ("b", 1, 2)], 2), "aa");
    }
}
