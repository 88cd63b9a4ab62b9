//! Runs one suite on two engines.

/// Makes two tests of each of these functions, `name::sqlite` and `name::postgres`. The compiler
/// reports a function that is not in the list as dead code.
macro_rules! both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use roster_storage::Guarding;

            use crate::world::{Engine, World};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(World::open(Engine::Sqlite, Guarding::On)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(World::open(Engine::Postgres, Guarding::On)).await;
            }
        }
    )+};
}
