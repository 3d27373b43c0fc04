//! Jobs of kind `process`, with real processes: what becomes of each end, and that nothing outlives
//! it.

use crate::fixture::{Fixture, Ran};
use nix::unistd::Uid;
use ordinaut_core::job::JobState;
use ordinaut_core::report::{Channel, LogLevel, OutputCursor};
use ordinaut_core::worker::Step;
use ordinaut_core::{NewJob, Outcome};
use ordinaut_worker::Commands;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// A list whose processes are supervised by the worker's binary, which the test's is not.
pub(crate) fn commands(list: &str) -> Commands {
    Commands::read(list).unwrap().supervised_by(env!("CARGO_BIN_EXE_ordinaut-worker"))
}

/// A list with one command, a script.
pub(crate) fn script(name: &str, script: &str, more: &str) -> Commands {
    commands(&format!("[commands.{name}]\nprogram = '/bin/sh'\nargv = ['-c', '''{script}''']\n{more}"))
}

/// Runs a job once.
pub(crate) async fn run(fixture: &Fixture, commands: Commands, args: Value) -> Ran {
    let id = fixture.enqueue("process", args).await;
    assert_eq!(fixture.worker_with(&[], commands).step().await.unwrap(), Step::Worked(id));
    let run = fixture.runs(id).await.pop().unwrap();
    let output = run.output.as_ref().map_or(Value::Null, |output| output.get().parse().unwrap());
    let job = fixture.job(id).await;
    // One that failed must not come back while the next one runs.
    fixture.database.jobs().cancel(id).await.unwrap();
    Ran { job, run, output }
}

async fn log(fixture: &Fixture, id: Uuid) -> Vec<(LogLevel, String)> {
    let said = fixture.database.jobs().said(id, Channel::Log, None, OutputCursor::default(), 5000).await.unwrap();
    said.items.into_iter().filter_map(|line| Some((line.level?, line.text))).collect()
}

/// A file that processes write their ids into.
struct Pids(TempDir);

impl Pids {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> String {
        self.0.path().join("pids").display().to_string()
    }

    /// The ids, once all are there.
    async fn started(&self, number: usize) -> Vec<String> {
        let look = async {
            loop {
                let pids: Vec<_> =
                    std::fs::read_to_string(self.file()).unwrap_or_default().lines().map(str::to_owned).collect();
                if pids.len() == number {
                    return pids;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, look).await.unwrap()
    }
}

/// Whether a process is there; one that nobody has asked for its end is not.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
}

async fn are_gone(pids: &[String]) {
    let look = async {
        while pids.iter().any(|pid| is_alive(pid)) {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, look).await.is_ok(), "{pids:?} still run");
}

/// Starts one process in its group, one that leaves it, and waits; SIGTERM is for none of them.
fn family(pids: &Pids) -> String {
    let file = pids.file();
    let leaves = format!("setsid sh -c \"echo \\$\\$ >> {file}; sleep 1000\"");
    format!("trap \"\" TERM; echo $$ >> {file}; sleep 1000 & echo $! >> {file}; {leaves} & wait; wait")
}

#[tokio::test]
async fn a_process_that_ends_well_is_a_success_and_what_it_put_out_is_the_log() {
    let fixture = Fixture::new().await;
    let list = script("greet", r"printf 'one\r\ntwo\nthree'; printf 'warned\n' >&2", "");
    let ran = run(&fixture, list, json!({"command": "greet"})).await;
    let output = json!({"exit_code": 0, "signal": null, "stdout": "one\r\ntwo\nthree", "stderr": "warned\n", "truncated": false});
    assert_eq!(ran.succeeded(), &output);
    let lines = log(&fixture, ran.job.id).await;
    let of = |level| lines.iter().filter(|line| line.0 == level).map(|line| &*line.1).collect::<Vec<_>>();
    assert_eq!((of(LogLevel::Info), of(LogLevel::Warn)), (vec!["one", "two", "three"], vec!["warned"]));
}

#[tokio::test]
async fn an_exit_code_says_whether_another_attempt_follows() {
    let fixture = Fixture::new().await;
    let list = |code| script("end", &format!("echo bad >&2; exit {code}"), "fatal_exit_codes = [4, 5]");
    let ran = run(&fixture, list(4), json!({"command": "end"})).await;
    assert_eq!(ran.died(), "end ended with exit code 4");
    assert_eq!((&ran.output["exit_code"], &ran.output["stderr"]), (&json!(4), &json!("bad\n")));
    let ran = run(&fixture, script("end", "kill -9 $$", ""), json!({"command": "end"})).await;
    assert_eq!((ran.failed(), &ran.output["signal"]), ("end was ended by SIGKILL", &json!("SIGKILL")));
    // 127 is what a shell says, and ours is not one.
    let ran = run(&fixture, list(127), json!({"command": "end"})).await;
    assert_eq!(ran.failed(), "end ended with exit code 127");
    let absent = commands("[commands.absent]\nprogram = '/no/such/program'");
    let ran = run(&fixture, absent, json!({"command": "absent"})).await;
    assert_eq!(ran.failed(), "could not start absent: No such file or directory (os error 2)");
}

#[tokio::test]
async fn what_is_not_on_the_list_does_not_run() {
    let fixture = Fixture::new().await;
    // Without a list a job waits for a worker that has one, and so does a step of a pipeline.
    let job = fixture.enqueue("process", json!({"command": "/bin/true"})).await;
    assert_eq!(fixture.worker_with(&[], Commands::default()).step().await.unwrap(), Step::Idle);
    fixture.database.jobs().cancel(job).await.unwrap();
    let step = json!({"steps": [{"id": "one", "uses": "process", "with": {"command": "/bin/true"}}]});
    let job = fixture.enqueue("pipeline", step).await;
    assert_eq!(fixture.worker_with(&[], Commands::default()).step().await.unwrap(), Step::Worked(job));
    let failed = fixture.runs(job).await.pop().unwrap();
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(failed.error.unwrap().contains("WORKER_PROCESS_FILE is not set"));
    fixture.database.jobs().cancel(job).await.unwrap();
    let list = || script("touch", "exit 0", "");
    for (args, reason) in [
        (json!({"command": "/bin/true"}), "args.command \"/bin/true\" is not on this worker's list"),
        (json!({"command": "touch", "arguments": {"file": "x"}}), "args.arguments.file is unknown to the command"),
        (json!({"command": "touch", "shell": true}), "args.shell could not be decoded"),
        (json!({}), "args could not be decoded"),
    ] {
        let ran = run(&fixture, list(), args).await;
        assert!(ran.died().starts_with(reason), "{:?}", ran.run);
        assert_eq!(ran.output, Value::Null);
    }
}

#[tokio::test]
async fn a_process_has_the_environment_of_its_list_and_nothing_of_the_workers() {
    let fixture = Fixture::new().await;
    let list = |more: &str| commands(&format!("[commands.env]\nprogram = '/usr/bin/env'\n{more}"));
    assert!(std::env::vars().count() > 0, "the worker has an environment");
    let ran = run(&fixture, list(""), json!({"command": "env"})).await;
    assert_eq!(ran.succeeded()["stdout"], "");
    let ran = run(&fixture, list("environment = { LANG = 'C', A = 'b c' }"), json!({"command": "env"})).await;
    assert_eq!(ran.succeeded()["stdout"], "A=b c\nLANG=C\n");
    // As where a worker was started by a program that had left a file open. It is a child that
    // writes it: a file that is open for writing here could not be started.
    let folder = TempDir::new().unwrap();
    let supervisor = folder.path().join("supervisor");
    let text = format!("#!/bin/sh\nexec 9</dev/null\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_ordinaut-worker"));
    let write = ["-c", "printf %s \"$1\" > \"$0\"; chmod +x \"$0\"", supervisor.to_str().unwrap(), &text];
    assert!(std::process::Command::new("/bin/sh").args(write).status().unwrap().success());
    // Nothing but the shell itself looks: another program has pipes to it. Where it looks from is
    // open while it does, and not afterwards.
    let look = "for file in /proc/$$/fd/*; do [ -e $file ] && printf '%s ' ${{file##*/}}; done; pwd; cat";
    let open = script("open", look, "directory = '/usr'").supervised_by(supervisor);
    let ran = run(&fixture, open, json!({"command": "open"})).await;
    assert_eq!(ran.succeeded()["stdout"], "0 1 2 /usr\n", "no file of the worker is open in it, and it reads nothing");
}

#[tokio::test]
async fn a_process_that_runs_into_its_limit_of_time_is_ended_with_all_that_came_of_it() {
    let (fixture, pids) = (Fixture::new().await, Pids::new());
    let list = script("family", &family(&pids), "timeout_seconds = 3\ngrace_seconds = 0.1");
    let ran = run(&fixture, list, json!({"command": "family"})).await;
    assert_eq!(ran.failed(), "family timed out after 3 s");
    are_gone(&pids.started(3).await).await;
}

#[tokio::test]
async fn what_a_process_leaves_behind_is_ended_with_it() {
    let (fixture, pids) = (Fixture::new().await, Pids::new());
    let script_text = format!("setsid sleep 1000 & echo $! >> {}; echo done", pids.file());
    let ran = run(&fixture, script("leave", &script_text, ""), json!({"command": "leave"})).await;
    assert_eq!(ran.succeeded()["stdout"], "done\n");
    are_gone(&pids.started(1).await).await;
}

#[tokio::test]
async fn a_cancel_ends_the_process_with_all_that_came_of_it() {
    let (fixture, pids) = (Fixture::new().await, Pids::new());
    let list = script("family", &family(&pids), "grace_seconds = 0.1");
    let id = fixture.enqueue("process", json!({"command": "family"})).await;
    let mut worker = fixture.worker_with(&[], list);
    let attempt = tokio::spawn(async move { worker.step().await });
    let started = pids.started(3).await;
    assert!(started.iter().all(|pid| is_alive(pid)));

    fixture.database.jobs().cancel(id).await.unwrap();

    assert_eq!(attempt.await.unwrap().unwrap(), Step::Worked(id));
    are_gone(&started).await;
    let run = fixture.runs(id).await.pop().unwrap();
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Cancelled, Some("cancelled while family ran")));
    assert_eq!(fixture.state(id).await, JobState::Cancelled);
}

#[tokio::test]
async fn an_attempt_that_is_dropped_lets_no_process_live_on() {
    let (fixture, pids) = (Fixture::new().await, Pids::new());
    let list = script("family", &family(&pids), "grace_seconds = 0.1");
    let job = NewJob::new("process", &json!({"command": "family"})).unwrap().timeout(Duration::from_secs(3));
    let id = fixture.database.enqueue(&job).await.unwrap().id();
    assert_eq!(fixture.worker_with(&[], list).step().await.unwrap(), Step::Worked(id));
    assert_eq!(fixture.runs(id).await[0].outcome, Outcome::Failed);
    are_gone(&pids.started(3).await).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_takes_its_processes_with_it() {
    let (fixture, pids) = (Fixture::new().await, Pids::new());
    let list = pids.0.path().join("list.toml");
    let text =
        format!("[commands.family]\nprogram = '/bin/sh'\nargv = ['-c', '''{}''']\ngrace_seconds = 0.1", family(&pids));
    std::fs::write(&list, text).unwrap();
    fixture.enqueue("process", json!({"command": "family"})).await;
    let mut worker = std::process::Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .env_clear()
        .envs([("DATABASE_URL", &*fixture.url), ("WORKER_PROCESS_FILE", list.to_str().unwrap())])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = pids.started(3).await;
    assert!(started.iter().all(|pid| is_alive(pid)));

    worker.kill().unwrap();
    worker.wait().unwrap();

    are_gone(&started).await;
}

/// The most memory that this process has used, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_endless_output_costs_no_memory_and_ends_the_process() {
    let fixture = Fixture::new().await;
    let before = peak();
    for (program, most) in [("exec yes", 1_000_000), ("exec cat /dev/zero", 60_000_000), ("exec yes >&2", 1_000_000)] {
        let list = script("endless", program, &format!("max_output_bytes = {most}\ntimeout_seconds = 600"));
        let ran = run(&fixture, list, json!({"command": "endless"})).await;
        assert_eq!(ran.died(), format!("endless put out more than {most} bytes"));
        assert_eq!(ran.output["truncated"], true);
        assert!(log(&fixture, ran.job.id).await.len() <= 1001);
    }
    let grown = peak() - before;
    assert!(grown < 40_000, "60 MB of output took {grown} KiB of memory");
}

#[tokio::test]
async fn a_process_gets_no_more_memory_than_its_list_says() {
    let fixture = Fixture::new().await;
    let list = |more: &str| script("grow", "head -c 200000000 /dev/zero | tail -c 150000000 | wc -c", more);
    let ran = run(&fixture, list(""), json!({"command": "grow"})).await;
    assert_eq!(ran.succeeded()["stdout"], "150000000\n");
    let ran = run(&fixture, list("max_memory_bytes = 100_000_000"), json!({"command": "grow"})).await;
    assert_eq!(ran.output["stdout"], "0\n", "{:?}", ran.run);
}

#[tokio::test]
async fn a_process_runs_as_the_account_of_its_list_if_the_worker_is_root() {
    let list = "[commands.who]\nprogram = '/usr/bin/id'\nargv = ['-un']\nuser = 'nobody'";
    if !Uid::effective().is_root() {
        let refused = Commands::read(list).unwrap_err();
        assert!(refused.starts_with("commands.who.user: only a worker that runs as root"), "{refused}");
        return;
    }
    let fixture = Fixture::new().await;
    let ran = run(&fixture, commands(list), json!({"command": "who"})).await;
    assert_eq!(ran.succeeded()["stdout"], "nobody\n");
    let refused = Commands::read(&list.replace("'nobody'", "'no such'")).unwrap_err();
    assert_eq!(refused, "commands.who.user: there is no account \"no such\"");
}

#[tokio::test]
async fn a_list_that_cannot_be_used_ends_the_worker_and_names_the_field() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("list.toml");
    for (text, reason) in [
        ("[commands.a]\nprogram = 'ls'", "commands.a.program: must be an absolute path"),
        ("[commands.a]\nprogram = '/bin/ls'\nargv = ['{b}']", "commands.a.argv[0]: there is no argument b"),
        ("[commands.a]\nprogam = '/bin/ls'", "line 2: unknown field `progam`, expected one of"),
        (
            "[commands.a]\nprogram = '/bin/ls'\narguments.b.type = 'boolean'",
            "commands.a.arguments.b: argv has no place for it",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let refused = refusal(&path).await;
        assert!(refused.starts_with(&format!("error: WORKER_PROCESS_FILE: {}: {reason}", path.display())), "{refused}");
    }
    let refused = refusal(Path::new("/no/such/list")).await;
    assert!(refused.starts_with("error: WORKER_PROCESS_FILE: could not read /no/such/list"), "{refused}");
}

#[test]
fn the_lists_that_people_are_shown_can_be_used() {
    let guide = include_str!("../../../docs/executors.md");
    let block = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    for list in [include_str!("../../../ops/config/processes.example.toml"), block] {
        Commands::read(list).unwrap();
    }
}

/// What a worker says that does not start.
async fn refusal(list: &Path) -> String {
    let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .env_clear()
        .envs([("DATABASE_URL", "postgres://x/y"), ("WORKER_PROCESS_FILE", list.to_str().unwrap())])
        .output();
    let ended = tokio::time::timeout(LIMIT, ended).await.unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    String::from_utf8(ended.stderr).unwrap()
}
