//! A mailbox of the program: what a caller says into it arrives as a mail, sample by sample.

use crate::messages::header;
use crate::node::Tandem;
use crate::parts;
use crate::phone::{Phone, in_dialog, response};
use crate::sink::Sink;
use crate::sound::Sound;
use crate::street::{CALLER, Street};
use agent::g711::Law;
use agent::prompts;

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

pub(crate) fn plan(street: &Street, smtp: u16) -> String {
    let carrier = street.house(CALLER);
    format!(
        "business = \"Nguyen Dental\"\n[carriers]\nacme = {{ sip = \"{carrier}\", probe = \"off\" }}\n\
        [mail]\nsmtp = \"127.0.0.1:{smtp}\"\ntls = \"none\"\nfrom = \"tandem@nguyen.example\"\n\
        [mailboxes]\ninbox = \"office@nguyen.example\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [\"inbox\"]\n"
    )
}

/// A caller in the mailbox, who has heard the tone: the phone, its INVITE, the answer, and the sound.
pub(crate) fn after_the_tone(street: &Street) -> (Phone, String, String, Sound) {
    let mut caller = Phone::new(street, CALLER);
    let mut sound = Sound::new(street, CALLER);
    let invite = sound.offered(&caller.invite(NUMBER));
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    sound.is_answered(&answer);
    sound.hears();
    sound.presses(11);
    sound.hears_out();
    (caller, invite, answer, sound)
}

#[test]
fn what_a_caller_says_is_mailed_sample_by_sample() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let node = Tandem::start(&street, &plan(&street, sink.port));
    let (mut caller, invite, answer, mut sound) = after_the_tone(&street);
    let said = &prompts::OWNER[800..];
    sound.says(said);
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    caller.hears("< 200 BYE");
    let mail = sink.mail();
    assert_eq!(mail.to, "office@nguyen.example");
    assert_eq!(parts::header(&mail.text, "Subject"), "Voicemail from +15035550999 for Nguyen Dental");
    let heard = parts::samples(&parts::part(&mail.text, "audio/wav").expect("its sound is attached"));
    let spoken: Vec<i16> = said.iter().map(|byte| Law::Mu.decode(*byte)).collect();
    let start = heard.windows(800).position(|part| part == &spoken[..800]).expect("it begins as it was said");
    // The silence at its end is trimmed.
    let end = heard.len().min(start + spoken.len());
    assert_eq!(heard[start..end], spoken[..end - start]);
    assert!(end - start > spoken.len() - 8_000, "{} of {}", end - start, spoken.len());
    let (list, status) = node.asked(&["messages"]);
    assert_eq!(status, Some(0), "{list}");
    assert!(list.contains("+15035550999"), "{list}");
    assert_eq!(header(&answer, "Contact").split('-').next(), Some("<sip:agent"));
}

#[test]
fn a_node_that_dies_keeps_all_but_the_last_five_seconds() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let mut node = Tandem::start(&street, &plan(&street, sink.port));
    let (_caller, _, _, mut sound) = after_the_tone(&street);
    let said: Vec<u8> = prompts::GREETING.iter().chain(prompts::OWNER.iter()).copied().collect();
    sound.says(&said);
    node.die_and_come_back();
    let heard = parts::samples(&parts::part(&sink.mail().text, "audio/wav").expect("its sound is attached"));
    assert!(heard.len() + 5 * 8_000 >= said.len(), "{} of {}", heard.len(), said.len());
}

#[test]
fn who_presses_0_hears_the_office_and_the_office_hears_him() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let office = street.house(OFFICE);
    let plan = plan(&street, sink.port).replace(
        "inbox = \"office@nguyen.example\"",
        "inbox = { email = \"office@nguyen.example\", operator = \"desk\" }",
    ) + &format!("[sites]\ndesk = {{ sip = \"{office}\", probe = \"off\" }}\n");
    let node = Tandem::start(&street, &plan);
    let (caller, invite, answer, mut sound) = after_the_tone(&street);
    let (mut caller, mut desk) = (caller, Phone::new(&street, OFFICE));
    let mut there = Sound::new(&street, OFFICE);
    sound.presses(0);
    let rung = desk.hears("< INVITE");
    assert!(rung.contains("From: <sip:+15035550999@"), "{rung}");
    there.is_answered(&rung);
    let taken = there.offered(&response(&rung, desk.at, "200 OK", "desk"));
    desk.says(&taken);
    desk.hears("< ACK");
    sound.hears_out();
    there.says(&prompts::OWNER[..3_200]);
    assert!(!sound.hears().is_empty(), "the caller hears the office");
    sound.says(&prompts::OWNER[..3_200]);
    assert!(!there.hears().is_empty(), "the office hears the caller");
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    caller.hears("< 200 BYE");
    desk.hears("< BYE");
    let calls = node.calls(2);
    let legs: Vec<_> = calls.iter().map(|call| call.legs()).collect();
    assert_eq!(legs, [["inbox: answered"], ["desk: answered"]]);
}
