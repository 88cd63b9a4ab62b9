//! CheckTicket with credentials and TLS, against a bare echo with TLS.

use futures::FutureExt;

use anyhow::Result;

use super::{Row, check};
use crate::bench::Bench;
use crate::calls::{Checks, Clients};
use crate::databases::Engine;
use crate::report::Figure;
use crate::secured::Identity;

pub(super) const ROW: Row = Row {
    name: "check-secured",
    about: "CheckTicket with an API key over TLS, requests/s at 64 streams, against a bare tonic \
            echo over TLS that receives the same metadata: at least 0.90; and its processor time \
            over the echo's: at most 2 µs",
    takes: "a copy of the world's database",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let database = bench.copy(engine, &world).await?;
    let identity = Identity::draw(bench.databases.folder())?;
    let (server, metadata) = identity.serve(bench, &database).await?;
    let echo = bench.echo_with(&identity.arguments()?)?;
    let clients = Clients::over(&identity.endpoint(&server)?, metadata.clone()).await?;
    let checks = Checks::new(clients, &bench.expected(&world));
    let echoes = checks.of(Clients::over(&identity.endpoint(&echo)?, metadata).await?);
    let names = [ROW.name, "check-secured-processor"];
    check::compared(bench, engine, (&server, checks), (&echo, echoes), names).await
}
