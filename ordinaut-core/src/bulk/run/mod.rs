//! What a scheduler does for bulk operations.

pub(crate) mod work;
