//! The benches cannot rot: some of them run, small, through the same function that the program
//! calls.

use ordinaut_benches::{Bench, Options, run};

fn options(jobs: u64) -> Options {
    Options { jobs: Some(jobs), concurrency: 20, program: env!("CARGO_BIN_EXE_ordinaut-benches").into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_measures_a_few_jobs() {
    let figures = run(Bench::Drain, &options(200)).await.unwrap();
    let rate = figures.iter().find(|figure| figure.target.is_some() && figure.unit == "/s").unwrap();
    assert!(rate.value > 0.0 && rate.floor > Some(0.0), "{rate}");
    assert_eq!(rate.jobs, 200);
    let commits = figures.iter().find(|figure| figure.figure == "commits").unwrap();
    assert!(commits.value > 0.0, "{commits}");
}

/// It sends the library's statements by itself.
#[tokio::test(flavor = "multi_thread")]
async fn settle_by_settles_each_way() {
    let figures = run(Bench::SettleBy, &options(1_000)).await.unwrap();
    let settled: Vec<_> = figures.iter().filter(|figure| figure.unit == "/s").map(|figure| figure.jobs).collect();
    assert_eq!(settled, [1_000, 1_000]);
}
