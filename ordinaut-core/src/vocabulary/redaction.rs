//! Redaction: values of arguments that answers never show.

use serde_json::Value;
use std::sync::Arc;

/// What stands in an answer in place of a value.
const MASK: &str = "[redacted]";

/// The names of fields of arguments, at any depth, whose values answers never show. Upper and lower case are the same,
/// and so are `-` and `_`.
///
/// ```
/// use ordinaut_core::Redaction;
/// use serde_json::json;
///
/// let redaction = Redaction::new(["password"]);
/// let mut answer = json!({"kind": "login", "args": {"user": {"name": "ann", "Password": "s3cret"}}});
/// assert!(redaction.mask_args(&mut answer));
/// assert_eq!(answer["args"], json!({"user": {"name": "ann", "Password": "[redacted]"}}));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    names: Arc<[String]>,
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

impl Redaction {
    /// Of fields with these names.
    pub fn new(names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self { names: names.into_iter().map(|name| plain(name.as_ref())).collect() }
    }

    /// Whether nothing is ever masked.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Masks what is below each field `args` of an answer; false: there was nothing to mask.
    pub fn mask_args(&self, answer: &mut Value) -> bool {
        let mut masked = false;
        match answer {
            Value::Object(fields) => {
                for (name, value) in fields {
                    masked |= if name == "args" { self.mask(value) } else { self.mask_args(value) };
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| masked |= self.mask_args(item)),
            _ => {}
        }
        masked
    }

    /// Masks arguments themselves; false: there was nothing to mask.
    pub fn mask(&self, args: &mut Value) -> bool {
        let mut masked = false;
        match args {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if self.hides(name) {
                        (*value, masked) = (MASK.into(), true);
                    } else {
                        masked |= self.mask(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| masked |= self.mask(item)),
            _ => {}
        }
        masked
    }

    /// The path of a field that holds what answers show in place of its value: whoever sends that back would store it.
    pub fn masked_field(&self, args: &Value) -> Option<String> {
        self.find(args, "args")
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
            _ => None,
        }
    }

    fn hides(&self, name: &str) -> bool {
        !self.names.is_empty() && self.names.contains(&plain(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_masked_at_any_depth_and_only_below_args() {
        let redaction = Redaction::new(["Api_Key", "token"]);
        let mut answer = json!({
            "token": "a cursor of a page",
            "jobs": [
                {"args": {"headers": [{"API-KEY": ["x", "y"]}, {"tokens": 3}], "token": null}},
                {"args": "token"},
                {"args": {"token": 1, "list": [{"token": 2}, {"token": 3}]}},
            ],
        });
        assert!(redaction.mask_args(&mut answer));
        let masked = json!({"headers": [{"API-KEY": "[redacted]"}, {"tokens": 3}], "token": "[redacted]"});
        assert_eq!(answer["jobs"][0]["args"], masked);
        let both = json!({"token": "[redacted]", "list": [{"token": "[redacted]"}, {"token": "[redacted]"}]});
        assert_eq!(answer["jobs"][2]["args"], both);
        assert_eq!((&answer["token"], &answer["jobs"][1]["args"]), (&json!("a cursor of a page"), &json!("token")));
        assert_eq!(redaction.masked_field(&masked).as_deref(), Some("args.headers[0].API-KEY"));
        assert_eq!(redaction.masked_field(&json!({"token": "x", "note": "[redacted]"})), None);
        let before = answer["jobs"][1].clone();
        assert!(!redaction.mask_args(&mut answer["jobs"][1]));
        assert_eq!(answer["jobs"][1], before);
        assert!(!Redaction::default().mask_args(&mut answer));
    }
}
