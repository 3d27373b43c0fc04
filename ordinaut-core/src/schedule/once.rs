//! One time.

use crate::error::InvalidField;
use crate::schedule::clock;
use crate::schedule::gap::GapRule;
use crate::schedule::refusal::refuse;
use crate::schedule::timezone::Zone;
use crate::schedule::timezone::is_sane;
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};

/// An instant with its offset, or what the clock shows in `zone`, which is answered too. A time in
/// a gap is due as `gap` says; one that comes twice means the first.
pub(crate) fn parse(
    expr: &str,
    zone: &Zone,
    gap: GapRule,
) -> Result<(DateTime<Utc>, Option<NaiveDateTime>), InvalidField> {
    let expr = expr.trim();
    let (at, wall) = match (DateTime::parse_from_rfc3339(expr), clock::read(expr)) {
        (Ok(at), _) => (at.to_utc(), None),
        (_, Ok(wall)) => (gap.instant(wall, zone), Some(wall)),
        _ => return refuse("must be an instant such as 2027-03-01T09:00:00Z, or a time such as 2027-03-01T09:00"),
    };
    if !is_sane(at.year()) {
        return refuse("must be between the years 1900 and 2200");
    }
    // Postgres keeps microseconds.
    Ok((at.trunc_subsecs(6), wall))
}
