//! A carrier that has both the caller and whoever pressed 1 is asked to join them by itself, and does.

use crate::messages::{header, headers};
use crate::node::Tandem;
use crate::phone::{Phone, in_dialog, response};
use crate::sound::Sound;
use crate::street::{CALLER, Street};
use core::net::SocketAddr;

const NUMBER: &str = "+15035550100";

fn plan(street: &Street) -> String {
    let carrier = street.house(CALLER);
    format!(
        "business = \"Nguyen Dental\"\n[defaults]\nprobe = \"off\"\n\
        [carriers]\nacme = {{ sip = \"{carrier}\", refer = true }}\n[people]\nana = \"+15035550111\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [\"ana\"]\nfloor = false\n"
    )
}

/// The BYE of whoever was rung by this and answered with the tag `ana`.
fn hang_up(rung: &str, at: SocketAddr) -> String {
    let route = headers(rung, "Record-Route").collect::<Vec<_>>().join(", ");
    format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\nRoute: {route}\r\n\
        From: {};tag=ana\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        header(rung, "Contact").trim_matches(['<', '>']),
        header(rung, "To"),
        header(rung, "From"),
        header(rung, "Call-ID"),
    )
}

#[test]
fn a_carrier_that_has_both_sides_of_a_call_joins_them_and_both_end_here() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let mut carrier = Phone::new(&street, CALLER);
    let (of_caller, mut of_ana) = (Sound::new(&street, CALLER), Sound::new(&street, CALLER));
    let invite = of_caller.offered(&carrier.invite(NUMBER));
    carrier.says(&invite);
    carrier.hears("< 100 INVITE");
    let rung = carrier.hears("< INVITE");
    of_ana.is_answered(&rung);
    let answer = of_ana.offered(&response(&rung, carrier.at, "200 OK", "ana"));
    carrier.says(&answer);
    carrier.hears("< ACK");
    carrier.hears("< 180 INVITE");
    of_ana.presses(1);
    let answer = carrier.hears("< 200 INVITE");
    carrier.says(&in_dialog(&invite, &answer, "ACK", 1));
    let refer = carrier.hears("< REFER");
    let (_, from_tag) = header(&rung, "From").split_once(";tag=").expect("a tag");
    assert_eq!(
        header(&refer, "Refer-To"),
        format!(
            "<sip:{}?Replaces={}%3Bto-tag%3Dana%3Bfrom-tag%3D{from_tag}&Require=replaces>",
            carrier.at,
            header(&rung, "Call-ID")
        )
    );
    carrier.replies(&refer, "202 Accepted", "");
    let told = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
        Content-Type: message/sipfrag\r\nContent-Length: 14\r\n\r\nSIP/2.0 200 OK";
    let notify = in_dialog(&invite, &answer, "NOTIFY", 2).replace("Content-Length: 0\r\n\r\n", told);
    carrier.says(&notify);
    carrier.hears("< 200 NOTIFY");
    carrier.says(&hang_up(&rung, carrier.at));
    carrier.hears("< 200 BYE");
    let gone = carrier.hears("< BYE");
    assert_eq!(header(&gone, "Call-ID"), header(&invite, "Call-ID"));
    carrier.replies(&gone, "200 OK", "");
    assert_eq!(node.call().end(), "answered by ana");
}
