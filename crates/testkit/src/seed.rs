//! The seed of a random test, so that a failure can be repeated.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The variable that repeats a random test.
const VARIABLE: &str = "ROSTER_SEED";

/// Returns the seed in `ROSTER_SEED`.
pub fn from_environment() -> Option<u64> {
    let seed = std::env::var(VARIABLE).ok()?;
    let number = seed.parse();
    Some(number.unwrap_or_else(|_| panic!("{VARIABLE} is a number, not {seed:?}")))
}

/// Prints how to repeat a test. The output appears only if the test fails.
pub fn announce(seed: u64) {
    println!("seed {seed}: repeat with {VARIABLE}={seed}");
}

/// Returns the random number generator of one test, seeded from `ROSTER_SEED` or with a new seed.
pub fn rng() -> StdRng {
    let seed = from_environment().unwrap_or_else(rand::random);
    announce(seed);
    StdRng::seed_from_u64(seed)
}
