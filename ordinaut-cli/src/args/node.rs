//! What can be typed about machines.

use super::{Format, value};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Node {
    /// List machines, with how healthy each is
    List(Format),
    /// Show a machine
    Show(OneNode),
    /// Name the best machines for the next job
    Recommend {
        /// Maximum number of machines
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = value::whole::<u16>)]
        count: u16,
        /// A label that its workers must have, such as gpu or zone=a, or after "!" must not have;
        /// may be given more than once
        #[arg(long, value_name = "LABEL")]
        label: Vec<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Show the thresholds that were set by hand, or set those of all machines or of one
    Thresholds(ThresholdsOf),
    /// Run a command of the workers' list on machines, and wait for what each answers
    Run(RunCommand),
    /// Forget a machine; it comes again with its next report
    Delete(OneNode),
}

#[derive(Args)]
pub(crate) struct OneNode {
    /// The name of its host
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct RunCommand {
    /// Its name on the list (`WORKER_PROCESS_FILE`), or ping, which needs no list
    pub(crate) command: String,
    /// A machine, all that have a living worker if not given; may be given more than once
    #[arg(long, value_name = "NODE")]
    pub(crate) node: Vec<String>,
    /// Its arguments, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) args: String,
    /// The queue whose workers run it
    #[arg(long, default_value = "default")]
    pub(crate) queue: String,
    /// Number of seconds after which a machine that has not answered has timed out
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub(crate) timeout: f64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct ThresholdsOf {
    /// The machine; all of them if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Percent of busy processors from which on it is a warning, and critical
    #[arg(long, num_args = 2, value_names = ["WARNING", "CRITICAL"], value_parser = value::decimal)]
    pub(crate) cpu: Vec<f64>,
    /// The same of memory in use
    #[arg(long, num_args = 2, value_names = ["WARNING", "CRITICAL"], value_parser = value::decimal)]
    pub(crate) memory: Vec<f64>,
    /// The same of the disk that is taken
    #[arg(long, num_args = 2, value_names = ["WARNING", "CRITICAL"], value_parser = value::decimal)]
    pub(crate) disk: Vec<f64>,
    /// Seconds of silence after which it is offline
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) offline_after: Option<f64>,
    /// Take back what was set
    #[arg(long, conflicts_with_all = ["cpu", "memory", "disk", "offline_after"])]
    pub(crate) reset: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}
