//! Leases for many sessions at once, as a server holds them for workers elsewhere.

pub(crate) mod links;
