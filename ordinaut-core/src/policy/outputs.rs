//! What is kept of what handlers return.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt;

/// What is kept of what the handlers of a kind return, and of the results of their steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputPolicy {
    /// All of it.
    #[default]
    Keep,
    /// Its SHA-256 and its length: whether two were the same can be told, and not what they were.
    Hash,
    /// Nothing.
    Drop,
}

impl OutputPolicy {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Hash => "hash",
            Self::Drop => "drop",
        }
    }

    /// What a run keeps of an output, which is JSON.
    pub fn of_output(self, output: String) -> Option<String> {
        match self {
            Self::Keep => Some(output),
            Self::Hash => Some(hashed(&output)),
            Self::Drop => None,
        }
    }

    /// What is recorded of the result of a step.
    ///
    /// # Errors
    ///
    /// If it cannot be written as JSON.
    pub fn of(self, result: &impl Serialize) -> serde_json::Result<String> {
        serde_json::to_string(result).map(|json| self.of_step(json))
    }

    /// What is recorded in place of a step's result, which is JSON.
    pub(crate) fn of_step(self, result: String) -> String {
        self.of_output(result).unwrap_or_else(|| "null".to_owned())
    }
}

impl fmt::Display for OutputPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn hashed(text: &str) -> String {
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"sha256": hash, "bytes": text.len()}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_what_is_the_same_and_not_what_it_is() {
        let of = |policy: OutputPolicy| policy.of_output("\"a secret\"".to_owned());
        assert_eq!(of(OutputPolicy::Keep).as_deref(), Some("\"a secret\""));
        let hash = of(OutputPolicy::Hash).unwrap();
        assert!(hash.contains("\"bytes\":10") && hash.len() > 64 && !hash.contains("secret"), "{hash}");
        assert_eq!(of(OutputPolicy::Drop), None);
        assert_eq!(OutputPolicy::Drop.of_step("1".to_owned()), "null");
    }
}
