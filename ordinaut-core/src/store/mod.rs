//! Postgres: the only code that knows a table's name. One file of SQL a statement, one function a file of SQL.

pub(crate) mod claim;
pub(crate) mod database;
pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod drain;
pub(crate) mod enqueue;
pub(crate) mod event;
pub(crate) mod failure;
pub(crate) mod hints;
pub(crate) mod intervene;
pub(crate) mod limit;
pub(crate) mod link;
pub(crate) mod look;
pub(crate) mod migrate;
pub(crate) mod rescue;
pub(crate) mod scheduler;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod status;
pub(crate) mod task;
