//! Postgres: the only code that knows a table's name. One file of SQL a statement, one function a file of SQL.

// First, because the modules below use its macro.
#[macro_use]
mod statement;

pub(crate) mod address;
pub(crate) mod args;
mod by_key;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod cursor;
pub(crate) mod database;
pub(crate) mod dead;
pub(crate) mod doctor;
mod door;
pub(crate) mod drain;
pub(crate) mod enqueue;
pub(crate) mod erase;
pub(crate) mod event;
pub(crate) mod failure;
mod fields;
mod flag;
mod forward;
mod function;
pub(crate) mod hints;
pub(crate) mod installation;
pub(crate) mod intervene;
pub(crate) mod limit;
pub(crate) mod link;
pub(crate) mod look;
pub(crate) mod migrate;
pub(crate) mod obstacle;
pub(crate) mod own_end;
pub(crate) mod own_settings;
pub(crate) mod page;
mod place;
pub(crate) mod pooler;
pub(crate) mod queue;
pub(crate) mod rescue;
pub(crate) mod result;
pub(crate) mod retention;
pub(crate) mod scheduler;
pub(crate) mod schema;
pub(crate) mod sealed;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod status;
pub(crate) mod task;
#[cfg(feature = "testing")]
pub(crate) mod testing;
pub(crate) mod undisturbed;
pub(crate) mod unique;
pub(crate) mod worker_cursor;
