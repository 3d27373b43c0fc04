//! What is looked at: queues, workers, doctor, migrate.

use crate::home::{Home, shared};
use crate::process::Answer;
use serde_json::{Value, json};

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item[key] == *name).unwrap()
}

#[test]
fn queues_count_what_waits_and_who_serves() {
    let home = shared();
    home.enqueue("nobody --queue counted");
    home.enqueue("nobody --queue counted");
    home.enqueue("nobody --queue counted --delay 3600");
    let queues = home.json("queue list");
    let counted = named(&queues, "name", "counted");
    let counts = ["waiting", "scheduled", "running", "dead", "workers"].map(|name| counted[name].as_i64().unwrap());
    assert_eq!(counts, [2, 1, 0, 0, 0]);
    assert_eq!(named(&queues, "name", "default")["workers"], 1);
    assert!(home.run("queue list").good().starts_with("QUEUE "));
}

#[test]
fn a_task_a_queue_and_a_batch_are_explained_by_what_they_are_called() {
    let home = shared();
    let task = home.run("task create --title explained --kind nobody --cron @daily").good().to_owned();
    for named in [&*task, "explained"] {
        let told = home.json(&format!("explain task {named}"));
        assert_eq!((&told["task_id"], &told["reasons"][0]["reason"]), (&json!(task), &json!("not_due")), "{told}");
    }
    let job = home.enqueue("nobody --queue unserved");
    let told = home.json("explain queue unserved");
    assert_eq!((&told["queue"], &told["findings"][0]["reason"]), (&json!("unserved"), &json!("queue_unserved")));
    for typed in [format!("explain {job}"), format!("explain job {job}")] {
        assert!(home.run(&typed).good().contains("no living worker serves the queue"), "{typed}");
    }
    assert!(home.run("explain queue unserved").good().contains("critical: no living worker serves the queue"));
    assert_eq!(home.run("explain task nameless").bad_line(1), "there is no task with the title \"nameless\"");
    let none = home.run(&format!("explain batch {job}"));
    assert_eq!(none.bad_line(1), format!("there is no batch {job}"));
}

#[test]
fn workers_show_what_they_serve_and_can_run() {
    let home = shared();
    let workers = home.json("worker list");
    let worker = &workers[0];
    assert_eq!((&worker["alive"], &worker["queues"]), (&json!(true), &json!(["default"])));
    let kinds: Vec<_> = worker["kinds"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    for kind in ["http", "echo", "sleep", "fail", "panic", "spin"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let table = home.run("worker list");
    assert!(table.good().contains("alive") && table.good().contains(" of 10"), "{table:?}");
}

#[test]
fn a_worker_is_drained_by_name_and_says_so() {
    let home = Home::new();
    let _dev = home.dev("--worker-name shy");
    home.living_workers(1);
    assert!(home.run("worker drain shy").good().starts_with("shy leases no more jobs"));
    assert!(home.run("worker list").good().contains("drained"));
    let session = home.living_workers(1)[0]["session"].as_str().unwrap().to_owned();
    assert_eq!(home.run(&format!("worker undrain {session}")).good(), "shy leases jobs again");
    assert!(home.run("worker list").good().contains("alive"));
    let unknown = home.run("worker drain nobody");
    assert_eq!(unknown.bad_line(1), "no living worker has the name or session \"nobody\"");
}

#[test]
fn doctor_finds_nothing_bad_beside_a_dev() {
    let home = shared();
    let findings = home.json("doctor");
    for part in ["postgres", "schema", "schedulers", "workers", "tasks", "zones"] {
        assert_eq!(named(&findings, "part", part)["verdict"], "good", "{findings}");
    }
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["verdict"] != "bad"), "{findings}");
    let other = home.run("doctor --tz Asia/Tokyo");
    let doubt = "TZ is \"Asia/Tokyo\", but schedules that name none go by UTC, which is stored for the whole installation; \
                 `ordinaut config timezone Asia/Tokyo` would change that";
    assert!(other.good().contains(doubt), "{other:?}");
    let text = home.run("doctor");
    assert!(text.good().contains("the `ordinaut dev` that runs here") && !text.out.contains("BAD"), "{text:?}");
}

#[test]
fn migrate_has_nothing_to_do_beside_a_dev() {
    let home = shared();
    let answer = home.run("migrate");
    assert!(answer.good().ends_with("nothing to do"), "{answer:?}");
    let status = home.json("migrate status");
    let versions: Vec<_> = status.as_array().unwrap().iter().map(|line| line["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, ordinaut_core::db::known_migrations().map(|(version, _)| version).collect::<Vec<_>>());
    assert!(status.as_array().unwrap().iter().all(|line| line["applied"] == true), "{status}");
    assert!(home.run("migrate status").good().starts_with("VERSION "));
}

#[test]
fn health_answers_in_one_line_for_each_role() {
    let home = shared();
    for (line, says) in [("health", "healthy: Postgres answers"), ("health worker", "healthy: 1 alive on host ")] {
        let answer = home.run(line);
        assert!(answer.good().starts_with(says), "{answer:?}");
    }
    // Of a scheduler nothing is said: another one may run on this machine.
    let absent = [
        ("health api --api-port 1 --api-admin-token 0123456789abcdef", "unhealthy: nothing answers on port 1"),
        ("health --database-url postgres://127.0.0.1:1/nowhere", "unhealthy: no answer within 4 s"),
    ];
    for (line, says) in absent {
        let answer = home.run(line);
        assert!(
            answer.code == Some(1) && answer.out.starts_with(says) && answer.out.lines().count() == 1,
            "{answer:?}"
        );
    }
}

#[test]
fn the_spellings_of_before_there_were_nouns_mean_the_same() {
    let home = Home::new();
    let _dev = home.dev("");
    let id = home.run("enqueue nobody --delay 3600").good().to_owned();
    for (before, now) in [
        ("jobs".to_owned(), "job list".to_owned()),
        (format!("job {id}"), format!("job show {id}")),
        (format!("job {id} --before 1"), format!("job show {id} --before 1")),
        ("queues".to_owned(), "queue list".to_owned()),
        ("events --after 0".to_owned(), "event list --after 0".to_owned()),
        ("preview --every 1h".to_owned(), "task preview --every 1h".to_owned()),
    ] {
        let (before, now) = (home.run(&before), home.run(&now));
        // What is due next is told to the second.
        let lines = |text: &str| text.lines().count();
        assert_eq!(lines(before.good()), lines(now.good()), "{before:?} {now:?}");
    }
    home.run("workers").good();
    home.run("fact x 1").good();
    home.run("publish a.b e1").good();
    home.run("prune").good();
    home.run(&format!("run-now {id}")).good();
    home.run(&format!("cancel {id}")).good();
    home.run("erase --tag nobody").good();
    let help = home.run("--help");
    for hidden in ["run-now", "publish", "prune", "queues"] {
        assert!(!help.good().lines().any(|line| line.trim_start().starts_with(hidden)), "{hidden} is shown");
    }
    assert!(help.good().contains("--database-url") && help.good().contains("config show"), "{help:?}");
    assert!(!help.good().contains("--worker-queues"), "the flags of all settings hide the verbs");
}

#[test]
fn every_setting_is_shown_with_its_source_and_no_secret() {
    let home = Home::new();
    let mut command = home.command("config show --json --worker-concurrency 7");
    command.env("WORKER_QUEUES", "mail").env("API_ADMIN_TOKEN", "0123456789abcdef0123456789abcdef");
    let answer = Answer::of(&mut command);
    let settings: Value = serde_json::from_str(answer.good()).unwrap();
    let one = |name: &str| {
        let setting = named(&settings, "name", name);
        (setting["value"].as_str().map(str::to_owned), setting["from"].as_str().unwrap().to_owned())
    };
    assert_eq!(one("WORKER_CONCURRENCY"), (Some("7".to_owned()), "flag".to_owned()));
    assert_eq!(one("WORKER_QUEUES"), (Some("mail".to_owned()), "environment".to_owned()));
    assert_eq!(one("API_ADMIN_TOKEN"), (Some("(secret)".to_owned()), "environment".to_owned()));
    assert_eq!(one("WORKER_LEASE_SECONDS"), (Some("60".to_owned()), "default".to_owned()));
    assert!(!answer.out.contains("0123456789"), "{}", answer.out);
}

#[test]
fn each_mode_is_shown_with_why_and_with_its_defaults_and_addresses() {
    let home = Home::new();
    let shown = |environment: &[(&str, &str)]| {
        let mut command = home.command("config show --json");
        command.envs(environment.iter().copied());
        let settings: Value = serde_json::from_str(Answer::of(&mut command).good()).unwrap();
        move |name: &str| {
            let setting = named(&settings, "name", name).clone();
            let text = |field: &str| setting[field].as_str().unwrap_or_default().to_owned();
            (text("value"), text("from"), text("because"))
        }
    };
    for (mode, health, from) in [
        ("local", "127.0.0.1", "mode"),
        ("docker_local", "0.0.0.0", "mode"),
        ("distributed", "0.0.0.0", "mode"),
        ("kubernetes", "0.0.0.0", "mode"),
    ] {
        let one = shown(&[("ORDINAUT_MODE", mode)]);
        assert_eq!(one("ORDINAUT_MODE"), (mode.to_owned(), "environment".to_owned(), String::new()));
        assert_eq!(one("HEALTH_HOST"), (health.to_owned(), from.to_owned(), String::new()));
        let log = if matches!(mode, "distributed" | "kubernetes") { "json" } else { "" };
        assert_eq!(one("LOG_FORMAT").0, log, "{mode}");
    }
    // What is said wins over the file of the mode.
    let said = shown(&[("ORDINAUT_MODE", "kubernetes"), ("HEALTH_HOST", "10.0.0.1"), ("WORKER_SHUTDOWN_GRACE", "3")]);
    assert_eq!(said("HEALTH_HOST").0, "10.0.0.1");
    assert_eq!(
        (said("WORKER_SHUTDOWN_GRACE").1, shown(&[("ORDINAUT_MODE", "kubernetes")])("WORKER_SHUTDOWN_GRACE").0),
        ("environment".to_owned(), "25".to_owned())
    );
    let pod = shown(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    assert_eq!(
        pod("ORDINAUT_MODE"),
        ("kubernetes".to_owned(), "found".to_owned(), "KUBERNETES_SERVICE_HOST is set".to_owned())
    );
    let found = shown(&[])("ORDINAUT_MODE");
    assert!(
        found.1 == "found" && !found.2.is_empty() && ["local", "docker_local", "kubernetes"].contains(&&*found.0),
        "{found:?}"
    );
    let domain = shown(&[("ORDINAUT_MODE", "distributed"), ("ORDINAUT_DOMAIN", "jobs.example.org")]);
    assert_eq!(domain("ORDINAUT_DOMAIN").0, "jobs.example.org");
    let mut wrong = home.command("config show");
    let wrong = Answer::of(wrong.env("ORDINAUT_MODE", "cloud"));
    assert!(wrong.err.contains("must be local, docker_local, distributed or kubernetes"), "{wrong:?}");
}

#[test]
fn a_shell_gets_a_script_that_completes_verbs() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.run(&format!("completions {shell}")).good().contains("undrain"), "{shell}");
    }
}

#[test]
fn executors_are_shown_without_a_database_with_what_they_must_be_given() {
    let home = Home::new();
    let list: Value = serde_json::from_str(home.run("executors --json").good()).unwrap();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|executor| executor["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo", "email", "http", "mcp", "process", "sleep", "sql", "tool"]);
    let http: Value = serde_json::from_str(home.run("executors show http --json").good()).unwrap();
    assert_eq!(http["args"]["required"], Value::Null, "either url or target");
    assert_eq!(http["args"]["properties"]["timeout_seconds"]["default"], 30.0);
    let shown = home.run("executors show process");
    assert!(shown.good().contains("command") && shown.good().contains("must be given"), "{}", shown.out);
    let refused = home.run("executors show ftp");
    assert!(
        refused.err.contains("there is no executor \"ftp\": there are echo, email, http, mcp, process, sleep, sql"),
        "{}",
        refused.err
    );
}
