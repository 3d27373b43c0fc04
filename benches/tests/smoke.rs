//! The benches cannot rot: one of them runs, small, through the same function that the program
//! calls.

use ordinaut_benches::{Bench, Options, run};

#[tokio::test(flavor = "multi_thread")]
async fn drain_measures_a_few_jobs() {
    let options = Options { jobs: Some(200), concurrency: 20, program: env!("CARGO_BIN_EXE_ordinaut-benches").into() };
    let figures = run(Bench::Drain, &options).await.unwrap();
    let rate = figures.iter().find(|figure| figure.target.is_some() && figure.unit == "/s").unwrap();
    assert!(rate.value > 0.0 && rate.floor > Some(0.0), "{rate}");
    assert_eq!(rate.jobs, 200);
    let commits = figures.iter().find(|figure| figure.figure == "commits").unwrap();
    assert!(commits.value > 0.0, "{commits}");
}
