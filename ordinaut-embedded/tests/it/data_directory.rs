//! Where data may be: what the servers' account reaches, and what belongs to nobody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::unistd::Uid;
use ordinaut_embedded::{Postgres, ServerError, data_directory};

use crate::support::{is_empty, open_directory};
use ordinaut_test_support::database::psql;

#[test]
fn a_directory_that_the_servers_account_reaches_is_used_as_it_is() {
    let parent = open_directory();
    let wanted = parent.path().join("new/.ordinaut");
    for _fresh_then_used in 0..2 {
        let data = data_directory(&wanted).unwrap();
        assert_eq!(data.path, wanted.canonicalize().unwrap());
        assert_eq!(data.moved, None);
        let postgres = Postgres::start(&data.path.join("postgres")).unwrap();
        assert_eq!(psql(&postgres.url(), "select 1"), "1");
    }
}

#[test]
fn a_directory_out_of_the_servers_reach_moves_and_says_so() {
    if !Uid::effective().is_root() {
        return; // Everyone else's servers run as themselves and reach what they reach.
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = closed.path().join("new/.ordinaut");

    let data = data_directory(&wanted).unwrap();

    assert!(data.path.starts_with("/var/lib/ordinaut"));
    let moved = data.moved.clone().unwrap();
    assert!(moved.contains(wanted.to_str().unwrap()) && moved.contains(data.path.to_str().unwrap()), "{moved}");
    assert!(is_empty(closed.path()));
    assert_eq!(data_directory(&wanted).unwrap().path, data.path);
    let postgres = Postgres::start(&data.path.join("postgres")).unwrap();
    assert_eq!(psql(&postgres.url(), "select 1"), "1");
    postgres.stop().unwrap();
    fs::remove_dir_all(&data.path).unwrap();

    let error = Postgres::start(&wanted).unwrap_err();
    assert!(matches!(error, ServerError::Unreachable { .. }), "{error}");
}

#[test]
fn a_directory_with_somebodys_files_is_not_taken() {
    if !Uid::effective().is_root() {
        return; // Whoever is not root cannot take anything.
    }
    let parent = open_directory();
    fs::write(parent.path().join("letter"), "dear").unwrap();

    let error = Postgres::start(parent.path()).unwrap_err();

    assert!(matches!(error, ServerError::Foreign { owner: 0, .. }), "{error}");
}
