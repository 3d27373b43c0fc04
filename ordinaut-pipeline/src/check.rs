//! What is wrong with a pipeline, before anything runs.

use crate::document::{MAX_AT_ONCE, MAX_ITEMS, MAX_STEPS, OnFailure, Pipeline, Step, Uses};
use crate::fault::Fault;
use crate::template::{Part, bare, read};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Faults that are told of.
const MAX_FAULTS: usize = 20;

/// The longest time of a step or a wait: ten years.
const MAX_SECONDS: f64 = 315_360_000.0;

/// Everything that is wrong with a pipeline; empty: it can run.
pub fn check(pipeline: &Pipeline) -> Vec<Fault> {
    let mut check = Check { pipeline, faults: Vec::new(), before: BTreeSet::new(), ids: BTreeSet::new(), steps: 0 };
    if pipeline.steps.is_empty() {
        check.fault("steps", "must have at least one step");
    }
    for (n, step) in pipeline.steps.iter().enumerate() {
        check.step(step, &format!("steps[{n}]"), false);
        check.goto(step, n);
    }
    if check.steps > MAX_STEPS {
        check.fault("steps", format!("must be {MAX_STEPS} at most, those of parallel groups included"));
    }
    if let Some(output) = &pipeline.output {
        check.document(output, "output", false);
    }
    check.faults.truncate(MAX_FAULTS);
    check.faults
}

struct Check<'a> {
    pipeline: &'a Pipeline,
    faults: Vec<Fault>,
    /// Names of what steps before have left.
    before: BTreeSet<String>,
    ids: BTreeSet<String>,
    steps: usize,
}

impl Check<'_> {
    fn fault(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.faults.push(Fault::new(path, reason));
    }

    fn step(&mut self, step: &Step, path: &str, grouped: bool) {
        self.steps += 1;
        self.name(&step.id, &format!("{path}.id"));
        if !self.ids.insert(step.id.clone()) {
            self.fault(format!("{path}.id"), format!("must be unique: {:?} is the id of two steps", step.id));
        } else if self.before.contains(&step.id) {
            self.fault(format!("{path}.id"), format!("must be unique: {:?} is the save_as of a step before", step.id));
        }
        match (&step.uses, &step.parallel) {
            (Some(uses), None) => self.uses(*uses, step, path, grouped),
            (None, Some(group)) => self.group(step, group, path, grouped),
            (Some(_), Some(_)) => self.fault(path, "must have \"uses\" or \"parallel\", and not both"),
            (None, None) => self.fault(
                path,
                "must have \"uses\", one of http, process, echo, wait, approval, sleep, enqueue, or \"parallel\"",
            ),
        }
        self.bounds(step, path);
        if let Some(condition) = &step.condition {
            match bare(condition) {
                Ok(part) => self.part(&part, &format!("{path}.if"), false),
                Err(reason) => self.fault(format!("{path}.if"), reason),
            }
        }
        // From here on others may ask for what it leaves. A step of a group has none beside it.
        if !grouped {
            self.leaves(step);
        }
    }

    fn leaves(&mut self, step: &Step) {
        self.before.insert(step.id.clone());
        self.before.extend(step.save_as.clone());
        for inner in step.parallel.iter().flatten() {
            self.leaves(inner);
        }
    }

    fn uses(&mut self, uses: Uses, step: &Step, path: &str, grouped: bool) {
        let items = step.foreach.is_some();
        if uses.waits() && (items || grouped) {
            self.fault(
                format!("{path}.uses"),
                format!("must not be {}, which waits, in a group or for each item", uses.as_str()),
            );
        }
        if uses.is_durable() && (step.max_retries.is_some() || step.timeout_seconds.is_some()) {
            let word = uses.as_str();
            self.fault(
                path,
                format!("has max_retries or timeout_seconds, which are for steps that are done within an attempt, and not for {word}"),
            );
        }
        if let Some(list) = &step.foreach {
            if !matches!(list, Value::String(_) | Value::Array(_)) {
                self.fault(format!("{path}.foreach"), "must be a list, or a template that gives one");
            }
            if grouped {
                self.fault(format!("{path}.foreach"), "must not be within a parallel group");
            }
            self.document(list, &format!("{path}.foreach"), false);
        }
        let with = format!("{path}.with");
        if let Value::Object(fields) = &step.with {
            let (needed, allowed) = uses.fields();
            for name in needed {
                if !fields.contains_key(*name) {
                    self.fault(format!("{with}.{name}"), format!("is missing: {} needs it", uses.as_str()));
                }
            }
            match (fields.contains_key("url"), fields.contains_key("target")) {
                (false, false) if uses == Uses::Http => {
                    self.fault(format!("{with}.url"), "is missing: http needs it, or a target");
                }
                (true, true) if uses == Uses::Http => {
                    self.fault(format!("{with}.url"), "must not be given with a target")
                }
                _ => {}
            }
            if uses != Uses::Echo {
                for name in fields.keys().filter(|name| !needed.contains(&&***name) && !allowed.contains(&&***name)) {
                    let all = [needed, allowed].concat().join(", ");
                    self.faults
                        .push(Fault::new(format!("{with}.{name}"), format!("is unknown: {} has {all}", uses.as_str())));
                }
            }
            if uses != Uses::Echo {
                self.literals(uses, fields, &with);
            }
        } else if uses != Uses::Echo {
            self.fault(&with, "must be an object");
        }
        self.document(&step.with, &with, items);
    }

    /// What is no template can be judged now.
    fn literals(&mut self, uses: Uses, fields: &Map<String, Value>, with: &str) {
        for (name, value) in fields {
            // What a secret holds, the worker alone knows.
            let is_open = value.as_str().is_some_and(|text| text.contains("${")) || value.get("$secret").is_some();
            if let Some(reason) = (!is_open).then(|| wrong(uses, name, value)).flatten() {
                self.fault(format!("{with}.{name}"), reason);
            }
        }
    }

    fn group(&mut self, step: &Step, group: &[Step], path: &str, grouped: bool) {
        if grouped {
            self.fault(format!("{path}.parallel"), "must not be within another group");
        }
        if step.foreach.is_some() {
            self.fault(format!("{path}.foreach"), "must not be together with \"parallel\"");
        }
        if group.is_empty() {
            self.fault(format!("{path}.parallel"), "must have at least one step");
        }
        if step.max_retries.is_some() {
            self.fault(format!("{path}.max_retries"), "must be said of the steps of the group");
        }
        for (n, inner) in group.iter().enumerate() {
            let path = format!("{path}.parallel[{n}]");
            self.step(inner, &path, true);
            if matches!(inner.on_failure, OnFailure::Goto(_)) {
                self.fault(format!("{path}.on_failure"), "must be said of the group");
            }
            if inner.compensation {
                self.fault(format!("{path}.compensation"), "must be said of the group");
            }
        }
    }

    fn bounds(&mut self, step: &Step, path: &str) {
        if let Some(name) = &step.save_as {
            self.name(name, &format!("{path}.save_as"));
            if self.before.contains(name) {
                self.fault(
                    format!("{path}.save_as"),
                    format!("must be unique: {name:?} is the name of another output"),
                );
            }
        }
        if step.timeout_seconds.is_some_and(|seconds| !(seconds > 0.0 && seconds <= MAX_SECONDS)) {
            self.fault(format!("{path}.timeout_seconds"), "must be more than 0, and ten years at most");
        }
        if step.max_retries.is_some_and(|retries| retries > 100) {
            self.fault(format!("{path}.max_retries"), "must be 100 at most");
        }
        if step.max_items.is_some_and(|items| !(1..=MAX_ITEMS).contains(&items)) {
            self.fault(format!("{path}.max_items"), format!("must be from 1 to {MAX_ITEMS}"));
        }
        if step.at_once.is_some_and(|at_once| !(1..=MAX_AT_ONCE).contains(&at_once)) {
            self.fault(format!("{path}.at_once"), format!("must be from 1 to {MAX_AT_ONCE}"));
        }
        let several = step.foreach.is_some() || step.parallel.is_some();
        if (step.max_items.is_some() && step.foreach.is_none()) || (step.at_once.is_some() && !several) {
            self.fault(path, "has max_items or at_once, and nothing to do several times");
        }
    }

    /// A compensation is behind what leads to it: nothing goes in circles.
    fn goto(&mut self, step: &Step, n: usize) {
        let OnFailure::Goto(target) = &step.on_failure else { return };
        let path = format!("steps[{n}].on_failure.goto");
        match self.pipeline.steps.iter().position(|other| other.id == *target) {
            None => self.fault(path, format!("must be the id of a step of the pipeline: {target:?} is none")),
            Some(at) if at <= n => self.fault(path, "must be a later step: a pipeline never goes back"),
            Some(at) if !self.pipeline.steps[at].compensation => {
                self.fault(path, format!("must be a step with \"compensation\": true, which {target:?} is not"));
            }
            Some(_) => {}
        }
    }

    fn name(&mut self, name: &str, path: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || name.len() > 60
            || !name.chars().all(plain)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            self.fault(path, "must be of 1 to 60 letters, digits and _, and must not begin with a digit");
        }
    }

    /// Every template of a document; `item`: it may ask for the item that it is done for.
    fn document(&mut self, document: &Value, path: &str, item: bool) {
        match document {
            Value::String(text) => match read(text) {
                Ok(parts) => parts.iter().for_each(|part| self.part(part, path, item)),
                Err(reason) => self.fault(path, reason),
            },
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, value)| self.document(value, &format!("{path}[{n}]"), item));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| self.document(value, &format!("{path}.{name}"), item));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn part(&mut self, part: &Part, path: &str, item: bool) {
        let Part::Value(expression) = part else { return };
        for (id, _) in expression.reads("steps") {
            if !self.before.contains(&id) {
                self.fault(path, format!("asks for steps.{id}, and no step before it is called {id}"));
            }
        }
        for (name, needed) in expression.reads("params") {
            if needed && !self.pipeline.params.contains_key(&name) {
                self.fault(path, format!("asks for params.{name}, which is not given, and has no default"));
            }
        }
        if !item && expression.asks_for_item() {
            self.fault(path, "asks for item, and is not done for each item of a list");
        }
    }
}

/// What is wrong with a value that is no template.
fn wrong(uses: Uses, field: &str, value: &Value) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let word = |word: &str| !word.is_empty() && word.chars().all(plain);
    let (good, reason) = match field {
        "seconds" | "timeout_seconds" | "within_seconds" | "delay" => (
            value.as_f64().is_some_and(|seconds| (0.0..=MAX_SECONDS).contains(&seconds)),
            "must be a number of seconds from 0 to ten years",
        ),
        "topic" => (
            value.as_str().is_some_and(|topic| topic.split('.').all(word)),
            "must be one topic: words of letters, digits, - and _ with dots between them",
        ),
        "question" | "url" | "target" | "path" | "kind" | "command" | "database" | "tool" => {
            (value.as_str().is_some_and(|text| !text.trim().is_empty()), "must be a text that is not empty")
        }
        "arguments" => (value.is_object(), "must be an object"),
        "or_else" => (matches!(value.as_str(), Some("approved" | "rejected")), "must be approved or rejected"),
        "priority" if uses == Uses::Enqueue => {
            (value.as_i64().is_some_and(|priority| (1..=9).contains(&priority)), "must be from 1 (most urgent) to 9")
        }
        _ => return None,
    };
    (!good).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(document: &Value) -> Vec<String> {
        match Pipeline::read(&document.to_string()) {
            Ok(pipeline) => check(&pipeline).iter().map(ToString::to_string).collect(),
            Err(fault) => vec![fault.to_string()],
        }
    }

    fn one(step: Value) -> Vec<String> {
        faults(&json!({"params": {"a": 1}, "steps": [step]}))
    }

    #[test]
    fn a_good_pipeline_has_no_fault() {
        let document = json!({
            "params": {"url": "http://x", "items": [1]},
            "steps": [
                {"id": "charge", "uses": "http", "with": {"url": "${params.url}", "method": "POST"}, "save_as": "receipt",
                 "max_retries": 3, "timeout_seconds": 5, "on_failure": {"goto": "refund"}},
                {"id": "all", "foreach": "${params.items}", "max_items": 5, "at_once": 2, "uses": "echo", "with": "${item}"},
                {"id": "both", "parallel": [{"id": "l", "uses": "echo"}, {"id": "r", "uses": "enqueue", "with": {"kind": "x"}}]},
                {"id": "ok", "uses": "approval", "with": {"question": "${receipt || 'go on?'}"}, "if": "steps.receipt.status == `200`"},
                {"id": "refund", "uses": "echo", "with": {"of": "${steps.l || 'none'}", "at": "${now+1h}"}, "compensation": true},
            ],
            "output": "${steps.receipt || `null`}",
        });
        assert_eq!(faults(&document), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let told = |step: Value, reason: &str| {
            let found = one(step);
            assert!(found.iter().any(|fault| fault.starts_with(reason)), "{reason}: {found:?}");
        };
        told(json!({"id": "a", "uses": "ftp"}), "steps[0].uses cannot be read: unknown variant");
        told(json!({"id": "a"}), "steps[0] must have \"uses\"");
        told(json!({"id": "a", "uses": "http"}), "steps[0].with.url is missing");
        told(
            json!({"id": "a", "uses": "http", "with": {"url": "x", "target": "t"}}),
            "steps[0].with.url must not be given",
        );
        told(json!({"id": "a", "uses": "http", "with": {"url": "x", "verb": 1}}), "steps[0].with.verb is unknown");
        told(json!({"id": "a b", "uses": "echo"}), "steps[0].id must be of 1 to 60");
        told(json!({"id": "a", "uses": "echo", "with": "${steps.b}"}), "steps[0].with asks for steps.b, and no step");
        told(json!({"id": "a", "uses": "echo", "with": "${steps.a}"}), "steps[0].with asks for steps.a, and no step");
        told(json!({"id": "a", "uses": "echo", "with": ["${params.b}"]}), "steps[0].with[0] asks for params.b");
        told(json!({"id": "a", "uses": "echo", "with": "${item.x}"}), "steps[0].with asks for item");
        told(json!({"id": "a", "uses": "echo", "with": "${"}), "steps[0].with has a ${ without its }");
        told(json!({"id": "a", "uses": "echo", "if": "a ="}), "steps[0].if has an expression that is no JMESPath");
        told(json!({"id": "a", "uses": "echo", "timeout_seconds": 0}), "steps[0].timeout_seconds must be more");
        told(
            json!({"id": "a", "uses": "echo", "foreach": [1], "at_once": 17}),
            "steps[0].at_once must be from 1 to 16",
        );
        told(json!({"id": "a", "uses": "wait", "with": {"topic": "a.*"}}), "steps[0].with.topic must be one topic");
        told(
            json!({"id": "a", "uses": "sleep", "with": {"seconds": 1}, "foreach": [1]}),
            "steps[0].uses must not be sleep",
        );
        told(
            json!({"id": "a", "uses": "echo", "on_failure": {"goto": "a"}}),
            "steps[0].on_failure.goto must be a later step",
        );
        told(
            json!({"id": "a", "uses": "echo", "on_failure": {"goto": "z"}}),
            "steps[0].on_failure.goto must be the id",
        );
        told(json!({"id": "a", "uses": "echo", "colour": 1}), "steps[0]");
        told(json!({"id": "a", "uses": "sleep", "with": {"seconds": 1}, "max_retries": 1}), "steps[0] has max_retries");
        told(json!({"id": "a", "parallel": []}), "steps[0].parallel must have at least one step");
        assert!(faults(&json!({"steps": []}))[0].starts_with("steps must have"));
        assert!(faults(&json!({}))[0].contains("missing field `steps`"));
        let twice = json!({"steps": [{"id": "a", "uses": "echo"}, {"id": "a", "uses": "echo"}]});
        assert!(faults(&twice)[0].starts_with("steps[1].id must be unique"));
        let many: Vec<Value> = (0..201).map(|n| json!({"id": format!("s{n}"), "uses": "echo"})).collect();
        assert!(faults(&json!({"steps": many}))[0].contains("must be 200 at most"));
    }
}
