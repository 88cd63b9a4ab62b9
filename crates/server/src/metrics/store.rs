//! The store's work: batches of writes, and waiting for connections.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use roster_storage::{Lane, Observer, Work};

/// The buckets of numbers of commands: up to a whole batch.
const COMMANDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The buckets of times, in seconds: from a commit without a sync to a move of a million tickets.
const SECONDS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0,
];

type Lanes = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// See the module.
#[derive(Debug)]
pub(crate) struct StoreMetrics {
    commands: Lanes,
    transactions: Lanes,
    of_calls: LaneMetrics,
    of_jobs: LaneMetrics,
    connections: Histogram,
    statements: Family<[(&'static str, &'static str); 1], Counter>,
    of_reads: Counter,
    of_writes: Counter,
    of_followers: Counter,
}

/// The metrics of one lane.
#[derive(Debug)]
struct LaneMetrics {
    commands: Histogram,
    transactions: Histogram,
}

/// The label of work.
fn work_label(work: Work) -> [(&'static str, &'static str); 1] {
    [(
        "work",
        match work {
            Work::Reads => "reads",
            Work::Writes => "writes",
            Work::Followers => "followers",
        },
    )]
}

/// The label of a lane.
pub(super) fn label(lane: Lane) -> [(&'static str, &'static str); 1] {
    [(
        "lane",
        match lane {
            Lane::Calls => "calls",
            Lane::Jobs => "jobs",
        },
    )]
}

impl Default for StoreMetrics {
    fn default() -> Self {
        let commands = Lanes::new_with_constructor(|| Histogram::new(COMMANDS));
        let transactions = Lanes::new_with_constructor(|| Histogram::new(SECONDS));
        let of = |lane| LaneMetrics {
            commands: commands.get_or_create_owned(&label(lane)),
            transactions: transactions.get_or_create_owned(&label(lane)),
        };
        let statements = Family::<_, Counter>::default();
        let statements_of = |work| statements.get_or_create_owned(&work_label(work));
        Self {
            of_reads: statements_of(Work::Reads),
            of_writes: statements_of(Work::Writes),
            of_followers: statements_of(Work::Followers),
            statements,
            of_calls: of(Lane::Calls),
            of_jobs: of(Lane::Jobs),
            commands,
            transactions,
            connections: Histogram::new(SECONDS),
        }
    }
}

impl StoreMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "roster_write_batch_commands",
            "Commands of one transaction",
            self.commands.clone(),
        );
        registry.register_with_unit(
            "roster_write_transaction_duration",
            "Time of a transaction that writes, its commit included",
            Unit::Seconds,
            self.transactions.clone(),
        );
        registry.register_with_unit(
            "roster_database_connection_wait",
            "Time until a read or a writer had a connection to the database",
            Unit::Seconds,
            self.connections.clone(),
        );
        registry.register(
            "roster_database_statements",
            "Statements that were sent to the database",
            self.statements.clone(),
        );
    }
}

impl Observer for StoreMetrics {
    fn batch(&self, lane: Lane, commands: usize, took: Duration) {
        let metrics = match lane {
            Lane::Calls => &self.of_calls,
            Lane::Jobs => &self.of_jobs,
        };
        metrics.commands.observe(commands as f64);
        metrics.transactions.observe(took.as_secs_f64());
    }

    fn connection(&self, waited: Duration) {
        self.connections.observe(waited.as_secs_f64());
    }

    fn statements(&self, work: Work, number: u64) {
        let metric = match work {
            Work::Reads => &self.of_reads,
            Work::Writes => &self.of_writes,
            Work::Followers => &self.of_followers,
        };
        metric.inc_by(number);
    }
}
