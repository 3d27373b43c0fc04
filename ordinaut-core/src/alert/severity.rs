//! How bad an alert is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How bad an alert is.
///
/// ```
/// use ordinaut_core::alert::Severity;
///
/// assert!(Severity::Critical > Severity::Warning);
/// assert_eq!("info".parse(), Ok(Severity::Info));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// What explains why something waits has severities too.
#[cfg_attr(feature = "openapi", schema(as = AlertSeverity))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look at it today.
    #[default]
    Warning,
    /// Somebody should look at it now.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|severity| severity.as_str() == word);
        found.ok_or_else(|| format!("no severity is called {word:?}: {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}
