//! Settings as command line flags.

use crate::settings;
use crate::settings::{About, SettingError, Source};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// The heading of the flags of settings.
pub const SETTINGS: &str = "Settings";

/// Gives a command a flag for each setting whose name begins with one of `prefixes`:
/// `WORKER_QUEUES` is `--worker-queues`.
pub fn with_flags(command: Command, prefixes: &[&str]) -> Command {
    let wanted = |about: &&About| prefixes.iter().any(|prefix| about.name.starts_with(prefix));
    settings::ALL.iter().filter(wanted).fold(command, |command, about| command.arg(flag(about)))
}

/// Settings from the flags that were given, the environment, and a file.
pub fn source(matches: &ArgMatches) -> Result<Source, SettingError> {
    let given = settings::ALL.iter().filter_map(|about| {
        // A flag that this command does not have is not an error: commands differ in their
        // settings.
        let value = matches.try_get_one::<String>(about.name).ok().flatten()?;
        (matches.value_source(about.name) == Some(ValueSource::CommandLine))
            .then(|| (about.name.to_owned(), value.clone()))
    });
    settings::read(given)
}

fn flag(about: &About) -> Arg {
    let default = about.default.map(|default| format!(", default {default}")).unwrap_or_default();
    let file = if about.secret { format!(", or {}_FILE", about.name) } else { String::new() };
    let flag = Arg::new(about.name)
        .long(about.name.to_lowercase().replace('_', "-"))
        .value_name("VALUE")
        .help(format!("{} [{}{file}{default}]", about.help, about.name))
        .help_heading(SETTINGS)
        .global(true);
    // The only one that everybody knows by another name.
    if about.name == "ORDINAUT_CONFIG" { flag.visible_alias("config") } else { flag }
}
