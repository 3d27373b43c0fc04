//! What can be typed about pipelines.

use super::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `pipeline VERB`.
#[derive(Subcommand)]
pub(crate) enum Pipeline {
    /// Say what is wrong with a pipeline, or what each step would be given; nothing is called
    Check(CheckPipeline),
}

#[derive(Args)]
pub(crate) struct CheckPipeline {
    /// A file with the pipeline, in JSON
    pub(crate) file: PathBuf,
    /// Parameters in the place of those of the file, in JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) params: Option<String>,
    /// Outputs of steps to be assumed, by their ids, in JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) outputs: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
