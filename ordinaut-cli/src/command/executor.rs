//! `ordinaut executors`: what the stock worker can do, and what it must be given.

use crate::args::{ExecutorVerb, Executors, Format};
use crate::output::{answer, table};
use anyhow::Context as _;
use ordinaut_worker::{Argument, ExecutorInfo, executors};
use std::process::ExitCode;

pub(crate) fn run(asked: Executors) -> anyhow::Result<ExitCode> {
    match asked.verb {
        None => list(asked.format)?,
        Some(ExecutorVerb::Show { name, format }) => show(&name, format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(format: Format) -> anyhow::Result<()> {
    let executors = executors();
    answer(format, &executors, || {
        let rows = executors.iter().map(|executor| [executor.name.to_owned(), executor.about.clone()]);
        table(["EXECUTOR", "WHAT IT DOES"], rows)
    })
}

fn show(name: &str, format: Format) -> anyhow::Result<()> {
    let executors = executors();
    let executor = executors.iter().find(|executor| executor.name == name).with_context(|| {
        let names: Vec<_> = executors.iter().map(|executor| executor.name).collect();
        format!("there is no executor {name:?}: there are {}", names.join(", "))
    })?;
    answer(format, executor, || text(executor))
}

fn text(executor: &ExecutorInfo) -> String {
    let mut parts = vec![format!("{}: {}", executor.name, executor.about)];
    let arguments = executor.arguments();
    if !arguments.is_empty() {
        let rows = arguments.iter().map(|argument| {
            [argument.name.clone(), argument.takes.clone(), default(argument), argument.meaning.clone()]
        });
        parts.push(table(["ARGUMENT", "TAKES", "DEFAULT", "MEANING"], rows));
    }
    let results = executor.results();
    if !results.is_empty() {
        let rows = results.iter().map(|result| [result.name.clone(), result.takes.clone(), result.meaning.clone()]);
        parts.push(table(["OUTPUT", "HAS", "MEANING"], rows));
    }
    parts.join("\n\n")
}

fn default(argument: &Argument) -> String {
    match &argument.default {
        _ if argument.required => "must be given".to_owned(),
        Some(default) => default.to_string(),
        None => "-".to_owned(),
    }
}
