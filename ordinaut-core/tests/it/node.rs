//! Machines: what is told of them, their levels, and which is the best.

use crate::events::events;
use crate::fixture::{database, schedule_once, tell};
use ordinaut_core::Client;
use ordinaut_core::event::EventType;
use ordinaut_core::node::{NodeError, NodeLevel, NodeReport, NodeThresholds, Threshold};

/// A machine of four processors, of which these percents are in use.
fn machine(name: &str, cpu: f32, memory: i64, disk: i64) -> NodeReport {
    let mut report = NodeReport::new(name);
    (report.cores, report.cpu, report.load) = (4, cpu, 0.5);
    (report.memory_total, report.memory_used) = (100, memory);
    (report.disk_total, report.disk_used) = (100, disk);
    report
}

async fn report(db: &Client, report: &NodeReport) {
    db.nodes().report(report, "test").await.unwrap();
}

async fn level(db: &Client, name: &str) -> (NodeLevel, String) {
    schedule_once(db).await;
    let node = db.nodes().get(name).await.unwrap().unwrap();
    (node.level, node.causes.join(" "))
}

/// The levels that were told of machines, in their order.
async fn told(db: &Client) -> Vec<(String, NodeLevel)> {
    // The last change is numbered by another turn of the relay.
    schedule_once(db).await;
    let events = events(db).await.into_iter().filter(|event| event.r#type == EventType::NodeLevel);
    events.map(|event| (event.subject.unwrap(), event.node_level.unwrap())).collect()
}

#[tokio::test]
async fn what_was_told_last_is_what_there_is_and_nothing_impossible_is_stored() {
    let db = database().await;
    report(&db, &machine("a", 10.0, 20, 30)).await;
    report(&db, &machine("b", 0.0, 0, 0)).await;
    report(&db, &machine("a", 11.0, 21, 31)).await;
    let nodes = db.nodes().list().await.unwrap();
    let told: Vec<_> = nodes.iter().map(|node| (&*node.report.name, node.report.cpu)).collect();
    assert_eq!(told, [("a", 11.0), ("b", 0.0)]);
    assert_eq!((nodes[0].reported_by.as_str(), nodes[0].workers, nodes[0].slots), ("test", 0, 0));

    let field = async |wrong: &dyn Fn(&mut NodeReport)| {
        let mut report = machine("c", 1.0, 1, 1);
        wrong(&mut report);
        match db.nodes().report(&report, "test").await {
            Err(NodeError::Invalid(invalid)) => invalid.field,
            told => panic!("{told:?}"),
        }
    };
    assert_eq!(field(&|report| report.name.clear()).await, "name");
    assert_eq!(field(&|report| report.cores = 0).await, "cores");
    assert_eq!(field(&|report| report.cpu = f32::NAN).await, "cpu");
    assert_eq!(field(&|report| report.load = f32::INFINITY).await, "load");
    assert_eq!(field(&|report| report.memory_used = 101).await, "memory_used");
    assert_eq!(field(&|report| report.disk_total = 0).await, "disk_total");
    assert_eq!(field(&|report| report.address = Some("x\0".to_owned())).await, "address");
    assert_eq!(field(&|report| report.labels = vec!["=".to_owned()]).await, "labels");
    assert!(db.nodes().get("c").await.unwrap().is_none());

    assert!(db.nodes().delete("b").await.unwrap());
    assert!(!db.nodes().delete("b").await.unwrap());
    assert!(db.nodes().get("b").await.unwrap().is_none());
}

#[tokio::test]
async fn a_level_is_told_once_when_it_changes_and_not_at_each_swing_round_a_threshold() {
    use NodeLevel::{Critical, Healthy, Offline, Warning};
    let db = database().await;
    for (disk, expected, why) in [
        (79, Healthy, ""),
        (91, Critical, "disk=critical"),
        (89, Critical, "disk=critical"),
        (91, Critical, "disk=critical"),
        (84, Warning, "disk=warning"),
        (76, Warning, "disk=warning"),
        (74, Healthy, ""),
    ] {
        report(&db, &machine("a", 1.0, 1, disk)).await;
        assert_eq!(level(&db, "a").await, (expected, why.to_owned()), "{disk}");
    }
    tell(&db, "update ordinaut.node set seen_at = clock_timestamp() - interval '121 s'").await;
    assert_eq!(level(&db, "a").await.0, Offline);
    report(&db, &machine("a", 96.0, 1, 1)).await;
    // All of them see it, and one tells.
    tokio::join!(schedule_once(&db), schedule_once(&db), schedule_once(&db));
    assert_eq!(level(&db, "a").await, (Critical, "cpu=critical".to_owned()));
    let levels = [Critical, Warning, Healthy, Offline, Critical].map(|level| ("a".to_owned(), level));
    assert_eq!(told(&db).await, levels);

    tell(&db, "update ordinaut.node set seen_at = clock_timestamp() - interval '8 days'").await;
    schedule_once(&db).await;
    assert!(db.nodes().list().await.unwrap().is_empty(), "one of a week ago is forgotten");
}

#[tokio::test]
async fn thresholds_that_were_set_for_one_win_over_those_for_all() {
    let db = database().await;
    for name in ["a", "b"] {
        report(&db, &machine(name, 50.0, 1, 50)).await;
    }
    let nodes = db.nodes();
    let mut all = NodeThresholds::default();
    (all.cpu, all.disk) = (Some(Threshold::new(40.0, 60.0)), Some(Threshold::new(40.0, 60.0)));
    nodes.set_thresholds("*", &all).await.unwrap();
    let mut own = NodeThresholds::default();
    own.disk = Some(Threshold::new(30.0, 45.0));
    nodes.set_thresholds("a", &own).await.unwrap();
    assert_eq!(level(&db, "a").await, (NodeLevel::Critical, "cpu=warning disk=critical".to_owned()));
    assert_eq!(level(&db, "b").await, (NodeLevel::Warning, "cpu=warning disk=warning".to_owned()));
    assert_eq!(nodes.thresholds().await.unwrap(), [("*".to_owned(), all), ("a".to_owned(), own)].into());

    assert!(nodes.reset_thresholds("*").await.unwrap());
    assert!(!nodes.reset_thresholds("*").await.unwrap());
    assert_eq!(level(&db, "b").await, (NodeLevel::Healthy, String::new()));
    let mut inverted = NodeThresholds::default();
    inverted.memory = Some(Threshold::new(90.0, 80.0));
    let refused = nodes.set_thresholds("a", &inverted).await.unwrap_err();
    assert!(refused.to_string().contains("memory"), "{refused}");
}

#[tokio::test]
async fn the_best_machine_is_the_one_with_most_room_that_has_what_is_required() {
    let db = database().await;
    for (name, cpu) in [("full", 90.0), ("idle", 10.0), ("half", 50.0), ("sick", 0.0), ("empty", 0.0)] {
        report(&db, &machine(name, cpu, 20, if name == "sick" { 95 } else { 10 })).await;
    }
    tell(
        &db,
        "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease,
                                      expires_at, running, labels)
         select row_number() over (), host || '/1', host, 1, '1', '{}', '{}', 4, 3, '30 s', clock_timestamp() + interval '1 h',
                running, labels
         from (values ('full', 4, array['gpu']), ('idle', 1, '{}'), ('half', 3, array['gpu']), ('sick', 0, array['gpu'])
              ) as at(host, running, labels)",
    )
    .await;
    schedule_once(&db).await;
    let best = async |labels: &[&str], count| -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let nodes = db.nodes().recommend(&labels, count).await.unwrap();
        nodes.into_iter().map(|node| node.report.name).collect()
    };
    assert_eq!(best(&[], 5).await, ["idle", "half", "full"]);
    assert_eq!(best(&["gpu"], 1).await, ["half"]);
    assert_eq!(best(&["!gpu"], 5).await, ["idle"]);
    assert!(best(&["tape"], 5).await.is_empty());
    let half = db.nodes().get("half").await.unwrap().unwrap();
    // 0.4 * 0.5 + 0.3 * 0.8 + 0.2 * 0.25 + 0.1 * 1
    assert!((half.score.total - 0.59).abs() < 1e-6, "{half:?}");
    db.workers().drain("idle/1").await.unwrap();
    assert_eq!(best(&[], 5).await, ["half", "full"], "a drained worker takes nothing");
}
