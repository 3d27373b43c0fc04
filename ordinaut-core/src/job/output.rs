//! What a run keeps of what a handler returned: JSON, bounded.

use crate::job::nul_bytes;
use serde::Serialize;
use std::any::TypeId;

/// As much output as a run keeps, in bytes.
pub(crate) const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Why an output was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It cannot be written as JSON.
    #[error("could not write the output as JSON")]
    Encode(#[from] serde_json::Error),
    /// It is larger than a run may keep.
    #[error("output is {0} bytes long, and a run keeps {MAX_OUTPUT_BYTES} at most")]
    TooLarge(usize),
}

/// What a handler returned, as it is stored. `()` is no output: an attempt that leaves nothing is
/// settled at its place.
pub(crate) fn of<T: Serialize + 'static>(value: &T) -> Result<Option<String>, OutputError> {
    if TypeId::of::<T>() == TypeId::of::<()>() { Ok(None) } else { written(value).map(Some) }
}

/// An output as it is stored.
pub(crate) fn written(value: &impl Serialize) -> Result<String, OutputError> {
    let json = nul_bytes::replaced(serde_json::to_string(value)?);
    if json.len() > MAX_OUTPUT_BYTES { Err(OutputError::TooLarge(json.len())) } else { Ok(json) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_is_no_output_and_what_is_nothing_in_json_is_one() {
        assert_eq!(of(&()).unwrap(), None);
        assert_eq!(of(&None::<i32>).unwrap().unwrap(), "null");
        assert_eq!(of(&[1, 2]).unwrap().unwrap(), "[1,2]");
    }

    #[test]
    fn the_bound_is_that_of_the_json() {
        assert!(written(&"x".repeat(MAX_OUTPUT_BYTES - 2)).is_ok());
        let refused = written(&"x".repeat(MAX_OUTPUT_BYTES - 1)).unwrap_err();
        assert_eq!(refused.to_string(), "output is 65537 bytes long, and a run keeps 65536 at most");
    }
}
