//! Cron expressions with a name.

use crate::error::InvalidField;
use crate::schedule::refusal::refuse;

/// A cron expression with a name: `@business_days`, or `@business_days 08:30` for another time of
/// day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preset {
    /// What to write.
    pub name: &'static str,
    /// When it is due.
    pub description: &'static str,
    /// The days, months and weekdays of the expression.
    days: &'static str,
    /// When it is due if no time is written; `None`: each hour, and no time can be written.
    time: Option<(u32, u32)>,
}

const MIDNIGHT: Option<(u32, u32)> = Some((0, 0));
const NINE: Option<(u32, u32)> = Some((9, 0));

const PRESETS: &[Preset] = &[
    preset("@yearly", "1 1 *", MIDNIGHT, "on 1 January"),
    preset("@annually", "1 1 *", MIDNIGHT, "on 1 January"),
    preset("@monthly", "1 * *", MIDNIGHT, "on the first day of each month"),
    preset("@weekly", "* * SUN", MIDNIGHT, "each Sunday"),
    preset("@daily", "* * *", MIDNIGHT, "each day"),
    preset("@midnight", "* * *", MIDNIGHT, "each day"),
    preset("@hourly", "* * *", None, "each hour"),
    preset("@business_days", "* * MON-FRI", NINE, "from Monday to Friday"),
    preset("@weekends", "* * SAT,SUN", NINE, "each Saturday and Sunday"),
    preset("@first_monday", "* * MON#1", NINE, "on the first Monday of each month"),
    preset("@last_friday", "* * FRIL", NINE, "on the last Friday of each month"),
    preset("@first_business_day", "1W * *", NINE, "on the first day of each month from Monday to Friday"),
    preset("@last_business_day", "LW * *", NINE, "on the last day of each month from Monday to Friday"),
    preset("@month_end", "L * *", NINE, "on the last day of each month"),
    preset("@twice_a_month", "1,15 * *", NINE, "on the 1st and the 15th of each month"),
    preset("@quarterly", "1 1,4,7,10 *", NINE, "on the first day of January, April, July and October"),
    preset("@quarter_end", "L 3,6,9,12 *", NINE, "on the last day of March, June, September and December"),
    preset("@half_yearly", "1 1,7 *", NINE, "on the first day of January and July"),
    preset("@year_end", "31 12 *", NINE, "on 31 December"),
];

const fn preset(name: &'static str, days: &'static str, time: Option<(u32, u32)>, description: &'static str) -> Preset {
    Preset { name, description, days, time }
}

/// All presets.
///
/// ```
/// let quarterly = ordinaut_core::schedule::presets().iter().find(|preset| preset.name == "@quarterly").unwrap();
/// assert_eq!(quarterly.expr(), "0 9 1 1,4,7,10 *");
/// ```
pub fn presets() -> &'static [Preset] {
    PRESETS
}

impl Preset {
    /// The cron expression it stands for.
    pub fn expr(&self) -> String {
        self.at(self.time)
    }

    fn at(&self, time: Option<(u32, u32)>) -> String {
        let (hour, minute) = time.map_or(("*".to_owned(), 0), |(hour, minute)| (hour.to_string(), minute));
        format!("{minute} {hour} {}", self.days)
    }
}

/// The cron expression that a text beginning with `@` stands for.
pub(crate) fn expand(text: &str) -> Result<String, InvalidField> {
    let mut words = text.split_whitespace();
    let (name, time) = (words.next().unwrap_or_default().to_ascii_lowercase(), words.next());
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        return refuse(format!("begins with @, and is none of {}", names.join(", ")));
    };
    match time.map(time_of_day) {
        _ if words.next().is_some() => refuse("has more behind its preset than a time"),
        None => Ok(preset.expr()),
        Some(_) if preset.time.is_none() => refuse(format!("takes no time behind {name}")),
        Some(None) => refuse("must have a time of day such as 08:30 behind its preset"),
        Some(time) => Ok(preset.at(time)),
    }
}

fn time_of_day(text: &str) -> Option<(u32, u32)> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, size| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|number| plain && *number < size)
    };
    Some((number(hour, 24)?, number(minute, 60).filter(|_| minute.len() == 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::cron::Cron;

    #[test]
    fn every_preset_is_a_cron_expression() {
        for preset in PRESETS {
            assert!(Cron::parse(&preset.expr()).is_ok(), "{}", preset.name);
        }
    }

    #[test]
    fn a_time_may_follow() {
        assert_eq!(expand("@business_days 08:30").unwrap(), "30 8 * * MON-FRI");
        assert_eq!(expand("@Month_End").unwrap(), "0 9 L * *");
        for text in ["@every 5m", "@daily 24:00", "@daily 8:5", "@daily 1:00 x", "@hourly 01:00", "@", "@daily +1:00"] {
            assert!(expand(text).is_err(), "{text}");
        }
    }
}
