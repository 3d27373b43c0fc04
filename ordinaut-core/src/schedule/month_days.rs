//! Days that no month has.

/// Whether one of these days of the month, of which a negative one counts from its end, comes in
/// one of these months. An empty list allows all.
pub(crate) fn some_day_exists(months: &[u32], days: &[i32]) -> bool {
    let all: Vec<u32> = (1..=12).collect();
    let months = if months.is_empty() { &all } else { months };
    days.is_empty()
        || months.iter().any(|&month| days.iter().any(|day| (1..=longest(month)).contains(&day.unsigned_abs())))
}

/// The largest of a few named days that one of these months has not in every year. Who names nearly
/// all of them means each day there is.
pub(crate) fn missing_day(months: &[u32], days: &[i32]) -> Option<u32> {
    let shortest = |month: u32| if month == 2 { 28 } else { longest(month) };
    let all: Vec<u32> = (1..=12).collect();
    let months = if months.is_empty() { &all } else { months };
    let largest = days.iter().map(|day| day.unsigned_abs()).max().filter(|_| days.len() < 28)?;
    months.iter().any(|month| shortest(*month) < largest).then_some(largest)
}

fn longest(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_days_hath_september() {
        assert!(!some_day_exists(&[2], &[30]) && !some_day_exists(&[2], &[-30, 31]));
        assert!(!some_day_exists(&[4, 6, 9, 11], &[31]));
        assert!(some_day_exists(&[2], &[29]) && some_day_exists(&[2, 3], &[30]) && some_day_exists(&[], &[31]));
        assert!(!some_day_exists(&[], &[0]));
        assert_eq!(missing_day(&[], &[1, 31]), Some(31));
        assert_eq!(missing_day(&[12], &[31]), None);
        assert_eq!(missing_day(&[], &(1..=31).collect::<Vec<_>>()), None);
    }
}
