//! What a process tells of the machine on which it runs.

use nix::sys::statvfs::statvfs;
use ordinaut_core::Client;
use ordinaut_core::node::NodeReport;
use std::convert::Infallible;
use std::thread::available_parallelism;
use std::time::Duration;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;
use tracing::debug;

/// Between two reports.
const EVERY: Duration = Duration::from_secs(15);

/// Time over which the first report counts how busy the processors are.
const FIRST: Duration = Duration::from_secs(1);

/// Tells of this machine for as long as it is asked. A failure costs a report, and nothing else.
pub async fn tell_of_node(database: &Client, program: &str) -> Infallible {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing().with_cpu_usage())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let mut system = System::new_with_specifics(wanted);
    let mut times = tokio::time::interval_at(tokio::time::Instant::now() + FIRST, EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        // Files of the kernel, which may take a moment.
        let looked = spawn_blocking(move || {
            let report = look(&mut system);
            (system, report)
        });
        let report = match looked.await {
            Ok((kept, report)) => {
                system = kept;
                report
            }
            Err(error) => {
                debug!(%error, "could not look at this machine, and will try again");
                system = System::new_with_specifics(wanted);
                continue;
            }
        };
        if let Err(error) = database.nodes().report(&report, program).await {
            debug!(%error, "could not tell of this machine, and will try again");
        }
    }
}

/// What there is now; how busy the processors were since the last look.
fn look(system: &mut System) -> NodeReport {
    system.refresh_cpu_usage();
    system.refresh_memory();
    let mut report = NodeReport::new(ordinaut_core::program::host_name());
    report.cores = available_parallelism().map_or(1, |cores| i32::try_from(cores.get()).unwrap_or(i32::MAX));
    report.cpu = system.global_cpu_usage().clamp(0.0, 100.0);
    (report.memory_total, report.memory_used) = memory(system);
    (report.disk_total, report.disk_used) = disk();
    report.load = System::load_average().one as f32;
    report.version = env!("CARGO_PKG_VERSION").to_owned();
    report
}

/// Memory that this process may use, and how much of that is taken: of its control group, where
/// that allows less than the machine has.
fn memory(system: &System) -> (i64, i64) {
    let (total, used) = match system.cgroup_limits() {
        Some(group) if group.total_memory < system.total_memory() => {
            (group.total_memory, group.total_memory.saturating_sub(group.free_memory))
        }
        _ => (system.total_memory(), system.used_memory()),
    };
    whole(total, used)
}

/// The disk of the directory in which this process runs. What only root may fill counts as taken.
fn disk() -> (i64, i64) {
    let Ok(disk) = statvfs(".") else { return (1, 0) };
    let octets = |blocks: u64| blocks.saturating_mul(disk.fragment_size());
    let total = octets(disk.blocks());
    whole(total, total.saturating_sub(octets(disk.blocks_available())))
}

/// As a report has them: a total of 1 at least, and no more taken than there is.
fn whole(total: u64, used: u64) -> (i64, i64) {
    let signed = |octets: u64| i64::try_from(octets).unwrap_or(i64::MAX);
    let total = signed(total.max(1));
    (total, signed(used).min(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_this_machine_can_be_stored() {
        let mut system = System::new();
        let report = look(&mut system);
        report.check().unwrap();
        assert!(report.memory_total > 1 && report.memory_used > 0, "{report:?}");
        assert!(report.disk_total > 1 && report.disk_used > 0, "{report:?}");
    }

    #[test]
    fn more_taken_than_there_is_is_all_of_it() {
        assert_eq!(whole(0, 7), (1, 1));
        assert_eq!(whole(u64::MAX, u64::MAX), (i64::MAX, i64::MAX));
    }
}
