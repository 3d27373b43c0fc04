//! The number of calls of a process that may be under way to a host.

/// Enough for any process.
const MOST: u32 = 1 << 20;

/// One call at first, twice as many after each success, and one again after a failure: a host that
/// is down gets one call of each process, and not one of each slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowStart {
    may: u32,
    under_way: u32,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { may: 1, under_way: 0 }
    }
}

impl SlowStart {
    /// Begins a call, if one more may be under way.
    pub(crate) fn begin(&mut self) -> bool {
        let may = self.under_way < self.may;
        self.under_way += u32::from(may);
        may
    }

    /// Begins the call that tries the host.
    pub(crate) fn begin_anyway(&mut self) {
        self.under_way += 1;
    }

    /// A call has ended, however it did.
    pub(crate) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    pub(crate) fn succeeded(&mut self) {
        self.may = (self.may * 2).min(MOST);
    }

    pub(crate) fn failed(&mut self) {
        self.may = 1;
    }

    pub(crate) fn under_way(&self) -> u32 {
        self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(start: &mut SlowStart) -> u32 {
        (0..100).map(|_| u32::from(start.begin())).sum()
    }

    #[test]
    fn it_doubles_with_each_success_and_begins_anew_after_a_failure() {
        let mut start = SlowStart::default();
        assert_eq!(begun(&mut start), 1);
        start.succeeded();
        start.end();
        assert_eq!((begun(&mut start), start.under_way()), (2, 2));
        start.succeeded();
        start.failed();
        assert_eq!(begun(&mut start), 0, "two are under way, and one may be");
        start.end();
        start.end();
        assert_eq!(begun(&mut start), 1);
    }
}
