//! What handlers may reach beside HTTP and programs, as the settings of a worker say.

use crate::executors::email::MailServer;
use crate::executors::sql::Databases;
use crate::secrets::SecretFiles;
use ordinaut_runtime::settings::SettingError;
use ordinaut_runtime::settings::worker::WorkerSettings;

/// What handlers may reach, beside HTTP and programs: secrets, databases and a mail
/// server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub(crate) secrets: SecretFiles,
    pub(crate) databases: Databases,
    pub(crate) mail: MailServer,
}

impl Access {
    /// What the settings name.
    ///
    /// # Errors
    ///
    /// If a file or directory that they name cannot be read, or holds what cannot be used.
    pub fn of(settings: &WorkerSettings) -> Result<Self, SettingError> {
        let executors = &settings.executors;
        Ok(Self {
            secrets: SecretFiles::in_directory(executors.secrets_dir.as_ref(), executors.secrets_strict)?,
            databases: Databases::in_file(executors.sql_file.as_ref())?,
            mail: MailServer::of(executors)?,
        })
    }
}
