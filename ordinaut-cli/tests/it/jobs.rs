//! What is done with jobs: enqueue, look, cancel, run now, requeue.

use crate::home::{Home, shared};
use serde_json::{Value, json};

/// An id that no job has.
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

fn ids(jobs: &Value) -> Vec<&str> {
    jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

/// A job that died because its arguments could not be decoded.
fn dead_job(home: &Home) -> String {
    let id = home.enqueue(r#"sleep --args {"sconds":1} --max-attempts 1"#);
    home.job_in("dead", &id);
    id
}

#[test]
fn enqueue_answers_with_the_id_of_a_job_that_has_every_option() {
    let home = shared();
    let options = "--queue options --priority 2 --delay 3600 --max-attempts 7 --timeout 1.5 --tag a --tag b";
    let id = home.json(&format!(r#"job enqueue nobody --args {{"a":1}} {options}"#))["id"].as_str().unwrap().to_owned();
    let job = home.job(&id);
    let of = |names: &[&str]| names.iter().map(|name| job[name].clone()).collect::<Value>();
    assert_eq!(of(&["kind", "args", "queue", "priority"]), json!(["nobody", {"a": 1}, "options", 2]));
    assert_eq!(of(&["max_attempts", "timeout", "tags", "state"]), json!([7, 1.5, ["a", "b"], "scheduled"]));

    // Beyond 2^64, where a double begins to round.
    let large = home.enqueue(r#"nobody --args {"n":123456789012345678901234567890}"#);
    let shown = home.run(&format!("job show {large}"));
    assert!(shown.good().contains("123456789012345678901234567890"), "{shown:?}");

    let later = home.enqueue("nobody --run-at 2100-01-01T00:00:00Z");
    assert_eq!(home.job(&later)["scheduled_for"], "2100-01-01T00:00:00Z");
}

#[test]
fn enqueue_that_waits_ends_as_the_job_does() {
    let home = shared();
    let answer = home.run(r#"job enqueue echo --args {"x":"y"} --wait"#);
    let table = answer.good();
    assert!(table.contains("succeeded") && table.contains(r#"{"x": "y"}"#), "{table}");
    let job = home.json("job enqueue echo --wait");
    assert_eq!((&job["state"], &job["runs"][0]["output"]), (&json!("succeeded"), &json!({})));

    let dead = home.run(r#"job enqueue sleep --args {"sconds":1} --max-attempts 1 --wait"#);
    assert_eq!(dead.code, Some(1), "{dead:?}");
    assert!(dead.out.contains("args.sconds"), "the field is not named: {dead:?}");
    let dead = home.run(r#"job enqueue fail --args {"how":"fatal"} --wait --json"#);
    assert_eq!(dead.code, Some(1), "{dead:?}");
    assert_eq!(dead.out.parse::<Value>().unwrap()["state"], "dead");
    let cancelled = home.run(r#"job enqueue fail --args {"how":"cancel"} --wait --json"#);
    assert_eq!(cancelled.code, Some(1), "{cancelled:?}");
}

#[test]
fn a_job_that_cannot_be_accepted_is_refused_and_its_field_named() {
    let home = shared();
    let long = format!("job enqueue k --queue {}", "q".repeat(101));
    let refusals = [
        ("job enqueue refused --args {x", "--args is not JSON: "),
        ("job enqueue refused --priority 0", "priority must be from 1 "),
        ("job enqueue refused --priority 10", "priority must be from 1 "),
        ("job enqueue refused --max-attempts 0", "max_attempts must be "),
        ("job enqueue refused --timeout 0", "timeout must be "),
        ("job enqueue refused --timeout NaN", "--timeout is NaN, and must be "),
        ("job enqueue refused --delay=-1", "--delay is -1, and must be "),
        (&long, "queue must not be longer "),
        (r#"job enqueue refused --args "\u0000""#, "args must not contain "),
    ];
    for (line, begin) in refusals {
        let answer = home.run(line);
        assert!(answer.bad_line(1).starts_with(begin), "{line}: {answer:?}");
    }
    for line in ["job enqueue", "job enqueue refused --delay 1 --run-at 2100-01-01T00:00:00Z"] {
        assert_eq!(home.run(line).code, Some(2), "{line}");
    }
    for (line, words) in [
        ("job enqueue refused --priority x", "'--priority <PRIORITY>': must be a whole number"),
        ("job enqueue refused --max-attempts 40000", "'--max-attempts <N>': must not be so large or so small"),
        ("job enqueue refused --delay soon", "'--delay <SECONDS>': must be a number of seconds"),
        ("job enqueue refused --run-at tomorrow", "'--run-at <INSTANT>': must be an instant with its offset"),
        ("job list --limit 0", "'--limit <LIMIT>': must be a whole number from 1 to 1000"),
        ("job wait 1", "'<ID>': must be an id, a UUID such as "),
        ("calendar put c --mode allow 1.1.2030", "'[DATE]...': must be a date such as "),
    ] {
        let answer = home.run(line);
        assert!(answer.code == Some(2) && answer.err.contains(words), "{line}: {answer:?}");
    }
    assert_eq!(home.json("job list --kind refused"), json!([]));
}

#[test]
fn jobs_are_listed_newest_first_and_filtered() {
    let home = shared();
    let queue = "--queue filtered";
    let waiting: Vec<_> = (0..3).map(|_| home.enqueue(&format!("nobody {queue}"))).collect();
    let scheduled = home.enqueue(&format!("somebody {queue} --delay 3600"));
    let list = |filter: &str| home.json(&format!("job list {queue} {filter}"));

    assert_eq!(ids(&list("")), [&*scheduled, &waiting[2], &waiting[1], &waiting[0]]);
    assert_eq!(ids(&list("--limit 2")), [&*scheduled, &waiting[2]]);
    assert_eq!(ids(&list(&format!("--before {}", waiting[1]))), [&*waiting[0]]);
    assert_eq!(ids(&list("--state scheduled")), [&*scheduled]);
    assert_eq!(ids(&list("--kind nobody --state waiting")).len(), 3);
    assert_eq!(ids(&list("--state dead")), [""; 0]);

    let table = home.run(&format!("job list {queue} --kind somebody"));
    let lines: Vec<_> = table.good().lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID ") && lines[1].starts_with(&scheduled), "{table:?}");
    let wrong = home.run("job list --state nope");
    assert!(wrong.code == Some(2) && wrong.err.contains("scheduled, waiting, running"), "{wrong:?}");
    assert_eq!(home.run("job list --limit 0").code, Some(2));
}

#[test]
fn a_job_of_a_kind_that_nobody_knows_visibly_waits() {
    let home = shared();
    let id = home.enqueue("unknown_kind");
    let shown = home.run(&format!("job show {id}"));
    assert!(shown.good().contains("no worker handles this kind"), "{shown:?}");
    let job = home.job(&id);
    assert_eq!((&job["state"], &job["note"]), (&json!("waiting"), &json!("no worker handles this kind")));
    assert_eq!(home.run(&format!("job show {UNKNOWN}")).bad_line(1), format!("there is no job {UNKNOWN}"));
    let mistyped = home.run("job lst");
    assert_eq!(mistyped.code, Some(2));
    assert!(mistyped.err.contains("neither a verb of job nor the id of a job (a UUID)"), "{mistyped:?}");
}

#[test]
fn cancel_says_what_became_of_it() {
    let home = shared();
    let waiting = home.enqueue("nobody");
    assert_eq!(home.json(&format!("job cancel {waiting}")), json!({"id": waiting, "cancelled": "now"}));
    assert_eq!(home.job(&waiting)["state"], "cancelled");

    let running = home.enqueue(r#"sleep --args {"seconds":3600}"#);
    home.job_in("running", &running);
    let asked = home.run(&format!("job cancel {running}"));
    assert_eq!(asked.good(), format!("job {running} is running, and was asked to stop"));
    home.job_in("cancelled", &running);

    let ended = home.enqueue("echo");
    home.job_in("succeeded", &ended);
    for ended in [ended, waiting] {
        assert_eq!(home.run(&format!("job cancel {ended}")).bad_line(1), format!("job {ended} has ended already"));
    }
    assert_eq!(home.run(&format!("job cancel {UNKNOWN}")).bad_line(1), format!("there is no job {UNKNOWN}"));
}

#[test]
fn run_now_makes_a_job_due_that_would_wait() {
    let home = shared();
    let id = home.enqueue("echo --delay 3600");
    assert_eq!(home.json(&format!("job run-now {id}")), json!({"id": id, "run_now": "now"}));
    home.job_in("succeeded", &id);
    assert_eq!(home.run(&format!("job run-now {id}")).bad_line(1), format!("job {id} has ended already"));

    let due = home.enqueue("nobody");
    assert_eq!(home.run(&format!("job run-now {due}")).good(), format!("job {due} was due already"));
    assert_eq!(home.run(&format!("job run-now {UNKNOWN}")).bad_line(1), format!("there is no job {UNKNOWN}"));
}

#[test]
fn a_dead_letter_is_listed_and_sent_back() {
    let home = shared();
    let id = dead_job(&home);
    let letters = home.json("dead list --limit 1000");
    let letter = letters.as_array().unwrap().iter().find(|letter| letter["job_id"] == *id).unwrap();
    assert!(letter["error"].as_str().unwrap().contains("args.sconds"), "{letter}");
    assert!(home.run("dead list --limit 1000").good().contains(&id));

    assert_eq!(home.json(&format!("dead requeue {id}")), json!({"requeued": [id], "not_dead": []}));
    let job = home.job_in("dead", &id);
    assert_eq!((&job["attempt"], job["runs"].as_array().unwrap().len()), (&json!(2), 2), "{job}");

    let (other, mixed) = (dead_job(&home), home.run(&format!("dead requeue {id} {UNKNOWN}")));
    assert_eq!(mixed.bad_line(1), format!("no dead letter for {UNKNOWN}"));
    assert!(mixed.out.starts_with("1 job"), "{mixed:?}");
    assert_eq!(home.job_in("dead", &id)["attempt"], 3);
    assert_eq!(home.job(&other)["attempt"], 1);
}

#[test]
fn a_person_is_erased_and_what_is_past_is_dropped() {
    let home = shared();
    let id = home.enqueue(r#"nobody --args {"name":"Anna"} --tag person:42 --delay 3600"#);
    assert_eq!(home.json("history erase --tag person:42"), json!({"erased": 1, "cancelled": 1, "running": 0}));
    let job = home.job(&id);
    assert_eq!((&job["state"], &job["args"], &job["tags"]), (&json!("cancelled"), &json!(null), &json!([])));
    assert!(home.run("history erase").code != Some(0), "nobody is named");

    let pruned = home.run("history prune");
    assert!(pruned.good().contains("dropped partitions: none"), "{pruned:?}");
    assert_eq!(home.job(&id)["state"], "cancelled", "it has just ended");
    let refused = home.run("history prune --retention-days 0");
    assert!(refused.code == Some(2) && refused.err.contains("RETENTION_DAYS"), "{refused:?}");
}

#[test]
fn secret_fields_of_arguments_are_not_shown() {
    let home = shared();
    let id = home.enqueue(r#"nobody --args {"token":"hunter2","n":1}"#);
    for line in [format!("job show {id}"), format!("job show {id} --json")] {
        let answer = home.run(&line);
        let shown = answer.good();
        assert!(shown.contains("[redacted]") && !shown.contains("hunter2"), "{shown}");
    }
    let open = home.run(&format!("job show {id} --api-redact none"));
    assert!(open.good().contains("hunter2"), "{open:?}");
    let sent_back = home.run(r#"job enqueue nobody --args {"token":"[redacted]"}"#);
    assert!(sent_back.bad_line(1).starts_with("args.token holds the text that answers show"), "{sent_back:?}");
}

#[test]
fn a_job_is_given_parameters_and_what_it_has_said_is_shown() {
    let home = shared();
    let id = home.enqueue("nobody --delay 3600");
    assert_eq!(home.json(&format!(r#"job attach {id} {{"pace":1}}"#)), json!({"id": id, "n": 1, "running": false}));
    let told = home.run(&format!("job attach {id} 2"));
    assert_eq!(told.good(), format!("job {id} does not run now: its next attempt finds them"));
    let listed = home.json(&format!("job attachments {id}"));
    assert_eq!(
        (&listed[0]["value"], &listed[1]["value"], &listed[1]["n"]),
        (&json!(2), &json!({"pace": 1}), &json!(1))
    );
    assert!(home.run(&format!("job attachments {id}")).good().contains(r#"{"pace": 1}"#));
    assert_eq!(home.run(&format!("job attach {id} {{")).bad_line(1).split(':').next(), Some("the value must be JSON"));

    assert_eq!(home.run(&format!("job logs {id}")).good(), "", "it has said nothing");
    assert_eq!(home.run(&format!("job output {id}")).bad_line(1), format!("job {id} has put out nothing"));
    home.run(&format!("job cancel {id}")).good();
    assert_eq!(home.run(&format!("job logs {id} --follow")).good(), "", "it ends with the job");
    assert_eq!(home.run(&format!("job output {id} --follow")).good(), "");
    assert_eq!(home.run(&format!("job attach {id} 3")).bad_line(1), format!("job {id} has ended already"));
    for verb in ["logs", "output", "attachments"] {
        assert_eq!(home.run(&format!("job {verb} {UNKNOWN}")).bad_line(1), format!("there is no job {UNKNOWN}"));
    }
}
