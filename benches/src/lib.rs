//! Measures Ordinaut against what plain SQL of the same shape does in the same run.
//! `benches/README.md` says what each bench measures and how; the binary is a thin door to [`run`].

pub mod api;
mod bench;
#[path = "../../ordinaut-core/build/blocks.rs"]
mod blocks;
mod crew;
mod figure;
mod floor;
mod http;
mod job;
mod lab;
mod machine;
mod meter;
mod process;
mod statements;
mod wal;
pub mod worker;

pub use bench::{Bench, run};
pub use figure::Figure;
pub use machine::Machine;

use std::path::PathBuf;

/// What a run is asked to do differently.
#[derive(Clone, Debug)]
pub struct Options {
    /// Jobs to measure with, instead of each bench's own number.
    pub jobs: Option<u64>,
    /// Slots of a worker that is tuned.
    pub concurrency: usize,
    /// The program that a worker process is started from: this crate's binary.
    pub program: PathBuf,
}
