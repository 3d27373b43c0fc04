//! A private Postgres: it answers, keeps what it should keep, and says why it does not start.

use std::fs;
use std::path::PathBuf;
use std::process;

use ordinaut_embedded::{Installation, Postgres, PostgresOptions, ServerError};
use tempfile::TempDir;

use crate::support::open_directory;
use ordinaut_test_support::database::psql;
use ordinaut_test_support::fact::is_alive;

fn persistent() -> (TempDir, PathBuf) {
    let parent = open_directory();
    let directory = parent.path().join("postgres");
    (parent, directory)
}

#[test]
fn a_temporary_server_answers_and_is_gone_after_its_stop() {
    let postgres = Postgres::temporary().unwrap();
    let installed = Installation::find().unwrap();
    assert_eq!(
        psql(&postgres.url(), "select split_part(current_setting('server_version'), ' ', 1)"),
        installed.version
    );
    assert_eq!(psql(&postgres.url(), "select current_user"), "ordinaut");
    let (directory, pid) = (postgres.directory().to_owned(), postgres.postmaster_pid());
    assert!(is_alive(pid));

    postgres.stop().unwrap();

    assert!(!is_alive(pid));
    assert!(!directory.exists());
}

#[test]
fn two_temporary_servers_do_not_see_each_other() {
    let (one, other) = (Postgres::temporary().unwrap(), Postgres::temporary().unwrap());
    psql(&one.url(), "create table only_here ()");
    assert_eq!(psql(&other.url(), "select to_regclass('only_here') is null"), "t");
}

#[test]
fn settings_reach_the_server_and_win_over_those_of_temporary_ones() {
    let options = PostgresOptions::new().setting("shared_buffers", "16MB").setting("fsync", "on");
    let postgres = options.temporary().unwrap();
    assert_eq!(psql(&postgres.url(), "show shared_buffers"), "16MB");
    assert_eq!(psql(&postgres.url(), "show fsync"), "on");
    assert_eq!(psql(&postgres.url(), "show full_page_writes"), "off");
    assert_eq!(psql(&postgres.url(), "show max_connections"), "400");
}

#[test]
fn data_survives_a_restart_and_is_safe_on_disk() {
    let (_parent, directory) = persistent();
    let postgres = Postgres::start(&directory).unwrap();
    assert_eq!(psql(&postgres.url(), "show fsync"), "on");
    psql(&postgres.url(), "create table kept as select 42 as answer");
    postgres.stop().unwrap();

    let postgres = Postgres::start(&directory).unwrap();
    assert_eq!(psql(&postgres.url(), "select answer from kept"), "42");
}

#[test]
fn a_second_server_in_one_directory_is_refused_and_the_first_is_named() {
    let (_parent, directory) = persistent();
    let postgres = Postgres::start(&directory).unwrap();

    let error = Postgres::start(&directory).unwrap_err();

    assert!(matches!(error, ServerError::AlreadyRunning { pid: Some(pid), .. } if pid == postgres.postmaster_pid()));
    assert_eq!(psql(&postgres.url(), "select 1"), "1");
}

#[test]
fn a_server_started_by_hand_in_the_directory_is_named_too() {
    let (_parent, directory) = persistent();
    Postgres::start(&directory).unwrap().stop().unwrap();
    // Another directory's server in the place of one started by hand: our lock knows nothing of
    // either.
    let other = Postgres::temporary().unwrap();
    let theirs = other.directory().join("cluster/postmaster.pid");
    fs::copy(theirs, directory.join("cluster/postmaster.pid")).unwrap();

    let error = Postgres::start(&directory).unwrap_err();

    assert!(matches!(error, ServerError::AlreadyRunning { pid: Some(pid), .. } if pid == other.postmaster_pid()));
}

#[test]
fn a_stale_pid_file_with_the_number_of_a_living_process_does_not_prevent_a_start() {
    let (_parent, directory) = persistent();
    Postgres::start(&directory).unwrap().stop().unwrap();
    let (ours, cluster) = (process::id(), directory.join("cluster"));
    let stale = format!("{ours}\n{}\n1\n5432\n{}\n\n\nready   \n", cluster.display(), directory.display());
    fs::write(cluster.join("postmaster.pid"), stale).unwrap();

    let postgres = Postgres::start(&directory).unwrap();

    assert_ne!(postgres.postmaster_pid(), ours);
}

#[test]
fn data_of_another_version_is_refused_and_left_alone() {
    let (_parent, directory) = persistent();
    Postgres::start(&directory).unwrap().stop().unwrap();
    let file = directory.join("cluster/PG_VERSION");
    fs::write(&file, "9\n").unwrap();

    let error = Postgres::start(&directory).unwrap_err().to_string();

    assert!(error.contains("holds data of Postgres 9,"), "{error}");
    assert!(error.contains(&format!("is Postgres {};", Installation::find().unwrap().version)), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "9\n");
}

#[test]
fn a_half_made_cluster_is_made_again() {
    let (_parent, directory) = persistent();
    Postgres::start(&directory).unwrap().stop().unwrap();
    fs::rename(directory.join("cluster"), directory.join("cluster.new")).unwrap();
    fs::remove_file(directory.join("cluster.new/PG_VERSION")).unwrap();

    let postgres = Postgres::start(&directory).unwrap();

    assert_eq!(psql(&postgres.url(), "select 1"), "1");
}

#[test]
fn a_path_too_long_for_a_socket_or_with_odd_letters_still_gets_one() {
    let (_parent, directory) = persistent();
    for name in ["long".repeat(30), "it's 100% ödd, ${HOME}".to_owned()] {
        let directory = directory.join(name);
        let postgres = Postgres::start(&directory).unwrap();
        assert_eq!(psql(&postgres.url(), "select 1"), "1");
        let sockets = psql(&postgres.url(), "show unix_socket_directories");
        postgres.stop().unwrap();
        assert!(!PathBuf::from(sockets).exists());
        assert!(directory.join("cluster").exists());
    }
}

#[test]
fn a_server_that_dies_at_its_start_leaves_its_last_words() {
    let (_parent, directory) = persistent();
    for outcome in [
        PostgresOptions::new().setting("shared_buffers", "lots").start(&directory),
        PostgresOptions::new().setting("shared_buffers", "lots").temporary(),
    ] {
        let error = outcome.unwrap_err().to_string();
        assert!(error.starts_with("Postgres ended while it was starting"), "{error}");
        assert!(error.contains(r#"invalid value for parameter "shared_buffers": "lots""#), "{error}");
    }
}
