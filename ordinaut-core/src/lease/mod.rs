//! The right to run a job: claimed, renewed, settled, rescued.

pub(crate) mod claim_floor;
pub(crate) mod flags;
pub(crate) mod portion;
pub(crate) mod priority_ageing;
pub(crate) mod settlement;
pub(crate) mod store;
pub(crate) mod token;
pub(crate) mod weighted_round_robin;
