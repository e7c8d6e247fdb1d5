//! The DNS of the virtual network: a zone, and how whoever answers for it behaves.

use core::time::Duration;
use router::locate::{Answer, Kind, Query, Record};
use std::collections::BTreeMap;

/// The DNS as every node sees it.
#[derive(Clone, Debug)]
pub struct Dns {
    /// The records by question; of a name that is in none of them there is nothing at all.
    pub zone: BTreeMap<Query, Vec<Record>>,
    /// How it behaves.
    pub mood: Mood,
    /// How long all records are good.
    pub good: Duration,
    /// How long an answer takes.
    pub delay: Duration,
}

/// How the DNS behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It answers by its zone.
    Well,
    /// It never answers.
    Dead,
    /// It says that it has failed (SERVFAIL).
    Failing,
    /// It says that no name exists.
    Denying,
}

impl Default for Dns {
    fn default() -> Self {
        let good = Duration::from_mins(1);
        Self { zone: BTreeMap::new(), mood: Mood::Well, good, delay: Duration::from_millis(20) }
    }
}

impl Dns {
    /// Adds records as in a zone file: `SRV 10 60 5060 gw1.town`, `A 10.0.0.1`.
    ///
    /// # Panics
    /// It is no such record: a story is told wrongly.
    pub fn add(&mut self, name: &str, record: &str) {
        let (kind, record) = read(record).unwrap_or_else(|| unreachable!("`{record}` is no record"));
        self.zone.entry(Query { name: name.into(), kind }).or_default().push(record);
    }

    /// Takes all records of a name away.
    pub fn remove(&mut self, name: &str) {
        self.zone.retain(|query, _| *query.name != *name);
    }

    /// What it says to a question; `None` for nothing, ever.
    #[must_use]
    pub fn answer(&self, query: &Query) -> Option<Answer> {
        match self.mood {
            Mood::Dead => None,
            Mood::Failing => Some(Answer::Silence),
            Mood::Denying => Some(Answer::NoName(self.good)),
            Mood::Well => Some(match self.zone.get(query) {
                Some(records) => Answer::Records(records.clone(), self.good),
                None if self.zone.keys().any(|known| known.name == query.name) => {
                    Answer::NoRecords(self.good)
                }
                None => Answer::NoName(self.good),
            }),
        }
    }
}

fn read(record: &str) -> Option<(Kind, Record)> {
    let words: Vec<&str> = record.split(' ').collect();
    let number = |word: &str| word.parse().ok();
    match words.as_slice() {
        ["A", ip] => Some((Kind::A, Record::Address(ip.parse().ok()?))),
        ["AAAA", ip] => Some((Kind::Aaaa, Record::Address(ip.parse().ok()?))),
        ["SRV", priority, weight, port, target] => {
            let (priority, weight, port) = (number(priority)?, number(weight)?, number(port)?);
            Some((Kind::Srv, Record::Srv { priority, weight, port, target: (*target).into() }))
        }
        ["NAPTR", order, preference, flags, service, replacement] => {
            let (flags, service) = ((*flags).to_owned(), (*service).to_owned());
            let (order, preference) = (number(order)?, number(preference)?);
            let replacement = (*replacement).into();
            Some((Kind::Naptr, Record::Naptr { order, preference, flags, service, replacement }))
        }
        _ => None,
    }
}
