//! A network that loses datagrams at random, on every part of the way: caller, node, both offices.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::network;
use crate::node::{Node, since};
use crate::street::{CALLER, Street};
use core::time::Duration;
use std::collections::BTreeSet;
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;
const CALLS: usize = 200;

/// 20 calls a second.
const PAUSE: Duration = Duration::from_millis(50);

/// How many of 200 calls are answered and acknowledged, through an office that refuses with 503, at so many percent of
/// loss.
fn calls_through_one_refusal(percent: u8) -> usize {
    let street = Street::new();
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let plan = format!(
        "[sites]\nfirst = {{ sip = \"{first}\", networks = \"127.0.0.0/8\" }}\nsecond = \"{second}\"\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"first\", \"second\"]\n"
    );
    let refuses = Desk::open(first, Manner::Refuses("503 Service Unavailable"));
    let answers = Desk::open(second, Manner::Answers(Duration::from_millis(200)));
    let node = Node::start(&street, &plan);
    let clock = Clock::start();
    let calls = Crowd::new(&street, CALLER).call(NUMBER, CALLS, PAUSE);
    let took = since(clock);
    let taken = answers.close();
    let acknowledged: BTreeSet<&str> =
        taken.iter().filter(|call| call.acknowledged || call.hung_up).map(|call| &*call.id).collect();
    let both = calls.iter().filter(|call| call.answer.is_some() && acknowledged.contains(&*call.id)).count();
    let tally = Tally::of(&calls);
    let ended = taken.iter().filter(|call| call.hung_up).count();
    println!("{percent} % loss: {tally}; took {took:.1?}");
    println!("{percent} % loss: {both} answers known to both sides, {ended} BYEs came to the office");
    println!("{percent} % loss: {} calls came to the refusing office", refuses.close().len());
    let mut ends: Vec<String> = node.calls();
    ends.retain(|end| !end.starts_with("answered by second"));
    for call in calls.iter().filter(|call| call.answer.is_none()) {
        println!("{percent} % loss: {} ended as {:?}", call.id, call.state);
    }
    println!("{percent} % loss: the node's list of those it did not get through: {ends:#?}");
    assert!(took < Duration::from_secs(90), "{took:?}");
    both
}

fn drops(percent: u8) -> String {
    format!(
        "nft add table ip lossy\n\
        nft 'add chain ip lossy in {{ type filter hook input priority 0; }}'\n\
        nft 'add rule ip lossy in meta l4proto udp numgen random mod 100 < {percent} drop'"
    )
}

#[test]
fn at_10_percent_loss_200_of_200_calls_get_through_one_refusal() {
    let name = "loss::at_10_percent_loss_200_of_200_calls_get_through_one_refusal";
    if network::is_own(name, &drops(10)) {
        assert_eq!(calls_through_one_refusal(10), CALLS);
    }
}

#[test]
fn at_30_percent_loss_190_of_200_calls_get_through_one_refusal() {
    let name = "loss::at_30_percent_loss_190_of_200_calls_get_through_one_refusal";
    if network::is_own(name, &drops(30)) {
        let answered = calls_through_one_refusal(30);
        assert!(answered >= 190, "{answered}");
    }
}
