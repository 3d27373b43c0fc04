//! What the figures were measured on: they mean nothing without it.

use serde::Serialize;
use std::fmt;
use std::fs;

/// The machine, and how busy others kept it when the run began.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Machine {
    /// The processor's own name.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// The kernel.
    pub kernel: String,
    /// The server.
    pub postgres: String,
    /// The load average of the minute before the run.
    pub load_before: f64,
}

impl Machine {
    /// This machine, now.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |path: &str, name: &str| {
            let text = read(path);
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let kib: u64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
        let first = |text: String| text.split_whitespace().next().unwrap_or_default().to_owned();
        Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.div_ceil(1024 * 1024),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            postgres: ordinaut_embedded::Installation::find().map(|found| found.version).unwrap_or_default(),
            load_before: first(read("/proc/loadavg")).parse().unwrap_or(0.0),
        }
    }
}

/// For people.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, postgres, load_before } = self;
        write!(f, "{cores} × {cpu}, {memory_gib} GiB, Linux {kernel}, Postgres {postgres}, load before {load_before}")
    }
}
