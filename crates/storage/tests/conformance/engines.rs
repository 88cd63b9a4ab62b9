//! How one suite is run by two engines.

/// A sentence that must hold on both engines.
macro_rules! on_both_engines {
    ($(#[$doc:meta])* async fn $name:ident($world:ident: World) $body:block) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn holds($world: crate::world::World) {
                let _ = &$world;
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                use crate::world::{Engine, World};
                holds(World::open(Engine::Sqlite, roster_storage::Guarding::On)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                use crate::world::{Engine, World};
                holds(World::open(Engine::Postgres, roster_storage::Guarding::On)).await;
            }
        }
    };
}
