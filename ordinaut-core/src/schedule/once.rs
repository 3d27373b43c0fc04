//! One time.

use crate::error::InvalidField;
use crate::schedule::clock;
use crate::schedule::refusal::refuse;
use crate::schedule::timezone::Zone;
use crate::schedule::timezone::is_sane;
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};

/// An instant with its offset, or what the clock shows in `zone`, which is answered too. A time in
/// a gap is shifted by the gap's length, as in rules; one that comes twice means the first.
pub(crate) fn parse(expr: &str, zone: &Zone) -> Result<(DateTime<Utc>, Option<NaiveDateTime>), InvalidField> {
    let expr = expr.trim();
    let (at, wall) = match (DateTime::parse_from_rfc3339(expr), clock::read(expr)) {
        (Ok(at), _) => (at.to_utc(), None),
        (_, Ok(wall)) => (zone.meaning(wall).shifted(), Some(wall)),
        _ => return refuse("must be an instant such as 2027-03-01T09:00:00Z, or a time such as 2027-03-01T09:00"),
    };
    if !is_sane(at.year()) {
        return refuse("must be between the years 1900 and 2200");
    }
    // Postgres keeps microseconds.
    Ok((at.trunc_subsecs(6), wall))
}
