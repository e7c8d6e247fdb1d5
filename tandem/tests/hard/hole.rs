//! A PBX over TCP behind a network that swallows everything from one moment on: nobody closes the connection, nobody
//! refuses a new one.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::network;
use crate::node::{Node, since};
use crate::pbx::Pbx;
use crate::street::{CALLER, Street};
use crate::{pass, passed_over};
use core::net::SocketAddr;
use core::time::Duration;
use std::process::Command;
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

/// One call: how long until it was answered, and how the node tells it.
fn call(street: &Street, node: &Node, nth: usize) -> (Duration, String) {
    let calls = Tally::of(&Crowd::new(street, CALLER).call(NUMBER, 1, Duration::ZERO));
    assert_eq!(calls.answered, 1, "{calls}");
    (calls.answer.1, node.calls_over(nth).remove(nth - 1))
}

/// The first over TCP, then the second.
fn plan(first: SocketAddr, second: SocketAddr) -> String {
    format!(
        "[sites]\nfirst = \"{first};transport=tcp\"\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"first\", \"second\"]\n"
    )
}

fn nft(rule: &str) {
    let done = Command::new("nft").arg(rule).status();
    assert!(done.is_ok_and(|status| status.success()), "nft {rule}");
}

#[test]
fn a_dead_tcp_peer_costs_one_call_its_patience_and_the_next_ones_nothing() {
    let set_up = "nft add table ip hole\nnft 'add chain ip hole in { type filter hook input priority 0; }'";
    let name = "hole::a_dead_tcp_peer_costs_one_call_its_patience_and_the_next_ones_nothing";
    if !network::is_own(name, set_up) {
        return;
    }
    let street = Street::new();
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let Some(_pbx) = Pbx::start_over("t1", first) else {
        return passed_over("there is no `sipp`; Debian has it in sip-tester");
    };
    let _second = Desk::open(second, Manner::Answers(Duration::ZERO));
    // It has no port yet when it has just been started, and would be down at once.
    pass(Duration::from_millis(500));
    let node = Node::start(&street, &plan(first, second));
    node.logs("first is up");
    let (took, told) = call(&street, &node, 1);
    println!("before: {took:?}, {told}");
    assert!(told.starts_with("answered by first"), "{told}");

    nft(&format!("add rule ip hole in ip saddr {} drop", first.ip()));
    nft(&format!("add rule ip hole in ip daddr {} drop", first.ip()));
    let clock = Clock::start();
    let (took, told) = call(&street, &node, 2);
    println!("the first call after that: {took:?}, {told}");
    assert!(told.starts_with("answered by second"), "{told}");
    assert!(took < Duration::from_millis(4_500), "{took:?}: no longer than `first` at the most");

    node.logs("first is down");
    println!("it is known to be down after {:?}", since(clock));
    assert!(since(clock) < Duration::from_secs(15));
    let (took, told) = call(&street, &node, 3);
    println!("a call after that: {took:?}, {told}");
    assert!(told.starts_with("answered by second") && took < Duration::from_millis(500), "{took:?}, {told}");
}

#[test]
fn a_tcp_peer_whose_process_stands_still_is_found_out_though_its_kernel_goes_on_acknowledging() {
    let street = Street::new();
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let Some(pbx) = Pbx::start_over("t1", first) else {
        return passed_over("there is no `sipp`; Debian has it in sip-tester");
    };
    let _second = Desk::open(second, Manner::Answers(Duration::ZERO));
    pass(Duration::from_millis(500));
    let node = Node::start(&street, &plan(first, second));
    node.logs("first is up");
    pbx.stop();
    let clock = Clock::start();
    let (took, told) = call(&street, &node, 1);
    println!("a call to a process that stands still: {took:?}, {told}");
    assert!(
        told.starts_with("answered by second") && took < Duration::from_millis(4_500),
        "{took:?}, {told}"
    );
    node.logs("first is down");
    println!("it is known to be down after {:?}", since(clock));
    let (took, told) = call(&street, &node, 2);
    assert!(told.starts_with("answered by second") && took < Duration::from_millis(500), "{took:?}, {told}");
}
