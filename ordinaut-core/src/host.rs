//! The machine that a process runs on.

/// The machine's name for people: the container's, in a container.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// The name for people of a process that nobody gave one: the machine's, and the process' id.
pub(crate) fn process_name() -> String {
    format!("{}/{}", host_name(), std::process::id())
}
