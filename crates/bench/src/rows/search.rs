//! A picker's search against a scan of all names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::FutureExt;

use super::Row;
use crate::ask::{Clients, number_of};
use crate::bench::Bench;
use crate::databases::Engine;
use crate::fill::email;
use crate::load::{closed, warm_up};
use crate::pairs::{Spread, alternate};
use crate::report::{Bar, Figure};
use crate::sql::{self, Bare};
use crate::world::World;

/// Queries, in turn.
const QUERIES: usize = 64;
/// Queries whose answers are held against a scan's: each costs a scan.
const COMPARED: usize = 16;

pub(super) const ROW: Row = Row {
    name: "search",
    about: "ListContacts with a query (whole names and addresses, in turn), against a LIKE scan for \
            the same page: at least 50 × faster",
    takes: "",
    of_database: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

/// What is typed, and whether a contact is found by it.
#[derive(Clone, Debug)]
struct Query {
    text: String,
    by_name: bool,
}

impl Query {
    fn finds(&self, world: &World, contact: u64) -> bool {
        if self.by_name {
            world.names(contact).whole() == self.text
        } else {
            email(contact).contains(&self.text)
        }
    }
}

fn queries(world: &World) -> Arc<[Query]> {
    let mut questions = world.questions(4);
    let one = |place: usize| {
        let contact = 1 + questions.chance(world.contacts);
        let by_name = place.is_multiple_of(2);
        let text = if by_name {
            world.names(contact).whole()
        } else {
            email(contact)
        };
        Query { text, by_name }
    };
    (0..QUERIES).map(one).collect()
}

/// What is found is what the scan finds, and each contact of it by the world's own names.
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
        bail!("c{wrong} is found by {query:?}");
    }
    if ids.is_empty() || ids != bare.find(&query.text)? {
        bail!(
            "{query:?} does not find what a scan finds: {} contacts",
            ids.len()
        );
    }
    Ok(())
}

/// The mean time of a scan.
fn bare_slice(bare: &mut dyn Bare, queries: &[Query], time: Duration) -> Result<f64> {
    let (begun, mut scans) = (Instant::now(), 0);
    // At least one of a name and one of an address: they take different times.
    while begun.elapsed() < time || scans < 2 {
        bare.find(&queries[scans % queries.len()].text)?;
        scans += 1;
    }
    Ok(begun.elapsed().as_secs_f64() / scans as f64)
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
        spread: Spread::of_gains(&pairs),
        unit: " ×",
        bar: Bar::AtLeast(50.0),
        note: format!(
            "{:.2} ms a search, {:.1} ms a scan",
            millis(&mut pairs.iter().map(|pair| pair.measured)),
            millis(&mut pairs.iter().map(|pair| pair.baseline))
        ),
    }])
}
