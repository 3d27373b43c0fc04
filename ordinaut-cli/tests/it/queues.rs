//! Queues, unique jobs, cancel by filter, and waiting for a job.

use crate::home::shared;
use ordinaut_test_support::fact::eventually;
use serde_json::json;

#[test]
fn a_queue_is_paused_shown_resumed_and_bounded() {
    let home = shared();
    let paused = home.json("queue pause closed --by ann --reason moving");
    assert_eq!((&paused["paused_by"], &paused["paused_reason"]), (&json!("ann"), &json!("moving")));
    let id = home.enqueue("echo --queue closed");
    assert!(home.run(&format!("job show {id}")).good().contains("its queue is paused"));
    let shown = home.run("queue show closed");
    assert!(shown.good().contains("1 waiting") && shown.out.contains("by: ann, because: moving"), "{shown:?}");

    assert_eq!(home.json("queue resume closed")["paused_at"], json!(null));
    let bounded = home.json("queue set closed --max-waiting 5 --max-age 60.5");
    assert_eq!((&bounded["max_waiting"], &bounded["max_age"]), (&json!(5), &json!(60.5)));
    assert_eq!(bounded["level"], "normal");
    let shown = home.run("queue show closed");
    assert!(shown.good().contains("5 jobs may wait") && shown.out.contains("normal"), "{shown:?}");
    assert!(home.run("queue list").good().contains("LEVEL"));
    let bounded = home.json("queue set closed --any-number");
    assert_eq!((&bounded["max_waiting"], &bounded["max_age"]), (&json!(null), &json!(60.5)));
    let names = home.json("queue list");
    assert!(names.as_array().unwrap().iter().any(|queue| queue["name"] == "closed"), "{names}");

    assert_eq!(home.run("queue show nowhere").bad_line(1), "there is no queue \"nowhere\"");
    assert!(home.run("queue set closed --max-waiting 0").bad_line(1).starts_with("max_waiting must be "));
    for line in ["queue", "queue set closed", "queue set closed --max-age 1 --any-age"] {
        assert_eq!(home.run(line).code, Some(2), "{line}");
    }
}

#[test]
fn a_queue_that_fills_says_so() {
    let home = shared();
    home.run("queue set tiny --max-waiting 2").good();
    home.enqueue("nobody --queue tiny");
    // Programs and the command line are not held back: who types it knows.
    home.enqueue("nobody --queue tiny --priority 9");
    eventually("its level is critical", || (home.json("queue show tiny")["level"] == "critical").then_some(()));
    let shown = home.run("queue show tiny");
    assert!(shown.good().contains("critical, and full: the API refuses all jobs"), "{shown:?}");
    home.run("queue set tiny --max-waiting 3").good();
    home.run("queue set almost --max-waiting 20").good();
    (0..19).for_each(|_| drop(home.enqueue("nobody --queue almost")));
    let shown = home.run("queue show almost");
    assert!(shown.good().contains("critical: the API takes only jobs of priority 1 to 3"), "{shown:?}");
    eventually("it is told", || {
        let told = home.run("event list --after 0");
        let line = told.good().lines().find(|line| line.contains("queue_level") && line.contains("tiny"))?;
        line.ends_with("critical").then_some(())
    });
}

#[test]
fn a_unique_key_is_held_by_one_job() {
    let home = shared();
    let first = home.json("job enqueue nobody --unique-key one");
    assert_eq!(first["duplicate"], false);
    let second = home.json("job enqueue nobody --unique-key one");
    assert_eq!((&second["id"], &second["duplicate"]), (&first["id"], &json!(true)));
    let strict = home.run("job enqueue nobody --unique-key one --unique-mode error");
    assert_eq!(strict.bad_line(1), format!("job {} holds the unique key", first["id"].as_str().unwrap()));
    let third = home.json("job enqueue nobody --unique-key one --unique-mode replace");
    assert_eq!(third["duplicate"], false);
    assert_eq!(home.job(first["id"].as_str().unwrap())["state"], "cancelled");
    for line in ["job enqueue nobody --unique-mode replace", "job enqueue nobody --unique-key a --unique-mode maybe"] {
        assert_eq!(home.run(line).code, Some(2), "{line}");
    }
}

#[test]
fn jobs_are_cancelled_by_what_they_have_in_common() {
    let home = shared();
    let ids: Vec<_> = (0..3).map(|_| home.enqueue("nobody --queue unloved --tag spring")).collect();
    let other = home.enqueue("nobody --queue unloved");
    assert_eq!(home.json("job cancel --queue unloved --tag spring"), json!({"removed": 3, "asked": 0}));
    for id in ids {
        assert_eq!(home.job(&id)["state"], "cancelled");
    }
    assert_eq!(home.job(&other)["state"], "waiting");
    assert!(home.run("job cancel --queue unloved --kind nobody").good().starts_with("1 jobs are cancelled"));
    assert_eq!(home.run("job cancel").code, Some(2), "it would cancel everything");
}

#[test]
fn who_waits_for_a_job_ends_as_it_does() {
    let home = shared();
    let id = home.enqueue(r#"echo --args {"x":"y"}"#);
    let result = home.json(&format!("job wait {id} --timeout 60"));
    assert_eq!((&result["outcome"], &result["output"]), (&json!("succeeded"), &json!({"x": "y"})));
    let dead = home.enqueue(r#"fail --args {"how":"fatal"}"#);
    let answer = home.run(&format!("job wait {dead}"));
    assert!(answer.code == Some(1) && answer.out.contains("dead"), "{answer:?}");
    let waiting = home.enqueue("nobody");
    let answer = home.run(&format!("job wait {waiting} --timeout 0.1"));
    assert_eq!(answer.bad_line(1), format!("job {waiting} has not ended: it is waiting"));
    assert_eq!(home.run("job").code, Some(2));
}
