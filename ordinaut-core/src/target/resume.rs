//! Which jobs that wait for a target are let go now.

/// Maximum number of jobs a second that are let go of a target that is gone: they end with an error
/// that says so.
const OF_A_TARGET_THAT_IS_GONE: f64 = 1000.0;

/// Least time between two turns, so that several schedulers do not all read the same.
const TURN_SECONDS: f64 = 0.2;

/// Time after which another job is let go to try a target, if the one before did not: perhaps no
/// worker wants it.
const ANOTHER_SECONDS: f64 = 5.0;

/// What is known of a target that jobs wait for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WaitedFor {
    pub(crate) name: String,
    /// Jobs a second that are let go; `None`: there is no such target.
    pub(crate) resume_rate: Option<f64>,
    /// Number of calls that may begin beside those under way; `None`: any.
    pub(crate) room: Option<i64>,
    /// Whether a host is called.
    pub(crate) called: bool,
    /// Whether a host may be tried.
    pub(crate) may_be_tried: bool,
}

/// The jobs that are let go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LetIn {
    pub(crate) jobs_a_second: f64,
    /// Seconds that must have passed since the last time.
    pub(crate) after: f64,
    /// Those that have waited longest, and not the most urgent.
    pub(crate) oldest: bool,
    /// Never more than these; `None`: any number.
    pub(crate) at_most: Option<i64>,
}

impl WaitedFor {
    /// `None`: none is.
    pub(crate) fn let_in(&self) -> Option<LetIn> {
        match self {
            Self { resume_rate: None, .. } => {
                Some(LetIn { jobs_a_second: OF_A_TARGET_THAT_IS_GONE, after: 0.0, oldest: true, at_most: None })
            }
            // Calls that end let others go.
            Self { room: Some(..=0), .. } => None,
            Self { resume_rate: Some(rate), called: true, room, .. } => {
                // One at least goes in a turn.
                let after = TURN_SECONDS.max(1.0 / rate);
                Some(LetIn { jobs_a_second: *rate, after, oldest: false, at_most: *room })
            }
            Self { may_be_tried: true, .. } => {
                Some(LetIn { jobs_a_second: 1.0, after: ANOTHER_SECONDS, oldest: true, at_most: None })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resume_rate: Option<f64>, called: bool, may_be_tried: bool) -> Option<LetIn> {
        WaitedFor { name: "t".to_owned(), resume_rate, room: None, called, may_be_tried }.let_in()
    }

    #[test]
    fn no_more_go_than_there_is_room_for() {
        let of = |room| {
            let (resume_rate, called, may_be_tried) = (Some(100.0), true, false);
            WaitedFor { name: "t".to_owned(), resume_rate, room, called, may_be_tried }.let_in()
        };
        assert_eq!(of(Some(2)).and_then(|turn| turn.at_most), Some(2));
        assert_eq!(of(Some(0)), None);
        assert_eq!(of(None).map(|turn| turn.at_most), Some(None));
    }

    #[test]
    fn a_target_that_is_called_gets_them_at_its_rate_and_one_that_may_be_tried_gets_one() {
        assert_eq!(of(Some(7.0), true, true).map(|turn| (turn.jobs_a_second, turn.oldest)), Some((7.0, false)));
        assert_eq!(of(Some(7.0), false, true).map(|turn| (turn.jobs_a_second, turn.oldest)), Some((1.0, true)));
        assert_eq!(of(Some(0.1), true, false).map(|turn| turn.after), Some(10.0));
        assert_eq!(of(Some(7.0), false, false), None);
        assert!(of(None, false, false).is_some_and(|turn| turn.jobs_a_second > 100.0));
    }
}
