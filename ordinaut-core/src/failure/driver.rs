//! Errors of the driver: the ones that are made here, what one says, and how one is recognised.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::time::Duration;

pub(super) const CONNECTION_LIMIT: &str = "53300";

pub(super) const LOCK_TIMEOUT: &str = "55P03";

/// A prepared statement that is missing when it is used.
pub(super) const STATEMENT_UNKNOWN: &str = "26000";

/// A prepared statement that is there before it was prepared.
pub(super) const STATEMENT_KNOWN: &str = "42P05";

/// Why a server is no place to write to; inside an [`io::Error`], as it is told while a connection
/// is made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OnlyReads(String);

/// The error of a connection to a server that only reads.
pub(crate) fn only_reads(told: impl Into<String>) -> sqlx::Error {
    sqlx::Error::Io(io::Error::other(OnlyReads(told.into())))
}

/// What is said of a Postgres, or of a wire to it, that gave no answer for so long.
pub(crate) fn silence(patience: Duration) -> sqlx::Error {
    let text = format!("Postgres did not answer within {:.1} s", patience.as_secs_f64());
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// The first words about a server that no connection led to.
pub(crate) const UNREACHED: &str = "could not connect to Postgres at ";

/// The error of a connection that was not made.
pub(crate) fn unreached(place: &str, error: &io::Error) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(error.kind(), format!("{UNREACHED}{place}: {error}")))
}

/// What the server or the system said, without the driver's words around it.
pub(crate) fn said(error: &sqlx::Error) -> String {
    if let Some(told) = error.as_database_error() {
        return told.message().to_owned();
    }
    let innermost = successors(error.source(), |&cause| cause.source()).last();
    innermost.map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whether no connection of the pool became free in time; the server's own answer is not in it.
pub(crate) fn is_pool_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut)
}

/// Whether the server takes no more connections.
pub fn is_connection_limit(error: &sqlx::Error) -> bool {
    has_code(error, &[CONNECTION_LIMIT])
}

/// Whether a value is taken of which there can be one.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    has_code(error, &["23505"])
}

/// Whether a lock was not had in time.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    has_code(error, &[LOCK_TIMEOUT])
}

/// Whether Postgres undid the transaction because others were in its way: the same again may
/// succeed.
pub(crate) fn is_undone_for_others(error: &sqlx::Error) -> bool {
    has_code(error, &["40001", "40P01"])
}

/// What is prepared on one connection and missing when it is used, or there before it was prepared,
/// is on a server that others have too.
pub(crate) fn is_forgotten_statement(error: &sqlx::Error) -> bool {
    has_code(error, &[STATEMENT_UNKNOWN, STATEMENT_KNOWN])
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    error.as_database_error().and_then(|told| told.code()).is_some_and(|code| codes.contains(&&*code))
}

/// Whether a statement failed because its answer was too much: for the server's memory, for one
/// message, or for the time.
pub(crate) fn is_too_much(error: &sqlx::Error) -> bool {
    let Some(told) = error.as_database_error() else {
        return matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut);
    };
    let code = told.code().unwrap_or_default();
    // Cancelled; out of memory; what the server cannot allocate at once. Classes: data exception,
    // program limit exceeded.
    matches!(&*code, "57014" | "53200" | "XX000") || ["22", "54"].iter().any(|class| code.starts_with(class))
}
