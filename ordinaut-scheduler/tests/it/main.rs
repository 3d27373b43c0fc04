//! The scheduler's binary, from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod health;
