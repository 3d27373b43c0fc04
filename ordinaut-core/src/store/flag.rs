//! The bits of `due_work.flags` and `parked.flags` that Rust reads. SQL files write them as numbers: 1 is "cancel asked", 2
//! suspect, 4 limited, 8 unique, 16 "lost once".

/// The job was lost twice: one of its kind at a time runs in a process, and its next loss counts as a failure. It stays
/// set for the job's life, as does "lost once".
pub(crate) const SUSPECT: i16 = 2;

/// The job takes room of limits.
pub(crate) const LIMITED: i16 = 4;
