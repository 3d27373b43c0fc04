//! A dry run: everything is filled in, and nothing is called.

use crate::document::{Pipeline, Step};
use crate::fault::Fault;
use crate::names::Names;
use crate::render::Scope;
use crate::template::{Part, read};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A pipeline as it would run.
#[derive(Clone, Debug, Serialize)]
pub struct DryRun {
    /// Its steps, those of groups included.
    pub steps: Vec<DryStep>,
}

/// A step as it would run.
#[derive(Clone, Debug, Serialize)]
pub struct DryStep {
    /// Its id.
    pub id: String,
    /// What it does; null: a group.
    pub uses: Option<&'static str>,
    /// Its arguments, filled in as far as they are known before anything runs.
    pub with: Value,
    /// What depends on outputs that are not known yet: the places of templates, and why.
    pub open: Vec<Fault>,
}

/// Fills in a pipeline. `outputs` are those of steps by their ids, as far as somebody assumes some.
///
/// # Errors
///
/// If the parameters cannot be looked into.
pub fn dry_run(pipeline: &Pipeline, outputs: &Map<String, Value>, now: DateTime<Utc>) -> Result<DryRun, Fault> {
    let mut names = Names::default();
    for (name, output) in outputs {
        names.set_output(name, output)?;
    }
    for step in &pipeline.steps {
        if let (Some(name), Some(output)) = (&step.save_as, outputs.get(&step.id)) {
            names.set_output(name, output)?;
        }
    }
    let roots = [
        ("params", json!(pipeline.params)),
        ("event", json!(pipeline.event)),
        ("failed", Value::Null),
        ("item", Value::Null),
        ("index", json!(0)),
    ];
    for (name, value) in &roots {
        names.set(name, value)?;
    }
    let scope = names.at(now);
    let mut steps = Vec::new();
    for (n, step) in pipeline.steps.iter().enumerate() {
        show(&scope, step, &format!("steps[{n}]"), &mut steps);
    }
    Ok(DryRun { steps })
}

fn show(scope: &Scope, step: &Step, path: &str, steps: &mut Vec<DryStep>) {
    let mut open = Vec::new();
    let with = fill(scope, &step.with, &format!("{path}.with"), &mut open);
    steps.push(DryStep { id: step.id.clone(), uses: step.uses.map(crate::Uses::as_str), with, open });
    for (n, inner) in step.parallel.iter().flatten().enumerate() {
        show(scope, inner, &format!("{path}.parallel[{n}]"), steps);
    }
}

/// A text that cannot be filled in yet stays as it is written.
fn fill(scope: &Scope, document: &Value, path: &str, open: &mut Vec<Fault>) -> Value {
    match document {
        Value::String(text) => {
            let asks_item = read(text).is_ok_and(|parts| parts.iter().any(asks_for_item));
            match scope.render(document, path) {
                Ok(_) if asks_item => {
                    open.push(Fault::new(path, "is filled in for each item"));
                    document.clone()
                }
                Ok(value) => value,
                Err(fault) => {
                    open.push(fault);
                    document.clone()
                }
            }
        }
        Value::Array(items) => Value::Array(
            items.iter().enumerate().map(|(n, item)| fill(scope, item, &format!("{path}[{n}]"), open)).collect(),
        ),
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(name, value)| (name.clone(), fill(scope, value, &format!("{path}.{name}"), open)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn asks_for_item(part: &Part) -> bool {
    matches!(part, Part::Value(expression) if expression.asks_for_item())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_is_told() {
        let document = json!({
            "params": {"who": "ann"},
            "steps": [
                {"id": "a", "uses": "echo", "with": {"to": "${params.who}"}},
                {"id": "b", "uses": "echo", "with": {"to": "${steps.a.to}", "n": "${params.who}"}},
                {"id": "c", "foreach": [1], "uses": "echo", "with": "${item}"},
            ],
        });
        let pipeline = Pipeline::read(&document.to_string()).unwrap();
        let now = DateTime::from_timestamp(0, 0).unwrap();
        let run = dry_run(&pipeline, &Map::new(), now).unwrap();
        assert_eq!(run.steps[0].with, json!({"to": "ann"}));
        assert_eq!(run.steps[1].with, json!({"to": "${steps.a.to}", "n": "ann"}));
        assert_eq!(run.steps[1].open[0].path, "steps[1].with.to");
        assert_eq!(run.steps[2].open[0].reason, "is filled in for each item");
        let assumed = json!({"a": {"to": "bob"}});
        let run = dry_run(&pipeline, assumed.as_object().unwrap(), now).unwrap();
        assert_eq!(run.steps[1].with, json!({"to": "bob", "n": "ann"}));
    }
}
