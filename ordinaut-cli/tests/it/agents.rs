//! `ordinaut agent`: made here, good at the API, shut out here.

use crate::dev::client;
use crate::home::shared;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Far more than the second after which every API process knows.
const LIMIT: Duration = Duration::from_secs(30);

async fn status(api: &str, token: &str, path: &str) -> u16 {
    client().get(format!("{api}{path}")).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_agent_that_is_made_here_calls_the_api_until_it_is_revoked() {
    let home = shared();
    let made =
        home.json("agent create dashboards --scope jobs:read,runs:read --queue mail --expires-at 2090-01-01T00:00:00Z");
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["agent"]["queues"][0], "mail");
    assert_eq!(status(&home.api, token, "/jobs").await, 200);
    assert_eq!(status(&home.api, token, "/tasks").await, 403);
    let list = home.run("agent list");
    let row = list.good().lines().find(|line| line.starts_with("dashboards ")).unwrap().to_owned();
    assert!(row.contains("jobs:read runs:read") && row.contains("until 2090-01-01"), "{row}");
    assert!(!list.good().contains(token));
    let second = home.json("agent rotate dashboards --overlap 0");
    let second = second["token"].as_str().unwrap();
    assert_eq!(status(&home.api, second, "/jobs").await, 200);
    home.run("agent revoke dashboards").good();
    let start = Instant::now();
    while status(&home.api, second, "/jobs").await != 401 {
        assert!(start.elapsed() < LIMIT, "a revoked agent is still let in");
    }
    home.run("agent delete dashboards").good();
    assert_eq!(home.run("agent delete dashboards").code, Some(1));
}

#[test]
fn an_agent_that_cannot_be_is_refused() {
    let home = shared();
    let unknown = home.run("agent create a --scope everything");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    let nameless = home.run("agent create a/b --scope jobs:read");
    assert!(nameless.bad_line(1).contains("name must be"), "{nameless:?}");
}

#[tokio::test]
async fn a_password_that_is_a_line_of_the_input_signs_in_to_the_page() {
    let home = shared();
    home.run("agent create ann --scope jobs:read").good();
    let set = |line: &str, name: &str| {
        let mut command = home.command(&format!("agent password {name}"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, error) = set("short\n", "ann");
    assert!(code == Some(1) && error.contains("10 to 200 characters"), "{error}");
    let (code, error) = set("correct horse battery\n", "nobody");
    assert!(code == Some(1) && error.contains("no agent \"nobody\""), "{error}");
    assert_eq!(set("correct horse battery\n", "ann").0, Some(0));
    let sign_in = async |password: &str| {
        let form = client().post(format!("{}/ui/sign-in", home.api)).body(format!("name=ann&password={password}"));
        form.send().await.unwrap().status().as_u16()
    };
    // A right one leads on, to where this client without cookies is asked to sign in again.
    assert_eq!((sign_in("wrong").await, sign_in("correct+horse+battery").await), (401, 200));
    home.run("agent password ann --remove").good();
    assert_eq!(sign_in("correct+horse+battery").await, 401);
}

#[tokio::test]
async fn the_audit_says_what_was_changed_through_the_api() {
    let home = shared();
    let token = home.json("agent create pauser --scope queues:admin")["token"].as_str().unwrap().to_owned();
    let pause = client().post(format!("{}/queues/audited/pause", home.api)).bearer_auth(&token);
    assert!(pause.header("audit-reason", "a test").send().await.unwrap().status().is_success());
    let list = home.run("audit list --actor pauser --subject audited");
    assert!(list.good().contains("POST /queues/{name}/pause"), "{list:?}");
    assert!(list.good().contains("a test"), "{list:?}");
    assert_eq!(home.json("audit list --subject audited")[0]["actor"], "pauser");
}
