//! A checkpoint as a job keeps it: a small JSON text.

use crate::job::nul_bytes;
use crate::lease::checkpoint_error::{CheckpointError, MAX_CHECKPOINT_BYTES};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as a job keeps it.
pub(crate) fn encode(value: &(impl Serialize + ?Sized)) -> Result<String, CheckpointError> {
    let json = serde_json::to_string(value).map_err(CheckpointError::Encode)?;
    if json.len() > MAX_CHECKPOINT_BYTES {
        return Err(CheckpointError::TooLarge(json.len()));
    }
    if nul_bytes::escapes(&json).next().is_some() {
        return Err(CheckpointError::Nul);
    }
    Ok(json)
}

/// What an attempt has kept.
pub(crate) fn decode<T: DeserializeOwned>(json: &str) -> Result<T, CheckpointError> {
    serde_json::from_str(json).map_err(CheckpointError::Decode)
}
