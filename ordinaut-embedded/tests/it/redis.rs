//! A private Redis, on machines that have one.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use ordinaut_embedded::{Redis, ServerError};

use crate::support::open_directory;

/// False: this machine has none, and there is nothing to test.
fn is_here() -> bool {
    let found = Redis::find().is_some();
    if !found {
        assert!(matches!(Redis::temporary(), Err(ServerError::RedisMissing)));
    }
    found
}

/// The first line of the answer, or the second if the first is a length.
fn ask(url: &str, command: &str) -> String {
    let path = url.strip_prefix("redis+unix://").unwrap();
    let mut stream = UnixStream::connect(Path::new(path)).unwrap();
    stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.find(|line| !line.starts_with('$')).unwrap()
}

#[test]
fn a_temporary_redis_answers_and_is_gone_after_its_stop() {
    if !is_here() {
        return;
    }
    let redis = Redis::temporary().unwrap();
    assert_eq!(ask(&redis.url(), "set answer 42"), "+OK");
    let directory = redis.directory().to_owned();

    redis.stop().unwrap();

    assert!(!directory.exists());
}

#[test]
fn the_data_of_a_persistent_redis_survives_a_restart() {
    if !is_here() {
        return;
    }
    let parent = open_directory();
    for name in ["redis", "with blanks and \"quotes\""] {
        let directory: PathBuf = parent.path().join(name);
        let redis = Redis::start(&directory).unwrap();
        assert_eq!(ask(&redis.url(), "set answer 42"), "+OK");
        redis.stop().unwrap();

        let redis = Redis::start(&directory).unwrap();
        assert_eq!(ask(&redis.url(), "get answer"), "42");
    }
}

#[test]
fn a_second_redis_in_one_directory_is_refused() {
    if !is_here() {
        return;
    }
    let parent = open_directory();
    let directory = parent.path().join("redis");
    let _first = Redis::start(&directory).unwrap();

    let error = Redis::start(&directory).unwrap_err();

    assert!(matches!(error, ServerError::AlreadyRunning { .. }), "{error}");
}
