//! Lamps of phones: what waits in a mailbox is told to whoever has asked, as soon as it changes.

use crate::mailbox::{after_the_tone, plan};
use crate::messages::header;
use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, in_dialog};
use crate::sink::Sink;
use crate::street::Street;
use agent::prompts;

pub(crate) const DESK: u8 = 12;

/// A plan with an office, whose phone is at the desk.
pub(crate) fn lit(street: &Street, smtp: u16) -> String {
    plan(street, smtp) + &format!("[sites]\ndesk = {{ sip = \"{}\", probe = \"off\" }}\n", street.house(DESK))
}

fn subscribe(desk: &Phone, mailbox: &str, event: &str) -> String {
    let lines = format!("Event: {event}\r\nExpires: 600\r\nContent-Length: 0");
    desk.request("SUBSCRIBE", mailbox).replace("Content-Length: 0", &lines)
}

/// Waits until the phone is told something, and says what; it answers.
fn told(desk: &mut Phone) -> String {
    let notify = desk.hears("< NOTIFY");
    desk.replies(&notify, "200 OK", "");
    let body = notify.split("\r\n\r\n").nth(1).unwrap_or_default();
    let waits = body.lines().next().unwrap_or_default().trim_start_matches("Messages-Waiting: ");
    let counts = body.lines().nth(2).unwrap_or_default().trim_start_matches("Voice-Message: ");
    let state = header(&notify, "Subscription-State").split(';').next().unwrap_or_default();
    format!("{state} {waits} {counts}")
}

#[test]
fn a_lamp_is_lit_by_a_message_and_put_out_by_who_takes_care_of_it() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let mut node = Tandem::start(&street, &lit(&street, sink.port));
    let mut desk = Phone::new(&street, DESK);
    let asks = subscribe(&desk, "inbox", "message-summary");
    desk.says(&asks);
    let answer = desk.hears("< 200 SUBSCRIBE");
    assert_eq!(told(&mut desk), "active no 0/0 (0/0)");

    let (mut caller, invite, taken, mut sound) = after_the_tone(&street);
    sound.says(&prompts::OWNER[800..]);
    caller.says(&in_dialog(&invite, &taken, "BYE", 2));
    caller.hears("< 200 BYE");
    assert_eq!(told(&mut desk), "active yes 1/0 (0/0)");
    let id = until("a message", || first(&node), String::new);
    assert_eq!(node.asked(&["messages", "claim", &id, "--by", "ana"]).1, Some(0));
    assert_eq!(told(&mut desk), "active no 0/1 (0/0)");
    assert_eq!(node.asked(&["messages", "delete", &id]).1, Some(0));
    assert_eq!(told(&mut desk), "active no 0/0 (0/0)");
    assert_eq!(node.asked(&["messages", "restore", &id]).1, Some(0));
    assert_eq!(told(&mut desk), "active no 0/1 (0/0)");

    // A node that has died knows nothing of the phone, but all of the messages.
    node.die_and_come_back();
    let refresh = in_dialog(&asks, &answer, "SUBSCRIBE", 2)
        .replace("Content-Length: 0", "Event: message-summary\r\nExpires: 600\r\nContent-Length: 0");
    desk.says(&refresh);
    desk.hears("< 481 SUBSCRIBE");
    desk.says(&subscribe(&desk, "inbox", "message-summary"));
    desk.hears("< 200 SUBSCRIBE");
    assert_eq!(told(&mut desk), "active no 0/1 (0/0)");
}

#[test]
fn a_phone_that_never_asks_is_told_all_the_same() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let mut desk = Phone::new(&street, DESK);
    let plan = lit(&street, sink.port).replace(
        "inbox = \"office@nguyen.example\"",
        "inbox = { email = \"office@nguyen.example\", lamp = \"100@desk\" }",
    );
    let _node = Tandem::start(&street, &plan);
    assert_eq!(told(&mut desk), "terminated no 0/0 (0/0)");
    let (mut caller, invite, taken, mut sound) = after_the_tone(&street);
    sound.says(&prompts::OWNER[800..]);
    caller.says(&in_dialog(&invite, &taken, "BYE", 2));
    caller.hears("< 200 BYE");
    let notify = desk.hears("< NOTIFY");
    assert!(notify.starts_with(&format!("NOTIFY sip:100@{} SIP/2.0\r\n", desk.at)), "{notify}");
    assert!(notify.ends_with("Voice-Message: 1/0 (0/0)\r\n"), "{notify}");
}

#[test]
fn what_is_no_mailbox_and_no_summary_is_refused() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let _node = Tandem::start(&street, &lit(&street, sink.port));
    let mut desk = Phone::new(&street, DESK);
    desk.says(&subscribe(&desk, "nobody", "message-summary"));
    desk.hears("< 404 SUBSCRIBE");
    desk.says(&subscribe(&desk, "inbox", "presence"));
    assert_eq!(header(&desk.hears("< 489 SUBSCRIBE"), "Allow-Events"), "message-summary");
    let mut caller = Phone::new(&street, crate::street::CALLER);
    caller.says(&subscribe(&caller, "inbox", "message-summary"));
    caller.hears("< 405 SUBSCRIBE");
}

/// The name of the first message in the list.
pub(crate) fn first(node: &Tandem) -> Option<String> {
    let (list, _) = node.asked(&["messages"]);
    let row = list.lines().nth(1)?;
    row.split_ascii_whitespace().next().map(str::to_owned)
}
