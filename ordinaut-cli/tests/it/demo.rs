//! `dev --demo`.

use crate::home::Home;
use nix::sys::signal::Signal;
use ordinaut_test_support::fact::is_alive;

#[test]
fn the_demo_ends_with_0_and_a_table_and_leaves_its_jobs_but_no_process() {
    let home = Home::new();
    let mut demo = home.dev("--demo --exit");
    let postmaster = home.postmaster();
    for fact in ["enqueued   1000 in ", "succeeded  999", "dead       1 ", "jobs/s ", "wait p50 ", "wait p95 "] {
        demo.says(fact);
    }
    assert_eq!(demo.ends(), Some(0));
    assert!(!is_alive(postmaster) && home.is_quiet(), "a private server still runs");

    let _dev = home.dev("");

    let jobs = home.json("job list --limit 5");
    assert_eq!(jobs.as_array().unwrap().len(), 5);
    assert!(jobs.as_array().unwrap().iter().all(|job| job["tags"][0] == "demo"), "{jobs}");
    assert_eq!(home.json("dead list").as_array().unwrap().len(), 1);
}

#[test]
fn a_demo_goes_on_as_a_dev_unless_it_is_to_exit() {
    let home = Home::new();
    let mut demo = home.dev("--demo");
    demo.says("the demo is over");
    home.run("job enqueue echo --wait").good();
    assert_eq!(demo.terminate(), Some(0));
}

#[test]
fn a_demo_that_was_stopped_early_is_no_success() {
    let home = Home::new();
    let demo = home.dev("--demo --exit");
    demo.signal(Signal::SIGINT);
    assert_eq!(demo.ends(), Some(1));
    assert!(home.is_quiet());
    assert_eq!(home.run("dev --exit").code, Some(2), "--exit is for the demo only");
}
