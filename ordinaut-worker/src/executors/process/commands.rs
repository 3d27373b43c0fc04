//! The list of the programs that a worker may start: a file of its machine, in TOML.

use super::argument::{Argument, ArgumentEntry};
use super::order::{Account, Order};
use super::template::{Place, is_name};
use crate::seconds::Seconds;
use nix::unistd::{Uid, User};
use ordinaut_core::JobError;
use ordinaut_runtime::settings::SettingError;
use ordinaut_runtime::settings::worker::WorkerSettings;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What names the file.
const SETTING: &str = "WORKER_PROCESS_FILE";

/// The least that a program needs to start in.
const LEAST_MEMORY: u64 = 16 * 1024 * 1024;

/// The commands that a worker may run. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// `None`: no file was named.
    commands: Option<Arc<BTreeMap<String, Command>>>,
    supervisor: Option<PathBuf>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(in crate::executors) struct Command {
    program: PathBuf,
    places: Vec<Place>,
    arguments: BTreeMap<String, Argument>,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    account: Option<Account>,
    pub(super) time_limit: Duration,
    grace: Duration,
    pub(in crate::executors) max_output: u64,
    max_memory: Option<u64>,
    pub(super) fatal_exit_codes: Vec<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    commands: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    program: PathBuf,
    #[serde(default)]
    argv: Vec<String>,
    #[serde(default)]
    arguments: BTreeMap<String, ArgumentEntry>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    directory: Option<PathBuf>,
    user: Option<String>,
    timeout_seconds: Option<Seconds>,
    grace_seconds: Option<Seconds>,
    max_output_bytes: Option<u64>,
    max_memory_bytes: Option<u64>,
    #[serde(default)]
    fatal_exit_codes: Vec<i32>,
}

impl Commands {
    /// Reads the file that the settings name, if they name one.
    pub fn of(settings: &WorkerSettings) -> Result<Self, SettingError> {
        let Some(path) = &settings.process_file else { return Ok(Self::default()) };
        let unreadable = |source| SettingError::Unreadable { name: SETTING.to_owned(), path: path.clone(), source };
        let others_may_write = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o002 != 0;
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let commands = if others_may_write {
            Err("everybody on this machine may write it, and so start what they like".to_owned())
        } else {
            Self::read(&text)
        };
        commands.map_err(|reason| SettingError::File { name: SETTING, path: path.clone(), reason })
    }

    /// Reads the text of a file; an error names the field.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        let read = |(name, entry): (String, Entry)| {
            let at = |reason: String| format!("commands.{name}.{reason}");
            if !is_name(&name) {
                return Err(at("must be named with letters, digits and _".to_owned()));
            }
            let command = Command::read(entry).map_err(at)?;
            Ok((name, command))
        };
        let commands: BTreeMap<_, _> = file.commands.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { commands: Some(Arc::new(commands)), supervisor: None })
    }

    /// The binary that supervises the processes, if this process' own one does not call
    /// [`process_role`](crate::process_role) first.
    #[must_use]
    pub fn supervised_by(mut self, binary: impl Into<PathBuf>) -> Self {
        self.supervisor = Some(binary.into());
        self
    }

    pub(in crate::executors) fn supervisor(&self) -> &Path {
        // Of a binary that was replaced since this process started, it is still the old one.
        self.supervisor.as_deref().unwrap_or(Path::new("/proc/self/exe"))
    }

    /// Whether there is a list, be it empty.
    pub(crate) fn are_named(&self) -> bool {
        self.commands.is_some()
    }

    /// A command by its name, or why there is none.
    pub(in crate::executors) fn get(&self, name: &str) -> Result<&Command, JobError> {
        let Some(commands) = &self.commands else {
            // A step of a pipeline: the next attempt may come to a worker that has a list.
            return Err(JobError::retry("this worker starts no processes: WORKER_PROCESS_FILE is not set"));
        };
        let unknown = || JobError::fatal(format!("args.command {name:?} is not on this worker's list"));
        commands.get(name).ok_or_else(unknown)
    }
}

impl Command {
    fn read(entry: Entry) -> Result<Self, String> {
        if !entry.program.is_absolute() {
            return Err("program: must be an absolute path".to_owned());
        }
        let directory = entry.directory.unwrap_or_else(|| "/".into());
        if !directory.is_absolute() {
            return Err("directory: must be an absolute path".to_owned());
        }
        let arguments = entry.arguments.into_iter().map(|(name, entry)| {
            let argument = Argument::read(entry).map_err(|reason| format!("arguments.{name}.{reason}"))?;
            Ok((name, argument))
        });
        let arguments: BTreeMap<_, _> = arguments.collect::<Result<_, String>>()?;
        let places = entry.argv.iter().enumerate().map(|(n, text)| {
            let place = Place::read(text).map_err(|reason| format!("argv[{n}]: {reason}"))?;
            match place.argument.as_ref().filter(|name| !arguments.contains_key(*name)) {
                Some(name) => Err(format!("argv[{n}]: there is no argument {name}")),
                None => Ok(place),
            }
        });
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let is_used = |name: &String| places.iter().any(|place| place.argument.as_ref() == Some(name));
        if let Some(unused) = arguments.keys().find(|name| !is_used(name)) {
            return Err(format!("arguments.{unused}: argv has no place for it"));
        }
        let broken =
            |(name, value): &(&String, &String)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0');
        if let Some((name, _)) = entry.environment.iter().find(broken) {
            return Err(format!("environment.{name}: cannot be a variable"));
        }
        let seconds = |field: &str, given: Option<Seconds>, default: u64, least: u64| {
            let time = given.map_or(Duration::from_secs(default), |given| given.0);
            let fits = (Duration::from_millis(least)..=Duration::from_secs(2_592_000)).contains(&time);
            if fits { Ok(time) } else { Err(format!("{field}: must be a number of seconds, 2592000 at most")) }
        };
        if entry.max_output_bytes == Some(0) {
            return Err("max_output_bytes: must be 1 or more".to_owned());
        }
        if entry.max_memory_bytes.is_some_and(|most| most < LEAST_MEMORY) {
            return Err(format!("max_memory_bytes: must be {LEAST_MEMORY} or more"));
        }
        Ok(Self {
            program: entry.program,
            places,
            arguments,
            environment: entry.environment,
            directory,
            account: entry.user.map(account).transpose().map_err(|reason| format!("user: {reason}"))?,
            time_limit: seconds("timeout_seconds", entry.timeout_seconds, 60, 1)?,
            grace: seconds("grace_seconds", entry.grace_seconds, 5, 0)?,
            max_output: entry.max_output_bytes.unwrap_or(16 * 1024 * 1024),
            max_memory: entry.max_memory_bytes,
            fatal_exit_codes: entry.fatal_exit_codes,
        })
    }

    /// What is to be started for these values; an error names the argument.
    pub(in crate::executors) fn order(&self, values: &Map<String, Value>) -> Result<Order, String> {
        if let Some(unknown) = values.keys().find(|name| !self.arguments.contains_key(*name)) {
            return Err(format!("args.arguments.{unknown} is unknown to the command"));
        }
        let mut argv = Vec::with_capacity(self.places.len());
        for Place { prefix, argument } in &self.places {
            let Some(name) = argument else {
                argv.push(prefix.clone());
                continue;
            };
            // Reading the file has looked for it.
            let Some(argument) = self.arguments.get(name) else { continue };
            let text = argument.text(values.get(name)).map_err(|reason| format!("args.arguments.{name} {reason}"))?;
            if prefix.is_empty() && text.starts_with('-') && !argument.may_begin_with_dash {
                return Err(format!("args.arguments.{name} must not begin with -: it would be an option"));
            }
            argv.push(format!("{prefix}{text}"));
        }
        Ok(Order {
            program: self.program.clone(),
            argv,
            environment: self.environment.clone(),
            directory: self.directory.clone(),
            input: None,
            account: self.account.clone(),
            time_limit: self.time_limit,
            grace: self.grace,
            max_memory: self.max_memory,
        })
    }
}

/// Another account can be taken by root alone.
fn account(name: String) -> Result<Account, String> {
    let user = User::from_name(&name).map_err(|error| format!("could not look for {name:?}: {error}"))?;
    let user = user.ok_or_else(|| format!("there is no account {name:?}"))?;
    let own = Uid::effective();
    if !own.is_root() && user.uid != own {
        return Err(format!("only a worker that runs as root can start processes as {name:?}"));
    }
    Ok(Account { name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), is_own: user.uid == own })
}
