//! Masking JSON and text without reading them into anything: however deep or large, it takes one
//! pass, and what is not masked is copied as it is.

use crate::job::redaction::Redaction;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// What stands in an answer in place of a value.
pub(crate) const MASK: &str = "[redacted]";

/// Fields of an answer below which names are masked.
const DOCUMENTS: [&str; 4] = ["args", "output", "result", "value"];

/// Fields of an answer that are texts to mask.
const TEXTS: [&str; 5] = ["error", "question", "says", "note", "text"];

pub(crate) fn answer<'a>(redaction: &Redaction, json: &'a str) -> Cow<'a, str> {
    Scan::new(redaction, json, None).masked()
}

pub(crate) fn document<'a>(redaction: &Redaction, json: &'a str) -> Cow<'a, str> {
    Scan::new(redaction, json, Some(0)).masked()
}

/// Goes through JSON that is well-formed, as everything is that Postgres or `serde_json` has
/// written. Anything else is copied, and ends the scan no later than the text.
struct Scan<'r, 'a> {
    redaction: &'r Redaction,
    json: &'a str,
    at: usize,
    /// What is not copied to `out` yet begins here.
    from: usize,
    out: String,
    /// The open containers: whether each is an object.
    open: Vec<bool>,
    /// Whether the next text is the name of a field.
    name_follows: bool,
    /// Names are masked from this depth on, and until what is there has ended.
    inside: Option<usize>,
    /// Whether the value that follows is a text to mask.
    text_follows: bool,
}

impl<'r, 'a> Scan<'r, 'a> {
    fn new(redaction: &'r Redaction, json: &'a str, inside: Option<usize>) -> Self {
        Self {
            redaction,
            json,
            at: 0,
            from: 0,
            out: String::new(),
            open: Vec::new(),
            name_follows: false,
            inside,
            text_follows: false,
        }
    }

    fn masked(mut self) -> Cow<'a, str> {
        while let Some(byte) = self.json.as_bytes().get(self.at) {
            match byte {
                b'{' | b'[' => {
                    self.open.push(*byte == b'{');
                    self.name_follows = *byte == b'{';
                    self.text_follows = false;
                }
                b'}' | b']' => {
                    self.open.pop();
                    self.name_follows = false;
                    if self.inside.is_some_and(|depth| depth > self.open.len()) {
                        self.inside = None;
                    }
                }
                b',' => {
                    self.name_follows = self.open.last() == Some(&true);
                    self.text_follows = false;
                    // What was to be masked was one value of this object.
                    if self.inside.is_some_and(|depth| depth > 0 && depth == self.open.len()) {
                        self.inside = None;
                    }
                }
                b'"' => {
                    let end = end_of_text(self.json, self.at);
                    if self.name_follows {
                        self.name(end)
                    } else {
                        self.text(end)
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        if self.from == 0 {
            return Cow::Borrowed(self.json);
        }
        self.out.push_str(&self.json[self.from..]);
        Cow::Owned(self.out)
    }

    /// The name of a field, which ends at `end`: its value may have to go.
    fn name(&mut self, end: usize) {
        let name = unescaped(&self.json[self.at..end]);
        self.name_follows = false;
        self.at = end;
        if self.inside.is_some() {
            if self.redaction.hides(&name) {
                let begin = end + self.json[end..].bytes().take_while(|byte| b": \t\r\n".contains(byte)).count();
                let end = end_of_value(self.json, begin);
                if names_a_secret(&name, &self.json[begin..end]) {
                    return;
                }
                self.replace(begin, end, &format!("\"{MASK}\""));
            }
        } else if DOCUMENTS.contains(&&*name) {
            self.inside = Some(self.open.len());
        } else {
            self.text_follows = TEXTS.contains(&&*name);
        }
    }

    /// A text that is a value, which ends at `end`.
    fn text(&mut self, end: usize) {
        if self.inside.is_some() || self.text_follows {
            let said = unescaped(&self.json[self.at..end]);
            if let Cow::Owned(masked) = text(self.redaction, &said) {
                self.replace(self.at, end, &serde_json::Value::String(masked).to_string());
                return;
            }
        }
        self.at = end;
    }

    fn replace(&mut self, begin: usize, end: usize, by: &str) {
        self.out.push_str(&self.json[self.from..begin]);
        self.out.push_str(by);
        (self.from, self.at) = (end, end);
    }
}

/// Whether a field has the name of a secret of workers, `{"$secret": "NAME"}`, and not its value.
fn names_a_secret(field: &str, value: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Reference<'a> {
        #[serde(rename = "$secret", borrow)]
        name: Cow<'a, str>,
    }
    let name = match field {
        "$secret" => serde_json::from_str(value).ok(),
        _ if value.starts_with('{') => serde_json::from_str(value).ok().map(|Reference { name }| name),
        _ => None,
    };
    name.is_some_and(|name: Cow<'_, str>| {
        name.len() <= 100 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

/// Behind the closing quote of the text that begins at `begin`.
fn end_of_text(json: &str, begin: usize) -> usize {
    let bytes = json.as_bytes();
    let mut at = begin + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Behind the value that begins at `begin`.
fn end_of_value(json: &str, begin: usize) -> usize {
    let (bytes, mut at, mut depth) = (json.as_bytes(), begin, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(json, at),
            b'[' | b'{' => (at, depth) = (at + 1, depth + 1),
            b']' | b'}' if depth > 0 => (at, depth) = (at + 1, depth - 1),
            // The end of what this value is in.
            b',' | b']' | b'}' if depth == 0 => return at,
            _ => {
                at += 1;
                let ends = bytes.get(at).is_none_or(|next| b",]} \t\r\n".contains(next));
                if depth == 0 && ends {
                    return at;
                }
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    json.len()
}

/// A text of JSON, with its quotes, as it is meant.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    if quoted.contains('\\')
        && let Ok(text) = serde_json::from_str(quoted)
    {
        return Cow::Owned(text);
    }
    Cow::Borrowed(quoted.trim_matches('"'))
}

/// Whether a text has something that was masked in it.
pub(crate) fn is_masked(text: &str) -> bool {
    text.match_indices(MASK).any(|(at, _)| {
        let before = &text[..at];
        before.ends_with("://") || before.ends_with('=') || before.ends_with(": ")
    })
}

/// What stands before the `@` of URLs, and the values of names that are hidden: `name=value`,
/// `name: value`.
pub(crate) fn text<'a>(redaction: &Redaction, text: &'a str) -> Cow<'a, str> {
    let (mut out, mut from) = (String::new(), 0);
    for (at, mark) in text.char_indices().filter(|(_, c)| matches!(c, ':' | '=')) {
        if at < from {
            continue;
        }
        let behind = &text[at + 1..];
        let (begin, length) = if mark == ':' && behind.starts_with("//") {
            let authority = &behind[2..];
            let end =
                authority.find(|c: char| c.is_whitespace() || "/?#\"'<>\\".contains(c)).unwrap_or(authority.len());
            match authority[..end].rfind('@') {
                Some(userinfo) => (at + 3, userinfo),
                None => continue,
            }
        } else if redaction.hides(name_before(&text[..at])) {
            let spaces = behind.len() - behind.trim_start_matches([' ', '"', '\'', '\\']).len();
            // A text may come here twice, and the mask ends with a character that ends a value.
            if behind[spaces..].starts_with(MASK) {
                continue;
            }
            (at + 1 + spaces, value_length(&behind[spaces..], mark))
        } else {
            continue;
        };
        if length > 0 && &text[begin..begin + length] != MASK {
            out.push_str(&text[from..begin]);
            out.push_str(MASK);
            from = begin + length;
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// The name that a text ends with, which may be quoted.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches(['"', '\'', '\\', ' ']);
    let begin = text
        .rfind(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    &text[begin..]
}

/// Behind an equals sign a value ends at a space; behind a colon it may be several words, such as
/// `Bearer x`.
fn value_length(text: &str, mark: char) -> usize {
    let ends = |c: char| {
        matches!(c, '"' | '\'' | '\\' | '&' | ';' | ',' | '\n' | '}' | ']') || (mark == '=' && c.is_whitespace())
    };
    text.find(ends).unwrap_or(text.len())
}

impl Redaction {
    /// Masks an answer, which is JSON: what is below each field `args` and `output`, and what the
    /// texts of `error`, `question` and `says` say. Numbers, order and spaces stay as they are.
    pub fn mask_answer<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(json) } else { answer(self, json) }
    }

    /// Masks arguments or an output, which are JSON.
    pub fn mask_json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(json) } else { document(self, json) }
    }

    /// Masks a text, such as an error.
    pub fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(text) } else { self::text(self, text) }
    }

    /// The path of a field that holds what answers show in place of its value: a client that sends
    /// that back would store it.
    pub fn masked_field(&self, args: &Value) -> Option<String> {
        if self.is_empty() { None } else { self.find(args, "args") }
    }

    fn find(&self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::Object(fields) => fields.iter().find_map(|(name, value)| {
                let path = format!("{path}.{name}");
                if self.hides(name) && value == MASK { Some(path) } else { self.find(value, &path) }
            }),
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| self.find(item, &format!("{path}[{index}]")))
            }
            Value::String(text) if is_masked(text) => Some(path.to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction() -> Redaction {
        Redaction::new(["token", "password", "api_key", "headers"])
    }

    #[track_caller]
    fn masks(json: &str, shown: &str) {
        assert_eq!(answer(&redaction(), json), shown);
        let again = answer(&redaction(), shown).into_owned();
        assert_eq!(again, shown, "masked once, it stays as it is");
    }

    #[test]
    fn the_name_of_a_secret_is_shown_and_its_value_is_not() {
        let redaction = Redaction::new(["secret", "password"]);
        for shown in [
            r#"{"args":{"password":{"$secret":"db_password"}}}"#,
            r#"{"args":{"password": {"$secret": "a.b-1"}, "n": [{"$secret": "c"}]}}"#,
        ] {
            assert_eq!(redaction.mask_answer(shown), shown);
        }
        for (given, masked) in [
            (r#"{"args":{"password":{"$secret":"a b"}}}"#, r#"{"args":{"password":"[redacted]"}}"#),
            (r#"{"args":{"password":{"$secret":"a","b":1}}}"#, r#"{"args":{"password":"[redacted]"}}"#),
            (r#"{"args":{"a":{"$secret":["x"]}}}"#, r#"{"args":{"a":{"$secret":"[redacted]"}}}"#),
            (r#"{"args":{"secret":"x"}}"#, r#"{"args":{"secret":"[redacted]"}}"#),
        ] {
            assert_eq!(redaction.mask_answer(given), masked);
        }
    }

    #[test]
    fn values_are_masked_at_any_depth_and_only_where_a_job_said_them() {
        masks(
            r#"{"token": "a cursor", "jobs": [{"args": {"Api-Key": ["x", {"y": 1}], "a": [{"tokens": 3}]}, "token": 1}, {"args": "token"}]}"#,
            r#"{"token": "a cursor", "jobs": [{"args": {"Api-Key": "[redacted]", "a": [{"tokens": "[redacted]"}]}, "token": 1}, {"args": "token"}]}"#,
        );
        masks(
            r#"{"args":7,"password":"p","output":{"password":-1.5e3,"n":null},"password":"p"}"#,
            r#"{"args":7,"password":"p","output":{"password":"[redacted]","n":null},"password":"p"}"#,
        );
        masks(
            r#"{"args": {"headers": {"X": "1"}, "pass\u0077ord": true}}"#,
            r#"{"args": {"headers": "[redacted]", "pass\u0077ord": "[redacted]"}}"#,
        );
        masks("[]", "[]");
    }

    #[test]
    fn what_no_parser_takes_is_masked_too_and_stays_as_it_is() {
        let deep = format!(r#"{{"args": {}{{"token": 1e400}}{}, "n": 1e400}}"#, "[".repeat(5000), "]".repeat(5000));
        masks(&deep, &deep.replacen("1e400", r#""[redacted]""#, 1));
        let brackets = r#"{"args": ["[[{\"", "\\", {"password": "}}\"]"}]}"#;
        masks(brackets, r#"{"args": ["[[{\"", "\\", {"password": "[redacted]"}]}"#);
        for cut in 0..brackets.len() {
            answer(&redaction(), &brackets[..cut]);
        }
    }

    #[test]
    fn userinfo_and_named_values_are_masked_in_texts() {
        let redaction = redaction();
        for (said, shown) in [
            ("https://user:pw@db.example:443/x@y", "https://[redacted]@db.example:443/x@y"),
            ("see ftp://u@h?token=abc&b=1, then", "see ftp://[redacted]@h?token=[redacted]&b=1, then"),
            ("access_token=abc def", "access_token=[redacted] def"),
            ("X-Api-Key: Bearer abc", "X-Api-Key: [redacted]"),
            (r#"{"password": "a b", "x": 1}"#, r#"{"password": "[redacted]", "x": 1}"#),
            ("https://example.org/a:b", "https://example.org/a:b"),
            ("the token is missing", "the token is missing"),
            ("=: é= ü:", "=: é= ü:"),
        ] {
            assert_eq!(text(&redaction, said), shown);
            assert_eq!(text(&redaction, shown), shown);
        }
        masks(
            r#"{"error": "POST https://u:p@h failed\n", "url": "https://u:p@h"}"#,
            r#"{"error": "POST https://[redacted]@h failed\n", "url": "https://u:p@h"}"#,
        );
        masks(r#"{"args": {"url": "https://u:p@h/ü"}}"#, r#"{"args": {"url": "https://[redacted]@h/ü"}}"#);
    }
}
