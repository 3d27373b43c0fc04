//! `ordinaut node VERB`.

use super::node_command;
use crate::args::{Node as Asked, OneNode, ThresholdsOf};
use crate::output::{answer, facts, or_dash, table, time};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::node::{Node, NodeThresholds, Threshold};
use serde_json::json;
use std::process::ExitCode;

/// What stands for all machines.
const ALL: &str = "*";

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    let nodes = database.nodes();
    match asked {
        Asked::List(format) => {
            let found = nodes.list().await?;
            answer(format, &found, || listed(&found))?;
        }
        Asked::Show(OneNode { name, format }) => {
            let Some(node) = nodes.get(&name).await? else { bail!("there is no node \"{name}\"") };
            answer(format, &node, || shown(&node))?;
        }
        Asked::Recommend { count, label, format } => {
            let found = nodes.recommend(&label, usize::from(count)).await?;
            if found.is_empty() {
                bail!(
                    "there is no node that is at most at a warning, has a worker that is not drained, and has these labels"
                );
            }
            answer(format, &found, || listed(&found))?;
        }
        Asked::Run(asked) => return node_command::run(database, asked).await,
        Asked::Thresholds(of) => thresholds(database, of).await?,
        Asked::Delete(OneNode { name, format }) => {
            if !nodes.delete(&name).await? {
                bail!("there is no node \"{name}\"");
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("node \"{name}\" is forgotten"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn thresholds(database: &Client, of: ThresholdsOf) -> anyhow::Result<()> {
    let (nodes, node) = (database.nodes(), of.node.as_deref().unwrap_or(ALL));
    let mut set = nodes.thresholds().await?;
    if of.reset {
        if !nodes.reset_thresholds(node).await? {
            bail!("nobody has set these thresholds");
        }
        return answer(of.format, &json!({"node": node, "reset": true}), || "they are as they were before".to_owned());
    }
    let pair = |given: &[f64]| match given {
        [warning, critical] => Some(Threshold::new(*warning as f32, *critical as f32)),
        _ => None,
    };
    let mut given = NodeThresholds::default();
    (given.cpu, given.memory, given.disk) = (pair(&of.cpu), pair(&of.memory), pair(&of.disk));
    given.offline_after = of.offline_after;
    if given != NodeThresholds::default() {
        let before = set.remove(node).unwrap_or_default();
        let put = given.or(&before);
        nodes.set_thresholds(node, &put).await?;
        set.insert(node.to_owned(), put);
    }
    answer(of.format, &set, || {
        let percent =
            |pair: Option<Threshold>| or_dash(pair.map(|pair| format!("{}, {}", pair.warning, pair.critical)));
        let rows = set.iter().map(|(node, set)| {
            let silence = or_dash(set.offline_after.map(|time| format!("{time} s")));
            [node.clone(), percent(set.cpu), percent(set.memory), percent(set.disk), silence]
        });
        table(["NODE", "CPU %", "MEMORY %", "DISK %", "OFFLINE AFTER"], rows)
    })
}

fn part(used: i64, total: i64) -> String {
    format!("{:.0} %", 100.0 * used as f64 / total as f64)
}

fn listed(nodes: &[Node]) -> String {
    let rows = nodes.iter().map(|node| {
        let report = &node.report;
        [
            report.name.clone(),
            node.level.to_string(),
            format!("{:.0} %", report.cpu),
            part(report.memory_used, report.memory_total),
            part(report.disk_used, report.disk_total),
            node.workers.to_string(),
            format!("{} of {}", node.running, node.slots),
            format!("{:.2}", node.score.total),
        ]
    });
    table(["NODE", "LEVEL", "CPU", "MEMORY", "DISK", "WORKERS", "RUNNING", "SCORE"], rows)
}

fn shown(node: &Node) -> String {
    let (report, score) = (&node.report, &node.score);
    facts([
        ("name", report.name.clone()),
        ("level", node.level.to_string()),
        ("because of", or_dash((!node.causes.is_empty()).then(|| node.causes.join(", ")))),
        ("since", time(node.level_since)),
        ("cores", report.cores.to_string()),
        ("cpu", format!("{:.1} %", report.cpu)),
        ("memory", part(report.memory_used, report.memory_total)),
        ("disk", part(report.disk_used, report.disk_total)),
        ("load", format!("{:.2}", report.load)),
        ("workers", node.workers.to_string()),
        ("running", format!("{} of {}", node.running, node.slots)),
        ("labels", or_dash((!report.labels.is_empty()).then(|| report.labels.join(", ")))),
        (
            "score",
            format!(
                "{:.3}: 0.4 × {:.2} cpu + 0.3 × {:.2} memory + 0.2 × {:.2} slots + 0.1 × {:.1} health",
                score.total, score.cpu, score.memory, score.load, score.health
            ),
        ),
        ("version", report.version.clone()),
        ("told by", node.reported_by.clone()),
        ("first seen", time(node.first_seen)),
        ("last seen", time(node.seen_at)),
    ])
}
