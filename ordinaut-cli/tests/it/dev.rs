//! `dev`: its API, its port, its workers, and that there is one in a directory.

use crate::home::Home;
use crate::process::Answer;
use ordinaut_test_support::fact::is_alive;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;

pub(crate) fn client() -> Client {
    // It fails if another test was faster.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::new()
}

#[tokio::test]
async fn the_api_wants_the_token_of_a_file_that_only_its_user_reads() {
    let (home, client) = (Home::new(), client());
    let dev = home.dev("");
    let address: SocketAddr = dev.api.strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);

    let file = home.path(".ordinaut/api_token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap().trim().to_owned();

    let jobs = format!("{}/jobs", dev.api);
    assert_eq!(client.get(&jobs).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let wrong = client.get(&jobs).bearer_auth("0".repeat(token.len())).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let post = client.post(&jobs).bearer_auth(&token).json(&json!({"kind": "echo"})).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::CREATED);
    let created: Value = post.json().await.unwrap();
    home.job_in("succeeded", created["id"].as_str().unwrap());

    drop(dev);
    let dev = home.dev("");
    let again = client.get(format!("{}/jobs", dev.api)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK, "the token is another after a restart");
}

#[test]
fn a_taken_port_is_an_error_and_the_private_servers_stop_again() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let answer = Answer::of(home.command("dev").env("API_PORT", &port));

    assert_eq!(answer.bad(1), format!("port {port} of 127.0.0.1 is taken: set API_PORT to a free one"));
    assert!(home.data().join("postgres/cluster").exists(), "it was not started at all");
    assert!(!home.data().join("postgres/cluster/postmaster.pid").exists());
    assert!(home.is_quiet());
    assert_eq!(home.run("job list").code, Some(1), "nothing runs here");
}

#[test]
fn a_second_dev_is_refused_and_does_nothing_to_the_first() {
    let home = Home::new();
    let dev = home.dev("");
    let (id, postmaster) = (home.enqueue("nobody"), home.postmaster());

    for line in ["dev", "dev --clean --yes", "dev --demo --exit"] {
        let answer = home.run(line);
        assert_eq!(answer.bad_line(1), "`ordinaut dev` runs in this directory already");
    }

    assert_eq!(home.postmaster(), postmaster);
    assert_eq!(home.job(&id)["state"], "waiting");
    assert_eq!(dev.terminate(), Some(0));
    assert!(!is_alive(postmaster) && home.is_quiet(), "a private server still runs");
}

#[test]
fn two_devs_live_side_by_side_in_their_directories() {
    let (one, other) = (Home::new(), Home::new());
    let (_one, _other) = (one.dev(""), other.dev(""));
    let id = one.enqueue("echo --wait --json");
    let id = id.parse::<Value>().unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(other.run(&format!("job show {id}")).bad_line(1), format!("there is no job {id}"));
}

#[test]
fn other_commands_know_what_a_dev_chose() {
    let home = Home::new();
    let run = |line: &str| Answer::of(home.command(line).env_remove("API_PORT"));
    let setting = |name: &str| {
        let shown: Value = run("config show --json").good().parse().unwrap();
        let setting = shown.as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone();
        [&setting["value"], &setting["from"]].map(|text| text.as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(setting("API_HOST"), ["0.0.0.0", "default"]);

    let dev = home.dev("");

    let port = dev.api.rsplit(':').next().unwrap();
    let health: Value = run("health api --json").good().parse().unwrap();
    assert_eq!(health, json!({"healthy": true, "detail": format!("the API on port {port} is ready")}));
    assert_eq!(setting("API_HOST"), ["127.0.0.1", "dev"]);
    assert_eq!(setting("API_PORT"), [port, "dev"]);
    assert_eq!(setting("DATABASE_URL"), ["(secret)", "dev"]);
    assert_eq!(setting("API_ADMIN_TOKEN"), ["(secret)", "dev"]);
    assert_eq!(setting("WORKER_CONCURRENCY"), ["10", "default"]);
    drop(dev);
    assert_eq!(setting("API_HOST"), ["0.0.0.0", "default"]);
}

#[test]
fn every_worker_that_was_asked_for_lives() {
    let home = Home::new();
    let _dev = home.dev("--workers 3");
    let mut names: Vec<_> = home.living_workers(3).iter().map(|worker| worker["name"].to_string()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3, "{names:?}");
}
