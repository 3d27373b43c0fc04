//! What the status of an answer means for its job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which statuses are a success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a status such as 204, or a list of them")]
pub enum ExpectStatus {
    /// This one.
    One(#[schemars(range(min = 200, max = 599))] u16),
    /// Any of these.
    Some(#[schemars(inner(range(min = 200, max = 599)))] Vec<u16>),
    /// Any from 200 to 299.
    #[default]
    Successful,
}

/// What becomes of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// Another attempt may do better.
    Again,
    /// The server will not change its mind about this request.
    Never,
}

impl ExpectStatus {
    pub(crate) fn verdict(&self, status: u16) -> Verdict {
        match status {
            _ if self.includes(status) => Verdict::Done,
            // Too slow, too early, too many: about the moment, not about the request.
            408 | 425 | 429 => Verdict::Again,
            400..=499 => Verdict::Never,
            _ => Verdict::Again,
        }
    }

    /// Whether a redirect is to be followed, and not itself the answer that is wanted.
    pub(crate) fn follows_redirects(&self) -> bool {
        !(300..=399).any(|status| self.includes(status))
    }

    /// Whether any answer can satisfy it.
    pub(crate) fn is_possible(&self) -> bool {
        match self {
            Self::One(status) => (200..=599).contains(status),
            Self::Some(statuses) => !statuses.is_empty() && statuses.iter().all(|s| (200..=599).contains(s)),
            Self::Successful => true,
        }
    }

    fn includes(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::Some(statuses) => statuses.contains(&status),
            Self::Successful => (200..=299).contains(&status),
        }
    }
}

impl fmt::Display for ExpectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(status) => write!(f, "{status}"),
            Self::Some(statuses) => {
                let words: Vec<_> = statuses.iter().map(u16::to_string).collect();
                f.write_str(&words.join(" or "))
            }
            Self::Successful => f.write_str("2xx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_2xx_is_a_success_unless_something_else_is_expected() {
        let verdicts = |expected: ExpectStatus| [200, 204, 299, 404].map(|status| expected.verdict(status));
        use Verdict::{Again, Done, Never};
        assert_eq!(verdicts(ExpectStatus::Successful), [Done, Done, Done, Never]);
        assert_eq!(verdicts(ExpectStatus::One(204)), [Again, Done, Again, Never]);
        assert_eq!(verdicts(ExpectStatus::Some(vec![200, 404])), [Done, Again, Again, Done]);
    }

    #[test]
    fn only_a_client_error_that_time_does_not_mend_is_final() {
        let verdict = |status| ExpectStatus::Successful.verdict(status);
        for status in [400, 401, 403, 404, 409, 410, 422, 451, 499] {
            assert_eq!(verdict(status), Verdict::Never, "{status}");
        }
        for status in [301, 304, 408, 425, 429, 500, 502, 503, 504, 599, 999] {
            assert_eq!(verdict(status), Verdict::Again, "{status}");
        }
    }

    #[test]
    fn a_redirect_that_is_expected_is_not_followed() {
        assert!(ExpectStatus::Successful.follows_redirects());
        assert!(ExpectStatus::Some(vec![200, 404]).follows_redirects());
        assert!(!ExpectStatus::One(302).follows_redirects());
    }
}
