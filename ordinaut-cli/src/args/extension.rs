//! What can be typed about extensions.

use super::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Extension {
    /// Put what a manifest says: an agent of the extension's name, its tools and webhooks
    Put(PutExtension),
    /// Show an extension: what its agent may do, and the tools and webhooks that it has
    Show(OneExtension),
    /// Delete an extension with its agent, tools and webhooks
    Delete(OneExtension),
}

#[derive(Args)]
pub(crate) struct OneExtension {
    /// Its name, which is that of its agent
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct PutExtension {
    /// Its name, which is that of its agent
    pub(crate) name: String,
    /// File with the manifest in JSON (docs/tools.md), or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}
