//! What a kind or a queue may be called, and where somebody may be told of something.

use crate::error::InvalidField;

/// Checks the name of a kind or a queue; the answer says what is wrong with it.
///
/// # Errors
///
/// What is wrong with it, to follow the field in a sentence: it is empty, longer than 100
/// characters, or has a control character.
pub fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("must not be empty");
    }
    if name.chars().count() > 100 {
        return Err("must not be longer than 100 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain NUL or another control character");
    }
    Ok(())
}

/// Checks the name of a queue that a job, a task or a setting makes. Workers are told a list of
/// queues with commas, and weights with `=`, so that neither may be part of a name, nor may white
/// space, which nobody sees.
pub(crate) fn check_queue(name: &str) -> Result<(), &'static str> {
    check(name)?;
    if name.chars().any(|c| c.is_whitespace() || matches!(c, ',' | '=')) {
        return Err("must not contain white space, \",\" or \"=\"");
    }
    Ok(())
}

/// Longest URL, in bytes.
const MAX_URL: usize = 2000;

/// Checks a URL that is told of something.
pub(crate) fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return Err("must begin with https:// or http:// and a host");
    };
    if url.len() > MAX_URL || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must be of at most 2000 bytes, without white space");
    }
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    if port.is_some_and(|(_, port)| !port.is_empty() && port.parse::<u16>().is_err()) {
        return Err("must have a port from 0 to 65535, or none");
    }
    if host.contains('@') {
        return Err("must not carry a password: everybody who may look would see it");
    }
    Ok(())
}

/// The name that stands for all queues, for pausing and resuming them together;
/// `sql/lease/claim.sql` looks for it.
pub const ALL_QUEUES: &str = "*";

/// Checks the name of a queue.
pub(crate) fn check_name(queue: &str) -> Result<(), InvalidField> {
    check(queue).map_err(|reason| InvalidField { field: "queue", reason: reason.to_owned() })
}

/// Checks the name of a queue that is one: jobs wait in it, and it has bounds.
pub(crate) fn check_one(queue: &str) -> Result<(), InvalidField> {
    if queue == ALL_QUEUES {
        let reason = "must be the name of one queue: \"*\" stands for all of them".to_owned();
        return Err(InvalidField { field: "queue", reason });
    }
    check_name(queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_so_that_workers_can_be_told_it() {
        for name in ["mail", "mail.high", "büro/1", "a-b_c:d"] {
            assert_eq!(check_queue(name), Ok(()), "{name}");
        }
        for name in ["", "a,b", "a=3", "a b", " a", "a\t", "a\u{a0}b", "a\0", &"a".repeat(101)] {
            assert!(check_queue(name).is_err(), "{name:?}");
        }
        assert_eq!(check("a,b = 3"), Ok(()));
    }
}
