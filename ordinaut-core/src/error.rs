//! Errors that every part of the library uses.

pub use crate::failure::{Consequence, FailureKind};

use crate::failure::{UNREACHED, is_too_much, said};
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;

/// Why what was asked for was not done.
///
/// It says what happened in one sentence, with what Postgres or the system said. [`Error::kind`]
/// says what it means.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A field cannot be accepted.
    Invalid(InvalidField),
    /// Postgres refused, or was not there.
    Database(sqlx::Error),
    /// A job's output is not of the type that it was to be read as.
    Output(serde_json::Error),
}

impl Error {
    /// What the failure means, and so what to do about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Invalid(_) | Self::Output(_) => FailureKind::BadData,
            Self::Database(error) => FailureKind::of(error),
        }
    }

    /// Whether what was asked for may have been too much for one answer: less of it may come
    /// through.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::Database(error) if is_too_much(error))
    }

    /// Whether the same may succeed later, without a change of the program or of what it was given.
    pub fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Database(error) => {
                let said = said(error);
                if said.starts_with(UNREACHED) {
                    return f.write_str(&said);
                }
                write!(f, "{} ({said})", FailureKind::of(error).sentence())
            }
            Self::Output(error) => {
                write!(f, "the job's output could not be read as the type that was asked for: {error}")
            }
        }
    }
}

impl StdError for Error {}

impl From<InvalidField> for Error {
    fn from(invalid: InvalidField) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// What Postgres said, for a function that answers with sqlx's own error; a field that cannot be
/// accepted cannot be encoded, and an output of another type cannot be decoded.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => Self::Encode(invalid.into()),
            Error::Database(error) => error,
            Error::Output(error) => Self::Decode(error.into()),
        }
    }
}

/// A field of a new job, or of a task or its schedule, that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidField {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it, to follow the name in a sentence.
    pub reason: String,
}

/// What is of the right type already is always accepted.
impl From<Infallible> for InvalidField {
    fn from(never: Infallible) -> Self {
        match never {}
    }
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
