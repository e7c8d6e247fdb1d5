//! Calls that come back: from an office that forwards them, which is its right, and in a circle, which ends.

use crate::messages::headers;
use crate::node::Tandem;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street, TANDEM};

const NUMBER: &str = "+15035550100";
const OTHER: &str = "+15035550101";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

/// What `first` sends to the node if it forwards this INVITE to a number there, as a proxy does.
fn forwarded(phone: &Phone, invite: &str, street: &Street, number: &str) -> String {
    let (_, rest) = invite.split_once("\r\n").unwrap_or_default();
    let (at, node) = (phone.at, street.house(TANDEM));
    format!("INVITE sip:{number}@{node} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKforwarded\r\n{rest}")
}

/// What it sends back when this response comes.
fn passed_back(response: &str) -> String {
    let own = headers(response, "Via").next().unwrap_or_default();
    response.replacen(&format!("Via: {own}\r\n"), "", 1)
}

#[test]
fn an_office_may_send_a_call_back_for_another_number() {
    let street = Street::new();
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let node = Tandem::start(
        &street,
        &format!(
            "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
            [numbers]\n\"{NUMBER}\" = \"main\"\n\"{OTHER}\" = \"other\"\n\
            [plans]\nmain = [\"first\"]\nother = [\"second\"]\n"
        ),
    );
    let (mut caller, mut forwards) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut callee = Phone::new(&street, SECOND);
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = forwards.hears("< INVITE");
    let again = forwarded(&forwards, &rung, &street, OTHER);
    forwards.says(&again);
    forwards.hears("< 100 INVITE");
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "180 Ringing", "one");
    forwards.hears("< 180 INVITE");
    forwards.passes_on(passed_back);
    caller.hears("< 180 INVITE");
    callee.replies(&rung, "200 OK", "one");
    forwards.hears("< 200 INVITE");
    forwards.passes_on(passed_back);
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    callee.hears("< ACK");
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    let bye = callee.hears("< BYE");
    callee.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
    let ends: Vec<String> = node.calls(2).iter().map(|call| call.end()).collect();
    assert_eq!(ends, ["answered by second", "answered by first"]);
}

#[test]
fn an_office_that_sends_the_same_call_back_gets_482_and_the_next_step_answers() {
    let street = Street::new();
    let node = Tandem::start(&street, &two_steps(&street.house(FIRST).to_string(), &street));
    let (mut caller, mut forwards) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut callee = Phone::new(&street, SECOND);
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = forwards.hears("< INVITE");
    let again = forwarded(&forwards, &rung, &street, NUMBER);
    forwards.says(&again);
    forwards.hears("< 482 INVITE");
    forwards.passes_on(passed_back);
    forwards.hears("< ACK");
    answered(&mut caller, &mut callee, &invite);
    assert_eq!(node.call().legs(), ["first: 482", "second: answered"]);
}

#[test]
fn a_node_that_is_its_own_office_comes_out_of_the_circle_by_the_next_step() {
    let street = Street::new();
    let node = Tandem::start(&street, &two_steps(&street.house(TANDEM).to_string(), &street));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, SECOND));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    answered(&mut caller, &mut callee, &invite);
    let call = node.call();
    assert_eq!(call.legs(), ["first: 482", "second: answered"]);
}

fn two_steps(first: &str, street: &Street) -> String {
    let second = street.house(SECOND);
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = [\"first\", \"second\"]\n"
    )
}

fn answered(caller: &mut Phone, callee: &mut Phone, invite: &str) {
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(invite, &answer, "ACK", 1));
    callee.hears("< ACK");
}
