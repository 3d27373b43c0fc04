//! A figure: what was measured, what it is compared with, and whether that is good enough.

use serde::Serialize;
use std::fmt;

/// One measured number.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Figure {
    /// The bench that measured it.
    pub bench: &'static str,
    /// What it is.
    pub figure: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same of plain SQL in the same run, or whatever `target` calls the floor.
    pub floor: Option<f64>,
    /// `value` / `floor`.
    pub ratio: Option<f64>,
    /// What it should be, in words.
    pub target: Option<String>,
    /// Whether it is.
    pub met: Option<bool>,
    /// The jobs that it was measured with.
    pub jobs: u64,
}

impl Figure {
    pub(crate) fn new(bench: &'static str, figure: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let figure = figure.into();
        Self { bench, figure, value: short(value), unit, floor: None, ratio: None, target: None, met: None, jobs: 0 }
    }

    pub(crate) fn jobs(self, jobs: u64) -> Self {
        Self { jobs, ..self }
    }

    pub(crate) fn against(self, floor: f64) -> Self {
        Self { floor: Some(short(floor)), ratio: Some(short(self.value / floor)), ..self }
    }

    pub(crate) fn at_least(self, target: f64) -> Self {
        let met = self.value >= target;
        self.judge(format!("≥ {}", Short(target)), met)
    }

    pub(crate) fn at_most(self, target: f64) -> Self {
        let met = self.value <= target;
        self.judge(format!("≤ {}", Short(target)), met)
    }

    pub(crate) fn ratio_at_least(self, target: f64) -> Self {
        let met = self.ratio.is_some_and(|ratio| ratio >= target);
        self.judge(format!("≥ {target} × floor"), met)
    }

    pub(crate) fn ratio_at_most(self, target: f64) -> Self {
        let met = self.ratio.is_some_and(|ratio| ratio <= target);
        self.judge(format!("≤ {target} × floor"), met)
    }

    /// A figure may have several targets; it must meet them all.
    fn judge(self, target: String, met: bool) -> Self {
        let target = self.target.map_or(target.clone(), |others| format!("{others} and {target}"));
        Self { target: Some(target), met: Some(self.met.unwrap_or(true) && met), ..self }
    }
}

/// The digits that mean something, so that figures can be compared by eye.
fn short(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        match value.abs() {
            large if large >= 1000.0 => {
                let digits = format!("{value:.0}");
                let mut groups: Vec<_> = digits.as_bytes().rchunks(3).map(String::from_utf8_lossy).collect();
                groups.reverse();
                f.write_str(&groups.join(","))
            }
            medium if medium >= 100.0 => write!(f, "{value:.0}"),
            medium if medium >= 10.0 => write!(f, "{value:.1}"),
            small if small >= 0.1 || small == 0.0 => write!(f, "{value:.2}"),
            _ => write!(f, "{value:.4}"),
        }
    }
}

/// For people.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<11}{:<63}{:>10} {:<7}", self.bench, self.figure, Short(self.value).to_string(), self.unit)?;
        if let (Some(floor), Some(ratio)) = (self.floor, self.ratio) {
            write!(f, " {ratio:.2} × {}", Short(floor))?;
        }
        if let (Some(target), Some(met)) = (&self.target, self.met) {
            write!(f, "  {} {target}", if met { "met:" } else { "MISSED:" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_must_meet_all_its_targets() {
        let figure = || Figure::new("drain", "jobs", 12_345.0, "/s").against(20_000.0);
        assert_eq!(figure().ratio_at_least(0.6).met, Some(true));
        assert_eq!(figure().ratio_at_least(0.6).at_least(75_000.0).met, Some(false));
        assert_eq!(figure().at_least(75_000.0).at_least(1.0).met, Some(false));
        let line = figure().ratio_at_least(0.6).at_least(75_000.0).to_string();
        assert!(line.ends_with("12,345 /s      0.62 × 20,000  MISSED: ≥ 0.6 × floor and ≥ 75,000"), "{line}");
    }
}
