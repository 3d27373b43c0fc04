//! `listen`: sleeps, and ends in a way of its own when it hears that it must stop, to see what
//! becomes of such an end.

use super::fail::{Fail, How, fail};
use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};

/// Sleeps until it must stop.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Time for which it sleeps if nobody stops it.
    pub seconds: Seconds,
    /// How it fails when it is stopped; it succeeds if absent.
    pub then: Option<How>,
}

impl Job for Listen {
    const KIND: &'static str = "listen";
}

pub(crate) async fn listen(job: Listen, ctx: Context<State>) -> Result<(), JobError> {
    tokio::select! {
        () = tokio::time::sleep(job.seconds.0) => Ok(()),
        () = ctx.cancelled() => match job.then {
            Some(how) => fail(Fail { times: None, how, seconds: job.seconds }, ctx).await,
            None => Ok(()),
        },
    }
}
