//! Arguments as they were given: they may name secrets where their type wants a text.

use super::files::{SecretFiles, Secrets};
use super::mask::Mask;
use super::permits::Permits;
use super::reference::{may_refer, rewritten};
use crate::executors::executor::Executor;
use ordinaut_core::job::{ArgsError, read_args};
use ordinaut_core::{Job, JobError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The arguments of an executor.
pub(crate) enum Given<E> {
    /// Without secrets.
    Plain(E),
    /// With names of secrets.
    Naming(Box<RawValue>),
}

impl<E: Serialize> Serialize for Given<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(args) => args.serialize(serializer),
            Self::Naming(json) => json.serialize(serializer),
        }
    }
}

impl<'de, E> Deserialize<'de> for Given<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::Naming)
    }
}

impl<E: Executor> Job for Given<E> {
    const KIND: &'static str = E::KIND;

    fn read(args: &str) -> Result<Self, ArgsError> {
        if !may_refer(args) {
            return read_args(args).map(Self::Plain);
        }
        let json: Box<RawValue> = read_args(args)?;
        // What is wrong with the rest is told as it is of arguments without secrets.
        if let Ok(text) = rewritten(&json, &mut |_| Ok("secret".to_owned())) {
            read_args::<E>(&text)?;
        }
        Ok(Self::Naming(json))
    }
}

impl<E: Executor> Given<E> {
    /// The arguments with the secrets in them, what masks those, and where they may go.
    pub(crate) async fn reveal(self, files: &SecretFiles) -> Result<(E, Mask, Permits), JobError> {
        let json = match self {
            Self::Plain(args) => return Ok((args, Mask::default(), Permits::default())),
            Self::Naming(json) => json,
        };
        let fault = |reason: String| JobError::fatal(format!("args: {reason}"));
        let mut names = BTreeSet::new();
        rewritten(&json, &mut |name| {
            names.insert(name.to_owned());
            Ok(String::new())
        })
        .map_err(fault)?;
        let Secrets { values, mask, permits } = files.read(names).await?;
        let text =
            rewritten(&json, &mut |name| values.get(name).cloned().ok_or_else(|| format!("{name} was not read")));
        let args = read_args(&text.map_err(fault)?);
        // Its own words may repeat the value.
        let args = args.map_err(|error: ArgsError| mask.error(JobError::fatal(error)))?;
        Ok((args, mask, permits))
    }
}
