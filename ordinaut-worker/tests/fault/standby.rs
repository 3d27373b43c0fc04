//! A standby of a private Postgres, which can be promoted when that is gone.

use ordinaut_embedded::{Installation, Postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use uuid::Uuid;

pub(crate) struct Standby {
    directory: PathBuf,
    running: Option<Postgres>,
}

impl Standby {
    /// Copies the primary whose address this is, and follows it. From then on the primary
    /// answers a commit when the standby has it too.
    pub(crate) async fn of(url: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("ordinaut-{:.8}", Uuid::new_v4().simple().to_string()));
        std::fs::create_dir(&directory).unwrap();
        let basebackup = Installation::find().unwrap().bin.join("pg_basebackup");
        run(Command::new(basebackup)
            .args([
                "--wal-method=stream",
                "--checkpoint=fast",
                "--write-recovery-conf",
                "--no-password",
                "--dbname",
                url,
            ])
            .arg("--pgdata")
            .arg(directory.join("cluster")));
        // Postgres serves only the account that owns its data.
        let options: PgConnectOptions = url.parse().unwrap();
        let owner = std::fs::metadata(options.get_socket().unwrap()).unwrap();
        run(Command::new("chown").arg("-R").arg(format!("{}:{}", owner.uid(), owner.gid())).arg(&directory));
        let own = directory.clone();
        let running = tokio::task::spawn_blocking(move || Postgres::start(&own).unwrap()).await.unwrap();
        for sql in ["alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"] {
            tell(url, sql).await;
        }
        Self { directory, running: Some(running) }
    }

    pub(crate) fn url(&self) -> String {
        self.running.as_ref().unwrap().url()
    }

    pub(crate) async fn promote(&self) {
        tell(&self.url(), "select pg_promote()").await;
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        drop(self.running.take());
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

async fn tell(url: &str, sql: &'static str) {
    let mut connection = url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
