//! What crosses on the way: two answers, an answer and a CANCEL, messages that are lost and sent again.

use crate::messages::{Messages, header, headers};
use crate::node::Tandem;
use crate::phone::{Phone, ack_refusal, cancel, in_dialog};
use crate::sipp::{By, Sipp, is_here};
use crate::street::{CALLER, Street};
use core::time::Duration;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;
const THIRD: u8 = 13;

/// Long enough for what must not come to come, on a loopback.
const A_WHILE: Duration = Duration::from_millis(300);

fn plan(street: &Street, steps: &str) -> String {
    let (first, second, third) = (street.house(FIRST), street.house(SECOND), street.house(THIRD));
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\nthird = \"{third}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = {steps}\n"
    )
}

fn in_order(messages: &Messages, shorts: &[&str]) {
    assert_eq!(messages.short(), shorts);
}

#[test]
fn of_two_that_answer_at_once_both_answers_reach_the_caller_and_whoever_only_rang_is_cancelled() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[[\"first\", \"second\", \"third\"]]"));
    let mut caller = Phone::new(&street, CALLER);
    let mut phones = [FIRST, SECOND, THIRD].map(|house| Phone::new(&street, house));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let mut rung = Vec::new();
    for (phone, tag) in phones.iter_mut().zip(["one", "two", "three"]) {
        let invite = phone.hears("< INVITE");
        phone.replies(&invite, "180 Ringing", tag);
        caller.hears("< 180 INVITE");
        rung.push(invite);
    }
    let [first, second, third] = &mut phones;
    first.replies(&rung[0], "200 OK", "one");
    second.replies(&rung[1], "200 OK", "two");

    // Each answer has its ACK, in its own dialog; the caller ends the second one (RFC 3261 §13.2.2.4).
    for (phone, tag) in [(&mut *first, "one"), (&mut *second, "two")] {
        let answer = caller.hears("< 200 INVITE");
        assert!(header(&answer, "To").ends_with(&format!(";tag={tag}")), "{answer}");
        caller.says(&in_dialog(&invite, &answer, "ACK", 1));
        if tag == "two" {
            caller.says(&in_dialog(&invite, &answer, "BYE", 2));
            // Its CANCEL was under way when it answered.
            let late = phone.hears("< CANCEL");
            phone.replies(&late, "481 Call/Transaction Does Not Exist", "two");
        }
        phone.hears("< ACK");
    }
    let bye = second.hears("< BYE");
    second.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");

    let late = third.hears("< CANCEL");
    assert_eq!(header(&late, "Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
    third.replies(&late, "200 OK", "three");
    third.replies(&rung[2], "487 Request Terminated", "three");
    third.hears("< ACK");
    for phone in [&mut caller, first, second, third] {
        phone.hears_nothing(A_WHILE);
    }
    assert_eq!(node.call().end(), "answered by first");
}

#[test]
fn of_two_that_ring_together_one_answers_and_the_other_is_cancelled() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[[\"first\", \"second\"]]"));
    let answers = Sipp::callee(&street, FIRST, By::Udp, "callee", &[("ring", "300")]);
    let rings = Sipp::callee(&street, SECOND, By::Udp, "unanswered_callee", &[]);
    Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    answers.played();
    in_order(
        &rings.played(),
        &["< INVITE", "> 180 INVITE", "< CANCEL", "> 200 CANCEL", "> 487 INVITE", "< ACK"],
    );
    assert_eq!(node.call().legs(), ["first: answered", "second: cancelled: answered elsewhere"]);
}

#[test]
fn a_caller_who_gives_up_is_told_so_and_nobody_else_is_rung() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\", \"second\"]"));
    let rings = Sipp::callee(&street, FIRST, By::Udp, "unanswered_callee", &[]);
    let mut second = Phone::new(&street, SECOND);
    let caller = Sipp::caller(&street, By::Udp, "cancelling_caller", NUMBER, &[]).played();
    in_order(
        &caller,
        &["> INVITE", "< 100 INVITE", "< 180 INVITE", "> CANCEL", "< 200 CANCEL", "< 487 INVITE", "> ACK"],
    );
    let rings = rings.played();
    in_order(&rings, &["< INVITE", "> 180 INVITE", "< CANCEL", "> 200 CANCEL", "> 487 INVITE", "< ACK"]);
    second.hears_nothing(A_WHILE);
    let call = node.call();
    assert_eq!(
        (call.end(), call.legs()),
        ("cancelled".to_owned(), vec!["first: cancelled: caller hung up".to_owned()])
    );
}

#[test]
fn an_answer_that_crosses_the_callers_cancel_is_the_callers() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\", \"second\"]"));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "180 Ringing", "one");
    caller.hears("< 100 INVITE");
    caller.hears("< 180 INVITE");
    caller.says(&cancel(&invite));
    caller.hears("< 200 CANCEL");
    let late = callee.hears("< CANCEL");
    callee.replies(&rung, "200 OK", "one");
    callee.replies(&late, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    callee.hears("< ACK");
    let bye = callee.hears("< BYE");
    callee.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
    for phone in [&mut caller, &mut callee, &mut second] {
        phone.hears_nothing(A_WHILE);
    }
    assert_eq!(node.call().end(), "answered by first");
}

#[test]
fn an_answer_that_comes_when_the_next_is_rung_already_wins_and_the_next_is_cancelled() {
    let street = Street::new();
    let text = plan(&street, "[\"first\", \"second\"]")
        .replace("[numbers]", "[defaults.timers]\nfirst = \"500ms\"\n[numbers]");
    let node = Tandem::start(&street, &text);
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let slow = first.hears("< INVITE");
    let next = second.hears("< INVITE");
    second.replies(&next, "180 Ringing", "two");
    caller.hears("< 180 INVITE");
    first.replies(&slow, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    assert!(header(&answer, "To").ends_with(";tag=one"), "{answer}");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    first.hears("< ACK");
    let late = second.hears("< CANCEL");
    second.replies(&late, "200 OK", "two");
    second.replies(&next, "487 Request Terminated", "two");
    second.hears("< ACK");
    caller.hears_nothing(A_WHILE);
    assert_eq!(node.call().end(), "answered by first");
}

#[test]
fn what_is_sent_again_makes_no_second_call_and_the_second_ack_arrives() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    let trying = caller.hears("< 100 INVITE");
    let rung = callee.hears("< INVITE");
    caller.says(&invite);
    caller.hears_again(&trying);
    callee.replies(&rung, "180 Ringing", "one");
    let ringing = caller.hears("< 180 INVITE");
    caller.says(&invite);
    caller.hears_again(&ringing);
    callee.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    // The ACK is lost; the callee sends its answer again.
    callee.replies(&rung, "200 OK", "one");
    caller.hears_again(&answer);
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    callee.hears("< ACK");
    // That ACK was lost behind the node; it comes again, and so does the INVITE, from a caller who is late.
    callee.replies(&rung, "200 OK", "one");
    caller.hears_again(&answer);
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    let ack = in_first(callee.messages(), "< ACK");
    callee.hears_again(&ack);
    callee.hears_nothing(A_WHILE);
    assert_eq!(callee.count("< INVITE"), 1, "{:?}", callee.messages());
    assert_eq!(node.call().legs(), ["first: answered"]);
}

#[test]
fn a_refusal_is_sent_until_its_ack_comes_and_no_longer() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "486 Busy Here", "one");
    let ack = callee.hears("< ACK");
    assert_eq!(headers(&ack, "Via").next(), headers(&rung, "Via").next(), "the branch of the INVITE");
    let refusal = caller.hears("< 486 INVITE");
    caller.hears_again(&refusal);
    caller.says(&ack_refusal(&invite, &refusal));
    // The callee did not get its ACK.
    callee.replies(&rung, "486 Busy Here", "one");
    callee.hears_again(&ack);
    let heard = caller.count("< 486 INVITE");
    caller.hears_nothing(Duration::from_millis(1_200));
    callee.hears_nothing(A_WHILE);
    assert_eq!(caller.count("< 486 INVITE"), heard, "it has its ACK");
    assert_eq!(node.call().end(), "failed with 486");
}

fn in_first(messages: &Messages, short: &str) -> String {
    messages.first(short).text.clone()
}
