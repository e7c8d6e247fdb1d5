//! INVITEs that are too long for a datagram.

use crate::line::{Line, listen};
use crate::messages::header;
use crate::node::Tandem;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

fn plan(street: &Street) -> String {
    let office = street.house(OFFICE);
    format!(
        "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
    )
}

/// An INVITE that is longer than 1,300 bytes.
fn long(caller: &Phone) -> String {
    let story = format!("X-Story: {}\r\nContent-Length", "once upon a time ".repeat(60));
    caller.invite(NUMBER).replace("Content-Length", &story)
}

#[test]
fn a_long_invite_goes_over_tcp_to_an_office_that_takes_it_and_what_follows_goes_as_its_contact_says() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut office) = (Phone::new(&street, CALLER), Phone::new(&street, OFFICE));
    let listener = listen(&street, OFFICE);
    let invite = long(&caller);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let mut line = Line::accept(&street, &listener);
    let rung = line.hears("< INVITE");
    assert!(header(&rung, "Via").starts_with("SIP/2.0/TCP "), "{rung}");
    line.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    let bye = office.hears("< BYE");
    office.replies(&bye, "200 OK", "");
    caller.hears("< 200 BYE");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn an_office_that_refuses_tcp_gets_the_long_invite_as_a_datagram_at_once() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut office) = (Phone::new(&street, CALLER), Phone::new(&street, OFFICE));
    let invite = long(&caller);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    assert!(header(&rung, "Via").starts_with("SIP/2.0/UDP "), "{rung}");
    office.replies(&rung, "200 OK", "one");
    caller.hears("< 200 INVITE");
    assert_eq!(node.call().legs(), ["office: answered"]);
}
