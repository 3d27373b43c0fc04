//! What the programs share, against a real Postgres.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

#[allow(dead_code, reason = "the library's tests do more with it")]
#[path = "../../../ordinaut-core/tests/it/fixture.rs"]
mod fixture;
mod settings;
mod startup;
