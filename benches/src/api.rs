//! An API process: this crate's binary, started by itself, so that what it costs is not the
//! bench's.
//!
//! It says where it listens, and stops when its standard input ends. The other end is in
//! `bench/api.rs`.

use ordinaut_core::Client;
use ordinaut_runtime::settings::api::ApiSettings;
use std::io::{Write, stdin, stdout};

/// What an API process is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ApiOptions {
    /// The database.
    #[arg(long)]
    pub url: String,
}

/// Answers until standard input ends. Without a token of the settings: agents alone are let in.
pub async fn serve(options: ApiOptions) -> anyhow::Result<()> {
    let database = Client::builder(options.url).max_connections(10).connect().await?;
    let settings = ApiSettings::default();
    let listener = ordinaut_api::listen(&settings).await?;
    writeln!(stdout(), "listens {}", listener.local_addr()?)?;
    // Read by a thread, because a pipe cannot be awaited portably.
    let (say_stop, stop) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        stdin().lines().for_each(drop);
        drop(say_stop);
    });
    ordinaut_api::run(ordinaut_api::Config { database, settings }, listener, stop).await
}
