//! `/deployment`: in which mode the installation runs, and the processes that live.

use crate::App;
use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// In which mode the installation runs, and the processes that live.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deployment {
    /// The mode of the process that answers.
    #[schema(pattern = "^(local|docker_local|distributed|kubernetes)$")]
    mode: String,
    /// Why it is that.
    because: String,
    /// The domain of its services, if one is known.
    domain: Option<String>,
    /// The version of the process that answers.
    version: &'static str,
    /// The programs whose processes live.
    programs: BTreeMap<String, Replicas>,
}

/// The processes of a program.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Replicas {
    /// Number of processes that live.
    alive: usize,
    /// Their versions.
    versions: BTreeSet<String>,
}

/// In which mode the installation runs and why, and the processes that live.
#[utoipa::path(
    get, path = "/deployment", operation_id = "getDeployment",
    responses((status = 200, body = Deployment)),
)]
pub(crate) async fn deployment(
    State(app): State<Arc<App>>,
    caller: Caller,
    wanted: Parameters,
) -> Result<Json<Deployment>, Problem> {
    wanted.end()?;
    let mut programs = BTreeMap::<String, Replicas>::new();
    for instance in caller.data.instances().list().await?.into_iter().filter(|instance| instance.alive) {
        let replicas = programs.entry(instance.program).or_default();
        replicas.alive += 1;
        replicas.versions.insert(instance.version);
    }
    let found = &app.deployment;
    Ok(Json(Deployment {
        mode: found.mode.to_string(),
        because: found.because.clone(),
        domain: found.domain.clone(),
        version: env!("CARGO_PKG_VERSION"),
        programs,
    }))
}
