//! The processes of an installation, as far as they tell of themselves.

pub(crate) mod store;
