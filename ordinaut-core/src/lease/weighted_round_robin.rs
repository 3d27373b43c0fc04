//! Which queue a claim begins with: a weighted round robin.

use std::sync::Arc;

/// Queues that take turns at going first. A claim takes from the first that has work as much as it
/// wants, so that while all have work, each gets a share of the jobs as large as its share of the
/// turns.
#[derive(Clone, Debug)]
pub(crate) struct WeightedRoundRobin {
    queues: Vec<Turn>,
}

#[derive(Clone, Debug)]
struct Turn {
    queue: Arc<str>,
    weight: i64,
    /// Grows by the weight each turn, and falls by the sum of all weights when the queue goes
    /// first: turns are spread evenly, and not in blocks.
    credit: i64,
}

impl WeightedRoundRobin {
    pub(crate) fn new<'a>(queues: impl IntoIterator<Item = (&'a str, u16)>) -> Self {
        let turn = |(queue, weight): (&str, u16)| Turn { queue: queue.into(), weight: weight.into(), credit: 0 };
        Self { queues: queues.into_iter().map(turn).collect() }
    }

    /// All queues in the order of the next claim: the one whose turn it is, then those that have
    /// waited longest.
    pub(crate) fn next(&mut self) -> Vec<Arc<str>> {
        let all: i64 = self.queues.iter().map(|turn| turn.weight).sum();
        for turn in &mut self.queues {
            turn.credit += turn.weight;
        }
        self.queues.sort_by_key(|turn| std::cmp::Reverse(turn.credit));
        let order = self.all();
        if let Some(first) = self.queues.first_mut() {
            first.credit -= all;
            // Behind those that have as much credit.
            self.queues.rotate_left(1);
        }
        order
    }

    /// All queues, and nobody's turn.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        self.queues.iter().map(|turn| turn.queue.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firsts(queues: &[(&str, u16)], turns: usize) -> String {
        let mut order = WeightedRoundRobin::new(queues.iter().copied());
        (0..turns).map(|_| order.next()[0].to_string()).collect()
    }

    #[test]
    fn equal_queues_go_first_in_turn() {
        assert_eq!(firsts(&[("a", 1), ("b", 1), ("c", 1)], 6), "abcabc");
    }

    #[test]
    fn a_heavier_queue_goes_first_more_often_and_not_in_a_row() {
        assert_eq!(firsts(&[("a", 3), ("b", 1)], 8), "abaaabaa");
        assert_eq!(firsts(&[("a", 5), ("b", 1), ("c", 1)], 7), "aabacaa");
    }

    #[test]
    fn every_queue_is_in_every_claim() {
        let mut order = WeightedRoundRobin::new([("a", 100), ("b", 1)]);
        assert!((0..300).all(|_| order.next().len() == 2));
    }
}
