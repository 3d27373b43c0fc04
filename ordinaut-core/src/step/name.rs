//! What a step may be called.

/// The longest name, without the number that a repeated one gets.
const MAX_CHARS: usize = 200;

/// Checks the name of a step; the answer says what is wrong with it.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("must not be empty");
    }
    if name.chars().count() > MAX_CHARS {
        return Err("must not be longer than 200 characters");
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain NUL or another control character");
    }
    if name.contains('#') {
        return Err("must not contain #, which stands before the number of a name that comes again");
    }
    Ok(())
}

/// Checks a text that people read; the answer says what is wrong with it.
pub(crate) fn check_text(text: &str, longest: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.chars().count() > longest {
        return Err(format!("must not be longer than {longest} characters"));
    }
    if text.contains('\0') {
        return Err("must not contain NUL".to_owned());
    }
    Ok(())
}

/// The name of the step that asks for a name for the `nth` time.
pub(crate) fn numbered(name: &str, nth: u32) -> String {
    if nth <= 1 { name.to_owned() } else { format!("{name}#{nth}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_is_another_one() {
        assert_eq!([1, 2, 10].map(|nth| numbered("mail", nth)), ["mail", "mail#2", "mail#10"]);
        assert!(check("mail#2").is_err(), "else two steps could have one name");
        assert!(check("").is_err() && check("a\nb").is_err() && check(&"x".repeat(201)).is_err());
        assert!(check("send the mail").is_ok());
    }
}
