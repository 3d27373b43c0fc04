//! The private Postgres and Redis of `ordinaut dev`.

use super::place::Place;
use crate::output::say;
use anyhow::Context;
use ordinaut_embedded::{DataDirectory, Postgres, PostgresOptions, Redis, data_directory};
use ordinaut_runtime::settings::Source;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Enough for 64 workers with three connections each, their pools, and a few people with psql.
const MAX_CONNECTIONS: &str = "400";

/// The servers that were started; those that settings name are not ours.
pub(super) struct Servers {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
}

impl Servers {
    /// Starts what `source` does not name. Blocks for about a second on the first start.
    pub(super) fn start(place: &Place, source: &Source) -> anyhow::Result<Self> {
        let (own_postgres, own_redis) = (!source.says("DATABASE_URL"), !source.says("REDIS_URL"));
        if !own_postgres && !own_redis {
            return Ok(Self { postgres: None, redis: None });
        }
        let data = data_directory(&place.data())?;
        if let Some(moved) = &data.moved {
            say(moved);
        }
        let postgres = if own_postgres { Some(start_postgres(&data)?) } else { None };
        let redis = match own_redis.then(Redis::find).flatten() {
            Some(_) => Some(Redis::start(&data.path.join("redis")).context("could not start the private Redis")?),
            None => None,
        };
        Ok(Self { postgres, redis })
    }

    pub(super) fn database_url(&self) -> Option<String> {
        self.postgres.as_ref().map(Postgres::url)
    }

    pub(super) fn redis_url(&self) -> Option<String> {
        self.redis.as_ref().map(Redis::url)
    }

    pub(super) fn data(&self) -> Option<&Path> {
        self.postgres.as_ref().map(Postgres::directory)
    }

    /// Stops them in order, and waits until they are down.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        if let Some(redis) = self.redis {
            redis.stop()?;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop()?;
        }
        Ok(())
    }
}

fn start_postgres(data: &DataDirectory) -> anyhow::Result<Postgres> {
    let options = PostgresOptions::new().setting("max_connections", MAX_CONNECTIONS);
    options.start(&data.path.join("postgres")).context("could not start the private Postgres")
}

/// Removes the private data after asking. True: it is gone, or there was none.
pub(super) fn clean(place: &Place, asked: bool) -> anyhow::Result<bool> {
    let data = data_directory(&place.data())?.path;
    if std::fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_none()) {
        return Ok(true);
    }
    let shown = std::path::absolute(&data).unwrap_or_else(|_| data.clone());
    if !asked && !confirm(&format!("remove {} with every job in it?", shown.display()))? {
        return Ok(false);
    }
    for server in ["postgres", "redis"] {
        let part = data.join(server);
        if part.exists() {
            std::fs::remove_dir_all(&part).with_context(|| format!("could not remove {}", part.display()))?;
        }
    }
    say(format_args!("removed {}", shown.display()));
    Ok(true)
}

fn confirm(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("{question} Standard input is not a terminal: give --yes");
    }
    let mut out = std::io::stdout();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
