//! NUL in JSON: legal there as an escape, and refused by Postgres.

/// Where JSON text has an escaped NUL. A backslash that is itself escaped starts no escape.
pub(crate) fn escapes(json: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some(found) = json[from..].find('\\') {
            let at = from + found;
            // Whatever is escaped is ASCII, so the text can be cut behind it.
            from = at + 2;
            if json[at + 1..].starts_with("u0000") {
                return Some(at);
            }
        }
        None
    })
}

/// The same JSON with each NUL replaced by the replacement character.
pub(crate) fn replaced(json: String) -> String {
    let places: Vec<_> = escapes(&json).collect();
    places.into_iter().rev().fold(json, |mut json, at| {
        json.replace_range(at..at + 6, "\\ufffd");
        json
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_escape_is_replaced() {
        let cleaned = replaced(r#"["a\u0000b", "c\\u0000d", "\"\u0000\u0000"]"#.to_owned());
        assert_eq!(cleaned, r#"["a\ufffdb", "c\\u0000d", "\"\ufffd\ufffd"]"#);
    }
}
