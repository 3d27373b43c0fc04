//! Arguments on their way from JSON to the type of a job.

use serde::de::DeserializeOwned;

/// Why arguments cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct ArgsError {
    pub(crate) path: String,
    pub(crate) source: serde_json::Error,
}

/// Reads arguments; an error knows the field.
///
/// # Errors
///
/// If the text is no JSON, or not of this type.
pub fn read_args<T: DeserializeOwned>(args: &str) -> Result<T, ArgsError> {
    let mut reader = serde_json::Deserializer::from_str(args);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| ArgsError { path: error.path().to_string(), source: error.into_inner() })
}
