//! JSON Schemas that come with jobs: compiled once, and asked within bounds.

use jsonschema::{PatternOptions, Validator};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Number of compiled schemas that are kept; with one more, all are compiled anew.
const MAX_KEPT: usize = 64;

/// Maximum length of a schema, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024;

/// Size of a compiled pattern, in bytes.
const MAX_PATTERN: usize = 1024 * 1024;

/// Compiled schemas by their hash: a compilation takes milliseconds, and a look into a value takes
/// microseconds.
#[derive(Clone, Default)]
pub(crate) struct Schemas {
    kept: Arc<Mutex<HashMap<[u8; 32], Arc<Validator>>>>,
}

/// Why a value is not what a schema says.
#[derive(Debug, PartialEq)]
pub(crate) enum SchemaFault {
    /// The schema itself cannot be used.
    Schema(String),
    /// The value does not fit.
    Value(String),
}

impl Schemas {
    /// Whether a schema can be used: an error says why not.
    pub(crate) async fn usable(&self, schema: &Value) -> Result<(), String> {
        match self.check(schema, &Value::Null).await {
            Err(SchemaFault::Schema(reason)) => Err(reason),
            Ok(()) | Err(SchemaFault::Value(_)) => Ok(()),
        }
    }

    /// Whether a value fits. References to other documents are not followed.
    pub(crate) async fn check(&self, schema: &Value, value: &Value) -> Result<(), SchemaFault> {
        let text = schema.to_string();
        if text.len() > MAX_BYTES {
            return Err(SchemaFault::Schema(format!("is longer than {MAX_BYTES} bytes")));
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        let found = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let (kept, schema, value) = (self.kept.clone(), schema.clone(), value.clone());
        // Either may take a while, and a thread of the worker has others to serve.
        let checked = tokio::task::spawn_blocking(move || {
            let validator = match found {
                Some(validator) => validator,
                None => {
                    let validator = Arc::new(compiled(&schema).map_err(SchemaFault::Schema)?);
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    if kept.len() >= MAX_KEPT {
                        kept.clear();
                    }
                    kept.insert(key, validator.clone());
                    validator
                }
            };
            // The message of an error holds the value, which may be a secret.
            validator.validate(&value).map_err(|error| {
                let at = error.instance_path().to_string();
                let place = if at.is_empty() { "the value".to_owned() } else { at };
                SchemaFault::Value(format!("{place} does not fit {}", error.schema_path()))
            })
        });
        checked.await.unwrap_or_else(|error| Err(SchemaFault::Schema(format!("could not be used: {error}"))))
    }
}

fn compiled(schema: &Value) -> Result<Validator, String> {
    // In linear time: no pattern can hold a worker up.
    let patterns = PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN);
    let options = jsonschema::options().offline().with_pattern_options(patterns);
    options.build(schema).map_err(|error| format!("cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_fault_names_the_place_and_not_the_value() {
        let schemas = Schemas::default();
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        assert_eq!((schemas.usable(&schema).await, schemas.check(&schema, &json!({"n": 1})).await), (Ok(()), Ok(())));
        let fault = schemas.check(&schema, &json!({"n": "CANARY"})).await.unwrap_err();
        assert_eq!(fault, SchemaFault::Value("/n does not fit /properties/n/type".to_owned()));
        assert!(matches!(schemas.check(&schema, &json!({})).await, Err(SchemaFault::Value(_))));
    }

    #[tokio::test]
    async fn a_schema_that_asks_for_another_document_or_is_none_is_refused() {
        let schemas = Schemas::default();
        for schema in
            [json!({"$ref": "http://127.0.0.1:1/x"}), json!({"$ref": "file:///etc/passwd"}), json!({"type": "no"})]
        {
            assert!(schemas.usable(&schema).await.is_err());
            let fault = schemas.check(&schema, &json!(1)).await.unwrap_err();
            assert!(matches!(fault, SchemaFault::Schema(_)), "{schema}: {fault:?}");
        }
    }
}
