//! Hostile values of arguments: each is one whole place of the program's argument vector, or
//! nothing runs.

use crate::fixture::Fixture;
use crate::process::commands;
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use ordinaut_worker::Commands;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What somebody might send who wants to be understood by a shell, or as an option.
fn hostile(canary: &str) -> Vec<String> {
    let run = format!("touch {canary}");
    let texts = [
        format!(";{run}"),
        format!("; {run} ;"),
        format!("&& {run}"),
        format!("|| {run}"),
        format!("| {run}"),
        format!("& {run} &"),
        format!("$({run})"),
        format!("`{run}`"),
        format!("<({run})"),
        format!("> {canary}"),
        format!(">> {canary} 2>&1"),
        format!("\"; {run}; \""),
        format!("'; {run}; '"),
        format!("\\'; {run} #"),
        format!("\n{run}\n"),
        format!("\r\n{run}"),
        format!("a\n{run}"),
        format!("x=`{run}`"),
        format!("() {{ :;}}; {run}"),
        format!("${{IFS}}{run}"),
        "-rf".to_owned(),
        "--".to_owned(),
        "-".to_owned(),
        "--help".to_owned(),
        "--value=other".to_owned(),
        "-c id".to_owned(),
        "--output=/etc/passwd".to_owned(),
        "-exec id ;".to_owned(),
        "=-x".to_owned(),
        "*".to_owned(),
        "?".to_owned(),
        "~".to_owned(),
        "~root".to_owned(),
        "$HOME".to_owned(),
        "${PATH}".to_owned(),
        "$$".to_owned(),
        "!!".to_owned(),
        "{a,b}".to_owned(),
        "{value}".to_owned(),
        "{{value}}".to_owned(),
        "%s%n%x".to_owned(),
        "\\".to_owned(),
        "\\0".to_owned(),
        "'".to_owned(),
        "\"".to_owned(),
        "a b\tc".to_owned(),
        " ".to_owned(),
        "\u{202e}ü\u{2028}".to_owned(),
        "\u{1b}[31m".to_owned(),
        "../../etc/passwd".to_owned(),
    ];
    texts.iter().flat_map(|text| [text.clone(), format!("a{text}"), format!("{text} b"), format!("\n{text}")]).collect()
}

/// Commands that say what they got: a line for each argument, in hexadecimal digits.
fn list() -> Commands {
    let says = r#"for a in "$@"; do printf %s "$a" | od -An -v -tx1 | tr -d " \n"; echo; done"#;
    let value = "{ type = 'string', pattern = '(?s).*', max_length = 200 }";
    let command = |name: &str, place: &str| {
        format!(
            "[commands.{name}]\nprogram = '/bin/sh'\nargv = ['-c', '''{says}''', 'sh', '{place}', 'end']\narguments.value = {value}\nenvironment.PATH = '/usr/bin:/bin'\n"
        )
    };
    commands(&(command("option", "--value={value}") + &command("alone", "{value}")))
}

/// What the program says if each value has come as one argument.
fn said(places: impl Iterator<Item = String>) -> Vec<String> {
    let digits = |text: &str| text.bytes().map(|octet| format!("{octet:02x}")).collect::<String>();
    places.map(|place| format!("{}\n{}\n", digits(&place), digits("end"))).collect()
}

/// Starts a command for each value, as items of a step, and returns what the programs said.
async fn run_each(fixture: &Fixture, command: &str, values: &[String]) -> Vec<String> {
    let step = json!({"id": "each", "foreach": "${params.values}", "max_items": 200, "at_once": 8, "uses": "process",
        "with": {"command": command, "arguments": {"value": "${item}"}}});
    let document = json!({"params": {"values": values}, "steps": [step], "output": "${steps.each[*].stdout}"});
    let id = fixture.enqueue("pipeline", document).await;
    assert_eq!(fixture.worker_with(&[], list()).step().await.unwrap(), Step::Worked(id));
    let run = fixture.runs(id).await.pop().unwrap();
    assert_eq!(fixture.state(id).await, JobState::Succeeded, "{run:?}");
    serde_json::from_str(run.output.unwrap().get()).unwrap()
}

#[tokio::test]
async fn no_hostile_value_reaches_a_shell_or_becomes_another_argument() {
    let (fixture, folder) = (Fixture::new().await, TempDir::new().unwrap());
    let canary = folder.path().join("canary");
    let values = hostile(&canary.display().to_string());
    assert_eq!(values.len(), 200);

    let got = run_each(&fixture, "option", &values).await;
    assert_eq!(got, said(values.iter().map(|value| format!("--value={value}"))));

    let (dashed, others): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| value.starts_with('-'));
    let got = run_each(&fixture, "alone", &others).await;
    assert_eq!(got, said(others.into_iter()));

    for value in &dashed {
        let args = json!({"command": "alone", "arguments": {"value": value}});
        let ran = crate::process::run(&fixture, list(), args).await;
        assert_eq!(ran.died(), "args.arguments.value must not begin with -: it would be an option");
        assert_eq!(ran.output, Value::Null, "nothing ran");
    }
    assert_eq!(dashed.len(), 16);
    assert!(!canary.exists());
}

#[tokio::test]
async fn a_value_of_another_type_or_beyond_its_bounds_is_refused_by_name() {
    let fixture = Fixture::new().await;
    let list = || {
        commands(
            "[commands.add]\nprogram = '/bin/echo'\nargv = ['{count}', '--kind={kind}']\n\
             arguments.count = { type = 'integer', min = -5, max = 5, may_begin_with_dash = true }\n\
             arguments.kind = { type = 'one_of', values = ['a', 'b'], default = 'a' }",
        )
    };
    let run = async |arguments: Value| {
        crate::process::run(&fixture, list(), json!({"command": "add", "arguments": arguments})).await
    };
    assert_eq!(run(json!({"count": -5})).await.succeeded()["stdout"], "-5 --kind=a\n");
    for (arguments, reason) in [
        (json!({"count": 6}), "args.arguments.count must be a whole number from -5 to 5"),
        (json!({"count": "1; id"}), "args.arguments.count must be a whole number from -5 to 5"),
        (json!({"kind": "b"}), "args.arguments.count is missing"),
        (json!({"count": 1, "kind": "c"}), "args.arguments.kind must be one of a, b"),
        (json!({"count": 1, "more": 1}), "args.arguments.more is unknown to the command"),
    ] {
        assert_eq!(run(arguments).await.died(), reason);
    }
}
