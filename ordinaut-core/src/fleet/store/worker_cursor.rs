//! Where a page of sessions ended.

use crate::db::fields::Instant;
use serde::{Serialize, Serializer};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::fmt;
use std::str::FromStr;

/// The session that a page ended with. It is passed on as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerCursor {
    pub(crate) has_ended: bool,
    pub(crate) began: Instant,
    pub(crate) session: i64,
}

impl WorkerCursor {
    pub(crate) fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            has_ended: row.try_get("has_ended")?,
            began: row.try_get("began")?,
            session: row.try_get("session")?,
        })
    }
}

impl fmt::Display for WorkerCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}{:016x}", u8::from(self.has_ended), self.began.micros(), self.session)
    }
}

impl FromStr for WorkerCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let read = || {
            let has_ended = match text.get(..1)? {
                "0" => false,
                "1" => true,
                _ => return None,
            };
            let number = |text: &str| u64::from_str_radix(text, 16).ok().map(u64::cast_signed);
            let (micros, session) = (number(text.get(1..17)?)?, text.get(17..).filter(|rest| rest.len() == 16)?);
            Some(Self { has_ended, began: Instant::of_micros(micros)?, session: number(session)? })
        };
        read().ok_or("not the \"next\" of a page of workers")
    }
}

impl Serialize for WorkerCursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_text_and_nonsense_is_none() {
        for (has_ended, micros) in [(false, 0), (true, -1), (true, i64::MAX), (false, i64::MIN)] {
            let cursor = WorkerCursor { has_ended, began: Instant::of_micros(micros).unwrap(), session: i64::MAX };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let unstorable = format!("0{:016x}{:016x}", i64::MAX - 1, 1);
        for text in ["", "7", "é", &"0".repeat(32), &"0".repeat(34), &"2".repeat(33), &"g".repeat(33), &unstorable] {
            assert!(text.parse::<WorkerCursor>().is_err(), "{text}");
        }
    }
}
