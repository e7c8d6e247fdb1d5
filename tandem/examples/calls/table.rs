//! What was measured: medians of all rounds, and what that is beside the others.

use crate::job::Job;
use crate::load::Heard;
use crate::peer::Peer;
use core::time::Duration;
use serde_json::json;
use std::collections::BTreeMap;

/// One round.
pub(crate) struct Row {
    /// The time of the first core that all calls took.
    pub(crate) cpu: Duration,
    /// KiB at its end.
    pub(crate) memory: u64,
    /// What callers heard.
    pub(crate) heard: Heard,
}

/// All rounds.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<(Job, Peer), Vec<Row>>);

impl Row {
    /// Microseconds of a core for each call that was completed.
    fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.heard.completed.max(1) as f64)
    }
}

impl Table {
    pub(crate) fn add(&mut self, key: (Job, Peer), row: Row) {
        self.0.entry(key).or_default().push(row);
    }

    pub(crate) fn last(&self, key: (Job, Peer)) -> String {
        let row = self.0.get(&key).and_then(|rows| rows.last());
        row.map_or(String::new(), |row| {
            let Heard { calls, completed, resent, setup_p50, setup_p99, .. } = row.heard;
            format!("{:.1} µs a call, {completed} of {calls} completed, {resent} resent, set up in {setup_p50} µs ({setup_p99})", row.micros())
        })
    }

    pub(crate) fn words(&self) -> String {
        let mut text = format!(
            "{:<12} {:<18} {:>10} {:>12} {:>10} {:>12} {:>12} {:>10}\n",
            "JOB", "PEER", "µs/CALL", "OF TANDEM'S", "LOST", "SETUP p50", "p99", "KiB"
        );
        for ((job, peer), rows) in &self.0 {
            let micros = median(rows.iter().map(Row::micros));
            let ours = self.0.get(&(*job, Peer::Tandem)).map(|rows| median(rows.iter().map(Row::micros)));
            let ratio = ours.map_or(String::new(), |ours| format!("{:.2}", micros / ours));
            let lost: u64 =
                rows.iter().map(|row| row.heard.calls - row.heard.completed + row.heard.resent).sum();
            let of = |value: fn(&Heard) -> u64| median(rows.iter().map(|row| value(&row.heard) as f64));
            let memory = median(rows.iter().map(|row| row.memory as f64));
            text += &format!(
                "{:<12} {:<18} {micros:>10.1} {ratio:>12} {lost:>10} {:>12.0} {:>12.0} {memory:>10.0}\n",
                job.name(),
                peer.name(),
                of(|heard| heard.setup_p50),
                of(|heard| heard.setup_p99)
            );
        }
        text
    }

    pub(crate) fn json(&self) -> String {
        let rows = self.0.iter().map(|((job, peer), rows)| {
            json!({
                "job": job.name(),
                "peer": peer.name(),
                "micros_a_call": rows.iter().map(Row::micros).collect::<Vec<_>>(),
                "calls": rows.iter().map(|row| row.heard.calls).sum::<u64>(),
                "completed": rows.iter().map(|row| row.heard.completed).sum::<u64>(),
                "resent": rows.iter().map(|row| row.heard.resent).sum::<u64>(),
                "setup_p50_us": rows.iter().map(|row| row.heard.setup_p50).collect::<Vec<_>>(),
                "setup_p99_us": rows.iter().map(|row| row.heard.setup_p99).collect::<Vec<_>>(),
                "memory_kib": rows.iter().map(|row| row.memory).collect::<Vec<_>>(),
            })
        });
        serde_json::Value::from_iter(rows).to_string()
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
