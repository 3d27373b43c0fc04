//! Documents that people write, read so that an error names the field.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

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

/// A field that holds the fields of a `T`, or nothing: serde would take an array as the fields in
/// their order. For `#[serde(deserialize_with)]`.
///
/// # Errors
///
/// If it is no object, or one that is no `T`.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    from.deserialize_any(Object(PhantomData))
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
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

/// Refuses a JSON document with an integer that a [`Value`] rounds: below -2^63, or 2^64 and above.
/// A program that reads a text into a `Value`, which cannot tell afterwards, asks this before. The
/// error names the outermost field.
///
/// ```
/// use ordinaut_core::json::check_integers;
///
/// assert!(check_integers(r#"{"args": {"account": 18446744073709551615}}"#).is_ok());
/// let refused = check_integers(r#"{"args": {"account": 18446744073709551616}}"#).unwrap_err();
/// assert_eq!(refused.field, "args");
/// ```
///
/// # Errors
///
/// The outermost field that has such an integer; `.` if the document is no object.
pub fn check_integers(text: &str) -> Result<(), InvalidJson> {
    let checked = |field: &str, text: &str| match rounded(text) {
        Some(integer) => {
            let shown: String = integer.chars().take(40).collect();
            let reason = format!("has the integer {shown}, which would be rounded: write it as a string");
            Err(InvalidJson { field: field.to_owned(), reason })
        }
        None => Ok(()),
    };
    match serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
        Ok(fields) => fields.iter().try_for_each(|(field, value)| checked(field, value.get())),
        Err(_) => checked(".", text),
    }
}

/// The first integer that fits into no 64 bits.
fn rounded(json: &str) -> Option<&str> {
    let (mut rest, mut in_string) = (json, false);
    while let Some(next) = rest.chars().next() {
        let length = match next {
            // Whatever is escaped does not end the string.
            '\\' if in_string => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '"' => {
                in_string = !in_string;
                1
            }
            '-' | '0'..='9' if !in_string => {
                let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                let number = &rest[..end.unwrap_or(rest.len())];
                let is_integer = !number.contains(['.', 'e', 'E']);
                if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return Some(number);
                }
                number.len()
            }
            other => other.len_utf8(),
        };
        rest = &rest[length..];
    }
    None
}

/// Changes a document by a JSON merge patch (RFC 7396).
pub fn merge(document: &mut Value, patch: &Value) {
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

    #[test]
    fn an_integer_that_would_be_rounded_is_found_and_its_field_named() {
        for good in [
            "18446744073709551615",
            "-9223372036854775808",
            r#"{"a": [1e300, 0.1, -1.5E+3, 18446744073709551617.0]}"#,
            r#"{"a": "18446744073709551617", "18446744073709551617": "\\\" 18446744073709551617 é"}"#,
            "no JSON",
        ] {
            assert_eq!(check_integers(good), Ok(()), "{good}");
        }
        for (bad, field) in [
            ("18446744073709551616", "."),
            (r#"{"title": "\\", "args": {"n": [-9223372036854775809]}}"#, "args"),
            (r#"{"b": "é\"", "c": 340282366920938463463374607431768211456}"#, "c"),
        ] {
            assert_eq!(check_integers(bad).unwrap_err().field, field, "{bad}");
        }
    }

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
