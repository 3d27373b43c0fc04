//! JSON Schemas, compiled: what does not fit one is told by the path of the field.

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;
use std::fmt;

/// Size of a compiled pattern, in bytes.
const PATTERN: usize = 1024 * 1024;

/// Maximum length of a reason, in bytes.
const SHOWN: usize = 200;

/// The field that stands for a secret in arguments.
const SECRET: &str = "$secret";

/// What the schema says of the whole value, whatever is in it.
const OF_THE_WHOLE: [&str; 4] = ["type", "required", "additionalProperties", "unevaluatedProperties"];

/// A JSON Schema, ready to be compared with.
#[derive(Debug)]
pub struct Schema(Validator);

/// A value does not fit a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// The path of what does not fit, with points: `customer.id`; empty for the value itself.
    pub path: String,
    /// Why it does not, without the value itself, which may be a secret.
    pub reason: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => f.write_str(&self.reason),
            path => write!(f, "{path}: {}", self.reason),
        }
    }
}

impl Schema {
    /// Compiles one. Nothing is fetched that it refers to, and its patterns take time in proportion
    /// to what they are compared with.
    ///
    /// # Errors
    ///
    /// Why it is no schema.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let patterns = PatternOptions::regex().size_limit(PATTERN).dfa_size_limit(PATTERN);
        let compiled = jsonschema::options().offline().with_pattern_options(patterns).build(schema);
        compiled.map(Self).map_err(|error| bounded(&error.to_string()))
    }

    /// Whether a value fits.
    ///
    /// # Errors
    ///
    /// What does not fit first.
    pub fn check(&self, value: &Value) -> Result<(), Misfit> {
        self.0.validate(value).map_err(|error| misfit(&error))
    }

    /// Whether arguments fit. A `{"$secret": name}` fits everywhere: what it stands for is known to
    /// the worker alone.
    ///
    /// # Errors
    ///
    /// What does not fit first.
    pub fn check_args(&self, args: &Value) -> Result<(), Misfit> {
        if !names_secret(args) {
            return self.check(args);
        }
        match self.0.iter_errors(args).find(|error| !is_open(error)) {
            None => Ok(()),
            Some(error) => Err(misfit(&error)),
        }
    }
}

fn misfit(error: &ValidationError<'_>) -> Misfit {
    let path = error.instance_path().to_string();
    let path = path.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~");
    Misfit { path, reason: bounded(&error.masked().to_string()) }
}

/// Whether the value of a secret could make the value fit.
fn is_open(error: &ValidationError<'_>) -> bool {
    let value = error.instance();
    if value.get(SECRET).is_some() {
        return true;
    }
    let schema = error.schema_path().to_string();
    let says = schema.rsplit('/').next().unwrap_or_default();
    !OF_THE_WHOLE.contains(&says) && names_secret(value)
}

fn names_secret(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key(SECRET) || fields.values().any(names_secret),
        Value::Array(items) => items.iter().any(names_secret),
        _ => false,
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_told_by_its_path() {
        let schema = Schema::compile(&json!({
            "type": "object",
            "required": ["to"],
            "properties": {"to": {"type": "array", "items": {"type": "string", "pattern": "^[^@]+@[^@]+$"}}},
        }))
        .unwrap();
        let misfit = |value: Value| schema.check(&value).unwrap_err();
        assert_eq!(schema.check(&json!({"to": ["a@b"]})), Ok(()));
        assert_eq!(schema.check_args(&json!({"to": [{"$secret": "address"}]})), Ok(()));
        assert_eq!(misfit(json!({"to": [{"$secret": "address"}]})).path, "to.0");
        assert_eq!(misfit(json!({"to": ["a@b", 7]})).path, "to.1");
        assert_eq!(misfit(json!({"to": ["nobody"]})).path, "to.0");
        let missing = misfit(json!({}));
        assert!(missing.path.is_empty() && missing.reason.contains("to"), "{missing}");
        let long = misfit(json!({"to": ["CANARY".repeat(1000)]}));
        assert!(long.reason.len() < 300 && !long.reason.contains("CANARY"), "{long}");
    }

    #[test]
    fn what_a_secret_stands_for_fits_and_what_is_beside_it_is_checked() {
        let text = json!({"type": "string", "minLength": 3});
        let schema = Schema::compile(&json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"key": text, "n": {"type": "integer"}, "either": {"anyOf": [text, {"type": "array", "items": text}]}},
        }))
        .unwrap();
        let fits = |value: Value| schema.check_args(&value).map_err(|misfit| misfit.path);
        assert_eq!(fits(json!({"key": {"$secret": "k"}, "n": 1})), Ok(()));
        assert_eq!(fits(json!({"either": [{"$secret": "k"}]})), Ok(()));
        assert_eq!(fits(json!({"key": {"$secret": "k"}, "n": "one"})), Err("n".to_owned()));
        assert_eq!(fits(json!({"key": {"$secret": "k"}, "m": 1})), Err(String::new()));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"oneOf": [{"$ref": "#/$defs/a"}]}}}),
            json!({"$dynamicRef": "#x", "$dynamicAnchor": "x"}),
        ] {
            if let Ok(compiled) = Schema::compile(&schema) {
                compiled.check(&json!({"a": [1]})).ok();
            }
        }
    }

    #[test]
    fn what_is_no_schema_or_would_be_fetched_or_takes_long_is_refused() {
        assert!(Schema::compile(&json!({"type": "text"})).is_err());
        assert!(Schema::compile(&json!({"$ref": "https://example.org/schema.json"})).is_err());
        assert!(Schema::compile(&json!({"$ref": "file:///etc/passwd"})).is_err());
        assert!(Schema::compile(&json!({"pattern": "(a)\\1"})).is_err(), "that would take exponential time");
        assert!(Schema::compile(&json!(true)).is_ok());
    }
}
