//! Postgres: connections, the schema, migrations, and what a failure means. Other features keep
//! their statements in their own `store`; nothing else knows the name of a table.

// First, because the modules below use its macro.
#[macro_use]
mod statement;

pub(crate) mod begin;
pub(crate) mod by_key;
pub(crate) mod connect_options;
pub(crate) mod connection_settings;
pub(crate) mod contention;
pub(crate) mod ctid;
pub(crate) mod dedicated_connection;
pub(crate) mod diagnostics;
pub(crate) mod executor;
pub(crate) mod fields;
pub(crate) mod migrate;
pub(crate) mod obstacle;
pub(crate) mod page;
pub(crate) mod pool_or_connection;
pub(crate) mod pooler;
pub(crate) mod schema;
pub(crate) mod timeout;

pub use crate::db::connect_options::{ConnectOptions, InvalidConnectOptions};
pub use crate::db::diagnostics::{OldestSnapshot, ServerStatus, Summary};
pub use crate::db::migrate::Migrated;
pub use crate::db::migrate::error::SchemaError;
pub use crate::db::migrate::script::migration_script;
pub use crate::db::migrate::version::{SchemaVersion, known_migrations, newest_migration};
pub use crate::db::obstacle::{Obstacle, Severity};
pub use crate::db::page::{Page, Unreadable};
pub use crate::db::schema::Schema;
