//! `{"$secret": "NAME"}` in arguments: found, and replaced.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The field that makes an object a reference.
const FIELD: &str = "$secret";

/// Maximum length of a name.
const LONGEST_NAME: usize = 100;

/// What a reference is replaced by. An error names what is wrong, and no value.
type Replace<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// Whether a text of JSON can hold a reference. Most do not, and are not looked into.
pub(super) fn may_refer(json: &str) -> bool {
    json.contains("\"$secret\"")
}

/// The names in a document.
pub(crate) fn named_in(document: &Value) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    with(document, &mut |name| {
        names.insert(name.to_owned());
        Ok(String::new())
    })?;
    Ok(names)
}

/// A document with the values in the places of their names.
pub(crate) fn with_values(document: &Value, values: &BTreeMap<String, String>) -> Result<Value, String> {
    with(document, &mut |name| values.get(name).cloned().ok_or_else(|| format!("the secret {name:?} was not read")))
}

fn with(document: &Value, replace: &mut Replace<'_>) -> Result<Value, String> {
    Ok(match document {
        Value::Object(fields) => match fields.get(FIELD) {
            Some(name) => Value::String(replace(checked(name.as_str(), fields.len())?)?),
            None => {
                let fields = fields.iter().map(|(name, value)| Ok((name.clone(), with(value, replace)?)));
                Value::Object(fields.collect::<Result<_, String>>()?)
            }
        },
        Value::Array(items) => {
            let items = items.iter().map(|item| with(item, replace));
            Value::Array(items.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn checked(name: Option<&str>, fields: usize) -> Result<&str, String> {
    if fields != 1 {
        return Err(format!("an object with {FIELD} must have nothing beside it"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = |name: &&str| {
        name.len() <= LONGEST_NAME && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
    };
    name.filter(good).ok_or_else(|| {
        format!("{FIELD} must be a name of {LONGEST_NAME} letters, digits, -, _ and . at most, which begins with a letter or a digit")
    })
}

/// Whether a filled-in document names a secret where the document itself does not: what events and
/// other steps bring must not choose what is revealed.
pub(crate) fn brought_in(document: &Value, filled: &Value) -> bool {
    match (document, filled) {
        (Value::Object(ours), Value::Object(fields)) => {
            if fields.contains_key(FIELD) {
                return document != filled;
            }
            fields.iter().any(|(name, value)| brought_in(ours.get(name).unwrap_or(&Value::Null), value))
        }
        (Value::Array(ours), Value::Array(items)) => {
            items.iter().enumerate().any(|(n, item)| brought_in(ours.get(n).unwrap_or(&Value::Null), item))
        }
        (_, Value::Object(fields)) => {
            fields.contains_key(FIELD) || fields.values().any(|value| brought_in(&Value::Null, value))
        }
        (_, Value::Array(items)) => items.iter().any(|item| brought_in(&Value::Null, item)),
        _ => false,
    }
}

/// The text of JSON with the references replaced, and with everything else as it was written:
/// numbers too, which a [`Value`] would round.
pub(super) fn rewritten(json: &RawValue, replace: &mut Replace<'_>) -> Result<String, String> {
    let mut text = String::with_capacity(json.get().len());
    write(json, &mut text, replace)?;
    Ok(text)
}

fn write(json: &RawValue, text: &mut String, replace: &mut Replace<'_>) -> Result<(), String> {
    let unreadable = |error: serde_json::Error| error.to_string();
    let quoted = |text: &str| Value::from(text).to_string();
    if !may_refer(json.get()) {
        text.push_str(json.get());
    } else if json.get().starts_with('{') {
        let Fields(fields) = serde_json::from_str(json.get()).map_err(unreadable)?;
        if let Some((_, name)) = fields.iter().find(|(name, _)| name == FIELD) {
            let name: Option<String> = serde_json::from_str(name.get()).ok();
            text.push_str(&quoted(&replace(checked(name.as_deref(), fields.len())?)?));
            return Ok(());
        }
        for (n, (name, value)) in fields.iter().enumerate() {
            text.push(if n == 0 { '{' } else { ',' });
            text.push_str(&quoted(name));
            text.push(':');
            write(value, text, replace)?;
        }
        text.push('}');
    } else if json.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(json.get()).map_err(unreadable)?;
        for (n, item) in items.iter().enumerate() {
            text.push(if n == 0 { '[' } else { ',' });
            write(item, text, replace)?;
        }
        text.push(']');
    } else {
        text.push_str(json.get());
    }
    Ok(())
}

/// An object's fields in their order, also those that are there twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rewrite(json: &str) -> Result<String, String> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        rewritten(&raw, &mut |name| Ok(format!("<{name}>\"")))
    }

    #[test]
    fn references_are_replaced_and_nothing_else_is() {
        let json =
            r#"{"a":[{"$secret":"k"},0.10000000000000000000001],"b":{"c":"$secret","\"":{"$secret":"d.e"}},"a":1}"#;
        let replaced = r#"{"a":["<k>\"",0.10000000000000000000001],"b":{"c":"$secret","\"":"<d.e>\""},"a":1}"#;
        assert_eq!(rewrite(json).unwrap(), replaced);
        assert_eq!(rewrite(r#"{"$secret":"k"}"#).unwrap(), r#""<k>\"""#);
    }

    #[test]
    fn what_is_no_name_of_a_file_in_the_directory_is_refused() {
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in ["", ".", "..", "../k", "a/b", ".hidden", "a b", "ä", "a\0", "-a", &long] {
            assert!(
                rewrite(&json!({"$secret": name}).to_string()).unwrap_err().starts_with("$secret must be"),
                "{name}"
            );
            assert!(named_in(&json!([{"$secret": name}])).is_err(), "{name}");
        }
        for json in
            [r#"{"$secret":7}"#, r#"{"$secret":["a"]}"#, r#"{"$secret":"a","b":1}"#, r#"{"$secret":"a","$secret":"b"}"#]
        {
            assert!(rewrite(json).is_err(), "{json}");
        }
    }

    #[test]
    fn only_the_document_itself_names_secrets() {
        let reference = json!({"$secret": "k"});
        let filled = |document: Value, filled: Value| brought_in(&document, &filled);
        assert!(!filled(json!({"a": [reference, "${x}"]}), json!({"a": [reference, {"b": 1}]})));
        assert!(filled(json!({"a": "${x}"}), json!({"a": reference})));
        assert!(filled(json!({"a": "${x}"}), json!({"a": {"b": [reference]}})));
        assert!(filled(json!("${x}"), json!([reference])));
        assert!(filled(json!({"$secret": "${x}"}), reference.clone()));
        assert!(filled(json!({"a": [reference]}), json!({"a": [reference, reference]})));
    }
}
