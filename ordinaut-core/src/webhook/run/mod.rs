//! What a scheduler does for webhooks.

pub(crate) mod dispatch;
