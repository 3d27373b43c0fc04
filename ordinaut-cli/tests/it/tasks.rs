//! `task`, `publish`, `fact`, `calendar`, `limit`.

use crate::home::{Home, shared};
use crate::process::Answer;
use ordinaut_test_support::fact::eventually;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::Stdio;

/// An id that no task has.
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

/// Creates a task and returns its id.
#[track_caller]
fn create(home: &Home, what: &str) -> String {
    home.run(&format!("task create {what}")).good().to_owned()
}

#[track_caller]
fn show(home: &Home, id: &str) -> Value {
    home.json(&format!("task show {id}"))
}

#[test]
fn a_task_that_is_typed_fires_beside_a_dev_and_its_job_succeeds() {
    let home = shared();
    let id = create(&home, r#"--title Hello --kind echo --args {"x":1} --every 1s"#);
    let job =
        eventually("it fired", || home.json(&format!("task fires {id}"))[0]["job_id"].as_str().map(str::to_owned));
    home.job_in("succeeded", &job);
    let run = eventually("its run is told", || {
        home.json(&format!("task runs {id}")).as_array().unwrap().iter().find(|run| run["job_id"] == *job).cloned()
    });
    assert_eq!((&run["outcome"], &run["attempt"]), (&json!("succeeded"), &json!(1)));
    let statistics = home.json(&format!("task stats {id} --days 1"));
    assert_eq!((&statistics["failed"], &statistics["success_share"]), (&json!(0), &json!(1.0)));
    assert!(home.run(&format!("task fires {id}")).good().contains(&job));
    assert!(home.run(&format!("task runs {id}")).good().starts_with("JOB "));
    assert!(home.run(&format!("task stats {id}")).good().contains("100.0 % succeeded"));
    home.run(&format!("task delete {id}")).good();
}

#[test]
fn a_service_that_is_typed_runs_again_after_each_end() {
    let home = shared();
    let id = create(&home, r#"--title Listen --kind echo --args {"x":1} --service 1s"#);
    let fires = eventually("its job ended and it started again", || {
        let fires = home.json(&format!("task fires {id}"));
        (fires.as_array().unwrap().len() > 1).then_some(fires)
    });
    assert_ne!(fires[0]["job_id"], fires[1]["job_id"]);
    assert_eq!(home.json("task list --schedule-kind service --title listen")[0]["id"], json!(id));
    assert!(home.run(&format!("task show {id}")).good().contains("service 1s"));
    home.run(&format!("task delete {id}")).good();
    let dead = create(&home, "--title Doomed --kind doomed --service");
    let refused = home.run("task create --title Wrong --kind doomed --service 2h");
    assert!(refused.bad_line(1).starts_with("expr must be from a second to an hour"), "{refused:?}");
    home.run(&format!("task delete {dead}")).good();
}

#[test]
fn a_task_has_every_option_and_the_default_zone() {
    let home = shared();
    let options = "--description Why --queue options --priority 2 --max-retries 3 --timeout 1.5 --tag a --tag b \
                   --misfire catch_up(2) --max-instances 1 --concurrency-key ck --dedupe-key dk \
                   --rrule FREQ=DAILY --dtstart 2027-01-01T09:00:00 --ends-at 2100-01-01T00:00:00Z";
    let task = home.json(&format!("task create --title Options --kind nobody {options}"));
    let of = |names: &[&str]| names.iter().map(|name| task[name].clone()).collect::<Value>();
    assert_eq!(of(&["description", "queue", "priority", "max_retries"]), json!(["Why", "options", 2, 3]));
    assert_eq!(of(&["timeout", "tags", "misfire", "max_instances"]), json!([1.5, ["a", "b"], "catch_up(2)", 1]));
    assert_eq!(of(&["concurrency_key", "dedupe_key", "version"]), json!(["ck", "dk", 1]));
    let schedule = &task["schedule"];
    assert_eq!((&schedule["timezone"], &schedule["dtstart"]), (&json!("UTC"), &json!("2027-01-01T09:00:00")));
    assert_eq!(home.run("config timezone").good().trim(), "UTC", "of the installation");
    let again = home.run("task create --title Again --kind nobody --cron @daily --dedupe-key dk");
    assert_eq!(again.bad_line(1), format!("task {} holds this dedupe_key", task["id"].as_str().unwrap()));
}

#[test]
fn a_task_can_come_from_a_file_or_standard_input_and_flags_win() {
    let home = shared();
    let text = r#"{"title": "From a file", "kind": "nobody",
                   "schedule": {"kind": "cron", "expr": "0 9 * * *", "timezone": "Asia/Tokyo"}}"#;
    fs::write(home.path("task.json"), text).unwrap();
    let task = home.json("task create --file task.json --queue flags");
    let found = ["title", "queue"].map(|name| &task[name]);
    assert_eq!(
        (found, &task["schedule"]["timezone"]),
        ([&json!("From a file"), &json!("flags")], &json!("Asia/Tokyo"))
    );
    let other = home.json("task create --file task.json --timezone Europe/London");
    assert_eq!(
        (&other["schedule"]["expr"], &other["schedule"]["timezone"]),
        (&json!("0 9 * * *"), &json!("Europe/London"))
    );
    let other = home.json("task create --file task.json --every 1h");
    assert_eq!((&other["schedule"]["kind"], &other["schedule"]["timezone"]), (&json!("every"), &json!("UTC")));

    let mut command = home.command("task create --file - --json");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let task: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(task["title"], "From a file");

    fs::write(home.path("list.json"), "[]").unwrap();
    fs::write(home.path("no.json"), "{").unwrap();
    fs::write(home.path("large.json"), r#"{"args": {"n": 18446744073709551616}}"#).unwrap();
    let refusals = [
        ("--file list.json", "list.json must be a JSON object"),
        ("--file no.json", "no.json is not JSON: "),
        ("--file missing.json", "could not read missing.json: "),
        ("--file large.json", "large.json: args: has the integer 18446744073709551616, "),
        ("--args [-9223372036854775809]", "--args: .: has the integer -9223372036854775809, "),
    ];
    for (what, begin) in refusals {
        let answer = home.run(&format!("task create {what}"));
        assert!(answer.bad_line(1).starts_with(begin), "{what}: {answer:?}");
    }
}

#[test]
fn a_task_that_cannot_be_accepted_is_refused_and_its_field_named() {
    let home = shared();
    let begin = "--title Refused --kind refused";
    for (what, why) in [
        ("--kind refused --cron @daily".to_owned(), "title: is missing"),
        ("--title Refused --cron @daily".to_owned(), "kind: is missing"),
        (begin.to_owned(), "schedule: is missing"),
        (format!("{begin} --timezone UTC"), "schedule.kind: is missing"),
        (format!("{begin} --every 0s"), "expr "),
        (format!("{begin} --cron @daily --timezone Nowhere"), "timezone "),
        (format!("{begin} --cron @daily --calendar nobody"), "calendars names \"nobody\""),
        (format!("{begin} --cron @daily --misfire never"), "misfire: "),
        (format!("{begin} --cron @daily --args {{x"), "--args is not JSON: "),
        (format!("{begin} --cron @daily --priority 0"), "priority must be "),
        (format!("{begin} --cron @daily --timeout NaN"), "--timeout is NaN, and must be "),
    ] {
        let answer = home.run(&format!("task create {what}"));
        assert!(answer.bad_line(1).starts_with(why), "{what}: {answer:?}");
    }
    assert_eq!(home.run(&format!("task create {begin} --cron @daily --every 1h")).code, Some(2));
    assert_eq!(home.json("task list --kind refused"), json!([]));
}

#[test]
fn tasks_are_listed_newest_first_and_filtered() {
    let home = shared();
    let first = create(&home, "--title Listed-one --kind listed --cron @daily");
    let second = create(&home, "--title Listed-two --kind listed --queue listed --event a.b");
    home.run(&format!("task pause {first}")).good();
    let list = |filter: &str| {
        let tasks = home.json(&format!("task list --kind listed {filter}"));
        tasks.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(""), [&*second, &first]);
    assert_eq!(list("--limit 1"), [&*second]);
    assert_eq!(list(&format!("--before {second}")), [&*first]);
    assert_eq!(list("--status paused"), [&*first]);
    assert_eq!(list("--schedule-kind event"), [&*second]);
    assert_eq!(list("--queue listed"), [&*second]);
    assert_eq!(list("--title ONE"), [&*first]);
    let table = home.run("task list --kind listed --title two");
    let lines: Vec<_> = table.good().lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID ") && lines[1].starts_with(&second), "{table:?}");
    let wrong = home.run("task list --status nope");
    assert!(wrong.code == Some(2) && wrong.err.contains("active, paused, cancelled"), "{wrong:?}");
}

#[test]
fn a_task_is_changed_at_the_version_that_was_seen() {
    let home = shared();
    let id = create(&home, "--title Before --kind nobody --cron @daily");
    let changed = home.json(&format!(r#"task change {id} --patch {{"title":"After"}} --version 1"#));
    assert_eq!((&changed["title"], &changed["version"]), (&json!("After"), &json!(2)));
    let stale = home.run(&format!(r#"task change {id} --patch {{"title":"Late"}} --version 1"#));
    assert_eq!(stale.bad_line(1), format!("task {id} was changed by somebody else: it is at version 2 now"));
    let text = home.run(&format!(r#"task change {id} --patch {{"schedule":{{"expr":"@hourly"}}}}"#));
    assert!(text.good().starts_with(&format!("task {id} is at version 3; due ")), "{text:?}");
    for (patch, begin) in
        [("{x", "--patch is not JSON: "), ("[]", ".: must be"), (r#"{"titel":1}"#, "titel: unknown field")]
    {
        let answer = home.run(&format!("task change {id} --patch {patch}"));
        assert!(answer.bad_line(1).starts_with(begin), "{patch}: {answer:?}");
    }
    let shown = home.run(&format!("task show {id}"));
    assert!(shown.good().contains("cron @hourly, UTC") && shown.out.contains("After"), "{shown:?}");
}

#[test]
fn a_task_is_told_what_to_do() {
    let home = shared();
    let id = create(&home, "--title Told --kind nobody --every 1h");
    let due = show(&home, &id)["next_run_at"].clone();
    let job = home.run(&format!("task run-now {id}")).good().to_owned();
    assert_eq!(home.job(&job)["state"], "waiting");

    let paused = home.run(&format!("task pause {id}"));
    assert_eq!(paused.good(), format!("task {id} is paused; jobs parked: 1"));
    assert_eq!(home.job(&job)["state"], "parked");
    assert_eq!(home.run(&format!("task run-now {id}")).bad_line(1), format!("task {id} is paused"));
    assert!(home.run(&format!("job run-now {job}")).bad_line(1).starts_with(&format!("job {job} is parked")));
    assert_eq!(home.json(&format!("task resume {id}"))["status"], "active");
    assert_eq!(home.job(&job)["state"], "waiting");

    let snoozed = home.json(&format!("task snooze {id} 7200"));
    assert_ne!(snoozed["next_run_at"], due);
    assert_eq!(home.json(&format!("task fires {id}"))[0]["skipped"], "snoozed");
    assert!(home.run(&format!("task snooze {id} 0")).bad_line(1).starts_with("delay must be from 1 to 604800 s"));

    let cancelled = home.run(&format!("task cancel {id}"));
    assert_eq!(cancelled.good(), format!("task {id} is cancelled; jobs removed: 1, asked to stop: 0"));
    assert_eq!(home.job(&job)["state"], "cancelled");
    for verb in ["pause", "resume", "run-now"] {
        assert_eq!(home.run(&format!("task {verb} {id}")).bad_line(1), format!("task {id} was cancelled"), "{verb}");
    }
    assert_eq!(home.json(&format!("task delete {id}")), json!({"id": id, "deleted": true}));
    for verb in ["show", "pause", "resume", "run-now", "cancel", "delete", "fires", "runs", "stats"] {
        assert_eq!(home.run(&format!("task {verb} {id}")).bad_line(1), format!("there is no task {id}"), "{verb}");
    }
    assert_eq!(home.run(&format!("task snooze {UNKNOWN} 60")).bad_line(1), format!("there is no task {UNKNOWN}"));
    assert_eq!(
        home.run(&format!("task change {UNKNOWN} --patch {{}}")).bad_line(1),
        format!("there is no task {UNKNOWN}")
    );
}

#[test]
fn an_event_and_a_fact_make_the_jobs_that_wait_for_them() {
    let home = shared();
    let id = create(&home, "--title Paid --kind echo --event cli.*.paid");
    let event = r#"event publish cli.7.paid e1 --payload {"sum":3}"#;
    assert_eq!(home.run(event).good(), "tasks: 1, jobs: 1");
    assert_eq!(home.json(event), json!({"tasks": 1, "jobs": 0}));
    let run = eventually("its job ran", || home.json(&format!("task runs {id}")).get(0).cloned());
    let job = home.job(run["job_id"].as_str().unwrap());
    assert_eq!(job["args"]["event"], json!({"id": "e1", "topic": "cli.7.paid", "key": "", "payload": {"sum": 3}}));
    assert!(home.run("event publish cli.* e2").bad_line(1).starts_with("topic must be "));
    assert!(home.run("event publish cli e2 --payload {").bad_line(1).starts_with("--payload is not JSON: "));

    let mut command = home.command("task create --title Low --kind echo --condition");
    let id = Answer::of(command.arg("fact(cli_free) < 10")).good().to_owned();
    assert_eq!(home.run("fact push cli_free -3.5").good(), "cli_free is -3.5");
    eventually("it became true", || home.json(&format!("task runs {id}")).get(0).cloned());
    assert_eq!(home.json("fact push cli_free 50"), json!({"name": "cli_free", "value": 50.0}));
    assert!(home.run("fact push cli_free NaN").bad_line(1).starts_with("value must be "));
}

#[test]
fn a_calendar_is_kept_followed_and_deleted() {
    let home = shared();
    let stored = home.json("calendar put holidays --mode exclude 2027-05-01 2027-05-02");
    assert_eq!(stored, json!({"name": "holidays", "mode": "exclude", "dates": ["2027-05-01", "2027-05-02"]}));
    let words = "preview --once 2027-05-01T09:00 --calendar holidays";
    assert!(home.run(words).bad_line(1).starts_with("expr never fires"), "it is a holiday");
    let daily = "preview --rrule FREQ=DAILY --dtstart 2027-04-30T09:00:00 --after 2027-04-30T12:00:00Z --count 1";
    let told = home.json(&format!("{daily} --calendar holidays"));
    assert_eq!(told["next"][0]["local"], "2027-05-03T09:00:00+00:00");

    let id = create(&home, "--title Holidays --kind nobody --cron @daily --calendar holidays");
    let used = home.run("calendar delete holidays");
    assert_eq!(used.bad_line(1), format!("task {id} uses the calendar \"holidays\""));
    let list = home.run("calendar list");
    assert!(list.good().lines().any(|line| line.starts_with("holidays ") && line.contains("2027-05-02")), "{list:?}");
    home.run(&format!("task delete {id}")).good();
    assert_eq!(home.run("calendar delete holidays").good(), "calendar \"holidays\" is deleted");
    assert_eq!(home.run("calendar delete holidays").bad_line(1), "there is no calendar \"holidays\"");
    assert_eq!(home.run("calendar put holidays --mode both 2027-05-01").code, Some(2));
}

#[test]
fn each_tenant_has_a_limit_for_itself() {
    let home = shared();
    home.run("limit set quota --kind echo --per-tenant --concurrency 0").good();
    let (acme, globex) = (home.enqueue("echo --tenant acme"), home.enqueue("echo --tenant globex"));
    for id in [&acme, &globex] {
        home.job_in("parked", id);
    }
    assert_eq!(home.json("job enqueue echo --wait")["state"], "succeeded");
    assert_eq!(
        home.json("limit list").as_array().unwrap().iter().find(|it| it["name"] == "quota").unwrap()["waiting"],
        2
    );
    home.run("limit set quota --kind echo --per-tenant --concurrency 1").good();
    for id in [&acme, &globex] {
        home.job_in("succeeded", id);
    }
    home.run("limit delete quota").good();
}

#[test]
fn a_limit_is_kept_and_deleted() {
    let home = shared();
    let stored = home.json("limit set nobodys --kind nobody --key customer.id --concurrency 2 --rate 10");
    assert_eq!((&stored["concurrency"], &stored["rate"]), (&json!(2), &json!(10.0)));
    let list = home.run("limit list");
    assert!(list.good().lines().any(|line| line.starts_with("nobodys ") && line.contains("customer.id")), "{list:?}");
    let changed = home.json("limit change nobodys --concurrency 5");
    assert_eq!((&changed["concurrency"], &changed["rate"]), (&json!(5), &json!(10.0)));
    assert_eq!((&changed["kind"], &changed["key"]), (&json!("nobody"), &json!("customer.id")));
    assert!(home.run("limit change nobodys").bad_line(1).starts_with("there is nothing to change"));
    assert_eq!(home.run("limit change nobody --rate 1").bad_line(1), "there is no limit \"nobody\"");
    let stored = home.json("limit set nobodys --kind nobody --per-tenant");
    assert_eq!((&stored["per_tenant"], &stored["key"]), (&json!(true), &json!(null)));
    let list = home.run("limit list");
    assert!(list.good().lines().any(|line| line.starts_with("nobodys ") && line.contains("each tenant")), "{list:?}");
    let both = home.run("limit set nobodys --per-tenant --key customer.id --concurrency 2");
    assert!(both.bad_line(1).starts_with("per_tenant must not be true where key is given"), "{both:?}");
    assert!(home.run("limit set nobodys").bad_line(1).starts_with("concurrency must be given, or rate, or key"));
    assert_eq!(home.run("limit delete nobodys").good(), "limit \"nobodys\" is deleted");
    assert_eq!(home.run("limit delete nobodys").bad_line(1), "there is no limit \"nobodys\"");
}
