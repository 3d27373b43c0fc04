//! Real servers, started, killed and looked for; what they need is what `ordinaut dev` needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod data_directory;
mod left_behind;
mod postgres;
mod redis;
mod support;
