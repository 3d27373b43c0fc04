//! The page in a real browser: Chromium without a window, which `./ops/test.sh browser` installs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../it/home.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod home;
mod journeys;
mod looks;
#[path = "../it/process.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod process;
mod visitor;
