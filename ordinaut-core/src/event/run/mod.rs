//! Followers: consumers that deal with each event once, in a transaction of their own.

pub(crate) mod follower;
