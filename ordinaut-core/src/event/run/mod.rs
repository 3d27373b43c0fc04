//! What is read of the log: by followers, which deal with each event once, and by callers.

pub(crate) mod follower;
pub(crate) mod seen;
