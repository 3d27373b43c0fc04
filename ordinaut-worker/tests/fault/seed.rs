//! What is random in a case, from one number that repeats it.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// `FAULT_SEED`, or a new one; printed, so that a run can be repeated.
pub(crate) fn random() -> StdRng {
    let given = std::env::var("FAULT_SEED").ok();
    let seed = given.map_or_else(|| u64::from(rand::random::<u32>()), |text| text.parse().unwrap());
    eprintln!("FAULT_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
