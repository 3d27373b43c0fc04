//! The bits of `due_work.flags` and `parked.flags`. Statements name them by functions
//! (`sql/functions/flag_*.sql`); a test holds that both say the same.

/// The job runs, and its worker is asked to stop it.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const CANCEL_ASKED: i16 = 1;

/// The job was lost twice: one of its kind at a time runs in a process, and its next loss counts as
/// a failure. It stays set for the job's life, as does [`LOST_ONCE`].
pub(crate) const SUSPECT: i16 = 2;

/// The lease takes room of limits.
pub(crate) const LIMITED: i16 = 4;

/// The job holds a unique key that its end frees.
pub(crate) const UNIQUE: i16 = 8;

/// The worker of an attempt died once; a second time makes the job suspect.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const LOST_ONCE: i16 = 16;

/// Limits that its task implies concern the job, and claims pass it by.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const TASK_LIMITED: i16 = 32;

/// Somebody follows the job: its end is a row of `followed_end`.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const FOLLOWED: i16 = 64;

/// The job was given parameters while it ran.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const ATTACHED: i16 = 256;
/// The job says what it requires of its worker, and claims pass it by.
#[cfg_attr(not(test), expect(dead_code, reason = "only statements ask for it"))]
pub(crate) const PLACED: i16 = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate::functions::FUNCTIONS;

    #[test]
    fn rust_and_sql_mean_the_same_bits() {
        let bits = [
            ("flag_cancel_asked", CANCEL_ASKED),
            ("flag_suspect", SUSPECT),
            ("flag_limited", LIMITED),
            ("flag_unique", UNIQUE),
            ("flag_lost_once", LOST_ONCE),
            ("flag_task_limited", TASK_LIMITED),
            ("flag_followed", FOLLOWED),
            ("flag_attached", ATTACHED),
            ("flag_placed", PLACED),
        ];
        for (name, bit) in bits {
            let (_, text) = FUNCTIONS.iter().find(|(found, _)| *found == name).unwrap();
            assert!(text.contains(&format!("select {bit}::smallint;")), "{name} is not {bit}");
        }
        assert_eq!(FUNCTIONS.iter().filter(|(name, _)| name.starts_with("flag_")).count(), bits.len());
    }
}
