//! What keeps the values of secrets out of all that is kept.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ordinaut_core::JobError;
use reqwest::Url;
use serde_json::Value;
use std::borrow::Cow;
use url::form_urlencoded::byte_serialize;

/// What stands in the place of a value.
pub(crate) const MASKED: &str = "[secret]";

/// The least of a value at the beginning or the end of a text that is taken for the rest of it.
const PART: usize = 8;

/// The texts that must not be kept. Empty for most calls, and then it costs nothing.
#[derive(Default)]
pub(crate) struct Mask {
    /// The longest first: one may be a part of another.
    texts: Vec<String>,
}

impl Mask {
    /// Of values, and of the forms that a counterpart may send back: encoded for a URL, for JSON or
    /// for a header, and the lines of one that has several.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a String>) -> Self {
        let mut texts = Vec::new();
        for value in values {
            forms(value, &mut texts);
            texts.extend(value.lines().map(str::trim).filter(|line| line.len() >= PART).map(str::to_owned));
            let url = Url::parse(value).ok();
            if let Some((user, password)) = url.as_ref().and_then(|url| Some((url.username(), url.password()?))) {
                forms(password, &mut texts);
                texts.push(STANDARD.encode(format!("{user}:{password}")));
            }
        }
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        texts.dedup();
        Self { texts }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// A text without them. Its ends may hold a part of one: what a run keeps of a long text is
    /// cut.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for hidden in &self.texts {
            if let Some(without) = without(&masked, hidden) {
                masked = Cow::Owned(without);
            }
        }
        for hidden in &self.texts {
            let parts = PART..hidden.len();
            let ends = parts.clone().rev().find(|part| masked.as_bytes().ends_with(&hidden.as_bytes()[..*part]));
            if let Some(at) = ends.map(|part| masked.len() - part).filter(|at| masked.is_char_boundary(*at)) {
                masked = Cow::Owned(format!("{}{MASKED}", &masked[..at]));
            }
            let from = |part: usize| &hidden.as_bytes()[hidden.len() - part..];
            let begins = parts.rev().find(|part| masked.as_bytes().starts_with(from(*part)));
            if let Some(end) = begins.filter(|end| masked.is_char_boundary(*end)) {
                masked = Cow::Owned(format!("{MASKED}{}", &masked[end..]));
            }
        }
        masked
    }

    /// JSON without them, in names of fields and in numbers too.
    pub(crate) fn value(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => {
                let masked = |(name, value): (String, Value)| (self.text(&name).into_owned(), self.value(value));
                Value::Object(fields.into_iter().map(masked).collect())
            }
            Value::Number(number) if self.texts.iter().any(|hidden| number.to_string().contains(&**hidden)) => {
                MASKED.into()
            }
            other => other,
        }
    }

    /// An error without them, in its message and in what is kept with it.
    pub(crate) fn error(&self, error: JobError) -> JobError {
        if self.is_empty() {
            return error;
        }
        error.rewritten(|message| self.text(message).into_owned(), |kept| self.value(kept))
    }
}

/// A text without another one, in whatever case its letters are: hosts of URLs become lower case.
/// `None`: it was not in it.
fn without(text: &str, hidden: &str) -> Option<String> {
    let (small, hidden) = (text.to_ascii_lowercase(), hidden.to_ascii_lowercase());
    let mut places = small.match_indices(&*hidden).peekable();
    places.peek()?;
    let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
    for (at, _) in places {
        masked.push_str(&text[from..at]);
        masked.push_str(MASKED);
        from = at + hidden.len();
    }
    masked.push_str(&text[from..]);
    Some(masked)
}

/// A text as it stands between the quotes of JSON.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn forms(value: &str, texts: &mut Vec<String>) {
    let json = in_json(value);
    texts.extend([
        value.to_owned(),
        // A counterpart may put the text that it got into JSON of its own.
        in_json(&json),
        json,
        byte_serialize(value.as_bytes()).collect(),
        byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20"),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mask() -> Mask {
        Mask::of(&[
            "s3cret/\"value\" 1".to_owned(),
            "-----BEGIN KEY-----\nbWFueSBieXRlcw\n".to_owned(),
            "1234567890".to_owned(),
        ])
    }

    #[test]
    fn a_value_is_masked_in_whatever_form_it_comes_back() {
        for text in [
            "got s3cret/\"value\" 1!",
            r#"got s3cret/\"value\" 1!"#,
            r#"got s3cret/\\\"value\\\" 1!"#,
            "got s3cret%2F%22value%22+1!",
            "got s3cret%2F%22value%22%201!",
            "got czNjcmV0LyJ2YWx1ZSIgMQ==!",
            "got czNjcmV0LyJ2YWx1ZSIgMQ!",
            "got bWFueSBieXRlcw!",
            "got 1234567890!",
            "got S3cReT/\"VALUE\" 1!",
        ] {
            assert_eq!(mask().text(text), "got [secret]!", "{text}");
        }
        assert_eq!(mask().text("nothing of it"), "nothing of it");
    }

    #[test]
    fn a_part_at_the_end_or_at_the_beginning_of_a_text_is_masked() {
        assert_eq!(mask().text("x s3cret/\"val"), "x [secret]");
        assert_eq!(mask().text("\"value\" 1 x"), "[secret] x");
    }

    #[test]
    fn json_is_masked_in_names_values_and_numbers() {
        let value = json!({"1234567890": [1_234_567_890, {"a": "x1234567890"}], "b": 12});
        assert_eq!(mask().value(value), json!({"[secret]": ["[secret]", {"a": "x[secret]"}], "b": 12}));
    }

    #[test]
    fn the_password_of_a_url_is_a_secret_too() {
        let mask = Mask::of(&["https://ann:pass-of-ann@example.org/x".to_owned()]);
        assert_eq!(mask.text("pass-of-ann and YW5uOnBhc3Mtb2YtYW5u"), "[secret] and [secret]");
    }
}
