//! `GET /events`: what happened, in the order in which it happened.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::event::Event;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Page {
    events: Vec<Event>,
    /// What to pass as `after` next time, also when there was nothing.
    next: i64,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted
        .take("after", "the number of an event, 0 or more", |text| text.parse().ok().filter(|n: &i64| *n >= 0))?;
    let (after, limit) = (after.unwrap_or(0), wanted.limit()?);
    wanted.end()?;
    let events = caller.data.events().after(after, limit).await?;
    let next = events.last().map_or(after, |event| event.n);
    Ok(Json(Page { events, next }))
}
