//! Real schedulers and real kills. Run by `./ops/test.sh fault`: they take minutes, and want the
//! machine for themselves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crew;
mod schedulers_away;
mod schedulers_killed;
