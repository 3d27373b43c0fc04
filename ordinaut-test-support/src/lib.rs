//! What the tests of several crates need. It is not published, and only dev-dependencies name it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

pub mod database;
pub mod fact;
pub mod fixture;
pub mod killable_postgres;
pub mod program;
pub mod wire;
