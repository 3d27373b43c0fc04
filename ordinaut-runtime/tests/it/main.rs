//! What the programs share, against a real Postgres.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use ordinaut_test_support::fixture;

mod settings;
mod startup;
