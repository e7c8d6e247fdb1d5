//! A mailbox of the program: what a caller says into it arrives as a mail, sample by sample.

use crate::messages::header;
use crate::node::Tandem;
use crate::parts;
use crate::patience::until;
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
    // On a busy machine the last words are still on their way when they are said.
    sound.says(&[0xff; 8_000]);
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
    let wrong = heard[start..end].iter().zip(&spoken).position(|(heard, spoken)| heard != spoken);
    assert_eq!(wrong, None, "the first of {} samples that is another", end - start);
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

/// The hash of 4711, made at little cost: nothing is guessed here.
const PIN: &str = "$argon2id$v=19$m=64,t=1,p=1$CDgvdiwrbic$eG38V/vTHnLKZLkMzayJpg";

#[test]
fn an_owner_hears_by_phone_what_a_caller_has_said() {
    let (street, sink) = (Street::new(), Sink::start(&[]));
    let plan = plan(&street, sink.port).replace(
        "inbox = \"office@nguyen.example\"",
        &format!("inbox = {{ email = \"office@nguyen.example\", pin = \"{PIN}\" }}"),
    );
    let node = Tandem::start(&street, &plan);
    let said = &prompts::BUSY[800..];
    let (mut caller, invite, answer, mut sound) = after_the_tone(&street);
    sound.says(said);
    sound.says(&[0xff; 8_000]);
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    caller.hears("< 200 BYE");
    sink.mail();
    let state = || node.asked(&["messages"]).0;
    until("the message is there", || state().contains("delivered\n").then_some(()), state);

    let mut owner = caller;
    let mut sound = Sound::new(&street, CALLER);
    let invite = sound.offered(&owner.invite(NUMBER));
    owner.says(&invite);
    owner.hears("< 100 INVITE");
    let answer = owner.hears("< 200 INVITE");
    owner.says(&in_dialog(&invite, &answer, "ACK", 1));
    sound.is_answered(&answer);
    sound.hears();
    // The star, four digits, the hash.
    for key in [10, 4, 7, 1, 1, 11] {
        sound.presses(key);
        sound.says(&[0xff; 800]);
    }
    // One new message, from eleven digits, then the message and the keys.
    let heard = sound.says(&[0xff; 18 * 8_000]);
    let start = heard.windows(800).position(|part| part == &said[..800]).expect("the message is played");
    let length = (heard.len() - start).min(said.len() - 4_000);
    assert!(heard[start..start + length] == said[..length], "as it was said");
    until("the message is heard", || state().contains("delivered; heard by phone\n").then_some(()), state);
    sound.presses(3);
    until("the message is deleted", || state().contains("No messages.").then_some(()), state);
    owner.says(&in_dialog(&invite, &answer, "BYE", 2));
    owner.hears("< 200 BYE");
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
