//! What can be typed about alerts.

use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::alert::{AlertSource, AlertState, Severity};
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum Alert {
    /// List alerts, the newest first; those that fire or are pending if no state is given
    List(ListAlerts),
    /// Show an alert
    Show(OneAlert),
    /// Say that you know of an alert that fires
    Acknowledge {
        #[command(flatten)]
        alert: OneAlert,
        /// Who you are
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// What there is to say
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Put, list, switch off and delete rules: what is looked at, and from which figure on it is an
    /// alert
    #[command(subcommand)]
    Rule(RuleVerb),
    /// Make, list and delete silences: times in which nobody is told of alerts
    #[command(subcommand)]
    Silence(SilenceVerb),
}

#[derive(Args)]
pub(crate) struct OneAlert {
    /// Its id
    #[arg(value_parser = value::id)]
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct ListAlerts {
    /// Only those in this state: pending, firing or resolved
    #[arg(long)]
    pub(crate) state: Option<AlertState>,
    /// Also those that are over
    #[arg(long, conflicts_with = "state")]
    pub(crate) all: bool,
    /// Only those of this rule
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// Only those that are as bad: info, warning or critical
    #[arg(long)]
    pub(crate) severity: Option<Severity>,
    /// Only those about the node, queue … of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 50, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum RuleVerb {
    /// Put a rule, in place of the one of this name
    Set(Box<SetRule>),
    /// List rules
    List(Format),
    /// Show a rule
    Show(OneRule),
    /// Look at a rule again
    Enable(OneRule),
    /// Look at a rule no more; its alerts are over
    Disable(OneRule),
    /// Delete a rule; its alerts are over
    Delete(OneRule),
}

#[derive(Args)]
pub(crate) struct OneRule {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct SetRule {
    /// Its name
    pub(crate) name: String,
    /// What is looked at, such as disk or cpu: docs/alerts.md has all
    #[arg(long)]
    pub(crate) source: AlertSource,
    /// From which figure on it is an alert
    #[arg(long, value_name = "NUMBER", value_parser = value::decimal)]
    pub(crate) threshold: f64,
    /// The node, queue, kind … that it is about; each of them if not given
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Number of seconds for which it must hold before the alert fires
    #[arg(long = "for", value_name = "SECONDS", default_value = "0", value_parser = value::seconds)]
    pub(crate) holds_for: f64,
    /// Length in seconds of the time that is looked at, of a source that looks at one
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) window: Option<f64>,
    /// How bad it is: info, warning or critical
    #[arg(long, default_value_t = Severity::Warning)]
    pub(crate) severity: Severity,
    /// What it means, for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) about: String,
    /// A URL that gets a POST when an alert fires and when it is over
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// An address that gets a mail when an alert fires and when it is over; may be given more than
    /// once
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Vec<String>,
    /// The queue in which the jobs wait that tell
    #[arg(long, value_name = "QUEUE", default_value = "default")]
    pub(crate) queue: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum SilenceVerb {
    /// Make a silence; of all alerts unless --rule or --subject is given
    Add(AddSilence),
    /// List silences that are not over
    List {
        /// Those that are over too
        #[arg(long)]
        ended: bool,
        /// Maximum number of rows
        #[arg(long, default_value_t = 50, value_parser = value::within(1_i64..=1000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Take a silence back: what fires is told of then
    Delete {
        /// Its id
        #[arg(value_parser = value::id)]
        id: Uuid,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct AddSilence {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Only alerts of this rule
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// Only alerts about the node, queue … of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Number of seconds for which it holds
    #[arg(long = "for", value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) seconds: Option<f64>,
    /// When it ends, instead of --for
    #[arg(long, value_name = "INSTANT", value_parser = value::instant, conflicts_with = "seconds", required_unless_present = "seconds")]
    pub(crate) until: Option<DateTime<Utc>>,
    /// When it begins; now if not given
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Who you are
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
