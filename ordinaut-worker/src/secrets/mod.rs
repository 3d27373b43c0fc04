//! Secrets that jobs name in their arguments: put in right before a call, and masked in whatever
//! comes of it.

mod files;
mod given;
mod mask;
mod permits;
mod reference;

pub(crate) use files::{SecretFiles, Secrets};
pub(crate) use given::Given;
pub(crate) use mask::Mask;
pub(crate) use permits::Permits;
pub(crate) use reference::{brought_in, named_in, with_values};
