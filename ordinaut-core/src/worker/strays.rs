//! Claims whose answer never came: they may have been committed, and then their leases are handed
//! back.

use std::time::{Duration, Instant};

/// A claim that Postgres has given up is over after this much longer than it may take.
const MOMENT: Duration = Duration::from_secs(1);

/// Claims whose answer never came.
pub(crate) struct Strays {
    claims: Vec<Stray>,
    /// Time after which such a claim cannot commit any more.
    given_up_after: Duration,
}

struct Stray {
    session: i64,
    nonce: i32,
    sent: Instant,
}

impl Strays {
    /// None yet; Postgres gives a claim up after `patience`.
    pub(crate) fn of_claims_given_up_after(patience: Duration) -> Self {
        Self { claims: Vec::new(), given_up_after: patience + MOMENT }
    }

    /// The answer to this claim did not come.
    pub(crate) fn add(&mut self, session: i64, nonce: i32, sent: Instant) {
        self.claims.push(Stray { session, nonce, sent });
    }

    /// The claims of this session whose leases are to be looked for now: all of them, as soon as
    /// one cannot commit any more, because a look reads the whole table. What another session
    /// claimed is rescued.
    pub(crate) fn due_for(&mut self, session: i64) -> Vec<i32> {
        self.claims.retain(|claim| claim.session == session);
        if !self.claims.iter().any(|claim| self.is_over(claim)) {
            return Vec::new();
        }
        self.claims.iter().map(|claim| claim.nonce).collect()
    }

    /// They were found, or are not there. Those that may still commit are looked for again.
    pub(crate) fn were_looked_for(&mut self) {
        let given_up_after = self.given_up_after;
        self.claims.retain(|claim| claim.sent.elapsed() <= given_up_after);
    }

    fn is_over(&self, claim: &Stray) -> bool {
        claim.sent.elapsed() > self.given_up_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strays(given_up_after: Duration) -> Strays {
        let mut strays = Strays { claims: Vec::new(), given_up_after };
        strays.add(1, 7, Instant::now());
        strays.add(2, 8, Instant::now());
        strays
    }

    #[test]
    fn they_are_looked_for_when_they_cannot_commit_any_more() {
        let mut young = strays(Duration::from_secs(3600));
        assert!(young.due_for(2).is_empty());
        young.were_looked_for();
        young.given_up_after = Duration::ZERO;
        assert_eq!(young.due_for(2), [8], "it was not forgotten, and that of another session was");
        young.were_looked_for();
        assert!(young.due_for(2).is_empty());
    }
}
