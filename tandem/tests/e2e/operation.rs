//! A node in the hands of whoever runs it: probes, draining, a new plan, metrics.

use crate::node::{Call, Tandem};
use crate::patience::until;
use crate::phone::{Phone, ack_refusal, in_dialog};
use crate::sipp::{By, Sipp, is_here};
use crate::street::{CALLER, Street, TANDEM};
use core::net::SocketAddr;
use core::time::Duration;
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;
const THIRD: u8 = 13;

/// Somebody else who calls.
const STRANGER: u8 = 3;

fn plan(street: &Street, probe: &str, steps: &str) -> String {
    let (first, second, third) = (street.house(FIRST), street.house(SECOND), street.house(THIRD));
    format!(
        "[defaults]\nprobe = {probe}\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\nthird = \"{third}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = {steps}\n"
    )
}

/// Calls, and waits until it rings; the INVITE and what the callee got.
fn ring(caller: &mut Phone, callee: &mut Phone) -> (String, String) {
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = callee.hears("< INVITE");
    callee.replies(&rung, "180 Ringing", "one");
    caller.hears("< 180 INVITE");
    (invite, rung)
}

/// A call that rings is answered, acknowledged and ended.
fn answer(caller: &mut Phone, callee: &mut Phone, invite: &str, rung: &str) {
    callee.replies(rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(invite, &answer, "ACK", 1));
    callee.hears("< ACK");
    caller.says(&in_dialog(invite, &answer, "BYE", 2));
    let bye = callee.hears("< BYE");
    callee.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
}

/// A call that is refused at once.
fn refused(caller: &mut Phone, invite: &str, status: u16) {
    caller.says(invite);
    let refusal = caller.hears(&format!("< {status} INVITE"));
    caller.says(&ack_refusal(invite, &refusal));
}

#[test]
fn options_is_answered_and_a_request_without_hops_left_is_483() {
    let street = Street::new();
    let _node = Tandem::start(&street, &plan(&street, "\"off\"", "[\"first\"]"));
    let mut caller = Phone::new(&street, CALLER);
    let options = caller.request("OPTIONS", "tandem");
    caller.says(&options);
    caller.hears("< 200 OPTIONS");
    let worn = caller.invite(NUMBER).replace("Max-Forwards: 70", "Max-Forwards: 0");
    refused(&mut caller, &worn, 483);
    caller.hears_nothing(Duration::from_millis(700));
}

#[test]
fn a_draining_node_refuses_new_calls_lets_the_ringing_one_be_answered_and_ends() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street, "\"off\"", "[\"first\"]"));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut stranger = Phone::new(&street, STRANGER);
    let (invite, rung) = ring(&mut caller, &mut callee);
    node.signal(Signal::SIGTERM);
    node.logs("taking no new calls");
    let options = stranger.request("OPTIONS", "tandem");
    stranger.says(&options);
    stranger.hears("< 503 OPTIONS");
    let new = stranger.invite(NUMBER);
    refused(&mut stranger, &new, 503);
    answer(&mut caller, &mut callee, &invite, &rung);
    assert_eq!(node.ended().code(), Some(0));
    let ends: Vec<String> = node.calls(2).iter().map(Call::end).collect();
    assert_eq!(ends, ["refused with 503", "answered by first"]);
}

#[test]
fn a_second_signal_ends_a_node_at_once() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street, "\"off\"", "[\"first\"]"));
    let (mut caller, mut callee) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    ring(&mut caller, &mut callee);
    node.signal(Signal::SIGTERM);
    node.logs("taking no new calls");
    node.signal(Signal::SIGTERM);
    node.logs("cut off");
    node.ended();
}

#[test]
fn a_broken_plan_file_changes_nothing_and_a_good_one_holds_from_the_next_call_on() {
    let street = Street::new();
    let good = plan(&street, "\"off\"", "[\"first\", \"second\"]");
    let node = Tandem::start(&street, &good);
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let (mut second, mut third) = (Phone::new(&street, SECOND), Phone::new(&street, THIRD));
    let (old, old_rung) = ring(&mut caller, &mut first);

    node.write(&good.replace("[\"first\", \"second\"]", "[\"first\", \"secnd\"]"));
    node.signal(Signal::SIGHUP);
    node.logs("the plan in force stays");
    // `main = ["first", "secnd"]` is line 10.
    let problem = node.logs("plan.toml:11:18: error[E101]");
    assert!(problem.contains("did you mean `second`?"), "{problem}");
    let mut stranger = Phone::new(&street, STRANGER);
    let (invite, rung) = ring(&mut stranger, &mut first);
    answer(&mut stranger, &mut first, &invite, &rung);

    node.write(&good.replace("[\"first\", \"second\"]", "[\"third\"]"));
    node.signal(Signal::SIGHUP);
    node.logs("the new plan is in force");
    let (invite, rung) = ring(&mut stranger, &mut third);
    answer(&mut stranger, &mut third, &invite, &rung);

    // The call that rang all the time goes on by the plan that it began with.
    first.replies(&old_rung, "480 Temporarily Unavailable", "one");
    first.hears("< ACK");
    let old_rung = second.hears("< INVITE");
    answer(&mut caller, &mut second, &old, &old_rung);
    let ends: Vec<String> = node.calls(3).iter().map(|call| call.end()).collect();
    assert_eq!(ends, ["answered by first", "answered by third", "answered by second"]);
}

#[test]
fn an_office_that_answers_no_probes_is_passed_over_in_no_time_and_called_again_when_it_does() {
    let street = Street::new();
    let probe = "{ every = \"1s\", timeout = \"500ms\", down_after = 2, up_after = 1, hold = \"0s\" }";
    let second = format!("\"{}\"", street.house(SECOND));
    let passive = format!("{{ sip = {second}, probe = \"off\" }}");
    let text = plan(&street, probe, "[\"first\", \"second\"]").replace(&second, &passive);
    let node = Tandem::start(&street, &text);
    node.logs("first is down");
    let (mut caller, mut second) = (Phone::new(&street, CALLER), Phone::new(&street, SECOND));
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = second.hears("< INVITE");
    answer(&mut caller, &mut second, &invite, &rung);
    let call = node.call();
    assert_eq!(call.legs(), ["second: answered"]);
    assert!(call.began(0) <= 50, "{call:?}");

    let mut first = Phone::new(&street, FIRST);
    let probe = first.hears("< OPTIONS");
    first.replies(&probe, "200 OK", "alive");
    node.logs("first is on probation");
    caller.says(&caller.invite(NUMBER));
    hears_invite(&mut first);
}

/// What comes beside probes; those are answered.
fn hears_invite(phone: &mut Phone) {
    for _ in 0..20 {
        let message = phone.hears_any();
        if message.short() == "< INVITE" {
            return;
        }
        phone.replies(&message.text, "200 OK", "alive");
    }
    unreachable!("no INVITE among {:?}", phone.messages().short());
}

#[test]
fn the_metrics_page_counts_the_calls() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let at = SocketAddr::new(street.house(TANDEM).ip(), street.house(TANDEM).port() + 1);
    let own = format!("[sites.callers]\nsip = \"{}\"\n[numbers]", street.house(CALLER));
    let text = plan(&street, "\"off\"", "[\"first\", \"second\"]").replace("[numbers]", &own);
    let node = Tandem::start_with(&street, &text, &format!("metrics = \"{at}\""));
    let refuses = Sipp::callee(&street, FIRST, By::Udp, "refusing_callee", &[("status", "503")]);
    let answers = Sipp::callee(&street, SECOND, By::Udp, "callee", &[("ring", "0")]);
    Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    refuses.played();
    answers.played();
    Sipp::caller(&street, By::Udp, "refused_caller", "+15035550777", &[("status", "404")]).played();
    let ends: Vec<String> = node.calls(2).iter().map(Call::end).collect();
    assert_eq!(ends, ["answered by second", "refused with 404"]);
    for line in [
        "tandem_calls_total{end=\"answered\",status=\"200\"} 1",
        "tandem_legs_total{outcome=\"5xx\"} 1",
        "tandem_legs_total{outcome=\"answered\"} 1",
        "tandem_refused_total{status=\"404\",why=\"nobody listed this number\"} 1",
        "tandem_unlisted_total 1",
        "tandem_calls_now 0",
        "tandem_panics_total 0",
    ] {
        let shown = || page(at).lines().any(|shown| shown == line).then_some(());
        until(line, shown, || page(at));
    }
}

#[test]
fn a_call_from_an_unknown_network_is_taken_and_its_network_is_proposed() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let at = SocketAddr::new(street.house(TANDEM).ip(), street.house(TANDEM).port() + 1);
    let (text, far) = (plan(&street, "\"off\"", "[\"first\"]"), "[carriers]\nacme = \"192.0.2.1\"\n");
    let node = Tandem::start_with(&street, &format!("{far}{text}"), &format!("metrics = \"{at}\""));
    let answers = Sipp::callee(&street, FIRST, By::Udp, "callee", &[("ring", "0")]);
    Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    answers.played();
    node.logs("which is nobody's in the plan (taken): perhaps acme's, a guess since there is no other");
    let line = "tandem_stranger_calls_total{taken=\"true\",carrier=\"acme\"} 1";
    let shown = || page(at).lines().any(|shown| shown == line).then_some(());
    until(line, shown, || page(at));
}

/// What a browser gets.
fn page(at: SocketAddr) -> String {
    let mut stream = TcpStream::connect(at).expect("the page is served");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it listens");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it ends");
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    text
}
