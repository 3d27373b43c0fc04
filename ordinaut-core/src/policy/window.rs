//! A part of a day, on some weekdays.

use chrono::{NaiveDateTime, NaiveTime, Weekday};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "mon"),
    (Weekday::Tue, "tue"),
    (Weekday::Wed, "wed"),
    (Weekday::Thu, "thu"),
    (Weekday::Fri, "fri"),
    (Weekday::Sat, "sat"),
    (Weekday::Sun, "sun"),
];

/// A part of a day by the clock on the wall: from a time to another one, on each day or on some
/// weekdays. One that ends at or before the time that it begins goes on into the next day.
///
/// ```
/// use ordinaut_core::policy::Window;
///
/// let office: Window = "mon-fri 09:00-17:00".parse()?;
/// let night: Window = "22:00-06:00".parse()?;
/// assert_eq!(office.to_string(), "mon-fri 09:00-17:00");
/// assert_eq!("sat,sun 00:00-24:00".parse::<Window>()?.to_string(), "sat,sun 00:00-24:00");
/// # let _ = night;
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// Of each weekday from Monday on, whether it begins on it.
    days: [bool; 7],
    from: NaiveTime,
    /// Midnight: the end of the day.
    to: NaiveTime,
}

impl Window {
    /// Whether the clock shows a time in it. It begins with its first minute, and has ended with
    /// its last.
    pub(crate) fn has(&self, wall: NaiveDateTime) -> bool {
        let (date, time) = (wall.date(), wall.time());
        let on = |weekday: Weekday| self.days[weekday.num_days_from_monday() as usize];
        let today = on(chrono::Datelike::weekday(&date));
        if self.from < self.to {
            return today && (self.from..self.to).contains(&time);
        }
        let yesterday = on(chrono::Datelike::weekday(&date).pred());
        (today && time >= self.from) || (yesterday && time < self.to)
    }

    /// The times of day at which it begins or ends.
    pub(crate) fn edges(&self) -> [NaiveTime; 2] {
        [self.from, self.to]
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let mut day = 0;
        while day < 7 && !self.days.iter().all(|on| *on) {
            let length = self.days[day..].iter().take_while(|on| **on).count();
            match length {
                0 => day += 1,
                1 | 2 => parts.extend((day..day + length).map(|day| DAYS[day].1.to_owned())),
                _ => parts.push(format!("{}-{}", DAYS[day].1, DAYS[day + length - 1].1)),
            }
            day += length;
        }
        if !parts.is_empty() {
            write!(f, "{} ", parts.join(","))?;
        }
        let end = if self.to == NaiveTime::MIN { "24:00".to_owned() } else { self.to.format("%H:%M").to_string() };
        write!(f, "{}-{end}", self.from.format("%H:%M"))
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            let shown: String = text.chars().take(60).collect();
            format!("must be a time of day, such as 22:00-06:00 or mon-fri 09:00-17:00: it is {shown:?}")
        };
        let (days, times) = text.trim().rsplit_once(' ').unwrap_or(("", text.trim()));
        let (from, to) = times.split_once('-').ok_or_else(refused)?;
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
        let to = if to == "24:00" { Some(NaiveTime::MIN) } else { time(to) };
        let (Some(from), Some(to)) = (time(from), to) else { return Err(refused()) };
        let days = if days.is_empty() { [true; 7] } else { weekdays(days).ok_or_else(refused)? };
        Ok(Self { days, from, to })
    }
}

/// Those that a list such as `mon-wed,fri` names.
fn weekdays(list: &str) -> Option<[bool; 7]> {
    let day = |word: &str| DAYS.iter().position(|(_, name)| word.trim().eq_ignore_ascii_case(name));
    let mut days = [false; 7];
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // A week has no end: sat-mon is three days.
        (0..=(last + 7 - first) % 7).for_each(|after| days[(first + after) % 7] = true);
    }
    Some(days)
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(window: &str, wall: &str) -> bool {
        window.parse::<Window>().unwrap().has(wall.parse().unwrap())
    }

    #[test]
    fn a_window_is_read_as_it_is_written() {
        for text in [
            "09:00-17:00",
            "mon-fri 09:00-17:00",
            "mon,tue,sun 22:00-06:00",
            "wed 00:00-24:00",
            "mon-thu,sat 1:00-2:30",
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window.to_string().parse::<Window>().unwrap(), window, "{text}");
        }
        assert_eq!("sat-mon 08:00-09:00".parse::<Window>().unwrap().to_string(), "mon,sat,sun 08:00-09:00");
        for text in
            ["", "9-17", "09:00", "mon", "mon-fri", "monday 09:00-17:00", "mon- 09:00-17:00", "09:00-24:01", "mon  "]
        {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_that_it_begins_on() {
        // 2027-01-01 is a Friday.
        assert!(has("fri 22:00-06:00", "2027-01-01T22:00:00"));
        assert!(has("fri 22:00-06:00", "2027-01-02T05:59:59"));
        assert!(!has("fri 22:00-06:00", "2027-01-02T06:00:00"));
        assert!(!has("fri 22:00-06:00", "2027-01-01T05:00:00"), "that is Thursday's");
        assert!(has("fri 09:00-24:00", "2027-01-01T23:59:59"));
        assert!(!has("fri 09:00-24:00", "2027-01-02T00:00:00"));
        assert!(has("00:00-24:00", "2027-01-02T00:00:00"));
        assert!(has("12:00-12:00", "2027-01-02T11:59:00"), "a whole day");
    }
}
