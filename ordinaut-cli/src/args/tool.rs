//! What can be typed about tools.

use super::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Tool {
    /// List tools: what jobs of a kind, and steps of pipelines, take and return
    List(Format),
    /// Show a tool, with its JSON Schemas
    Show(OneTool),
    /// Put a tool from a file, in place of the one of the name
    Put(PutTool),
    /// Delete a tool: what its jobs take is not checked any more
    Delete(OneTool),
}

#[derive(Args)]
pub(crate) struct OneTool {
    /// Its name, which is that of the kind
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct PutTool {
    /// Its name, which is that of the kind
    pub(crate) name: String,
    /// File with the tool in JSON (docs/tools.md), or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}
