//! The functions of the schema (`sql/functions/`), in the order in which they are created, and a
//! hash of all their text. Both are written by build.rs.

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate::version::newest_migration;

    #[test]
    fn functions_change_together_with_a_migration() {
        let lock = include_str!("../../../migrations/functions.lock");
        let now = format!("{} {HASH}\n", newest_migration());
        assert!(
            lock.lines().filter(|line| !line.starts_with('#')).eq(now.lines()),
            "sql/functions changed, so write \"{}\" into migrations/functions.lock, and add a migration besides if the version \
             that stands there was released: its schemas would not notice the change",
            now.trim()
        );
    }

    #[test]
    fn a_function_comes_behind_those_that_it_calls() {
        let place = |name: &str| FUNCTIONS.iter().position(|(found, _)| *found == name).unwrap();
        for (caller, called) in [("limit_turn", "limits_of"), ("limits_of", "limit_key"), ("enqueue", "hold_key")] {
            assert!(place(called) < place(caller), "{caller} calls {called}");
        }
    }

    #[test]
    fn each_function_is_made_once_and_says_what_it_is() {
        for (name, text) in FUNCTIONS {
            assert!(text.starts_with("-- "), "{name} must begin with a comment that says why");
            assert_eq!(text.matches("create or replace function ").count(), 1, "{name}");
            assert!(
                text.contains(&format!("\ncreate or replace function {name}(")),
                "{name} must be made in its own file"
            );
            assert!(text.contains(&format!("\ncomment on function {name} is\n")), "{name} has no comment");
            assert!(text.is_ascii(), "{name} must be ASCII, to be read in any encoding");
        }
    }
}
