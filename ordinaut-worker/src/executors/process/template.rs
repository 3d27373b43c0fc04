//! A place of a command's argument vector: a text of the file, with the whole of one argument at
//! its end or without.

/// One place: what stands there, and the argument that follows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) prefix: String,
    pub(super) argument: Option<String>,
}

impl Place {
    /// Reads `{name}`, `--size={name}`, or a text without an argument. `{{` and `}}` are braces.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (prefix, argument) = match text.strip_suffix('}').filter(|head| !ends_with_odd_brace(head)) {
            Some(head) => match head.rsplit_once('{') {
                Some((prefix, name)) if is_name(name) && !is_open(prefix) => (prefix, Some(name.to_owned())),
                _ => return Err(BRACES.to_owned()),
            },
            None => (text, None),
        };
        let prefix = plain(prefix).ok_or(BRACES)?;
        if prefix.contains('\0') {
            return Err("must not have a NUL".to_owned());
        }
        // What follows would choose the option, and not be its value.
        if argument.is_some() && !prefix.is_empty() && prefix.chars().all(|c| c == '-') {
            return Err("must not make an option of an argument: name the option".to_owned());
        }
        Ok(Self { prefix, argument })
    }
}

const BRACES: &str = "must have an argument such as {name} at its end, or none; {{ and }} are braces";

/// Whether the text with one more `}` would end in pairs of them.
fn ends_with_odd_brace(text: &str) -> bool {
    text.chars().rev().take_while(|c| *c == '}').count() % 2 == 1
}

/// Whether the `{` that follows would be the second of a pair.
fn is_open(prefix: &str) -> bool {
    prefix.chars().rev().take_while(|c| *c == '{').count() % 2 == 1
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text whose braces are in pairs, with one of each; `None`: one stands alone.
fn plain(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if matches!(c, '{' | '}') && characters.next() != Some(c) {
            return None;
        }
        plain.push(c);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_has_a_place_of_its_own_or_stands_at_the_end() {
        let read = |text: &str| Place::read(text).map(|place| (place.prefix, place.argument));
        let of = |prefix: &str, name: &str| (prefix.to_owned(), (!name.is_empty()).then(|| name.to_owned()));
        for (text, place) in [
            ("{size}", of("", "size")),
            ("--size={size}", of("--size=", "size")),
            ("-n{count}", of("-n", "count")),
            ("literal", of("literal", "")),
            ("", of("", "")),
            ("-", of("-", "")),
            ("{{print $1}}", of("{print $1}", "")),
            ("{{{name}", of("{", "name")),
            ("a}}", of("a}", "")),
        ] {
            assert_eq!(read(text).unwrap(), place, "{text}");
        }
        for wrong in ["{a}{b}", "{a} b", "{", "}", "a}", "{}", "{a b}", "{{a}", "{a}}", "{a}}}", "-{a}", "--{a}", "a\0"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
