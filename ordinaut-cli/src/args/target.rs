//! What can be typed about targets.

use super::{Format, value};
use clap::{Args, Subcommand};
use ordinaut_core::target::{Host, TargetStrategy};

#[derive(Subcommand)]
pub(crate) enum Target {
    /// List targets, with their state and the jobs that wait for each
    List(Format),
    /// Show a target, and how each of its hosts is
    Show(OneTarget),
    /// Create a target, or put another one in the place of the one of that name
    Put(Box<PutTarget>),
    /// Delete a target; jobs that wait for it end as dead
    Delete(OneTarget),
    /// Let a target be called again at once, whatever its calls have come to
    Reset {
        /// The target's name
        name: String,
        /// Only this host of it
        host: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Give a host of a target no more calls; those under way end
    Drain(OneHost),
    /// Give a host of a target calls again
    Undrain(OneHost),
    /// Call the health path of each host from here, and say what it answers
    Test(OneTarget),
    /// Print the URL of a host that is called now
    Url(OneTarget),
}

#[derive(Args)]
pub(crate) struct OneTarget {
    /// The target's name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct OneHost {
    /// The target's name
    pub(crate) name: String,
    /// The host, as the target names it
    pub(crate) host: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct PutTarget {
    /// Its name
    pub(crate) name: String,
    /// A host: a name or address and a port, such as 10.0.0.1:8080, and its weight after =, if it
    /// has one; may be given several times
    #[arg(long = "host", value_name = "HOST", required = true, value_parser = host)]
    pub(crate) hosts: Vec<Host>,
    /// http or https
    #[arg(long, default_value = "http")]
    pub(crate) scheme: String,
    /// Which host is called next: `round_robin`, `least_loaded`, `weighted` or `priority_failover`
    #[arg(long, value_parser = strategy)]
    pub(crate) strategy: Option<TargetStrategy>,
    /// Longest time of a call; 30 if not given
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) timeout: Option<f64>,
    /// Path that says whether a host is well
    #[arg(long, value_name = "PATH")]
    pub(crate) health_path: Option<String>,
    /// Say that people should be alarmed when it takes no calls
    #[arg(long)]
    pub(crate) critical: bool,
    /// Call this target while it takes no calls
    #[arg(long, value_name = "NAME", conflicts_with = "fallback_value")]
    pub(crate) fallback: Option<String>,
    /// Answer with this JSON while it takes no calls
    #[arg(long, value_name = "JSON")]
    pub(crate) fallback_value: Option<serde_json::Value>,
    /// Number of calls that fail in a row until a host is not called; 5 if not given
    #[arg(long, value_name = "CALLS", value_parser = value::whole::<u32>)]
    pub(crate) threshold: Option<u32>,
    /// Time until a host that is not called is tried; 60 if not given
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) open_for: Option<f64>,
    /// Longest such time; 600 if not given
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) longest: Option<f64>,
    /// Number of waiting jobs a second that go when it takes calls again; 100 if not given
    #[arg(long, value_name = "JOBS", value_parser = value::decimal)]
    pub(crate) resume_rate: Option<f64>,
    /// Number of calls that all workers together may have under way
    #[arg(long, value_name = "CALLS", value_parser = value::whole::<u32>)]
    pub(crate) concurrency: Option<u32>,
    /// Number of calls a second that all workers together may begin
    #[arg(long, value_name = "CALLS", value_parser = value::decimal)]
    pub(crate) rate: Option<f64>,
    #[command(flatten)]
    pub(crate) format: Format,
}

fn host(word: &str) -> Result<Host, &'static str> {
    let Some((host, weight)) = word.split_once('=') else { return Ok(Host::new(word, 1)) };
    let weight = weight.parse().map_err(|_| "must be a host, or a host, = and its weight from 1 to 1000")?;
    Ok(Host::new(host, weight))
}

fn strategy(word: &str) -> Result<TargetStrategy, &'static str> {
    serde_json::from_value(word.replace('-', "_").into())
        .map_err(|_| "must be round_robin, least_loaded, weighted or priority_failover")
}
