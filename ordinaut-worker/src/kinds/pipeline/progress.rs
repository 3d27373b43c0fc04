//! How far a pipeline has come.

use super::{about, now};
use crate::State;
use ordinaut_core::{Context, JobError};
use ordinaut_pipeline::{Pipeline, Scope, Step};
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
pub(super) struct Progress<'a> {
    pipeline: &'a Pipeline,
    about: Value,
    outputs: Map<String, Value>,
    states: Map<String, Value>,
    failed: Value,
}

impl<'a> Progress<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, ctx: &Context<State>) -> Self {
        Self { pipeline, about: about(ctx), outputs: Map::new(), states: Map::new(), failed: Value::Null }
    }

    /// What templates can name now.
    pub(super) fn scope(&self, item: Option<Item<'_>>) -> Result<Scope, JobError> {
        let mut data = json!({
            "params": self.pipeline.params, "event": self.pipeline.event, "steps": self.outputs, "failed": self.failed,
            "job": self.about,
        });
        if let Some(Item { value, index }) = item {
            data["item"] = value.clone();
            data["index"] = json!(index);
        }
        Scope::new(&data, now()).map_err(JobError::fatal)
    }

    pub(super) fn ended(&mut self, step: &Step, ended: Ended) {
        match ended {
            Ended::Succeeded(output) => self.add(step, "succeeded", output),
            Ended::Skipped => self.add(step, "skipped", Value::Null),
            Ended::Failed(error) => self.failed(step, error),
        }
    }

    pub(super) fn failed(&mut self, step: &Step, error: String) {
        if self.failed.is_null() {
            self.failed = json!({"step": step.id, "error": error});
        }
        self.add(step, "failed", Value::Null);
    }

    /// Steps of a group have their outputs under their own ids too.
    fn add(&mut self, step: &Step, state: &str, output: Value) {
        for inner in step.parallel.iter().flatten() {
            if let Some(part) = output.get(&inner.id) {
                self.name(inner, part.clone());
            }
        }
        self.states.insert(step.id.clone(), state.into());
        self.name(step, output);
    }

    fn name(&mut self, step: &Step, output: Value) {
        if let Some(name) = &step.save_as {
            self.outputs.insert(name.clone(), output.clone());
        }
        self.outputs.insert(step.id.clone(), output);
    }

    /// What the job returns, if its document does not say.
    pub(super) fn states(&self) -> Value {
        json!({"steps": self.states, "failed": self.failed})
    }
}
