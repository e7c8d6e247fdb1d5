//! Every input that was written for the fuzzer or kept by it runs through its target again.
//!
//! What happens in one input of the node target: `cargo run --manifest-path fuzz/Cargo.toml --bin tell FILE`.

use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer")]
mod fuzz;

#[test]
fn any_message_keeps_the_promises() {
    assert!(replay("message", fuzz::message::run) > 20);
}

#[test]
fn any_value_keeps_the_promises_of_its_view() {
    assert!(replay("values", fuzz::values::run) > 20);
}

#[test]
fn any_challenge_is_answered_by_one_line() {
    assert!(replay("digest", fuzz::digest::run) > 8);
}

#[test]
fn any_stream_is_framed_alike_however_it_is_cut() {
    assert!(replay("framing", fuzz::framing::run) > 20);
}

#[test]
fn any_events_keep_the_rules_of_the_node() {
    assert!(replay("node", fuzz::node::run) > 20);
}

#[test]
fn whatever_agents_hear_they_answer_once_and_end() {
    assert!(replay("house", fuzz::house::run) > 20);
}

/// Runs every file of a target; returns how many there were. A failure names the file.
#[expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]
fn replay(target: &str, run: fn(&[u8])) -> usize {
    let mut files = Vec::new();
    for folder in ["seeds", "corpus"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder).join(target);
        files.extend(folder.read_dir().unwrap().map(|entry| entry.unwrap().path()));
    }
    files.sort();
    let fails = |file: &PathBuf| {
        let bytes = std::fs::read(file).unwrap();
        std::panic::catch_unwind(|| run(&bytes)).is_err()
    };
    let failed: Vec<&PathBuf> = files.iter().filter(|file| fails(file)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    files.len()
}
