//! `preview`: needs no database, and no `dev`.

use crate::home::Home;
use crate::process::Answer;
use serde_json::{Value, json};

fn preview(words: &[&str]) -> Answer {
    Answer::of(Home::new().command("preview").args(words))
}

#[test]
fn a_preview_tells_instants_in_both_clocks_and_warns_of_a_gap() {
    let words =
        ["--cron", "30 2 * * *", "--timezone", "America/New_York", "--after", "2027-03-13T12:00:00Z", "--count", "2"];
    let told: Value = preview(&[&words[..], &["--json"]].concat()).good().parse().unwrap();
    assert_eq!(told["next"][0], json!({"utc": "2027-03-14T07:00:00Z", "local": "2027-03-14T03:00:00-04:00"}));
    assert_eq!(told["next"].as_array().unwrap().len(), 2);
    let warning = "the clock skips 2027-03-14 02:30: due at 2027-03-14T03:00:00-04:00 instead";
    assert_eq!(told["warnings"][0], warning);
    let text = preview(&words);
    assert!(text.good().contains("\n2027-03-14T07:00:00Z "), "{text:?}");
    assert!(text.out.starts_with("UTC ") && text.out.contains(&format!("\nwarning: {warning}\n")), "{text:?}");
}

#[test]
fn a_schedule_without_a_zone_goes_by_the_setting() {
    let home = Home::new();
    let once = |zone: Option<&str>| {
        let mut command = home.command("task preview --once 2099-03-01T09:00 --json");
        let told: Value = Answer::of(command.envs(zone.map(|zone| ("TZ", zone)))).good().parse().unwrap();
        told["next"][0]["utc"].clone()
    };
    assert_eq!(once(None), "2099-03-01T09:00:00Z", "UTC");
    assert_eq!(once(Some("Asia/Tokyo")), "2099-03-01T00:00:00Z");
    let wrong = Answer::of(home.command("task preview --cron @daily").env("TZ", "Europe/Chisinow"));
    assert!(wrong.bad_line(2).starts_with("TZ is \"Europe/Chisinow\", and must be "), "{wrong:?}");
}

#[test]
fn a_service_is_previewed_in_words() {
    let text = preview(&["--service"]);
    assert!(text.good().contains("the next one 5 s after it has ended"), "{text:?}");
}

#[test]
fn each_kind_can_be_typed_and_a_bad_one_is_named() {
    for words in [
        ["--every", "1h30m"],
        ["--rrule", "FREQ=MONTHLY;BYDAY=-1FR"],
        ["--cron", "@business_days 08:30"],
        ["--event", "orders.#"],
        ["--condition", "ready_depth(mail) > 100 for 60s"],
        ["--service", "30s"],
    ] {
        preview(&words).good();
    }
    preview(&["--rrule", "FREQ=DAILY;COUNT=2", "--dtstart", "2100-01-01T09:00"]).good();
    for (words, begin) in [
        (vec!["--cron", "0 0 30 2 *"], "expr "),
        (vec!["--every", "0s"], "expr "),
        (vec!["--cron", "@daily", "--timezone", "Europe/Chisinow"], "timezone "),
        (vec!["--cron", "@daily", "--count", "0"], "count must be from 1 to 100"),
        (vec!["--rrule", "FREQ=DAILY", "--dtstart", "1066-10-14T09:00:00"], "dtstart "),
        (vec!["--rrule", "FREQ=DAILY;COUNT=1"], "dtstart "),
        (vec!["--rrule", "FREQ=DAILY;COUNT=2"], "dtstart "),
        (vec![], "no schedule is given: "),
        (vec!["--cron", "@daily", "--calendar", "holidays"], "DATABASE_URL is not set"),
    ] {
        let answer = preview(&words);
        assert!(answer.bad_line(1).starts_with(begin), "{words:?}: {answer:?}");
    }
    for words in [["--cron", "@daily", "--every", "1h"], ["--cron", "@daily", "--after", "tomorrow"]] {
        assert_eq!(preview(&words).code, Some(2), "{words:?}");
    }
}
