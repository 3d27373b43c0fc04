//! Programs of ours as processes.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};

/// A program with nothing but these settings, and nobody who types; `path` is what cargo says of
/// its binary.
pub fn program(path: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(path);
    command.env_clear().envs(settings.iter().copied()).stdin(Stdio::null());
    command
}

/// A process that is killed when it is dropped.
pub struct KilledOnDrop(Child);

impl From<Child> for KilledOnDrop {
    fn from(child: Child) -> Self {
        Self(child)
    }
}

impl Deref for KilledOnDrop {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for KilledOnDrop {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl KilledOnDrop {
    /// `kill -9`, and it is gone.
    pub fn end(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
