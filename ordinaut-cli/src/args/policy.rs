//! What can be typed about policies of kinds.

use super::{Format, value};
use clap::{Args, Subcommand};
use ordinaut_core::policy::{OutputPolicy, Window};

#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Give a kind a policy, in place of the one that it has
    Set(SetPolicy),
    /// Show the policy of a kind
    Show(OnePolicy),
    /// List policies
    List(Format),
    /// Take the policy of a kind away; a scheduler makes the jobs due that its hours have put off
    Delete(OnePolicy),
}

#[derive(Args)]
pub(crate) struct OnePolicy {
    /// The kind of jobs
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct SetPolicy {
    /// The kind of jobs
    pub(crate) kind: String,
    /// Its jobs run only then, such as "mon-fri 09:00-17:00"; may be given more than once
    #[arg(long, value_name = "WINDOW", conflicts_with = "never")]
    pub(crate) only: Vec<Window>,
    /// Its jobs do not run then, such as 22:00-06:00; may be given more than once
    #[arg(long, value_name = "WINDOW")]
    pub(crate) never: Vec<Window>,
    /// IANA name of the time zone that the windows go by; the installation's if not given
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// A calendar: on a day that it closes nothing runs; may be given more than once
    #[arg(long = "calendar", value_name = "NAME")]
    pub(crate) calendars: Vec<String>,
    /// Maximum number of seconds that an attempt may take if its job does not say
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) timeout: Option<f64>,
    /// Number of seconds in which a job should be done; later ones are counted and told as late
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) sla: Option<f64>,
    /// What is kept of outputs and results of steps: keep, hash (its SHA-256 and length) or drop
    #[arg(long, value_name = "WORD", value_parser = output)]
    pub(crate) output: Option<OutputPolicy>,
    #[command(flatten)]
    pub(crate) format: Format,
}

fn output(word: &str) -> Result<OutputPolicy, &'static str> {
    serde_json::from_value(word.into()).map_err(|_| "must be keep, hash or drop")
}
