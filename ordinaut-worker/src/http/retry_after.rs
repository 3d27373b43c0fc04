//! What a server asks for with `Retry-After`.

use std::time::{Duration, SystemTime};

/// A server that asks for more is not believed: by then somebody has looked at it.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Time that a `Retry-After` asks to wait. `None` also if it asks for no wait at all: then the
/// backoff decides.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has room for are still a long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(value).ok()?.duration_since(now).ok()?
    };
    (!wait.is_zero()).then_some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<u64> {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(value, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 120 "), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(wait("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
    }

    #[test]
    fn no_wait_is_longer_than_a_day() {
        assert_eq!(wait("86401"), Some(86_400));
        assert_eq!(wait("99999999999999999999999999"), Some(86_400));
        assert_eq!(wait("Mon, 06 Nov 1995 08:49:37 GMT"), Some(86_400));
    }

    #[test]
    fn what_asks_for_no_wait_or_means_nothing_leaves_it_to_the_backoff() {
        for value in ["0", "", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:00 GMT"] {
            assert_eq!(wait(value), None, "{value:?}");
        }
    }
}
