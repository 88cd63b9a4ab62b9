//! An import by the service against a raw load of the same rows, and its peak of memory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::FutureExt;
use roster_api::v1::ImportKind;
use roster_client::{ImportOptions, Roster};

use super::Row;
use crate::bench::Bench;
use crate::databases::Engine;
use crate::fill::{allow_multiple_accounts, check_import, parts, write_pairs};
use crate::load::Slice;
use crate::pairs::{Spread, alternate};
use crate::process::Process;
use crate::report::{Bar, Figure};
use crate::sql;
use crate::world::{Size, World};

pub(super) const ROW: Row = Row {
    name: "import",
    about: "import of a CSV file with one new association per contact (1M in world M), end to end, \
            against the raw load, in one transaction, of the rows that the import writes to the \
            associations and to the change log, with all columns and indexes: at least 0.50",
    takes: "minutes: it measures a tenth of the pairs, each on two new copies of the database",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| measure(bench, engine).boxed_local(),
};

pub(super) const MEMORY: Row = Row {
    name: "import-memory",
    about: "the peak memory of the server while it imports one association per contact (1M in \
            world M), minus the memory of the idle server: at most 200 MB",
    takes: "a copy of the world's database and one import",
    per_engine: true,
    only_by_name: false,
    measure: |bench, engine| memory(bench, engine).boxed_local(),
};

/// One new pair per contact.
fn pairs_of(world: &World) -> impl Iterator<Item = (u64, u64)> {
    (0..world.contacts).map(|number| world.new_pair(number))
}

/// Imports one new association per contact. Returns the time from the first byte to the last row.
pub(crate) async fn import_pairs(
    bench: &Bench,
    server: &Process,
    world: &World,
) -> Result<Duration> {
    let path = bench.databases.folder().join("associations.csv");
    write_pairs(&path, pairs_of(world))?;
    let roster = Roster::connect(server.url()).await?;
    let started = Instant::now();
    let options = ImportOptions::default();
    let done = roster
        .import(&path, ImportKind::Associations, &options, |_| {})
        .await?;
    let took = started.elapsed();
    check_import(&done)?;
    std::fs::remove_file(path)?;
    Ok(took)
}

/// Imports of the files of a small world, each time into a new organization.
pub(crate) struct Imports {
    url: String,
    files: Vec<(ImportKind, PathBuf)>,
    done: u32,
}

impl Imports {
    pub(crate) fn new(bench: &Bench, server: &Process) -> Result<Self> {
        let world = bench.world_of(match bench.measuring.world {
            Size::Tiny => Size::Tiny,
            Size::S | Size::Files | Size::M | Size::L => Size::Files,
        });
        let mut files = Vec::new();
        for part in parts(&world) {
            let name = format!("{:?}.csv", part.kind);
            let path = bench.databases.folder().join(name);
            part.write(&world, &path)?;
            files.push((part.kind, path));
        }
        Ok(Self {
            url: server.url(),
            files,
            done: 0,
        })
    }

    /// Imports all files once. The slice counts rows.
    pub(crate) async fn slice(&mut self) -> Result<Slice> {
        self.done += 1;
        let organization = format!("import-{}", self.done);
        let roster = Roster::builder(&self.url).organization(organization);
        let roster = roster.connect().await?;
        allow_multiple_accounts(&roster).await?;
        let (started, mut rows) = (Instant::now(), 0);
        for (kind, path) in &self.files {
            let options = ImportOptions::default();
            let done = roster.import(path, *kind, &options, |_| {}).await?;
            check_import(&done)?;
            rows += done.rows_total as u64;
        }
        Slice::of(rows, started.elapsed())
    }
}

async fn measure(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    let world = bench.world();
    let rows: Vec<(u64, u64)> = pairs_of(&world).collect();
    let raw = async || {
        let database = bench.copy(engine, &world).await?;
        let mut bare = sql::open(&database)?;
        let started = Instant::now();
        tokio::task::block_in_place(|| bare.load(&rows))?;
        Ok(started.elapsed().as_secs_f64())
    };
    let imported = async || {
        let database = bench.copy(engine, &world).await?;
        let server = bench.serve(&database)?;
        let took = import_pairs(bench, &server, &world).await?;
        server.stop()?;
        Ok(took.as_secs_f64())
    };
    let pairs = alternate(bench.repetitions(), raw, imported).await?;
    let per_second =
        |values: &mut dyn Iterator<Item = f64>| rows.len() as f64 / Spread::of(values).median;
    Ok(vec![Figure {
        name: ROW.name,
        engine: Some(engine),
        spread: Spread::of_speedups(&pairs),
        unit: " ×",
        bar: Bar::AtLeast(0.5),
        note: format!(
            "{:.0} rows/s imported, {:.0} rows/s raw (associations with their indexes, change \
             sets, their payloads and subjects)",
            per_second(&mut pairs.iter().map(|pair| pair.measured)),
            per_second(&mut pairs.iter().map(|pair| pair.baseline))
        ),
    }])
}

async fn memory(bench: &Bench, engine: Engine) -> Result<Vec<Figure>> {
    const MEGABYTE: f64 = 1e6;
    let world = bench.world();
    let database = bench.copy(engine, &world).await?;
    let server = bench.serve(&database)?;
    server.reset_peak_memory()?;
    let idle = server.peak_memory()? as f64;
    import_pairs(bench, &server, &world).await?;
    let peak = server.peak_memory()? as f64;
    Ok(vec![Figure {
        name: MEMORY.name,
        engine: Some(engine),
        spread: Spread::of([(peak - idle) / MEGABYTE]),
        unit: " MB",
        bar: Bar::AtMost(200.0),
        note: format!(
            "peak {:.0} MB, idle {:.0} MB",
            peak / MEGABYTE,
            idle / MEGABYTE
        ),
    }])
}
