//! Errors that every part of the library uses.

use std::error::Error as StdError;
use std::fmt;

/// A field of a new job, or of a task or its schedule, that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidField {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it, to follow the name in a sentence.
    pub reason: String,
}

/// An error with all its sources, as one line.
pub struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut text, mut source) = (self.0.to_string(), self.0.source());
        while let Some(cause) = source {
            let more = cause.to_string();
            // Some errors say what their source says.
            if !text.ends_with(&more) {
                text = format!("{text}: {more}");
            }
            source = cause.source();
        }
        f.write_str(&text)
    }
}
