//! What a job expects of the body of an answer, and what it keeps of it.

use super::answer::MAX_BODY_BYTES;
use super::schema::{Schemas, fits};
use crate::secrets::Mask;
use ordinaut_core::JobError;
use ordinaut_pipeline::Query;
use ordinaut_runtime::Schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// As much of a body as is looked into, in bytes.
pub(crate) const MAX_JSON_BYTES: usize = 1024 * 1024;

/// Maximum length of what is saved of an answer, in bytes of JSON.
pub(crate) const MAX_SAVED: usize = 16 * 1024;

/// Maximum number of names that are saved.
const MAX_NAMES: usize = 32;

/// What becomes of a job whose answer has another body than it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMismatch {
    /// It is dead: the server speaks another language.
    #[default]
    Fatal,
    /// It is tried again.
    Retry,
}

/// What a job expects of the body, and what it saves of it.
pub(crate) struct Expectation<'a> {
    schema: Option<Arc<Schema>>,
    on_mismatch: OnMismatch,
    save: Vec<(&'a str, Query)>,
}

impl<'a> Expectation<'a> {
    /// Before the call, so that what is wrong with it costs none.
    pub(crate) async fn read(
        schema: Option<&Value>,
        on_mismatch: OnMismatch,
        save: &'a BTreeMap<String, String>,
        schemas: &Schemas,
    ) -> Result<Self, JobError> {
        if save.len() > MAX_NAMES {
            return Err(JobError::fatal(format!("args.save has more than {MAX_NAMES} names")));
        }
        let save = save.iter().map(|(name, expression)| {
            let query = Query::read(expression).map_err(|reason| format!("args.save.{name} {reason}"));
            Ok((name.as_str(), query.map_err(JobError::fatal)?))
        });
        let save = save.collect::<Result<_, JobError>>()?;
        let schema = match schema {
            Some(schema) => Some(schemas.compiled(schema).await),
            None => None,
        };
        let unusable = |reason| JobError::fatal(format!("args.response_schema {reason}"));
        Ok(Self { schema: schema.transpose().map_err(unusable)?, on_mismatch, save })
    }

    /// As much of a body as is to be read.
    pub(crate) fn room(&self) -> usize {
        if self.looks() { MAX_JSON_BYTES } else { MAX_BODY_BYTES }
    }

    fn looks(&self) -> bool {
        self.schema.is_some() || !self.save.is_empty()
    }

    /// What is saved of the body of an answer that has a status which was expected.
    pub(crate) async fn saved(&self, host: &str, body: &[u8], mask: &Mask) -> Result<Map<String, Value>, JobError> {
        if !self.looks() {
            return Ok(Map::new());
        }
        let mismatch = |reason: String| match self.on_mismatch {
            OnMismatch::Fatal => JobError::fatal(reason),
            OnMismatch::Retry => JobError::retry(reason),
        };
        if body.len() > MAX_JSON_BYTES {
            return Err(mismatch(format!("{host} answered with more than {MAX_JSON_BYTES} bytes")));
        }
        // Its own words would repeat what the server said.
        let json: Value =
            serde_json::from_slice(body).map_err(|_| mismatch(format!("{host} answered with what is no JSON")))?;
        if let Some(schema) = &self.schema {
            fits(schema, &json).await.map_err(|reason| {
                mismatch(format!("{host} answered with what args.response_schema does not describe: {reason}"))
            })?;
        }
        // An expression could turn a secret round, or tell its letters one by one.
        let (json, mut saved) = (mask.value(json), Map::new());
        for (name, query) in &self.save {
            let value = query.ask(&json).map_err(|reason| mismatch(format!("args.save.{name} {reason}")))?;
            saved.insert((*name).to_owned(), value);
        }
        let length = serde_json::to_string(&saved)?.len();
        if length > MAX_SAVED {
            return Err(mismatch(format!("args.save finds {length} bytes of JSON, of {MAX_SAVED} at most")));
        }
        Ok(saved)
    }
}
