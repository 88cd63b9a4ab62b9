//! The seed of a random test, so that a failure can be repeated.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The variable that repeats a random test.
const VARIABLE: &str = "ROSTER_SEED";

/// The seed that `ROSTER_SEED` asks for.
pub fn asked() -> Option<u64> {
    let seed = std::env::var(VARIABLE).ok()?;
    let number = seed.parse();
    Some(number.unwrap_or_else(|_| panic!("{VARIABLE} is a number, not {seed:?}")))
}

/// Prints how to repeat a test. The output of a test is shown if it fails.
pub fn announce(seed: u64) {
    println!("seed {seed}: repeat with {VARIABLE}={seed}");
}

/// The source of everything that one test draws, from the seed that `ROSTER_SEED` asks for or from
/// a new one.
pub fn rng() -> StdRng {
    let seed = asked().unwrap_or_else(rand::random);
    announce(seed);
    StdRng::seed_from_u64(seed)
}
