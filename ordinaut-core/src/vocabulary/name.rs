//! What a kind or a queue may be called.

/// Checks the name of a kind or a queue; the answer says what is wrong with it.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
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
