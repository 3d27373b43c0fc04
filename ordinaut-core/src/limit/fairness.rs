//! Shares: who had a job let in how long ago. A tenant with jobs in many lines has one turn, not
//! many.

use crate::limit::line::Line;
use std::collections::HashMap;

/// Maximum number that are remembered: with more, all begin anew.
const MOST: usize = 10_000;

/// Whose turn was when, as one worker remembers it.
#[derive(Debug, Default)]
pub(crate) struct Fairness {
    turn: u64,
    tenants: HashMap<String, u64>,
    lines: HashMap<String, u64>,
}

impl Fairness {
    /// These wait. Who has come goes behind those that wait already: else ever new keys would go
    /// before an old one forever.
    pub(crate) fn see(&mut self, lines: &[Line]) {
        if self.lines.len() > MOST || self.tenants.len() > MOST {
            (self.lines, self.tenants) = Default::default();
        }
        for line in lines {
            self.lines.entry(line.text.clone()).or_insert(self.turn);
            if let Some(tenant) = &line.tenant {
                self.tenants.entry(tenant.clone()).or_insert(self.turn);
            }
        }
    }

    /// When it was last the turn of who has this line, and when the line's own. The least is the
    /// next.
    pub(crate) fn last(&self, line: &Line) -> (u64, u64) {
        let own = self.lines.get(&line.text).copied().unwrap_or_default();
        let tenants = line.tenant.as_ref().map(|tenant| self.tenants.get(tenant).copied().unwrap_or_default());
        (tenants.unwrap_or(own), own)
    }

    /// Jobs of these lines are let in.
    pub(crate) fn had_turn<'a>(&mut self, lines: impl IntoIterator<Item = &'a Line>) {
        self.turn += 1;
        for line in lines {
            self.lines.insert(line.text.clone(), self.turn);
            if let Some(tenant) = &line.tenant {
                self.tenants.insert(tenant.clone(), self.turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::admission::admit;
    use chrono::TimeDelta;

    fn line(text: &str, tenant: Option<&str>) -> Line {
        let (tenant, members, waited) = (tenant.map(str::to_owned), Vec::new(), TimeDelta::zero());
        Line { text: text.to_owned(), servable: true, priority: 5, waited, waiting: 9, tenant, members }
    }

    /// The line that one job is let in from.
    fn next(shares: &mut Fairness, lines: &[Line]) -> String {
        shares.see(lines);
        let next = admit(lines, 1, None, shares).allowed.remove(0).line;
        shares.had_turn(lines.iter().filter(|line| line.text == next));
        next
    }

    #[test]
    fn a_tenant_with_many_lines_has_one_turn_and_its_lines_take_turns() {
        let tenants = [("a", "A"), ("b", "A"), ("c", "A"), ("d", "B")];
        let lines = tenants.map(|(text, tenant)| line(text, Some(tenant)));
        let mut shares = Fairness::default();
        let order: String = (0..8).map(|_| next(&mut shares, &lines)).collect();
        assert_eq!(order, "adbdcdad");
    }

    #[test]
    fn ever_new_lines_do_not_go_before_an_old_one_for_ever() {
        let mut shares = Fairness::default();
        let order: Vec<_> = (0..6)
            .map(|i| {
                next(
                    &mut shares,
                    &[line(&format!("new {i}"), None), line(&format!("newer {i}"), None), line("old", None)],
                )
            })
            .collect();
        assert!(order.iter().filter(|text| *text == "old").count() >= 2, "{order:?}");
    }

    #[test]
    fn when_too_many_are_remembered_all_begin_anew() {
        let mut shares = Fairness::default();
        shares.see(&(0..=MOST).map(|i| line(&i.to_string(), None)).collect::<Vec<_>>());
        shares.see(&[line("one more", None)]);
        assert_eq!(shares.lines.len(), 1);
    }
}
