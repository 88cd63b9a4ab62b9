//! Metrics that a scrape reads: memory, queues, imports.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use roster_intake::Totals;
use roster_storage::{Lane, Store};

use super::store::label;
use crate::memory::Memory;
use crate::spool::Spools;

/// See the module.
pub(crate) struct Snapshot {
    pub(crate) store: Arc<Store>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) imports: Arc<Totals>,
    pub(crate) spools: Arc<Spools>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        self.writes(&mut encoder)?;
        self.imports(&mut encoder)?;
        self.memory(&mut encoder)
    }
}

impl Snapshot {
    fn writes(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let waiting = self.store.writes_waiting();
        let help = "Commands that wait for a writer";
        let rows = [
            (label(Lane::Calls), waiting.calls as f64),
            (label(Lane::Jobs), waiting.jobs as f64),
        ];
        let kind = ConstGauge::new(0.0).metric_type();
        let mut metric = encoder.encode_descriptor("roster_writes_waiting", help, None, kind)?;
        for (labels, value) in rows {
            ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn imports(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counted = self.imports.counts();
        let rows = [
            ([("outcome", "created")], counted.rows.created),
            ([("outcome", "updated")], counted.rows.updated),
            ([("outcome", "unchanged")], counted.rows.unchanged),
            ([("outcome", "rejected")], counted.rows.rejected),
        ];
        let help = "Rows of imports that this server has worked through, by what became of them";
        counters(encoder, ("roster_import_rows", help), &rows)?;
        let rejects: Vec<_> = counted
            .rejects
            .iter()
            .map(|(reason, count)| ([("reason", reason.as_str())], *count))
            .collect();
        let help = "Rows of imports that were rejected, by the reason";
        counters(encoder, ("roster_import_rejects", help), &rejects)
    }

    fn memory(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let (figures, answers) = (self.memory.figures(), self.memory.answers());
        let used = self.spools.usage();
        for (name, help, value) in [
            (
                "roster_answers_from_memory",
                "Checks, batches and explanations that were answered from memory",
                answers.memory(),
            ),
            (
                "roster_answers_from_database",
                "Checks, batches and explanations that were answered from the database",
                answers.database(),
            ),
        ] {
            let counter = ConstCounter::new(value);
            let metric = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        for (name, help, unit, value) in [
            (
                "roster_organizations_in_memory",
                "Organizations whose facts are in memory",
                None,
                figures.organizations as f64,
            ),
            (
                "roster_organizations_refused",
                "Organizations that did not fit into memory lately",
                None,
                figures.refused as f64,
            ),
            (
                "roster_memory",
                "Memory that the facts take",
                Some(Unit::Bytes),
                figures.bytes as f64,
            ),
            (
                "roster_memory_max",
                "Memory that the facts may take",
                Some(Unit::Bytes),
                figures.bytes_max as f64,
            ),
            (
                "roster_uploads",
                "Uploads that are being received",
                None,
                used.uploads as f64,
            ),
            (
                "roster_spool",
                "Room that uploaded files take",
                Some(Unit::Bytes),
                used.bytes as f64,
            ),
            (
                "roster_memory_age",
                "Time since the facts in memory last equaled the database",
                Some(Unit::Seconds),
                self.memory.age().as_secs_f64(),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            let metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}

fn counters<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    rows: &[(L, u64)],
) -> Result<(), Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in rows {
        ConstCounter::new(*value).encode(metric.encode_family(labels)?)?;
    }
    Ok(())
}
