//! Which database a command means: the one that is named, else the one of a running `ordinaut dev`
//! in this directory.

use crate::dev::place::Place;
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::database::DatabaseSettings;

/// The settings of what a command asks: those that are said, and, unless they name a database, what
/// an `ordinaut dev` that runs in this directory chose.
pub(crate) fn settings(source: &Source) -> Source {
    match Place::here().running() {
        Some(running) if !DatabaseSettings::named(source) => source.with_choices_of_dev(running.settings),
        _ => source.clone(),
    }
}

pub(crate) struct Connection {
    pub(crate) database: DatabaseSettings,
    /// Whose database it is, for people.
    pub(crate) origin: String,
}

impl Connection {
    pub(crate) fn find(source: &Source) -> anyhow::Result<Self> {
        if DatabaseSettings::named(source) {
            let database = DatabaseSettings::read(source)?;
            return Ok(Self { database, origin: "DATABASE_URL".to_owned() });
        }
        let Some(running) = Place::here().running() else {
            bail!("DATABASE_URL is not set, and no `ordinaut dev` runs in this directory");
        };
        let database = DatabaseSettings::read(&source.with_choices_of_dev(running.settings))?;
        Ok(Self { database, origin: "the `ordinaut dev` that runs here".to_owned() })
    }

    /// Connects, and makes sure that this binary may use the schema; nothing is migrated.
    pub(crate) async fn open(&self) -> anyhow::Result<Client> {
        let database = self.database.connect("ordinaut").await?;
        database.check_schema().await?;
        Ok(database)
    }
}
