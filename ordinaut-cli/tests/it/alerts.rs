//! Alerts as they are typed.

use crate::home::shared;
use ordinaut_test_support::fact::eventually;
use serde_json::json;

#[test]
fn a_rule_is_set_an_alert_fires_is_acknowledged_silenced_and_over() {
    let home = shared();
    let rule = home.json(
        "alert rule set alarming --source queue_depth --subject alarming --threshold 2 --severity critical --about loud",
    );
    assert_eq!(
        (&rule["source"], &rule["severity"], &rule["enabled"]),
        (&json!("queue_depth"), &json!("critical"), &json!(true))
    );
    let silence = home.json("alert silence add --rule alarming --for 3600 --reason moving --by ann");
    assert_eq!((&silence["created_by"], &silence["active"]), (&json!("ann"), &json!(true)));
    assert!(home.run("alert silence list").good().contains("moving"));
    home.enqueue("nobody --queue alarming");
    home.enqueue("nobody --queue alarming");
    let alert = eventually("it fires", || {
        let found = home.json("alert list --state firing --rule alarming");
        found.as_array().unwrap().first().cloned()
    });
    assert_eq!(
        (&alert["subject"], &alert["value"], &alert["silenced"]),
        (&json!("alarming"), &json!(2.0), &json!(true))
    );
    let id = alert["id"].as_str().unwrap();
    let listed = home.run("alert list --rule alarming");
    assert!(
        listed.good().contains("firing, silenced") && listed.out.contains("jobs that wait in queue alarming: 2"),
        "{listed:?}"
    );
    let known = home.json(&format!("alert acknowledge {id} --by ann --note coming"));
    assert_eq!((&known["acknowledged_by"], &known["note"]), (&json!("ann"), &json!("coming")));
    let shown = home.run(&format!("alert show {id}"));
    assert!(
        shown.good().contains("known to   ann") && shown.out.contains("jobs that wait in queue alarming: 2"),
        "{shown:?}"
    );
    let silence = silence["id"].as_str().unwrap();
    assert!(home.run(&format!("alert silence delete {silence}")).good().contains("is deleted"));
    assert_eq!(
        home.run(&format!("alert silence delete {silence}")).bad_line(1),
        format!("there is no silence {silence}")
    );

    assert_eq!(home.json("alert rule disable alarming")["enabled"], json!(false));
    assert!(
        home.run("alert rule list")
            .good()
            .lines()
            .any(|line| line.trim_start().starts_with("alarming") && line.trim_end().ends_with("off"))
    );
    eventually("it is over", || (home.json(&format!("alert show {id}"))["state"] == "resolved").then_some(()));
    assert!(home.run(&format!("alert acknowledge {id}")).bad_line(1).ends_with("does not fire: it is resolved"));
    assert!(home.run("alert list --all --rule alarming").good().contains("resolved"));
    assert_eq!(home.json("alert rule enable alarming")["enabled"], json!(true));
    assert!(home.run("alert rule show alarming").good().contains("loud"));
    home.run("alert rule delete alarming").good();
    assert_eq!(home.run("alert rule show alarming").bad_line(1), "there is no alert rule \"alarming\"");

    assert!(home.run("alert rule set x --source disk --threshold 0").bad_line(1).starts_with("threshold must be "));
    assert!(
        home.run("alert silence add --reason x --until 2020-01-01T00:00:00Z")
            .bad_line(1)
            .starts_with("ends_at must be ")
    );
    for line in
        ["alert", "alert rule set x --source moon --threshold 1", "alert silence add --reason x", "alert show 7"]
    {
        assert_eq!(home.run(line).code, Some(2), "{line}");
    }
}
