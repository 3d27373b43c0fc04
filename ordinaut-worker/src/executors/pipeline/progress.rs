//! How far a pipeline has come.

use super::{about, now};
use crate::State;
use ordinaut_core::{Context, JobError};
use ordinaut_pipeline::{Fault, Names, Pipeline, Scope, Step};
use serde_json::{Map, Value, json};

/// How a step ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With this output.
    Succeeded(Value),
    /// Its condition did not hold.
    Skipped,
    /// With this error.
    Failed(String),
}

/// An item that a step is done for.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) value: &'a Value,
    pub(super) index: usize,
}

/// What steps have left.
pub(super) struct Progress {
    names: Names,
    states: Map<String, Value>,
    failed: Value,
}

impl Progress {
    pub(super) fn new(pipeline: &Pipeline, ctx: &Context<State>) -> Result<Self, JobError> {
        let mut names = Names::default();
        let roots = [
            ("params", json!(pipeline.params)),
            ("event", json!(pipeline.event)),
            ("failed", Value::Null),
            ("job", about(ctx)),
        ];
        for (name, value) in &roots {
            names.set(name, value).map_err(JobError::fatal)?;
        }
        Ok(Self { names, states: Map::new(), failed: Value::Null })
    }

    /// What templates can name now.
    pub(super) fn scope(&self, item: Option<Item<'_>>) -> Result<Scope, JobError> {
        let Some(Item { value, index }) = item else { return Ok(self.names.at(now())) };
        let mut names = self.names.clone();
        names.set("item", value).map_err(JobError::fatal)?;
        names.set("index", &json!(index)).map_err(JobError::fatal)?;
        Ok(names.at(now()))
    }

    pub(super) fn ended(&mut self, step: &Step, ended: Ended) -> Result<(), JobError> {
        let added = match ended {
            Ended::Succeeded(output) => self.add(step, "succeeded", &output),
            Ended::Skipped => self.add(step, "skipped", &Value::Null),
            Ended::Failed(error) => self.failed(step, &error),
        };
        added.map_err(JobError::fatal)
    }

    fn failed(&mut self, step: &Step, error: &str) -> Result<(), Fault> {
        if self.failed.is_null() {
            self.failed = json!({"step": step.id, "error": error});
            self.names.set("failed", &self.failed)?;
        }
        self.add(step, "failed", &Value::Null)
    }

    /// Steps of a group have their outputs under their own ids too.
    fn add(&mut self, step: &Step, state: &str, output: &Value) -> Result<(), Fault> {
        for inner in step.parallel.iter().flatten() {
            if let Some(part) = output.get(&inner.id) {
                self.name(inner, part)?;
            }
        }
        self.states.insert(step.id.clone(), state.into());
        self.name(step, output)
    }

    fn name(&mut self, step: &Step, output: &Value) -> Result<(), Fault> {
        if let Some(name) = &step.save_as {
            self.names.set_output(name, output)?;
        }
        self.names.set_output(&step.id, output)
    }

    /// What the job returns, if its document does not say.
    pub(super) fn states(&self) -> Value {
        json!({"steps": self.states, "failed": self.failed})
    }
}
