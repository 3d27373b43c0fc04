//! JSON Schemas that come with jobs: compiled once, and asked within bounds.

use ordinaut_runtime::Schema;
use ring::digest::{SHA256, digest};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::spawn_blocking;

/// Number of compiled schemas that are kept; with one more, all are compiled anew.
const MAX_KEPT: usize = 64;

/// Maximum length of a schema, in bytes of JSON.
const MAX_BYTES: usize = 64 * 1024;

/// Compiled schemas by their hash: a compilation takes milliseconds, and a look into a value takes
/// microseconds.
#[derive(Clone, Default)]
pub(crate) struct Schemas {
    kept: Arc<Mutex<HashMap<[u8; 32], Arc<Schema>>>>,
}

impl Schemas {
    /// A schema, ready to be compared with; an error says why it cannot be used.
    pub(crate) async fn compiled(&self, schema: &Value) -> Result<Arc<Schema>, String> {
        let text = schema.to_string();
        if text.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        if let Some(found) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(found.clone());
        }
        let schema = schema.clone();
        let compiled =
            spawn_blocking(move || Schema::compile(&schema)).await.unwrap_or_else(|error| Err(error.to_string()));
        let compiled = Arc::new(compiled.map_err(|reason| format!("cannot be used: {reason}"))?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, compiled.clone());
        Ok(compiled)
    }
}

/// Whether a value fits; an error names the place and not the value, which may be a secret.
pub(crate) async fn fits(schema: &Arc<Schema>, value: &Value) -> Result<(), String> {
    let (schema, value) = (schema.clone(), value.clone());
    // It may take a while, and a thread of the worker has others to serve.
    let compared = spawn_blocking(move || schema.check(&value).map_err(|misfit| misfit.to_string())).await;
    compared.unwrap_or_else(|error| Err(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_fault_names_the_place_and_not_the_value() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        let schema = Schemas::default().compiled(&schema).await.unwrap();
        assert_eq!(fits(&schema, &json!({"n": 1})).await, Ok(()));
        let reason = fits(&schema, &json!({"n": "CANARY"})).await.unwrap_err();
        assert!(reason.starts_with("n: ") && !reason.contains("CANARY"), "{reason}");
        assert!(fits(&schema, &json!({})).await.is_err());
        assert!(fits(&schema, &json!({"n": {"$secret": "n"}})).await.is_err(), "an answer has no secrets of ours");
    }

    #[tokio::test]
    async fn a_schema_that_asks_for_another_document_or_is_none_is_refused() {
        let schemas = Schemas::default();
        for schema in
            [json!({"$ref": "http://127.0.0.1:1/x"}), json!({"$ref": "file:///etc/passwd"}), json!({"type": "no"})]
        {
            let refused = schemas.compiled(&schema).await.err();
            assert!(refused.is_some_and(|reason| reason.starts_with("cannot be used: ")), "{schema}");
        }
    }

    #[tokio::test]
    async fn a_schema_is_compiled_once() {
        let (schemas, schema) = (Schemas::default(), json!({"type": "integer"}));
        let (first, second) = (schemas.compiled(&schema).await.unwrap(), schemas.compiled(&schema).await.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
    }
}
