//! RFC 4475 and RFC 5118 over live sockets: every request is answered with the right status, every response draws
//! silence, and whoever comes next is served. Over the RFCs' own messages where they are at hand, and over messages
//! of our own making for every clause.

#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

mod office;
mod ours;
mod rfcs;

#[path = "../e2e/folder.rs"]
mod folder;
#[expect(dead_code, reason = "here nobody plans, signals or reads the call list")]
#[path = "../e2e/node.rs"]
mod node;
#[path = "../e2e/patience.rs"]
mod patience;
#[expect(dead_code, reason = "IPv6 is for the other tests")]
#[path = "../e2e/street.rs"]
mod street;

use office::Office;
use ours::OURS;
use rfcs::{RFC_4475, RFC_5118};
use std::collections::BTreeSet;
use std::path::Path;

/// What a message draws.
#[derive(Clone, Copy, Debug)]
struct Draws {
    /// In a datagram: these statuses, 100 left out.
    udp: &'static [u16],
    /// In a stream.
    tcp: Stream,
}

/// What a message draws in a stream.
#[derive(Clone, Copy, Debug)]
enum Stream {
    /// The same as in a datagram, and the connection goes on.
    Same,
    /// This, and the connection is closed: what comes next cannot be told from it.
    Closed(&'static [u16]),
    /// The same, but there are bytes behind it that are no message: they spoil the one that comes next.
    Surplus,
    /// Nothing: it says that it is longer, or that its headers go on.
    Waits,
}

/// A message that draws the same over both.
const fn both(udp: &'static [u16]) -> Draws {
    Draws { udp, tcp: Stream::Same }
}

fn over_udp(messages: &[(String, Vec<u8>, Draws)]) {
    let mut office = Office::open();
    let mut wrong = Vec::new();
    for (name, bytes, draws) in messages {
        let drawn = office.datagram(bytes, draws.udp.len());
        if drawn != draws.udp {
            wrong.push(format!("{name}: {drawn:?}, not {:?}", draws.udp));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn over_tcp(messages: &[(String, Vec<u8>, Draws)]) {
    let mut office = Office::open();
    let mut wrong = Vec::new();
    for (name, bytes, draws) in messages {
        let (drawn, expected) = match draws.tcp {
            Stream::Same => (office.stream(bytes, draws.udp.len()), draws.udp),
            Stream::Surplus => (office.spoiled_stream(bytes, draws.udp.len()), draws.udp),
            Stream::Closed(statuses) => (office.closed_stream(bytes), statuses),
            Stream::Waits => (office.silent_stream(bytes), &[][..]),
        };
        if drawn != expected {
            wrong.push(format!("{name}: {drawn:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The messages of the RFCs; nothing if they are not at hand.
fn rfcs() -> Vec<(String, Vec<u8>, Draws)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    if !corpus.is_dir() {
        eprintln!("passed over: no {}", corpus.display());
        return Vec::new();
    }
    let mut messages = Vec::new();
    for (folder, table) in [("rfc4475", &RFC_4475[..]), ("rfc5118", &RFC_5118)] {
        let folder = corpus.join(folder);
        let file = |name: &str| format!("{name}.dat");
        let listed: BTreeSet<String> = table.iter().map(|(name, _)| file(name)).collect();
        let present = folder.read_dir().expect("it can be listed").flatten();
        let present: BTreeSet<String> =
            present.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(present, listed, "every file is in the table");
        for (name, draws) in table {
            let bytes = std::fs::read(folder.join(file(name))).expect("it can be read");
            messages.push(((*name).to_owned(), bytes, *draws));
        }
    }
    messages
}

fn ours() -> Vec<(String, Vec<u8>, Draws)> {
    let numbered = OURS.iter().enumerate();
    numbered
        .map(|(n, (claim, draws, changes))| ((*claim).to_owned(), ours::bytes(n, changes), *draws))
        .collect()
}

#[test]
fn the_rfcs_own_messages_draw_what_their_sections_say_over_udp() {
    over_udp(&rfcs());
}

#[test]
fn the_rfcs_own_messages_draw_what_their_sections_say_over_tcp() {
    over_tcp(&rfcs());
}

#[test]
fn each_clause_draws_what_it_says_over_udp() {
    over_udp(&ours());
}

#[test]
fn each_clause_draws_what_it_says_over_tcp() {
    over_tcp(&ours());
}
