//! What arguments may be: bounded as Postgres writes them, not only as they were sent.

use crate::job::nul_bytes;

/// Maximum size of a job's arguments in bytes: a queue row is no place for a file.
pub const MAX_ARGS_BYTES: usize = 1024 * 1024;

/// As deep as arrays and objects may be nested: what decodes arguments has a stack that ends.
pub(crate) const MAX_DEPTH: usize = 100;

/// A number of a few bytes can be long: Postgres stores `1e130000`, and writes 130 kB.
const MAX_DIGITS: usize = 1000;

/// Checks arguments, which are JSON; the answer says what is wrong with them.
/// `sql/functions/args_fault.sql` is the same for plain SQL.
pub(crate) fn check(json: &str) -> Result<(), &'static str> {
    if json.len() > MAX_ARGS_BYTES {
        return Err("must not be larger than 1 MiB");
    }
    if nul_bytes::escapes(json).next().is_some() {
        return Err("must not contain \\u0000, which Postgres cannot store");
    }
    let (mut depth, mut size, bytes) = (0, json.len(), json.as_bytes());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'-' | b'0'..=b'9' => {
                let end = bytes[at..].iter().position(|byte| !is_of_number(*byte)).map_or(bytes.len(), |n| at + n);
                let number = &json[at..end];
                // Without an exponent Postgres writes no more than was sent.
                if number.len() > MAX_DIGITS || number.contains(['e', 'E']) {
                    let written = written_out(number).ok_or("must not contain a number of more than 1000 digits")?;
                    size += written.len().saturating_sub(number.len());
                }
                at = end - 1;
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err("must not be nested more than 100 deep");
        }
        at += 1;
    }
    if size > MAX_ARGS_BYTES { Err("must not be larger than 1 MiB with its numbers written out") } else { Ok(()) }
}

/// Whether JSON is nested deeper than what reads it again can go.
pub(crate) fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut at, bytes) = (0_usize, 0, json.as_bytes());
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
        at += 1;
    }
    false
}

/// Where the text that begins at `at` ends.
fn end_of_text(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
        at += if *byte == b'\\' { 2 } else { 1 };
    }
    at
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// A number of JSON as Postgres writes it: without an exponent, with the digits that were given.
/// `None`: there are too many.
pub(crate) fn written_out(number: &str) -> Option<String> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |number| (true, number));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shift: isize = exponent.parse().ok()?;
    if whole.len() + fraction.len() + shift.unsigned_abs() > MAX_DIGITS {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    // Where the point is among the digits; before the first, or beyond the last, there are zeros.
    let point = whole.len().checked_add_signed(shift);
    let (whole, fraction) = match point {
        Some(point) if point <= digits.len() => (digits[..point].to_owned(), digits[point..].to_owned()),
        Some(point) => (format!("{digits}{}", "0".repeat(point - digits.len())), String::new()),
        None => (String::new(), format!("{}{digits}", "0".repeat(shift.unsigned_abs() - whole.len()))),
    };
    let whole = whole.trim_start_matches('0');
    let sign = if negative && (whole.len() + fraction.trim_matches('0').len() > 0) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_postgres_writes_them() {
        for (number, written) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1.50", "1.50"),
            ("1e2", "100"),
            ("1.5E+3", "1500"),
            ("1.50e1", "15.0"),
            ("-12.5e-3", "-0.0125"),
            ("5e-3", "0.005"),
            ("0e-2", "0.00"),
            ("120e-1", "12.0"),
            ("18446744073709551617", "18446744073709551617"),
        ] {
            assert_eq!(written_out(number).as_deref(), Some(written), "{number}");
        }
        for number in ["1e1000", "1e-1000", "1e130000", "1e99999999999999999999"] {
            assert_eq!(written_out(number), None, "{number}");
        }
        assert_eq!(written_out(&"9".repeat(1000)).map(|written| written.len()), Some(1000));
    }

    #[test]
    fn what_is_short_and_becomes_long_is_refused() {
        assert!(check(&format!("[{}1]", "1e999,".repeat(1500))).unwrap_err().contains("written out"));
        assert!(check(r#"{"a": [1e130000]}"#).unwrap_err().contains("digits"));
        let nested = |deep| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        assert!(check(&nested(MAX_DEPTH)).is_ok());
        assert!(check(&nested(MAX_DEPTH + 1)).unwrap_err().contains("deep"));
        assert!(check(&format!(r#"{{"1e99999": "{} \" 1e99999 \\", "a": -1.5e3}}"#, "[".repeat(200))).is_ok());
    }
}
