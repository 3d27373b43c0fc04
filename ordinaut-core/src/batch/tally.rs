//! What a fold counts in a batch.

use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What is to be added to the numbers of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) added: i64,
    pub(crate) succeeded: i64,
    /// Less those that were sent back.
    pub(crate) dead: i64,
    pub(crate) cancelled: i64,
}

/// Ends of jobs, and members that came, by the batches that they are of. What a batch calls
/// (`called`) is none of its members.
pub(crate) fn tally(
    ends: &[(Uuid, String)],
    members: &BTreeMap<Uuid, Uuid>,
    called: &BTreeSet<Uuid>,
    added: &[(Uuid, i64)],
) -> BTreeMap<Uuid, Tally> {
    let mut batches: BTreeMap<Uuid, Tally> = BTreeMap::new();
    for (batch, number) in added {
        batches.entry(*batch).or_default().added += number;
    }
    for (job, outcome) in ends.iter().filter(|(job, _)| !called.contains(job)) {
        let Some(batch) = members.get(job) else { continue };
        let batch = batches.entry(*batch).or_default();
        match &**outcome {
            "succeeded" => batch.succeeded += 1,
            "dead" => batch.dead += 1,
            "requeued" => batch.dead -= 1,
            "cancelled" => batch.cancelled += 1,
            _ => {}
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_where_they_belong_and_a_requeue_takes_one_back() {
        let [a, b, job, other, callback] = [1, 2, 3, 4, 5].map(Uuid::from_u128);
        let end = |id, outcome: &str| (id, outcome.to_owned());
        let ends = [
            end(job, "dead"),
            end(job, "requeued"),
            end(job, "succeeded"),
            end(other, "cancelled"),
            end(callback, "succeeded"),
            end(Uuid::nil(), "dead"),
        ];
        let members = BTreeMap::from([(job, a), (other, b), (callback, a)]);
        let counted = tally(&ends, &members, &BTreeSet::from([callback]), &[(b, 3), (b, 2)]);
        let of_a = Tally { succeeded: 1, ..Tally::default() };
        let of_b = Tally { added: 5, cancelled: 1, ..Tally::default() };
        assert_eq!(counted, BTreeMap::from([(a, of_a), (b, of_b)]));
    }
}
