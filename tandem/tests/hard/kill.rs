//! `kill -9` in every phase of a call, and the node started again at once: what is up stays up, what is answered is
//! connected, and what cannot be saved comes to an end.

use crate::node::Node;
use crate::phone::{Phone, cancel, in_dialog};
use crate::street::{CALLER, Street};
use core::time::Duration;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

/// Long enough for what must not come to come, on a loopback.
const A_WHILE: Duration = Duration::from_millis(300);

/// A node between a caller and two offices. What they send again, the test sends again for them.
struct Town {
    node: Node,
    caller: Phone,
    first: Phone,
    second: Phone,
}

/// A call, as its two sides know it.
struct Up {
    /// As the caller has sent it.
    invite: String,
    /// As the office has received it.
    rung: String,
    /// As the caller has received it; empty before there is one.
    answer: String,
}

impl Town {
    fn new() -> Self {
        let street = Street::new();
        let (first, second) = (street.house(FIRST), street.house(SECOND));
        let plan = format!(
            "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
            [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = [\"first\", \"second\"]\n"
        );
        Self {
            node: Node::start(&street, &plan),
            caller: Phone::new(&street, CALLER),
            first: Phone::new(&street, FIRST),
            second: Phone::new(&street, SECOND),
        }
    }

    /// Nothing that was sent since it was stopped, or is on its way out of the node, survives.
    fn kill_and_start_again(&mut self) {
        self.node.kill();
        let took = self.node.start_again();
        println!("ready again after {took:.0?}");
        assert!(took <= Duration::from_secs(1), "{took:?}");
    }

    /// A call that the first office has got; the caller knows that it is being tried.
    fn tried(&mut self) -> Up {
        let invite = self.caller.invite(NUMBER);
        self.caller.says(&invite);
        self.caller.hears("< 100 INVITE");
        let rung = self.first.hears("< INVITE");
        Up { invite, rung, answer: String::new() }
    }

    fn ringing(&mut self) -> Up {
        let call = self.tried();
        self.first.replies(&call.rung, "180 Ringing", "one");
        self.caller.hears("< 180 INVITE");
        call
    }

    fn answered(&mut self) -> Up {
        let mut call = self.ringing();
        self.first.replies(&call.rung, "200 OK", "one");
        call.answer = self.caller.hears("< 200 INVITE");
        call
    }

    fn up(&mut self) -> Up {
        let call = self.answered();
        self.acknowledge(&call);
        call
    }

    fn acknowledge(&mut self, call: &Up) {
        self.caller.says(&in_dialog(&call.invite, &call.answer, "ACK", 1));
        self.first.hears("< ACK");
    }

    fn hang_up(&mut self, call: &Up, cseq: u32) {
        self.caller.says(&in_dialog(&call.invite, &call.answer, "BYE", cseq));
        let bye = self.first.hears("< BYE");
        self.first.replies(&bye, "200 OK", "");
        self.caller.hears("< 200 BYE");
    }

    /// The office answers, and the call goes its whole way.
    fn is_answered_and_hung_up(&mut self, mut call: Up) {
        self.first.replies(&call.rung, "200 OK", "one");
        call.answer = self.caller.hears("< 200 INVITE");
        self.acknowledge(&call);
        self.hang_up(&call, 2);
    }

    /// A call that was lost: the caller learns so as soon as he gives up.
    fn has_an_end_for(&mut self, call: &Up) {
        self.caller.says(&cancel(&call.invite));
        self.caller.hears("< 481 CANCEL");
    }

    fn takes_the_next_call(&mut self) {
        let call = self.ringing();
        self.is_answered_and_hung_up(call);
        self.all_is_quiet();
    }

    fn all_is_quiet(&mut self) {
        for phone in [&mut self.caller, &mut self.first, &mut self.second] {
            phone.hears_nothing(A_WHILE);
        }
    }
}

#[test]
fn a_killed_before_100_the_call_that_is_sent_again_is_answered() {
    let mut town = Town::new();
    town.node.stop();
    let invite = town.caller.invite(NUMBER);
    town.caller.says(&invite);
    town.kill_and_start_again();
    town.caller.hears_nothing(A_WHILE);
    town.caller.says(&invite);
    town.caller.hears("< 100 INVITE");
    let rung = town.first.hears("< INVITE");
    town.is_answered_and_hung_up(Up { invite, rung, answer: String::new() });
    town.all_is_quiet();
}

#[test]
fn b_killed_after_100_a_silent_office_loses_the_call_and_the_caller_gets_an_end() {
    let mut town = Town::new();
    let call = town.tried();
    town.kill_and_start_again();
    town.has_an_end_for(&call);
    town.takes_the_next_call();
}

#[test]
fn b_killed_after_100_an_office_that_answers_then_has_the_caller() {
    let mut town = Town::new();
    let call = town.tried();
    town.kill_and_start_again();
    town.is_answered_and_hung_up(call);
    town.all_is_quiet();
}

#[test]
fn c_killed_while_it_rings_the_answer_reaches_the_caller() {
    let mut town = Town::new();
    let call = town.ringing();
    town.kill_and_start_again();
    town.is_answered_and_hung_up(call);
    town.all_is_quiet();
}

#[test]
fn d_killed_with_the_answer_in_hand_its_copy_reaches_the_caller() {
    let mut town = Town::new();
    let call = town.ringing();
    town.node.stop();
    town.first.replies(&call.rung, "200 OK", "one");
    town.kill_and_start_again();
    town.caller.hears_nothing(A_WHILE);
    town.is_answered_and_hung_up(call);
    town.all_is_quiet();
}

#[test]
fn e_killed_before_the_ack_it_still_finds_its_way() {
    let mut town = Town::new();
    let call = town.answered();
    town.kill_and_start_again();
    town.acknowledge(&call);
    town.hang_up(&call, 2);
    town.all_is_quiet();
}

#[test]
fn e_killed_with_the_ack_in_hand_the_next_answer_draws_another() {
    let mut town = Town::new();
    let call = town.answered();
    town.node.stop();
    town.caller.says(&in_dialog(&call.invite, &call.answer, "ACK", 1));
    town.kill_and_start_again();
    town.first.hears_nothing(A_WHILE);
    town.first.replies(&call.rung, "200 OK", "one");
    town.caller.hears_again(&call.answer);
    town.acknowledge(&call);
    town.hang_up(&call, 2);
    town.all_is_quiet();
}

#[test]
fn f_killed_while_they_talk_either_side_can_hang_up() {
    let mut town = Town::new();
    let (one, other) = (town.up(), town.up());
    town.kill_and_start_again();
    town.hang_up(&one, 2);
    let bye = bye_of_the_office(&other, &town.first);
    town.first.says(&bye);
    let heard = town.caller.hears("< BYE");
    town.caller.replies(&heard, "200 OK", "");
    town.first.hears("< 200 BYE");
    town.all_is_quiet();
}

#[test]
fn g_killed_with_the_bye_in_hand_its_copy_ends_the_call() {
    let mut town = Town::new();
    let call = town.up();
    town.node.stop();
    town.caller.says(&in_dialog(&call.invite, &call.answer, "BYE", 2));
    town.kill_and_start_again();
    town.first.hears_nothing(A_WHILE);
    town.hang_up(&call, 2);
    town.all_is_quiet();
}

#[test]
fn g_killed_behind_the_bye_its_answer_reaches_the_caller() {
    let mut town = Town::new();
    let call = town.up();
    town.caller.says(&in_dialog(&call.invite, &call.answer, "BYE", 2));
    let bye = town.first.hears("< BYE");
    town.kill_and_start_again();
    town.first.replies(&bye, "200 OK", "");
    town.caller.hears("< 200 BYE");
    town.all_is_quiet();
}

#[test]
fn h_killed_with_the_cancel_in_hand_the_caller_gets_an_end_and_can_hang_up_on_an_answer() {
    let mut town = Town::new();
    let call = town.ringing();
    town.node.stop();
    town.caller.says(&cancel(&call.invite));
    town.kill_and_start_again();
    town.has_an_end_for(&call);
    town.is_answered_and_hung_up(call);
    town.takes_the_next_call();
}

#[test]
fn h_killed_behind_the_cancel_nobody_rings_on_and_nothing_stray_comes() {
    let mut town = Town::new();
    let call = town.ringing();
    town.caller.says(&cancel(&call.invite));
    town.caller.hears("< 200 CANCEL");
    let late = town.first.hears("< CANCEL");
    town.kill_and_start_again();
    town.first.replies(&late, "200 OK", "one");
    town.first.replies(&call.rung, "487 Request Terminated", "one");
    town.takes_the_next_call();
}

#[test]
fn i_killed_between_two_offices_the_caller_gets_an_end_and_the_next_call_is_answered() {
    let mut town = Town::new();
    let call = town.tried();
    town.node.stop();
    town.first.replies(&call.rung, "503 Service Unavailable", "one");
    town.kill_and_start_again();
    town.first.replies(&call.rung, "503 Service Unavailable", "one");
    town.second.hears_nothing(A_WHILE);
    town.has_an_end_for(&call);
    town.takes_the_next_call();
}

#[test]
fn j_killed_with_a_re_invite_in_hand_its_copy_changes_the_call() {
    let mut town = Town::new();
    let call = town.up();
    town.node.stop();
    let again = in_dialog(&call.invite, &call.answer, "INVITE", 2);
    town.caller.says(&again);
    town.kill_and_start_again();
    town.caller.says(&again);
    is_changed(&mut town, &call);
}

#[test]
fn j_killed_behind_a_re_invite_its_answer_reaches_the_caller() {
    let mut town = Town::new();
    let call = town.up();
    town.caller.says(&in_dialog(&call.invite, &call.answer, "INVITE", 2));
    let asked = town.first.hears("< INVITE");
    town.kill_and_start_again();
    town.first.replies(&asked, "200 OK", "one");
    town.caller.hears("< 200 INVITE");
    town.caller.says(&in_dialog(&call.invite, &call.answer, "ACK", 2));
    town.first.hears("< ACK");
    town.hang_up(&call, 3);
    town.all_is_quiet();
}

/// The office takes a re-INVITE that was sent, and the call goes on to its end.
fn is_changed(town: &mut Town, call: &Up) {
    let asked = town.first.hears("< INVITE");
    town.first.replies(&asked, "200 OK", "one");
    town.caller.hears("< 200 INVITE");
    town.caller.says(&in_dialog(&call.invite, &call.answer, "ACK", 2));
    town.first.hears("< ACK");
    town.hang_up(call, 3);
    town.all_is_quiet();
}

/// The office hangs up: its route is the Record-Route that it got, in the order it stands there (RFC 3261 §12.1.1).
fn bye_of_the_office(call: &Up, office: &Phone) -> String {
    use crate::messages::{header, headers};
    let (rung, answer) = (&call.rung, &call.answer);
    let routes: Vec<&str> = headers(rung, "Record-Route").collect();
    format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKoffice\r\nMax-Forwards: 70\r\nRoute: {}\r\n\
        From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        header(rung, "Contact").trim_matches(['<', '>']),
        office.at,
        routes.join(", "),
        header(answer, "To"),
        header(rung, "From"),
        header(rung, "Call-ID"),
    )
}
