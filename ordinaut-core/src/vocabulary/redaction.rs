//! Redaction: what answers never show of arguments, outputs and errors.

use super::mask;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// What stands in an answer in place of a value.
pub(super) const MASK: &str = "[redacted]";

/// Names whose values answers never show: of each field, at any depth of arguments and outputs, whose name has one of them as
/// a part, and of `name=value` and `name: value` in texts. Upper and lower case are the same, and `-` and `_` do not count. With
/// at least one name, what stands before the `@` of a URL is not shown either.
///
/// ```
/// use ordinaut_core::Redaction;
///
/// let redaction = Redaction::new(["password"]);
/// let answer = r#"{"kind": "login", "args": {"user": {"name": "ann", "DbPassword": "s3cret"}}}"#;
/// let shown = r#"{"kind": "login", "args": {"user": {"name": "ann", "DbPassword": "[redacted]"}}}"#;
/// assert_eq!(redaction.mask_answer(answer), shown);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    names: Arc<[String]>,
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

impl Redaction {
    /// Of fields whose names have one of these as a part.
    pub fn new(names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self { names: names.into_iter().map(|name| plain(name.as_ref())).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether nothing is ever masked.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Masks an answer, which is JSON: what is below each field `args` and `output`, and what the text of `error` says. Numbers,
    /// order and spaces stay as they are.
    pub fn mask_answer<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(json) } else { mask::answer(self, json) }
    }

    /// Masks arguments or an output, which are JSON.
    pub fn mask_json<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(json) } else { mask::document(self, json) }
    }

    /// Masks a text, such as an error.
    pub fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() { Cow::Borrowed(text) } else { mask::text(self, text) }
    }

    /// The path of a field that holds what answers show in place of its value: whoever sends that back would store it.
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
            Value::String(text) if mask::is_masked(text) => Some(path.to_owned()),
            _ => None,
        }
    }

    pub(super) fn hides(&self, name: &str) -> bool {
        let name = plain(name);
        self.names.iter().any(|part| name.contains(&**part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_parts_whatever_their_case_and_dashes() {
        let redaction = Redaction::new(["Api_Key", "token", ""]);
        for name in ["API-KEY", "X-Api-Key", "apikey", "access_token", "Tokens"] {
            assert!(redaction.hides(name), "{name}");
        }
        assert!(!redaction.hides("key") && !redaction.hides(""));
        assert!(Redaction::new([""]).is_empty());
    }

    #[test]
    fn what_was_shown_is_found_where_it_is_sent_back() {
        let redaction = Redaction::new(["api_key", "token"]);
        let masked = json!({"list": [{"API-KEY": "[redacted]"}], "a": 1});
        assert_eq!(redaction.masked_field(&masked).as_deref(), Some("args.list[0].API-KEY"));
        let url = json!({"url": "https://[redacted]@db.example/x"});
        assert_eq!(redaction.masked_field(&url).as_deref(), Some("args.url"));
        assert_eq!(redaction.masked_field(&json!({"url": "/x?token=[redacted]"})).as_deref(), Some("args.url"));
        assert_eq!(redaction.masked_field(&json!({"token": "x", "note": "[redacted]"})), None);
        assert_eq!(Redaction::default().masked_field(&url), None);
    }
}
