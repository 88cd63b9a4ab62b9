//! A search of a picker against a scan of all names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;

use super::Row;
use crate::bench::Bench;
use crate::calls::{Clients, number_of};
use crate::databases::Engine;
use crate::fill::email;
use crate::load::{closed, warm_up};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};
use crate::sql::{self, Bare};
use crate::world::World;

/// The number of distinct queries.
const QUERIES: usize = 64;
/// The number of queries whose answers are compared with a scan. Each costs a scan.
const COMPARED: usize = 16;

pub(super) const ROW: Row = Row {
    name: "search",
    about: "ListContacts with a query (alternately full names and email addresses), against a LIKE \
            scan for the same page: at least 50 × faster",
    takes: "",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// A query: the full name or the email address of a contact.
#[derive(Clone, Debug)]
struct Query {
    text: String,
    by_name: bool,
}

impl Query {
    /// Whether a contact matches.
    fn finds(&self, world: &World, contact: u64) -> bool {
        if self.by_name {
            world.names(contact).full_name() == self.text
        } else {
            email(contact).contains(&self.text)
        }
    }
}

fn queries(world: &World) -> Arc<[Query]> {
    let mut questions = world.questions(4);
    let query = |place: usize| {
        let contact = 1 + questions.random(world.contacts);
        let by_name = place.is_multiple_of(2);
        let text = if by_name {
            world.names(contact).full_name()
        } else {
            email(contact)
        };
        Query { text, by_name }
    };
    (0..QUERIES).map(query).collect()
}

/// Checks the answer to a query: it equals the result of a scan, and each contact in it has the
/// name or the address in the world.
async fn compare(
    world: &World,
    clients: &Clients,
    bare: &mut dyn Bare,
    query: &Query,
) -> Result<()> {
    let answer = clients.find(&query.text).await?;
    let ids = answer
        .contacts
        .iter()
        .map(|contact| number_of('c', &contact.id));
    let ids: Vec<u64> = ids.map(Option::unwrap_or_default).collect();
    if let Some(wrong) = ids.iter().find(|id| !query.finds(world, **id)) {
        bail!("{query:?} finds c{wrong}, which does not match");
    }
    if ids.is_empty() || ids != bare.find(&query.text)? {
        bail!(
            "{query:?} finds {} contacts, and a scan finds others",
            ids.len()
        );
    }
    Ok(())
}

/// Measures the mean time of a scan.
fn bare_slice(bare: &mut dyn Bare, queries: &[Query], time: Duration) -> Result<f64> {
    let (started, mut scans) = (Instant::now(), 0);
    // At least one scan for a name and one for an address, because their times differ.
    while started.elapsed() < time || scans < 2 {
        bare.find(&queries[scans % queries.len()].text)?;
        scans += 1;
    }
    Ok(started.elapsed().as_secs_f64() / scans as f64)
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.expected(&bench.world());
    let database = bench.filled(engine, &bench.world()).await?;
    let server = bench.serve(&database)?;
    let clients = Clients::connect(&server.url()).await?;
    let mut bare = sql::open(&database)?;
    let queries = queries(&world);
    for query in queries.iter().take(COMPARED) {
        compare(&world, &clients, bare.as_mut(), query).await?;
    }
    let searches = async || {
        let (clients, queries) = (clients.clone(), Arc::clone(&queries));
        let search = move |number: u64| {
            let (clients, queries) = (clients.clone(), Arc::clone(&queries));
            async move {
                let query = &queries[number as usize % queries.len()];
                clients.find(&query.text).await.map(drop)
            }
        };
        anyhow::Ok(closed(1, bench.slice(), search).await?.mean())
    };
    warm_up(async || Ok(1.0 / searches().await?)).await?;
    let pairs = alternate(
        bench.slices(),
        async || tokio::task::block_in_place(|| bare_slice(bare.as_mut(), &queries, bench.slice())),
        searches,
    )
    .await?;
    let millis = |values: &mut dyn Iterator<Item = f64>| Spread::of(values).median * 1e3;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_speedups(&pairs),
        unit: " ×",
        bar: Bar::AtLeast(50.0),
        note: format!(
            "{:.2} ms per search, {:.1} ms per scan",
            millis(&mut pairs.iter().map(|pair| pair.measured)),
            millis(&mut pairs.iter().map(|pair| pair.baseline))
        ),
    }])
}
