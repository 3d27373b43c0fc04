//! What can be typed about certificates.

use super::Format;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Cert {
    /// Make a certificate that signs itself, for a year, and its key: cert.pem and key.pem
    SelfSigned(SelfSigned),
}

#[derive(Args)]
pub(crate) struct SelfSigned {
    /// A name or address under which clients reach the API; may be given several times
    #[arg(long = "name", value_name = "HOST", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub(crate) names: Vec<String>,
    /// The directory for the two files, which must not be there yet
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) format: Format,
}
