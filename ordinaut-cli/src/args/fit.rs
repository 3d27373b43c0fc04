//! What a job asks of the worker that runs it, as flags.

use super::value;
use clap::Args;
use ordinaut_core::placement::{Placement, Strategy};

#[derive(Args)]
pub(crate) struct Fit {
    /// A label that its worker must have, such as gpu or zone=a, or after "!" must not have; may be
    /// given more than once
    #[arg(long, value_name = "LABEL")]
    require: Vec<String>,
    /// A label that its worker should have; may be given more than once
    #[arg(long, value_name = "LABEL")]
    prefer: Vec<String>,
    /// Seconds for which it waits for a worker that it prefers; 10 if not given
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    prefer_for: Option<f64>,
    /// How to choose the worker to prefer: `least_tasks`, `round_robin` or random
    #[arg(long)]
    strategy: Option<Strategy>,
    /// Avoid the worker of an attempt that failed or was lost
    #[arg(long)]
    avoid_last: bool,
}

impl Fit {
    pub(crate) fn placement(&self) -> Placement {
        let mut placement = Placement::default().require(&self.require).prefer(&self.prefer);
        placement.prefer_for = self.prefer_for;
        (placement.strategy, placement.avoid_last) = (self.strategy, self.avoid_last);
        placement
    }
}
