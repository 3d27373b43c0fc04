//! Settings: where they come from, and what is refused.

use crate::home::{Dev, Home};
use crate::process::Answer;
use serde_json::{Value, json};
use std::fs;

/// A Postgres that is not there.
const NOWHERE: &str = "postgres://ordinaut@localhost/postgres?host=%2Fno%2Fsuch%2Fplace";

#[test]
fn without_a_database_every_verb_names_the_setting() {
    let home = Home::new();
    let id = "01890000-0000-7000-8000-000000000000";
    let lines = [
        "migrate".to_owned(),
        "migrate status".to_owned(),
        "job enqueue echo".to_owned(),
        "job list --json".to_owned(),
        format!("job show {id}"),
        format!("job cancel {id}"),
        format!("job run-now {id}"),
        "dead list".to_owned(),
        format!("dead requeue {id}"),
        "queues".to_owned(),
        "workers".to_owned(),
        "worker drain somebody".to_owned(),
        "events".to_owned(),
        "doctor".to_owned(),
        "task create --title t --kind k --cron @daily".to_owned(),
        "task list".to_owned(),
        format!("task show {id}"),
        format!("task change {id} --patch {{}}"),
        format!("task pause {id}"),
        format!("task resume {id}"),
        format!("task run-now {id}"),
        format!("task cancel {id}"),
        format!("task delete {id}"),
        format!("task snooze {id} 60"),
        format!("task fires {id}"),
        format!("task runs {id}"),
        format!("task stats {id}"),
        "event publish topic id".to_owned(),
        "fact name 1".to_owned(),
        "calendar list".to_owned(),
        "limit list".to_owned(),
        "task preview --cron @daily --calendar holidays".to_owned(),
    ];
    for line in lines {
        let answer = home.run(&line);
        assert!(answer.bad_line(1).starts_with("DATABASE_URL is not set"), "{line}: {answer:?}");
        assert_eq!(answer.out, "", "{line}");
    }
    assert!(!home.path(".ordinaut").exists());
}

#[test]
fn a_postgres_that_is_not_there_is_found_by_doctor_and_ends_a_verb_with_1() {
    let home = Home::new();
    let run = |line: &str| Answer::of(home.command(line).env("DATABASE_URL", NOWHERE));
    let doctor = run("doctor --json");
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    let findings: Value = doctor.out.parse().unwrap();
    let postgres = findings.as_array().unwrap().iter().find(|finding| finding["part"] == "postgres").unwrap();
    assert_eq!(postgres["verdict"], "bad", "{findings}");
    assert!(run("doctor").out.contains("BAD"));
    for line in ["job list", "migrate"] {
        assert!(run(line).bad_line(1).starts_with("could not connect to Postgres at /no/such/place"), "{line}");
    }
}

#[test]
fn a_bad_setting_ends_dev_with_2_and_names_variable_value_and_range() {
    let home = Home::new();
    let why = "WORKER_CONCURRENCY is \"0\", and must be a number from 1 to 10000";
    assert_eq!(Answer::of(home.command("dev").env("WORKER_CONCURRENCY", "0")).bad(2), why);
    assert_eq!(home.run("dev --worker-concurrency 0").bad(2), why);
    let grace = home.run("dev --scheduler-misfire-grace-time 0");
    assert!(grace.bad(2).starts_with("SCHEDULER_MISFIRE_GRACE_TIME is \"0\", and must be "), "{grace:?}");
    let zone = home.run("dev --tz Nowhere");
    assert!(zone.bad(2).starts_with("TZ is \"Nowhere\", and must be "), "{zone:?}");
    let port = Answer::of(home.command("dev").env("API_PORT", "65536"));
    assert!(port.bad(2).starts_with("API_PORT is \"65536\", and must be a number from 0 to 65535"), "{port:?}");
    let level = home.run("job list --log-level loud");
    assert!(level.bad_line(2).starts_with("LOG_LEVEL is \"loud\", and must be "), "{level:?}");
    assert!(home.is_quiet());
    let doctor = Answer::of(home.command("doctor").env("DATABASE_URL", NOWHERE).env("WORKER_CONCURRENCY", "0"));
    assert!(doctor.code == Some(1) && doctor.out.contains(why), "{doctor:?}");
}

#[test]
fn a_secret_that_is_wrong_is_not_shown() {
    let home = Home::new();
    let answer = Answer::of(home.command("job list").env("DATABASE_URL", "mysql://me:hunter2@host/db"));
    assert!(answer.bad_line(2).starts_with("DATABASE_URL is \"(secret)\", and must be "), "{answer:?}");
    assert!(!answer.err.contains("hunter2"));
}

#[test]
fn an_unknown_key_of_the_settings_file_is_refused_by_name() {
    let home = Home::new();
    fs::write(home.path("ordinaut.toml"), "[worker]\nconcurency = 3\n").unwrap();
    for line in ["job list", "dev"] {
        let answer = Answer::of(home.command(line).env("ORDINAUT_CONFIG", "ordinaut.toml"));
        let refusal = "ordinaut.toml: there is no setting \"worker.concurency\"; the nearest is WORKER_CONCURRENCY";
        assert_eq!(answer.bad_line(2), refusal);
    }
    for line in ["job list --ordinaut-config no.toml", "job list --config no.toml"] {
        let missing = home.run(line);
        assert!(missing.bad_line(2).starts_with("ORDINAUT_CONFIG: could not read no.toml: "), "{missing:?}");
    }
    assert!(!home.path(".ordinaut").exists());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let home = Home::new();
    let file = "[worker]\nqueues = [\"mail\", \"bulk\"]\nname = \"file\"\nconcurrency = 2\n[api]\nport = 1\n";
    fs::write(home.path("ordinaut.toml"), file).unwrap();
    let mut command = home.command("dev --worker-concurrency 4 --ordinaut-config ordinaut.toml");
    command.env("WORKER_NAME", "environment").env("WORKER_CONCURRENCY", "3");
    let _dev = Dev::start(&mut command);
    let worker = &home.living_workers(1)[0];
    let found = ["queues", "name", "concurrency"].map(|name| &worker[name]);
    assert_eq!(found, [&json!(["mail", "bulk"]), &json!("environment"), &json!(4)]);
    home.run("job enqueue echo --queue bulk --wait").good();
}

#[test]
fn a_variable_that_only_looks_like_a_setting_is_refused_with_the_nearest_name() {
    let home = Home::new();
    for line in ["job list", "dev", "config show"] {
        let answer = Answer::of(home.command(line).env("WORKER_CONCURENCY", "3"));
        let why = "there is no setting WORKER_CONCURENCY; the nearest is WORKER_CONCURRENCY.";
        assert!(answer.bad_line(2).starts_with(why), "{answer:?}");
    }
    let shown = Answer::of(home.command("config show --json").env("REDIS_HOST", "cache").env("WORKER_REPLICAS", "3"));
    assert!(shown.code == Some(0) && shown.out.contains("alias"), "{shown:?}");
}
