//! Redaction: what answers never show of arguments, outputs and errors.

use std::sync::Arc;

/// Names whose values answers never show: of each field, at any depth of arguments and outputs,
/// whose name has one of them as a part, and of `name=value` and `name: value` in texts. Upper and
/// lower case are the same, and `-` and `_` do not count. With at least one name, what stands
/// before the `@` of a URL is not shown either.
///
/// ```
/// use ordinaut_core::job::Redaction;
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

    pub(crate) fn hides(&self, name: &str) -> bool {
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
