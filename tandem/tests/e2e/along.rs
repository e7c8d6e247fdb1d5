//! Callers whom nothing but the connection that they opened leads to.

use crate::line::{Line, listen};
use crate::messages::{header, headers};
use crate::node::Tandem;
use crate::phone::{Phone, in_dialog};
use crate::street::{CALLER, Street};

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;
const GATEWAY: u8 = 12;

fn plan(street: &Street) -> String {
    let office = street.house(OFFICE);
    format!(
        "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
        [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
    )
}

/// A request of the office in the call that it has been rung for and has answered.
fn of_callee(rung: &str, office: &Phone, method: &str) -> String {
    let routes: Vec<&str> = headers(rung, "Record-Route").collect();
    let target = header(rung, "Contact").trim_matches(['<', '>']);
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKof{method}\r\nMax-Forwards: 70\r\n\
        Route: {routes}\r\nFrom: {from};tag=one\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: 7 {method}\r\n\
        Content-Length: 0\r\n\r\n",
        at = office.at,
        routes = routes.join(", "),
        from = header(rung, "To"),
        to = header(rung, "From"),
        id = header(rung, "Call-ID"),
    )
}

#[test]
fn a_bye_to_a_caller_behind_nat_goes_along_his_connection_and_so_do_answers_to_his_own_requests() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut office) = (Line::dial(&street, CALLER), Phone::new(&street, OFFICE));
    // What he says of himself leads nowhere (RFC 5737).
    caller.at = "192.0.2.5:5060".parse().expect("an address");
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    assert_eq!(headers(&rung, "Record-Route").count(), 2, "one for each transport: {rung}");
    office.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");

    caller.says(&in_dialog(&invite, &answer, "INFO", 2));
    let asked = office.hears("< INFO");
    office.replies(&asked, "200 OK", "");
    caller.hears("< 200 INFO");

    let bye = of_callee(&rung, &office, "BYE");
    office.says(&bye);
    let bye = caller.hears("< BYE");
    assert!(header(&bye, "Via").starts_with("SIP/2.0/TCP "), "{bye}");
    caller.replies(&bye, "200 OK", "");
    office.hears("< 200 BYE");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn an_answer_to_a_caller_whose_connection_is_lost_goes_to_the_port_that_he_listens_on() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut office) = (Line::dial(&street, CALLER), Phone::new(&street, OFFICE));
    let listener = listen(&street, CALLER);
    caller.at = street.house(CALLER);
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    caller.hangs_up();
    office.replies(&rung, "200 OK", "one");
    let mut caller = Line::accept(&street, &listener);
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");

    let bye = of_callee(&rung, &office, "BYE");
    office.says(&bye);
    let bye = caller.hears("< BYE");
    caller.replies(&bye, "200 OK", "");
    office.hears("< 200 BYE");
    assert_eq!(node.call().end(), "answered by office");
}

#[test]
fn a_peer_of_the_plan_whose_contact_leads_to_another_machine_gets_its_bye_there() {
    let street = Street::new();
    let (office, proxy) = (street.house(OFFICE), street.house(CALLER));
    let node = Tandem::start(
        &street,
        &format!(
            "[sites]\noffice = {{ sip = \"{office}\", probe = \"off\" }}\n\
            proxy = {{ sip = \"{proxy};transport=tcp\", probe = \"off\" }}\n[numbers]\n\"{NUMBER}\" = \"main\"\n\
            [defaults]\nfloor = false\n[plans]\nmain = [\"office\"]\n"
        ),
    );
    let (mut caller, mut office) = (Line::dial(&street, CALLER), Phone::new(&street, OFFICE));
    let gateway = listen(&street, GATEWAY);
    let invite = caller.invite(NUMBER);
    let invite = invite.replace(
        &format!("<sip:{};transport=tcp>", caller.at),
        &format!("<sip:{};transport=tcp>", street.house(GATEWAY)),
    );
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = office.hears("< INVITE");
    office.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");
    let bye = of_callee(&rung, &office, "BYE");
    office.says(&bye);
    let mut gateway = Line::accept(&street, &gateway);
    let bye = gateway.hears("< BYE");
    gateway.replies(&bye, "200 OK", "");
    office.hears("< 200 BYE");
    assert_eq!(node.call().end(), "answered by office");
}
