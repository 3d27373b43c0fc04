//! Which arguments are encrypted, and with which keys.

use crate::client::Database;
use crate::job::keyring::Keyring;
use crate::name;
use crate::settings::source::{SettingError, Source};
use crate::settings::{Setting, list};

pub(super) const ARGS_KEYS: Setting<Keyring> =
    Setting::new("ARGS_KEYS", "keys for encrypted arguments: the first encrypts, all decrypt", KEYS, Keyring::parse)
        .secret();

#[cfg(feature = "encryption")]
const KEYS: &str = "keys such as k2:KEY,k1:KEY, each 32 random bytes in base64 under a name of its own";

#[cfg(not(feature = "encryption"))]
const KEYS: &str = "absent: this program was built without the feature `encryption`";

pub(super) const ARGS_ENCRYPT_KINDS: Setting<Vec<String>> = Setting::new(
    "ARGS_ENCRYPT_KINDS",
    "the kinds of jobs whose arguments are encrypted when the API or the command line enqueues them, separated by commas",
    "names of 1 to 100 characters, separated by commas, and it needs ARGS_KEYS",
    |text| list(text, |word| name::check(word).is_ok().then(|| word.to_owned())),
);

/// Which arguments are encrypted, and with which keys.
#[derive(Clone, Debug, Default)]
pub(super) struct ArgsSettings {
    keyring: Option<Keyring>,
    kinds: Vec<String>,
}

impl ArgsSettings {
    pub(super) fn read(source: &Source) -> Result<Self, SettingError> {
        let keyring = source.read(&ARGS_KEYS)?;
        let kinds = source.read(&ARGS_ENCRYPT_KINDS)?.unwrap_or_default();
        if keyring.is_none() && !kinds.is_empty() {
            let about = ARGS_ENCRYPT_KINDS.about;
            return Err(SettingError::Invalid { name: about.name, value: kinds.join(","), accepts: about.accepts });
        }
        Ok(Self { keyring, kinds })
    }

    /// The same database, which encrypts and decrypts.
    pub(super) fn apply(&self, database: Database) -> Database {
        database.with_keyring(self.keyring.clone()).encrypt_kinds(&self.kinds)
    }
}
