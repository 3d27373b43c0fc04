//! What the built-in executors take and return is told to the catalogue when a worker starts.

use super::info::{ExecutorInfo, executors};
use ordinaut_core::Client;
use ordinaut_core::tool::{Tool, ToolError};
use std::time::Duration;
use tracing::{debug, warn};

/// Between two tries while Postgres is away.
const AGAIN: Duration = Duration::from_secs(30);

/// Tells it, in its own time: a worker whose executors are not in the catalogue still works, and
/// what is not in it is not checked before.
pub async fn register(database: &Client) {
    for ExecutorInfo { name, about, args, output } in executors() {
        let tool = Tool::new(args).output(output).about(about).executor("ordinaut-worker");
        loop {
            match database.tools().register(name, &tool, env!("CARGO_PKG_VERSION")).await {
                Ok(()) => break,
                Err(ToolError::Database(error)) => {
                    debug!(%error, "could not tell the catalogue of the tool {name}, and will try again");
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => {
                    warn!(%error, "could not tell the catalogue of the tool {name}");
                    break;
                }
            }
        }
    }
}
