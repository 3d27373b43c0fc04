//! The catalogue of tools, as a process keeps it: compiled once, and looked at every few seconds.

use crate::schema::{Misfit, Schema};
use ordinaut_core::tool::{CatalogueState, StoredTool, Tool, ToolSource};
use ordinaut_core::{Client, Error};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// A tool that is put holds after this time at most.
const KEPT: Duration = Duration::from_secs(5);

/// The catalogue of an installation.
#[derive(Debug)]
pub struct Catalogue {
    database: Client,
    kept: Mutex<Option<Kept>>,
    /// Held by the one that reads.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Kept {
    /// When it was looked at last.
    at: Instant,
    state: CatalogueState,
    tools: Arc<KnownTools>,
}

/// The tools that there are.
#[derive(Debug, Default)]
pub struct KnownTools(HashMap<Box<str>, Arc<KnownTool>>);

/// A tool whose schemas are compiled.
#[derive(Debug)]
#[non_exhaustive]
pub struct KnownTool {
    /// What was said of it.
    pub tool: Tool,
    /// Who said it.
    pub source: ToolSource,
    input: Option<Schema>,
    output: Option<Schema>,
}

impl Catalogue {
    /// Reads nothing yet.
    pub fn new(database: &Client) -> Self {
        Self { database: database.clone(), kept: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The tools, as they were a few seconds ago. While Postgres does not answer, as they were
    /// known last.
    ///
    /// # Errors
    ///
    /// If Postgres does not answer, and has not yet.
    pub async fn tools(&self) -> Result<Arc<KnownTools>, Error> {
        if let Some(kept) = self.kept().filter(Kept::is_fresh) {
            return Ok(kept.tools);
        }
        let before = self.kept();
        let reading = match &before {
            // Others go on with what is known.
            Some(kept) => match self.reading.try_lock() {
                Ok(reading) => reading,
                Err(_) => return Ok(kept.tools.clone()),
            },
            None => self.reading.lock().await,
        };
        if let Some(kept) = self.kept().filter(Kept::is_fresh) {
            return Ok(kept.tools);
        }
        let read = self.read(before.as_ref()).await;
        drop(reading);
        match (read, before) {
            (Ok(tools), _) => Ok(tools),
            (Err(error), None) => Err(error),
            (Err(error), Some(kept)) => {
                warn!(%error, "could not read the catalogue of tools, and goes by what is known");
                Ok(self.keep(kept.state, kept.tools))
            }
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, state: CatalogueState, tools: Arc<KnownTools>) -> Arc<KnownTools> {
        let kept = Kept { at: Instant::now(), state, tools: tools.clone() };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        tools
    }

    async fn read(&self, before: Option<&Kept>) -> Result<Arc<KnownTools>, Error> {
        // Before the tools themselves: what changes in between is read again.
        let state = self.database.tools().state().await?;
        if let Some(kept) = before.filter(|kept| kept.state == state) {
            return Ok(self.keep(state, kept.tools.clone()));
        }
        let stored = self.database.tools().list().await?;
        let known = before.map(|kept| kept.tools.clone()).unwrap_or_default();
        // Compiling takes milliseconds for each.
        let compiled = tokio::task::spawn_blocking(move || {
            let tools = stored.into_iter().map(|stored| {
                let same = known.get(&stored.name).filter(|known| known.tool == stored.tool).cloned();
                (stored.name.clone().into(), same.unwrap_or_else(|| Arc::new(KnownTool::new(stored))))
            });
            Arc::new(KnownTools(tools.collect()))
        });
        // It panics for no schema that could be put.
        let tools = compiled.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        Ok(self.keep(state, tools))
    }
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < KEPT
    }
}

impl KnownTools {
    /// A tool.
    pub fn get(&self, name: &str) -> Option<&Arc<KnownTool>> {
        self.0.get(name)
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &KnownTool> {
        self.0.values().map(|known| &**known)
    }
}

impl KnownTool {
    /// A schema that cannot be compiled, because plain SQL wrote it, is none.
    fn new(stored: StoredTool) -> Self {
        let StoredTool { tool, source, .. } = stored;
        let input = Schema::compile(&tool.input).ok();
        let output = tool.output.as_ref().and_then(|schema| Schema::compile(schema).ok());
        Self { tool, source, input, output }
    }

    /// Whether arguments fit.
    ///
    /// # Errors
    ///
    /// What does not fit first.
    pub fn check_input(&self, args: &Value) -> Result<(), Misfit> {
        self.input.as_ref().map_or(Ok(()), |schema| schema.check_args(args))
    }

    /// Whether an output fits.
    ///
    /// # Errors
    ///
    /// What does not fit first.
    pub fn check_output(&self, output: &Value) -> Result<(), Misfit> {
        self.output.as_ref().map_or(Ok(()), |schema| schema.check(output))
    }
}
