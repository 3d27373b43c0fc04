//! The fields of a cron expression, as far as they are checked before croner reads them.

use crate::error::InvalidField;
use crate::schedule::refusal::refuse;

/// No honest expression is longer, and croner takes a list of 20,000 items without a word.
const MAX_BYTES: usize = 256;

/// Names and sizes, seconds first.
const FIELDS: [(&str, u32); 6] =
    [("seconds", 60), ("minutes", 60), ("hours", 24), ("days", 31), ("months", 12), ("weekdays", 7)];

/// Six fields, the seconds first: 0 if five were written.
pub(crate) struct Fields<'a>([&'a str; 6]);

impl<'a> Fields<'a> {
    pub(crate) fn split(expr: &'a str) -> Result<Self, InvalidField> {
        if expr.len() > MAX_BYTES {
            return refuse(format!("must not be longer than {MAX_BYTES} bytes"));
        }
        let written: Vec<&str> = expr.split_whitespace().collect();
        let mut fields = ["0"; 6];
        match written.len() {
            5 => fields[1..].copy_from_slice(&written),
            6 => fields.copy_from_slice(&written),
            count => return refuse(format!("must have five fields, or six with seconds first, and has {count}")),
        }
        for (field, (name, size)) in fields.iter().zip(FIELDS) {
            check(field, name, size)?;
        }
        Ok(Self(fields))
    }

    /// Whether hours or minutes go in steps, which follow real time, rather than name times on the
    /// wall.
    pub(crate) fn go_in_steps(&self) -> bool {
        self.0[1..3].iter().any(|field| field.contains(['*', '/']))
    }

    /// Whether every hour has its turn, so that one that the clock jumps over is not missed.
    pub(crate) fn every_hour(&self) -> bool {
        self.0[2].starts_with('*')
    }

    /// Whether a day must match its number, whatever its weekday.
    pub(crate) fn number_decides(&self) -> bool {
        matches!(self.0[5], "*" | "?") || self.0[5].starts_with('+')
    }

    pub(crate) fn join(&self) -> String {
        self.0.join(" ")
    }
}

fn check(field: &str, name: &str, size: u32) -> Result<(), InvalidField> {
    if field.split(',').any(str::is_empty) {
        return refuse(format!("has an empty item in its {name}"));
    }
    for item in field.split(',') {
        if let Some((_, step)) = item.split_once('/')
            && step.parse::<u32>().is_ok_and(|step| step > size)
        {
            return refuse(format!("has a step of {step} in its {name}, of which there are {size}"));
        }
    }
    Ok(())
}
