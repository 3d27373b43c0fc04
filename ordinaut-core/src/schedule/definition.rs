//! What a person writes about when a task is due, and its check.

use crate::error::InvalidField;
use crate::json;
use crate::json::InvalidJson;
use crate::schedule::calendar::Calendar;
use crate::schedule::condition::Condition;
use crate::schedule::cron::Cron;
use crate::schedule::gap::GapRule;
use crate::schedule::interval::Every;
use crate::schedule::kind::ScheduleKind;
use crate::schedule::occurrences::{Occurrences, Rule, first};
use crate::schedule::refusal::refuse;
use crate::schedule::rrule::Rrule;
use crate::schedule::rrule_text::RuleText;
use crate::schedule::service;
use crate::schedule::service::Service;
use crate::schedule::timezone::Zone;
use crate::schedule::timezone::is_sane;
use crate::schedule::topic_pattern::TopicPattern;
use crate::schedule::{clock, once, preset};
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Maximum number of dates that may be added to a rule, or taken away.
const MAX_DATES: usize = 1_000;

/// When a task is due, as a person writes it and the table `task` stores it.
///
/// # Examples
///
/// ```
/// use ordinaut_core::schedule::{Compiled, Schedule, ScheduleKind};
///
/// let schedule = Schedule::new(ScheduleKind::Rrule, "FREQ=MONTHLY;BYDAY=-1FR")
///     .timezone("Europe/Chisinau")
///     .dtstart("2027-01-01T09:00:00".parse()?);
/// let Compiled::Times(occurrences) = schedule.compile(&[])? else { unreachable!() };
/// let preview = occurrences.preview("2027-01-01T00:00:00Z".parse()?, 1);
/// assert_eq!(preview.next[0].local, "2027-01-29T09:00:00+02:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Schedule {
    /// How the expression is read.
    pub kind: ScheduleKind,
    /// The expression.
    pub expr: String,
    /// The IANA name of the zone whose clock it goes by. Empty: a new task stores the
    /// installation's ([`Client::time_zone`](crate::Client::time_zone)), and one that exists keeps
    /// its own; without a database it is UTC.
    #[serde(default)]
    pub timezone: String,
    /// What the clock in the zone shows at the anchor of `every` and `rrule`. It is filled in once,
    /// when the task is stored, with [`Schedule::anchored`], so that it never drifts.
    #[serde(default, deserialize_with = "clock::option")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub dtstart: Option<NaiveDateTime>,
    /// Times on the clock that a rule leaves out.
    #[serde(default, deserialize_with = "clock::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub exdates: Vec<NaiveDateTime>,
    /// Times on the clock that a rule has besides.
    #[serde(default, deserialize_with = "clock::list")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub rdates: Vec<NaiveDateTime>,
    /// Nothing is due before.
    #[serde(default)]
    pub starts_at: Option<DateTime<Utc>>,
    /// Nothing is due after.
    #[serde(default)]
    pub ends_at: Option<DateTime<Utc>>,
    /// When a time is due that the clock skips. Absent: of cron the first instant after the gap, of
    /// a rule and of `once` shifted by the length of the gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapRule>,
}

/// A schedule that has been checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Compiled {
    /// Due at instants.
    Times(Occurrences),
    /// Due when an event has a matching topic.
    Event(TopicPattern),
    /// Due when a fact becomes true.
    Condition(Condition),
    /// Due when the last job has ended.
    Service(Service),
}

/// What a person need not write.
pub(crate) fn fill_in(schedule: &mut Map<String, Value>) {
    if schedule.get("kind").is_some_and(|kind| *kind == ScheduleKind::Service.as_str()) {
        schedule.entry("expr").or_insert_with(|| service::DEFAULT.into());
    }
}

impl Schedule {
    /// Its fields that an [`InvalidField`] may name; none is a field of a task too.
    pub const FIELDS: [&str; 8] = ["expr", "timezone", "dtstart", "exdates", "rdates", "starts_at", "ends_at", "gap"];

    /// Reads a schedule from JSON; a service that does not say it is restarted after 5 s. An error
    /// names the field.
    ///
    /// # Errors
    ///
    /// The path of the first field that is missing, unknown, or of another type.
    pub fn from_json(mut json: Value) -> Result<Self, InvalidJson> {
        let Value::Object(fields) = &mut json else { return Err(InvalidJson::no_object(".")) };
        fill_in(fields);
        json::read(json)
    }

    /// At the times of a cron expression, five fields or six with seconds, by the installation's
    /// clock.
    pub fn cron(expr: impl Into<String>) -> Self {
        Self::new(ScheduleKind::Cron, expr)
    }

    /// Each time that an interval such as `5m` or `1h30m` is over, counted from when the task is
    /// stored.
    pub fn every(interval: impl Into<String>) -> Self {
        Self::new(ScheduleKind::Every, interval)
    }

    /// A schedule of any kind, in the installation's zone, without bounds.
    pub fn new(kind: ScheduleKind, expr: impl Into<String>) -> Self {
        Self {
            kind,
            expr: expr.into(),
            timezone: String::new(),
            dtstart: None,
            exdates: Vec::new(),
            rdates: Vec::new(),
            starts_at: None,
            ends_at: None,
            gap: None,
        }
    }

    /// The zone whose clock it goes by.
    #[must_use]
    pub fn timezone(mut self, name: impl Into<String>) -> Self {
        self.timezone = name.into();
        self
    }

    /// What the clock shows at the anchor.
    #[must_use]
    pub fn dtstart(mut self, wall: NaiveDateTime) -> Self {
        self.dtstart = Some(wall);
        self
    }

    /// Times on the clock to leave out.
    #[must_use]
    pub fn exdates(mut self, walls: impl IntoIterator<Item = NaiveDateTime>) -> Self {
        self.exdates = walls.into_iter().collect();
        self
    }

    /// Times on the clock to add.
    #[must_use]
    pub fn rdates(mut self, walls: impl IntoIterator<Item = NaiveDateTime>) -> Self {
        self.rdates = walls.into_iter().collect();
        self
    }

    /// Nothing is due before.
    #[must_use]
    pub fn starts_at(mut self, at: DateTime<Utc>) -> Self {
        self.starts_at = Some(at);
        self
    }

    /// Nothing is due after.
    #[must_use]
    pub fn ends_at(mut self, at: DateTime<Utc>) -> Self {
        self.ends_at = Some(at);
        self
    }

    /// When a time is due that the clock skips.
    #[must_use]
    pub fn gap(mut self, gap: GapRule) -> Self {
        self.gap = Some(gap);
        self
    }

    /// With the anchor that its kind needs: this instant, to the second, unless it has one. A rule
    /// with a `COUNT` must bring its own: its first time would be this instant, which is over, so
    /// that one fewer would be due than was asked for.
    ///
    /// # Errors
    ///
    /// With the field `timezone` if the zone is unknown, or with `dtstart` if the clock there
    /// cannot show the anchor.
    pub fn anchored(mut self, at: DateTime<Utc>) -> Result<Self, InvalidField> {
        if self.kind.is_anchored() && self.dtstart.is_none() {
            if self.is_counted() {
                let reason = "must be given for a rule with a COUNT, which counts from it".to_owned();
                return Err(InvalidField { field: "dtstart", reason });
            }
            self.dtstart = Some(self.zone()?.wall(at).trunc_subsecs(0));
        }
        Ok(self)
    }

    /// Checks every field, and reads the expression. A schedule that can never be due is refused;
    /// one that has ended is not, for there is no "now" here.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name: one of [`Schedule::FIELDS`].
    pub fn compile(&self, calendars: &[Calendar]) -> Result<Compiled, InvalidField> {
        let zone = self.zone()?;
        self.check()?;
        let rule = match self.kind {
            ScheduleKind::Event => return TopicPattern::parse(&self.expr).map(Compiled::Event),
            ScheduleKind::Condition => return Condition::parse(&self.expr).map(Compiled::Condition),
            ScheduleKind::Service => return Service::parse(&self.expr).map(Compiled::Service),
            ScheduleKind::Every => {
                let anchor = zone.meaning(self.anchor()?.trunc_subsecs(0)).shifted();
                Rule::Every(Every::parse(&self.expr, anchor)?)
            }
            ScheduleKind::Cron => {
                let expr = self.expr.trim();
                let named = if expr.starts_with('@') { Some(preset::expand(expr)?) } else { None };
                let cron = Cron::parse(named.as_deref().unwrap_or(expr))?;
                if self.gap.is_some() && cron.goes_in_steps() {
                    let reason = "does not belong to hours or minutes with * or a step, which follow real time";
                    return Err(InvalidField { field: "gap", reason: reason.to_owned() });
                }
                Rule::Cron(Box::new(cron.with_gap(self.gap.unwrap_or(GapRule::FirstAfter))))
            }
            ScheduleKind::Rrule => {
                Rule::Rrule(Box::new(Rrule::parse(&self.expr, self.anchor()?, &self.exdates, &self.rdates, self.gap)?))
            }
            ScheduleKind::Once => {
                let (at, wall) = once::parse(&self.expr, &zone, self.gap.unwrap_or(GapRule::Shifted))?;
                Rule::Once(at, wall)
            }
        };
        let (starts_at, ends_at) = (self.starts_at, self.ends_at);
        let occurrences = Occurrences { rule, zone, starts_at, ends_at, calendars: calendars.to_vec() };
        match occurrences.next_after(first()) {
            Ok(Some(_)) => Ok(Compiled::Times(occurrences)),
            Ok(None) if starts_at.is_some() || ends_at.is_some() || !calendars.is_empty() => {
                refuse("never fires within its bounds and calendars")
            }
            Ok(None) => refuse("never fires"),
            Err(exhausted) => refuse(format!("never fires: {exhausted}")),
        }
    }

    /// Whether an instant is within its bounds.
    pub(crate) fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.starts_at.is_none_or(|start| start <= at) && self.ends_at.is_none_or(|end| at <= end)
    }

    /// Whether it ends after a number of times; one whose expression is wrong is refused for that.
    fn is_counted(&self) -> bool {
        self.kind == ScheduleKind::Rrule && RuleText::parse(&self.expr).is_ok_and(|rule| rule.count.is_some())
    }

    pub(crate) fn zone(&self) -> Result<Zone, InvalidField> {
        Zone::named(if self.timezone.is_empty() { "UTC" } else { &self.timezone })
    }

    fn anchor(&self) -> Result<NaiveDateTime, InvalidField> {
        let reason = format!("must be given: a schedule of the kind {} is counted from it", self.kind);
        self.dtstart.ok_or(InvalidField { field: "dtstart", reason })
    }

    fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.expr.trim().is_empty() {
            return invalid("expr", "must not be empty");
        }
        if self.expr.chars().any(char::is_control) {
            return invalid("expr", "must be one line, without control characters");
        }
        for (field, dates) in [("exdates", &self.exdates), ("rdates", &self.rdates)] {
            if dates.len() > MAX_DATES {
                return invalid(field, "must be at most 1000");
            }
            if !dates.is_empty() && self.kind != ScheduleKind::Rrule {
                return invalid(field, "belong to a schedule of the kind rrule");
            }
            if !dates.iter().all(|wall| is_sane(wall.year())) {
                return invalid(field, "must be between the years 1900 and 2200");
            }
        }
        if self.dtstart.is_some_and(|wall| !is_sane(wall.year())) {
            return invalid("dtstart", "must be between the years 1900 and 2200");
        }
        for (field, bound) in [("starts_at", self.starts_at), ("ends_at", self.ends_at)] {
            if bound.is_some_and(|at| !is_sane(at.year())) {
                return invalid(field, "must be between the years 1900 and 2200");
            }
        }
        if self.gap.is_some() && !matches!(self.kind, ScheduleKind::Cron | ScheduleKind::Rrule | ScheduleKind::Once) {
            return invalid("gap", "belongs to a schedule of the kind cron, rrule or once");
        }
        if self.ends_at.is_some_and(|end| self.starts_at.is_some_and(|start| end < start)) {
            return invalid("ends_at", "must not be before starts_at");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(schedule: Schedule) -> &'static str {
        schedule.compile(&[]).map_or_else(|invalid| invalid.field, |_| "none")
    }

    #[test]
    fn each_bad_field_is_named() {
        let daily = || Schedule::new(ScheduleKind::Rrule, "FREQ=DAILY").dtstart("2027-01-01T09:00:00".parse().unwrap());
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let wall = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        assert_eq!(refused(daily()), "none");
        assert_eq!(refused(Schedule::new(ScheduleKind::Every, "5m")), "dtstart");
        assert_eq!(refused(daily().dtstart(wall("1066-10-14T09:00:00"))), "dtstart");
        assert_eq!(refused(daily().timezone("Europe/Chisinow")), "timezone");
        assert_eq!(refused(daily().exdates([wall("9999-01-01T09:00:00")])), "exdates");
        assert_eq!(refused(daily().rdates(vec![wall("2027-01-01T09:00:00"); 1001])), "rdates");
        assert_eq!(
            refused(Schedule::new(ScheduleKind::Cron, "@daily").exdates([wall("2027-01-01T00:00:00")])),
            "exdates"
        );
        assert_eq!(refused(daily().starts_at(DateTime::<Utc>::MIN_UTC)), "starts_at");
        let early = at("2026-01-01T00:00:00Z");
        assert_eq!(refused(daily().starts_at(at("2027-01-01T00:00:00Z")).ends_at(early)), "ends_at");
        assert_eq!(refused(daily().ends_at(early)), "expr");
        assert_eq!(refused(Schedule::new(ScheduleKind::Once, "tomorrow")), "expr");
    }

    #[test]
    fn what_has_ended_is_not_refused() {
        let past = Schedule::new(ScheduleKind::Once, "2001-01-01T00:00:00Z");
        let Compiled::Times(occurrences) = past.compile(&[]).unwrap() else { panic!("no occurrences") };
        assert_eq!(occurrences.next_after("2026-01-01T00:00:00Z".parse().unwrap()), Ok(None));
    }

    #[test]
    fn an_anchor_is_filled_in_once() {
        let now = "2027-01-01T09:00:00.5Z".parse().unwrap();
        let anchored = Schedule::new(ScheduleKind::Every, "5m").timezone("Europe/Chisinau").anchored(now).unwrap();
        assert_eq!(anchored.dtstart, Some("2027-01-01T11:00:00".parse().unwrap()));
        assert_eq!(anchored.clone().anchored("2028-01-01T00:00:00Z".parse().unwrap()), Ok(anchored));
        assert_eq!(Schedule::new(ScheduleKind::Cron, "@daily").anchored(now).unwrap().dtstart, None);
    }

    #[test]
    fn a_rule_with_a_count_brings_its_own_anchor() {
        let now = "2027-01-01T09:00:00.5Z".parse().unwrap();
        for expr in ["FREQ=DAILY;COUNT=1", "rrule:freq=daily;count=2"] {
            let counted = Schedule::new(ScheduleKind::Rrule, expr);
            assert_eq!(counted.clone().anchored(now).unwrap_err().field, "dtstart", "{expr}");
            let given = counted.dtstart("2027-01-02T09:00:00".parse().unwrap());
            assert_eq!(given.clone().anchored(now), Ok(given), "{expr}");
        }
        let bad = Schedule::new(ScheduleKind::Rrule, "FREQ=DAILY;COUNT=0").anchored(now).unwrap();
        assert_eq!(refused(bad), "expr");
    }

    #[test]
    fn seconds_need_not_be_written() {
        let read = |time: &str| {
            let json = serde_json::json!({"kind": "rrule", "expr": "FREQ=DAILY", "dtstart": time, "exdates": [time], "rdates": [time]});
            Schedule::from_json(json)
        };
        assert_eq!(read("2027-01-01T09:00").unwrap(), read("2027-01-01T09:00:00").unwrap());
        for bad in ["2027-01-01", "2027-01-01T09", "2027-01-01T09:00Z", "2027-01-01T09:00:00+02:00", "tomorrow", ""] {
            let refused = read(bad).unwrap_err();
            assert_eq!(refused.field, "dtstart", "{bad}");
            assert!(refused.reason.starts_with("must be a local time"), "{refused}");
        }
    }

    #[test]
    fn a_stored_schedule_is_read_back() {
        let schedule = Schedule::new(ScheduleKind::Rrule, "FREQ=DAILY").dtstart("2027-01-01T09:00:00".parse().unwrap());
        let stored = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&stored).unwrap(), schedule);
        let short: Schedule = serde_json::from_str(r#"{"kind": "every", "expr": "5m"}"#).unwrap();
        assert_eq!(short, Schedule::new(ScheduleKind::Every, "5m"));
    }
}
