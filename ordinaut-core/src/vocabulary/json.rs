//! Documents that people write, read so that an error names the field.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A document that is no definition of a task, or no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidJson {
    /// The path of what is wrong; `.` is the whole.
    pub field: String,
    /// What is wrong there.
    pub reason: String,
}

impl InvalidJson {
    /// serde would take an array as the fields in their order.
    pub(crate) fn no_object(field: &str) -> Self {
        Self { field: field.to_owned(), reason: "must be a JSON object".to_owned() }
    }
}

/// Reads a document.
pub(crate) fn read<T: DeserializeOwned>(json: Value) -> Result<T, InvalidJson> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let (path, reason) = (error.path().to_string(), error.inner().to_string());
        // serde says where something is missing, and only in its text what.
        let missing = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        match missing {
            Some(name) if path == "." => InvalidJson { field: name.to_owned(), reason: "is missing".to_owned() },
            Some(name) => InvalidJson { field: format!("{path}.{name}"), reason: "is missing".to_owned() },
            None => InvalidJson { field: path, reason },
        }
    })
}

/// Changes a document by a JSON merge patch (RFC 7396).
pub(crate) fn merge(document: &mut Value, patch: &Value) {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => {
            for (name, change) in patch {
                if change.is_null() {
                    document.remove(name);
                } else {
                    merge(document.entry(name).or_insert(Value::Null), change);
                }
            }
        }
        (document, patch) => {
            *document = patch.clone();
            forget_nulls(document);
        }
    }
}

/// Where a patch makes an object, its nulls are what is not there.
fn forget_nulls(document: &mut Value) {
    if let Value::Object(fields) = document {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(forget_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_merge_as_the_rfc_says() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [1]}), json!({"a": [null]}), json!({"a": [null]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (mut document, patch, expected) in cases {
            merge(&mut document, &patch);
            assert_eq!(document, expected, "{patch}");
        }
    }
}
