//! Calls that are answered, over every kind of way, and what follows until they end.

use crate::messages::headers;
use crate::node::Tandem;
use crate::sipp::{By, Sipp, is_here};
use crate::street::Street;

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

/// A plan of one office.
fn plan(street: &Street, by: By) -> String {
    let transport = if by == By::Tcp { ";transport=tcp" } else { "" };
    let office = street.house(OFFICE);
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\noffice = \"sip:{office}{transport}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = [\"office\"]\n"
    )
}

/// A caller and a callee play against each other through a node, and its list says what it should.
fn play(street: &Street, by: (By, By), caller: (&'static str, &[&str]), callee: (&'static str, &[&str])) {
    let node = Tandem::start(street, &plan(street, by.1));
    let answers = Sipp::callee(street, OFFICE, by.1, callee.0, &[("ring", "50")]);
    let calls = Sipp::caller(street, by.0, caller.0, NUMBER, &[]);
    assert_eq!(calls.played().short(), caller.1);
    let answered = answers.played();
    assert_eq!(answered.short(), callee.1);
    // Each side sends what follows to the route that is next to it, so that one is of its own transport.
    let side = |route: &str| if route.contains(";transport=tcp") { By::Tcp } else { By::Udp };
    let routes: Vec<By> = headers(&answered.first("< INVITE").text, "Record-Route").map(side).collect();
    assert_eq!(routes, if by.0 == by.1 { vec![by.1] } else { vec![by.1, by.0] });
    let call = node.call();
    assert_eq!(
        (call.end(), call.legs()),
        ("answered by office".to_owned(), vec!["office: answered".to_owned()])
    );
    assert_eq!((call.field("number"), call.field("plan")), (&NUMBER.into(), &"main".into()));
}

fn plain(street: &Street, by: (By, By)) {
    play(
        street,
        by,
        (
            "caller",
            &["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE"],
        ),
        ("callee", &["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "< BYE", "> 200 BYE"]),
    );
}

fn changed_by_both(street: &Street, by: (By, By)) {
    play(
        street,
        by,
        (
            "renewing_caller",
            &[
                "> INVITE",
                "< 100 INVITE",
                "< 180 INVITE",
                "< 200 INVITE",
                "> ACK",
                "> INVITE",
                "< 200 INVITE",
                "> ACK",
                "< INVITE",
                "> 200 INVITE",
                "< ACK",
                "> BYE",
                "< 200 BYE",
            ],
        ),
        (
            "renewing_callee",
            &[
                "< INVITE",
                "> 180 INVITE",
                "> 200 INVITE",
                "< ACK",
                "< INVITE",
                "> 200 INVITE",
                "< ACK",
                "> INVITE",
                "< 200 INVITE",
                "> ACK",
                "< BYE",
                "> 200 BYE",
            ],
        ),
    );
}

fn hung_up_by_the_callee(street: &Street, by: (By, By)) {
    play(
        street,
        by,
        (
            "patient_caller",
            &["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "< BYE", "> 200 BYE"],
        ),
        ("brief_callee", &["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "> BYE", "< 200 BYE"]),
    );
}

const OVER_UDP: (By, By) = (By::Udp, By::Udp);

#[test]
fn a_call_is_answered_and_the_caller_hangs_up() {
    if is_here() {
        plain(&Street::new(), OVER_UDP);
    }
}

#[test]
fn a_call_is_answered_and_the_callee_hangs_up() {
    if is_here() {
        hung_up_by_the_callee(&Street::new(), OVER_UDP);
    }
}

#[test]
fn both_sides_change_a_call_that_is_up() {
    if is_here() {
        changed_by_both(&Street::new(), OVER_UDP);
    }
}

#[test]
fn a_call_from_tcp_to_udp_can_be_changed_and_ended_by_both_sides() {
    if is_here() {
        changed_by_both(&Street::new(), (By::Tcp, By::Udp));
        hung_up_by_the_callee(&Street::new(), (By::Tcp, By::Udp));
    }
}

#[test]
fn a_call_from_udp_to_tcp_can_be_changed_and_ended_by_both_sides() {
    if is_here() {
        changed_by_both(&Street::new(), (By::Udp, By::Tcp));
        hung_up_by_the_callee(&Street::new(), (By::Udp, By::Tcp));
    }
}

#[test]
fn a_call_over_tcp_alone_can_be_changed_and_ended_by_both_sides() {
    if is_here() {
        changed_by_both(&Street::new(), (By::Tcp, By::Tcp));
        hung_up_by_the_callee(&Street::new(), (By::Tcp, By::Tcp));
    }
}

#[test]
fn a_call_over_ipv6_is_answered_changed_and_ended() {
    let Some(street) = Street::ipv6() else { return eprintln!("passed over: this machine has no IPv6") };
    if is_here() {
        plain(&street, OVER_UDP);
        changed_by_both(&street, OVER_UDP);
    }
}
