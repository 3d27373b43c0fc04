//! `now`, and times before and after it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// `now`, `now+24h` or `now-30m`, with s, m, h, d and w; `None`: it is something else.
pub(crate) fn read(text: &str) -> Option<Result<TimeDelta, String>> {
    let rest = text.trim().strip_prefix("now")?.trim();
    if rest.is_empty() {
        return Some(Ok(TimeDelta::zero()));
    }
    let (sign, amount) = match rest.split_at_checked(1)? {
        ("+", amount) => (1, amount.trim()),
        ("-", amount) => (-1, amount.trim()),
        _ => return None,
    };
    Some(span(amount).map(|span| span * sign))
}

fn span(amount: &str) -> Result<TimeDelta, String> {
    let wrong = || "has a time that is no number with s, m, h, d or w behind it, such as now+24h".to_owned();
    let (digits, unit) = amount.split_at_checked(amount.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    // Ten thousand years are more than anybody means.
    let span =
        number.checked_mul(seconds).filter(|seconds| (0..=315_360_000_000).contains(seconds)).ok_or_else(wrong)?;
    TimeDelta::try_seconds(span).ok_or_else(wrong)
}

/// The instant as JSON has it.
pub(crate) fn write(now: DateTime<Utc>, span: TimeDelta) -> Result<String, String> {
    let at = now.checked_add_signed(span).ok_or_else(|| "lies beyond the calendar".to_owned())?;
    Ok(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> String {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        read(text).unwrap().and_then(|span| write(now, span)).unwrap()
    }

    #[test]
    fn times_before_and_after_now() {
        assert_eq!(at("now"), "2023-11-14T22:13:20Z");
        assert_eq!(at("now+24h"), "2023-11-15T22:13:20Z");
        assert_eq!(at(" now - 20s "), "2023-11-14T22:13:00Z");
        assert_eq!(read("nowhere"), None);
        assert_eq!(read("steps.now"), None);
        assert!(read("now+24").unwrap().is_err() && read("now+9999999999999w").unwrap().is_err());
    }
}
