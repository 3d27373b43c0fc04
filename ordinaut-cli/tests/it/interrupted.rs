//! A dev that is stopped, killed, or blocked by a job.

use crate::home::{Dev, Home};
use crate::process::Process;
use nix::sys::signal::Signal;
use serde_json::Value;

fn outcomes(job: &Value) -> Vec<&str> {
    job["runs"].as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect()
}

#[test]
fn after_sigterm_a_job_that_runs_ends_first() {
    let home = Home::new();
    let dev = home.dev("");
    let id = home.enqueue(r#"sleep --args {"seconds":2}"#);
    home.job_in("running", &id);

    assert_eq!(dev.terminate(), Some(0));

    let _dev = home.dev("");
    let job = home.job(&id);
    assert_eq!((&job["state"], outcomes(&job)), (&"succeeded".into(), vec!["succeeded"]), "{job}");
}

#[test]
fn after_kill_9_a_new_dev_runs_what_was_queued() {
    let home = Home::new();
    let dev = home.dev("");
    let queued = home.enqueue("echo --queue later");
    let scheduled = home.enqueue("echo --queue later --delay 0.1");

    dev.kill();

    assert!(
        home.run("job list").bad_line(1).contains("no `ordinaut dev` runs"),
        "a dead dev is taken for a living one"
    );
    let _dev = home.dev("--worker-queues default,later");
    for id in [queued, scheduled] {
        assert_eq!(outcomes(&home.job_in("succeeded", &id)), ["succeeded"]);
    }
}

#[test]
fn a_job_that_ran_at_a_kill_9_runs_again() {
    let home = Home::new();
    let short = |home: &Home| Dev::start(home.command("dev").env("WORKER_LEASE_SECONDS", "3"));
    let dev = short(&home);
    let id = home.enqueue(r#"sleep --args {"seconds":1}"#);
    home.job_in("running", &id);

    dev.kill();

    let _dev = short(&home);
    assert_eq!(outcomes(&home.job_in("succeeded", &id)), ["lost", "succeeded"]);
}

#[test]
fn a_job_that_blocks_its_thread_makes_dev_begin_anew() {
    let home = Home::new();
    let mut dev = Dev::start(home.command("dev --fault-kinds").env("WORKER_JOB_TIMEOUT", "1"));
    let id = home.enqueue(r#"spin --args {"seconds":60} --max-attempts 1"#);

    dev.greets();

    let job = home.job(&id);
    assert_eq!((&job["state"], outcomes(&job)), (&"dead".into(), vec!["dead"]), "{job}");
    assert!(job["runs"][0]["error"].as_str().unwrap().contains("did not yield"), "{job}");
    home.run("job enqueue echo --wait").good();
    assert_eq!(dev.terminate(), Some(0));
    assert!(home.is_quiet());
}

#[test]
fn a_dev_that_waits_for_a_given_postgres_stops_when_it_is_told_to() {
    let home = Home::new();
    let url = "postgres://ordinaut@localhost/postgres?host=%2Fno%2Fsuch%2Fplace";
    let mut dev = Process::start(home.command("dev --log-level warn").env("DATABASE_URL", url));
    while !dev.logs().contains("Postgres") {}
    dev.signal(Signal::SIGTERM);
    assert_eq!(dev.code(), Some(0));
    assert!(home.is_quiet());
}
