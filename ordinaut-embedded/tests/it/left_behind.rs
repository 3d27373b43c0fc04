//! What is left when the process that started a server is killed: nothing.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ordinaut_embedded::Postgres;

use crate::support::{is_empty, open_directory};
use ordinaut_test_support::database::psql;
use ordinaut_test_support::fact::{is_alive, until};

/// The example, whose temporary directories are made in the one given.
fn hold(temporary: &Path) -> Command {
    let deps = env::current_exe().unwrap().parent().unwrap().to_owned();
    let program: PathBuf = deps.parent().unwrap().join("examples/hold");
    assert!(program.exists(), "{} is built by cargo test without --test", program.display());
    let mut command = Command::new(program);
    command.env("TMPDIR", temporary).env_remove("ORDINAUT_SCRATCH").stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// What the example prints once its server is ready.
fn url_and_pid(parent: &mut Child) -> (String, u32) {
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    (lines.next().unwrap(), lines.next().unwrap().parse().unwrap())
}

#[test]
fn a_killed_parent_leaves_no_server_and_no_directory() {
    let temporary = open_directory();
    let mut parent = hold(temporary.path()).spawn().unwrap();
    let (url, pid) = url_and_pid(&mut parent);
    assert!(url.starts_with("postgres://ordinaut@localhost"), "{url}");
    assert!(is_alive(pid));
    assert!(!is_empty(temporary.path()));

    parent.kill().unwrap();
    parent.wait().unwrap();

    until("the server has ended", || !is_alive(pid));
    until("the directory is removed", || is_empty(temporary.path()));
}

#[test]
fn a_parent_killed_while_the_cluster_is_made_leaves_nothing_either() {
    let temporary = open_directory();
    let mut parent = hold(temporary.path()).spawn().unwrap();
    until("initdb works", || {
        let entries = fs::read_dir(temporary.path()).unwrap();
        entries.flatten().any(|entry| entry.path().join("cluster.new/PG_VERSION").exists())
    });

    parent.kill().unwrap();
    parent.wait().unwrap();

    until("the directory is removed", || is_empty(temporary.path()));
}

#[test]
fn a_parent_that_ends_by_itself_leaves_nothing() {
    let temporary = open_directory();
    let mut parent = hold(temporary.path()).spawn().unwrap();
    drop(parent.stdin.take());
    assert!(parent.wait().unwrap().success());
    assert!(is_empty(temporary.path()));
}

#[test]
fn a_start_right_after_a_kill_waits_for_the_old_server_and_loses_nothing() {
    let parent_of_data = open_directory();
    let directory = parent_of_data.path().join("postgres");
    let mut parent = hold(parent_of_data.path()).arg(&directory).spawn().unwrap();
    let (url, pid) = url_and_pid(&mut parent);
    psql(&url, "create table kept as select 42 as answer");

    parent.kill().unwrap();
    let postgres = Postgres::start(&directory).unwrap();
    parent.wait().unwrap();

    assert_ne!(postgres.postmaster_pid(), pid);
    assert_eq!(psql(&postgres.url(), "select answer from kept"), "42");
}
