//! A private Postgres (and Redis) for `ordinaut dev`, tests and benches.
//!
//! The servers are the ones installed on this machine. They listen on a unix socket only, trust
//! every account that may open it, and are for development: nothing here is made for production.
//!
//! ```no_run
//! use ordinaut_embedded::Postgres;
//!
//! let postgres = Postgres::temporary()?;
//! let url = postgres.url(); // for sqlx, psql and whatever else speaks libpq's URLs
//! # let _ = url;
//! postgres.stop()?;
//! # Ok::<(), ordinaut_embedded::ServerError>(())
//! ```
//!
//! Nothing is left behind whatever happens to this process, `kill -9` included: each server has an
//! attendant, a small shell process that stops it (and removes what is temporary) as soon as the
//! pipe that this process holds is closed.

mod account;
mod attendant;
mod data_directory;
mod error;
mod installation;
mod log;
mod pgbouncer;
mod place;
mod postgres;
mod redis;

pub use data_directory::{DataDirectory, data_directory};
pub use error::{Missing, ServerError};
pub use installation::Installation;
pub use pgbouncer::PgBouncer;
pub use postgres::{Postgres, PostgresOptions};
pub use redis::Redis;
