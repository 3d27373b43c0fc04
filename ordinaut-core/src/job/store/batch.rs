//! What statements that insert many jobs have in common.

/// Few enough that one statement stays far from Postgres' limits, many enough that its round trip
/// costs nothing.
pub(crate) const JOBS_A_STATEMENT: usize = 1000;

/// Who tells waiting workers of the jobs that are inserted.
#[derive(Clone, Copy)]
pub(crate) enum Wake {
    /// The transaction itself, at its commit, and only workers that have asked for it, because
    /// little comes to them.
    InTransaction,
    /// The library, after the commit, which is its own.
    AfterCommit,
}

/// Tags as the text of one array: `unnest` would flatten an array of arrays.
pub(crate) fn array_literal(tags: &[String]) -> String {
    let quoted: Vec<_> =
        tags.iter().map(|tag| format!("\"{}\"", tag.replace('\\', r"\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}
