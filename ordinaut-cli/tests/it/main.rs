//! The command line from outside: the real binary, each test in a directory of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod agents;
mod alerts;
mod cert;
mod clean;
mod demo;
mod dev;
mod documents;
mod events;
mod extensions;
mod fuzz;
mod given;
mod home;
mod interrupted;
mod jobs;
mod look;
mod ops;
mod preview;
mod process;
mod queues;
mod scripts;
mod settings;
mod tasks;
