//! `ordinaut doctor`: is everything there that is needed, and does it agree?

use crate::args::Format;
use crate::connection::Connection;
use crate::output::{answer, table};
use chrono::Utc;
use ordinaut_core::Client;
use ordinaut_core::db::{Schema, Severity};
use ordinaut_core::event::{StreamStatus, stream_in_redis};
use ordinaut_core::queue::ALL_QUEUES;
use ordinaut_core::schedule::zone_data_version;
use ordinaut_runtime::settings::api::ApiSettings;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::scheduler::default_zone;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_runtime::settings::{self, SettingError, Source};
use serde::Serialize;
use std::process::ExitCode;

/// A clock that is further off than this makes people read logs wrongly; jobs are not affected.
const SKEW: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// A snapshot that is held for more seconds than this is no ordinary transaction's.
const OLD_SNAPSHOT: f64 = 60.0;

/// The same for those of which nobody knows how long.
const MANY_TRANSACTIONS: i32 = 100_000;

#[derive(Serialize)]
struct Finding {
    part: &'static str,
    verdict: Verdict,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Note,
    Bad,
}

/// Code 0 if nothing is bad.
pub(crate) async fn run(connection: &Connection, source: &Source, format: Format) -> anyhow::Result<ExitCode> {
    let mut findings = vec![settings(source)];
    let mut opened = None;
    match connection.database.connect("ordinaut-doctor").await {
        Ok(database) => {
            opened = Some(database.clone());
            findings.extend(server(&database, &connection.origin).await);
            findings.push(schema(&database).await);
            findings.push(zones(&connection.database, &database).await);
            findings.extend(obstacles(&database).await);
            findings.extend(processes(&database).await);
            findings.push(listen(&database).await);
            findings.push(tasks(&database).await);
            findings.push(pauses(&database).await);
            findings.push(snapshot(&database).await);
        }
        Err(error) => findings.push(bad("postgres", format!("{error} (from {})", connection.origin))),
    }
    let settings = &connection.database;
    findings.push(redis(settings.redis_url(), settings.schema(), opened.as_ref()).await);
    answer(format, &findings, || {
        let rows = findings.iter().map(|finding| {
            let verdict = match finding.verdict {
                Verdict::Good => "good",
                Verdict::Note => "note",
                Verdict::Bad => "BAD",
            };
            [finding.part.to_owned(), verdict.to_owned(), finding.text.clone()]
        });
        table(["PART", "VERDICT", "WHAT"], rows)
    })?;
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn settings(source: &Source) -> Finding {
    let read = WorkerSettings::read(source)
        .and_then(|_| settings::scheduler::read(source))
        .and_then(|_| default_zone(source))
        .and_then(|_| ApiSettings::read(source));
    match read {
        Ok(_) => good("settings", "every setting is within its range".to_owned()),
        Err(error @ SettingError::Missing { .. }) => note("settings", error.to_string()),
        Err(error) => bad("settings", error.to_string()),
    }
}

async fn server(database: &Client, origin: &str) -> Vec<Finding> {
    let asked = Utc::now();
    let server = match database.diagnostics().server().await {
        Ok(server) => server,
        Err(error) => return vec![bad("postgres", format!("{origin} does not answer: {error}"))],
    };
    let text = format!("version {}, as {}, from {origin}", server.version, server.account);
    let postgres = if !(14..=18).contains(&server.major) {
        bad("postgres", format!("{text}: 14 to 18 are supported"))
    } else if server.durable {
        good("postgres", text)
    } else {
        note("postgres", format!("{text}: fsync or full_page_writes is off, so a crash may lose what was answered"))
    };
    // The database's reading lies somewhere within the round trip.
    let skew = (server.now - asked).max(asked - server.now);
    let text = format!("this machine and the database are {} ms apart", skew.num_milliseconds());
    let clock = if skew > SKEW {
        note("clock", format!("{text}; only the database's clock counts"))
    } else {
        good("clock", text)
    };
    vec![postgres, clock]
}

async fn schema(database: &Client) -> Finding {
    if let Err(error) = database.check_schema().await {
        return bad("schema", error.to_string());
    }
    match database.schema_version().await {
        Ok(found) => good("schema", format!("\"{}\" is at version {}", database.schema(), found.version)),
        Err(error) => bad("schema", error.to_string()),
    }
}

async fn zones(settings: &DatabaseSettings, database: &Client) -> Finding {
    match database.time_zone().await {
        Ok(stored) => match settings.zone_doubt(&stored) {
            Some(doubt) => note("zones", doubt),
            None => {
                let data = zone_data_version();
                good("zones", format!("schedules that name none go by {stored}; the bundled zone data is {data}"))
            }
        },
        Err(error) => bad("zones", format!("could not read the installation's zone: {error}")),
    }
}

/// What keeps programs from their work, or would.
async fn obstacles(database: &Client) -> Vec<Finding> {
    match database.diagnostics().obstacles().await {
        Ok(found) => found
            .into_iter()
            .map(|obstacle| match obstacle.severity {
                Severity::Note => note("connections", obstacle.text),
                _ => bad("connections", obstacle.text),
            })
            .collect(),
        Err(error) => vec![bad("connections", error.to_string())],
    }
}

/// Schedulers and workers: that none lives is bad where somebody needs them.
async fn processes(database: &Client) -> Vec<Finding> {
    let (schedulers, workers, queues) =
        tokio::join!(database.schedulers().list(), database.workers().all(), database.queues().all());
    let (schedulers, workers, queues) = match (schedulers, workers, queues) {
        (Ok(schedulers), Ok(workers), Ok(queues)) => (schedulers, workers, queues),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
            return vec![bad("schedulers", error.to_string())];
        }
    };
    let schedulers = schedulers.iter().filter(|scheduler| scheduler.alive).count();
    let workers = workers.iter().filter(|worker| worker.alive).count();
    let due: i64 = queues.iter().map(|queue| queue.waiting).sum();
    let text =
        "none is alive: no task fires, no event is relayed, nothing is rescued; start ordinaut-scheduler".to_owned();
    let of_schedulers = match schedulers {
        0 if workers > 0 || due > 0 => bad("schedulers", text),
        0 => note("schedulers", text),
        alive => good("schedulers", format!("{alive} alive")),
    };
    let of_workers = match workers {
        0 if due > 0 => bad("workers", format!("none is alive, and {due} jobs wait: start ordinaut-worker")),
        0 => note("workers", "none is alive: jobs would wait".to_owned()),
        alive => good("workers", format!("{alive} alive")),
    };
    vec![of_schedulers, of_workers]
}

async fn listen(database: &Client) -> Finding {
    match database.hears_notifications().await {
        Ok(true) => good("listen", "notifications of Postgres arrive".to_owned()),
        Ok(false) => note(
            "listen",
            "notifications do not arrive, so that jobs are found by polling; behind a pooler in transaction mode, set \
             DATABASE_DIRECT_URL to the address of Postgres itself"
                .to_owned(),
        ),
        Err(error) => bad("listen", format!("could not LISTEN: {error}")),
    }
}

async fn tasks(database: &Client) -> Finding {
    match database.tasks().counts().await {
        Ok(counts) => {
            let paused_by_error: i64 = counts.iter().map(|count| count.paused_by_error).sum();
            let told: Vec<_> = counts.iter().map(|count| format!("{} {}", count.tasks, count.status)).collect();
            match paused_by_error {
                0 if told.is_empty() => good("tasks", "there are none".to_owned()),
                0 => good("tasks", told.join(", ")),
                _ => note(
                    "tasks",
                    format!(
                        "the scheduler paused {paused_by_error}, because it could not tell when they are due: `ordinaut task list --status paused`"
                    ),
                ),
            }
        }
        Err(error) => bad("tasks", error.to_string()),
    }
}

async fn pauses(database: &Client) -> Finding {
    match database.queues().get(ALL_QUEUES).await {
        Ok(Some(all)) if all.paused_at.is_some() => {
            let reason = all.paused_reason.unwrap_or_else(|| "no reason was given".to_owned());
            note("queues", format!("all are paused ({reason}): `ordinaut queue resume '{ALL_QUEUES}'`"))
        }
        Ok(_) => good("queues", "the installation is not paused".to_owned()),
        Err(error) => bad("queues", error.to_string()),
    }
}

async fn snapshot(database: &Client) -> Finding {
    match database.diagnostics().oldest_snapshot().await {
        Ok(Some(oldest)) => {
            let held = oldest.seconds.map(|seconds| format!(" for {seconds:.0} s")).unwrap_or_default();
            let text = format!("{} holds the oldest{held}, {} transactions ago", oldest.holder, oldest.xids);
            let is_old =
                oldest.seconds.is_some_and(|seconds| seconds > OLD_SNAPSHOT) || oldest.xids > MANY_TRANSACTIONS;
            if is_old {
                note("snapshot", format!("{text}: vacuum removes nothing newer"))
            } else {
                good("snapshot", text)
            }
        }
        Ok(None) => good("snapshot", "nobody holds an old one".to_owned()),
        Err(error) => bad("snapshot", error.to_string()),
    }
}

async fn redis(url: Option<&str>, schema: &Schema, database: Option<&Client>) -> Finding {
    let Some(url) = url else { return note("redis", "REDIS_URL is not set: events stay in Postgres".to_owned()) };
    let own = match database {
        Some(database) => database.events().installation().await.ok(),
        None => None,
    };
    match stream_in_redis(url, schema).await {
        Ok(stream) if own.is_some() && stream.installation.is_some_and(|writer| Some(writer) != own) => bad(
            "redis",
            "another installation writes to the stream: give each its own Redis, or its own DATABASE_SCHEMA".to_owned(),
        ),
        Ok(stream) if lacks_events(&stream, database).await => bad(
            "redis",
            format!(
                "the stream holds {} of events {} to {}: a scheduler fills it up within a minute",
                stream.length, stream.first, stream.last
            ),
        ),
        Ok(stream) if stream.length > 0 => good("redis", format!("the stream is at event {}", stream.last)),
        Ok(_) => good("redis", "it answers, and the stream is empty".to_owned()),
        Err(error) => bad("redis", format!("{:#}", anyhow::Error::new(error))),
    }
}

/// Whether the stream has fewer events than are kept of the same numbers.
async fn lacks_events(stream: &StreamStatus, database: Option<&Client>) -> bool {
    let Some(database) = database.filter(|_| stream.has_gap()) else { return false };
    database.events().count(stream.first, stream.last).await.is_ok_and(|kept| stream.length < kept)
}

fn good(part: &'static str, text: String) -> Finding {
    Finding { part, verdict: Verdict::Good, text }
}

fn note(part: &'static str, text: String) -> Finding {
    Finding { part, verdict: Verdict::Note, text }
}

fn bad(part: &'static str, text: String) -> Finding {
    Finding { part, verdict: Verdict::Bad, text }
}
