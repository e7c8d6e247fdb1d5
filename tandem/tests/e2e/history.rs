//! What is said of calls that have come: the list, the ladder, and the sentences; and that no call waits for any of it.

use crate::messages::{header, headers};
use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, ack_refusal, cancel, in_dialog, response};
use crate::sound::Sound;
use crate::street::{CALLER, Street};
use core::net::SocketAddr;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

fn plan(street: &Street) -> String {
    let (carrier, first, second) = (street.house(CALLER), street.house(FIRST), street.house(SECOND));
    format!(
        "[defaults]\nprobe = \"off\"\n[carriers]\nacme = \"{carrier}\"\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [\n  \"first\",\n  \"second\",\n]\nfloor = false\n"
    )
}

/// A plan of three people, then the second.
fn with_people(street: &Street) -> String {
    let (carrier, office) = (street.house(FIRST), street.house(SECOND));
    format!(
        "business = \"Nguyen Dental\"\n[defaults]\nprobe = \"off\"\n[carriers]\nacme = \"{carrier}\"\n\
        [sites]\noffice = \"{office}\"\n[people]\nana = \"+15035550111\"\nben = \"+15035550112\"\n\
        cleo = \"+15035550113\"\n[numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\n\
        steps = [\"ana\", \"ben\", \"cleo\", \"office\"]\nfloor = false\n"
    )
}

/// Calls, and waits until it rings at the first; the INVITE and what the callee got.
fn ring(caller: &mut Phone, first: &mut Phone) -> (String, String) {
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = first.hears("< INVITE");
    first.replies(&rung, "180 Ringing", "one");
    caller.hears("< 180 INVITE");
    (invite, rung)
}

/// A call that the first refuses and the second answers, until the caller hangs up.
fn refused_then_answered(caller: &mut Phone, first: &mut Phone, second: &mut Phone) {
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let rung = first.hears("< INVITE");
    first.replies(&rung, "503 Service Unavailable", "one");
    first.hears("< ACK");
    let rung = second.hears("< INVITE");
    second.replies(&rung, "200 OK", "two");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    second.hears("< ACK");
    caller.says(&in_dialog(&invite, &answer, "BYE", 2));
    let over = second.hears("< BYE");
    second.replies(&over, "200 OK", "");
    caller.hears("< 200 BYE");
}

/// A call whose caller hangs up while it rings.
fn cancelled(caller: &mut Phone, first: &mut Phone) {
    let (invite, rung) = ring(caller, first);
    caller.says(&cancel(&invite));
    caller.hears("< 200 CANCEL");
    let gone = first.hears("< CANCEL");
    first.replies(&gone, "200 OK", "one");
    first.replies(&rung, "487 Request Terminated", "one");
    first.hears("< ACK");
    let over = caller.hears("< 487 INVITE");
    caller.says(&ack_refusal(&invite, &over));
}

/// Somebody's mobile is answered; what it was rung with, and its sound.
fn mobile_answers(street: &Street, mobile: &mut Phone, tag: &str) -> (String, Sound) {
    let rung = mobile.hears("< INVITE");
    let mut sound = Sound::new(street, FIRST);
    sound.is_answered(&rung);
    mobile.says(&sound.offered(&response(&rung, mobile.at, "200 OK", tag)));
    mobile.hears("< ACK");
    (rung, sound)
}

/// The BYE of Cleo, whose phone is there and was rung by this.
fn hang_up(rung: &str, at: SocketAddr) -> String {
    let route = headers(rung, "Record-Route").collect::<Vec<_>>().join(", ");
    format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\nRoute: {route}\r\n\
        From: {};tag=cleo\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        header(rung, "Contact").trim_matches(['<', '>']),
        header(rung, "To"),
        header(rung, "From"),
        header(rung, "Call-ID"),
    )
}

/// Asks until the answer is about so many calls, and all of them are over: what is kept is written a moment after it has happened.
fn asked(node: &Tandem, words: &[&str], lines: usize) -> String {
    asked_until(node, words, |text| text.lines().count() == lines && !text.contains(UNDER_WAY))
}

fn asked_until(node: &Tandem, words: &[&str], is_so: impl Fn(&str) -> bool) -> String {
    let answer = || Some(node.asked(words).0).filter(|text| is_so(text));
    masked(&until("all calls are kept", answer, || node.asked(words).0))
}

const UNDER_WAY: &str = "(under way)";

/// Without what differs from run to run: times, and the addresses of a street.
fn masked(text: &str) -> String {
    let masks = [
        ("99:99:99", "HH:MM:SS"),
        ("9999-99-99", "DATE"),
        ("at once", "after N s"),
        ("9.9 s", "N s"),
        ("9.999", "N.NNN"),
    ];
    let lines = text.lines().map(|line| {
        let line = between(line, "(127.", "),", "(ADDRESS");
        between(&line, "plan main of ", "plan.toml", "plan main of ") + "\n"
    });
    let mut text: String = lines.collect();
    for (mask, word) in masks {
        text = replace(&text, mask, word);
    }
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    days.iter().fold(text, |text, day| text.replace(&format!("{day} DATE"), "DATE"))
}

/// A line with this word from where one thing begins to where another does.
fn between(line: &str, from: &str, to: &str, word: &str) -> String {
    match (line.find(from), line.find(to)) {
        (Some(from), Some(to)) => format!("{}{word}{}", &line[..from], &line[to..]),
        (Some(_) | None, _) => line.to_owned(),
    }
}

/// A 9 in the mask is any digit.
fn replace(text: &str, mask: &str, word: &str) -> String {
    let (bytes, mask) = (text.as_bytes(), mask.as_bytes());
    let fits = |at: usize| {
        bytes.get(at..at + mask.len()).is_some_and(|part| {
            part.iter()
                .zip(mask)
                .all(|(is, wanted)| if *wanted == b'9' { is.is_ascii_digit() } else { is == wanted })
        })
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if fits(at) {
            out.extend_from_slice(word.as_bytes());
            at += mask.len();
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn calls_are_listed_drawn_and_explained_by_their_names() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    refused_then_answered(&mut caller, &mut first, &mut second);
    cancelled(&mut caller, &mut first);
    assert_eq!(
        asked(&node, &["calls", "--since", "1h"], 3),
        "TIME      CALL      TO            TRIES  ANSWERED BY  AFTER  FIRST FAILURE\n\
         HH:MM:SS  c-94f82a  +15035550100      1  (cancelled)  N s  -\n\
         HH:MM:SS  c-4a7c15  +15035550100      2  second       N s  first: 503\n"
    );
    assert_eq!(
        asked(&node, &["trace", "c-4a7c15"], 8),
        "c-4a7c15  +15035550999 → +15035550100  DATE HH:MM:SS  answered by second after N s\n\
         \x20         caller         tandem         first          second\n\
         \x20 N.NNN     │──INVITE─────▶│──INVITE─────▶│              │\n\
         \x20 N.NNN     │◀─100─────────│              │              │\n\
         \x20 N.NNN     │              │◀─503─────────│              │\n\
         \x20 N.NNN     │              │ ✗ first: 503 (:12)          │\n\
         \x20 N.NNN     │              │──INVITE────────────────────▶│\n\
         \x20 N.NNN     │◀─200─────────│◀─200────────────────────────│\n"
    );
    assert_eq!(
        asked(&node, &["trace", "c-94f82a"], 8),
        "c-94f82a  +15035550999 → +15035550100  DATE HH:MM:SS  the caller hung up after N s\n\
         \x20         caller         tandem         first\n\
         \x20 N.NNN     │──INVITE─────▶│──INVITE─────▶│\n\
         \x20 N.NNN     │◀─100─────────│              │\n\
         \x20 N.NNN     │◀─18x─────────│◀─18x─────────│\n\
         \x20 N.NNN     │──CANCEL─────▶│              │\n\
         \x20 N.NNN     │              │ – first: cancelled: caller hung up (:12)\n\
         \x20 N.NNN     │◀─487─────────│              │\n"
    );
    assert_eq!(
        asked(&node, &["explain", "c-4a"], 5),
        "c-4a7c15: +15035550999 called +15035550100 on DATE, HH:MM:SS\n\
         \x20 It came from acme (ADDRESS), and has plan main of plan.toml.\n\
         \x20 1  first was rung after N s (plan.toml:12); left after N s: 503\n\
         \x20 2  second was rung after N s (plan.toml:13); answered after N s\n\
         \x20 second answered after N s.\n"
    );
    assert_eq!(
        asked(&node, &["explain", "c-94F8"], 4),
        "c-94f82a: +15035550999 called +15035550100 on DATE, HH:MM:SS\n\
         \x20 It came from acme (ADDRESS), and has plan main of plan.toml.\n\
         \x20 1  first was rung after N s (plan.toml:12); rang after N s; cancelled after N s: caller hung up\n\
         \x20 The caller hung up after N s; the caller heard ringing after N s.\n"
    );
    // By the same plan all of it would happen again; and when the caller hung up was kept.
    assert_eq!(
        node.asked(&["replay", "--since", "1h"]),
        ("Of 2 calls 1 reached nobody; by plan.toml neither does it reach anybody. None would go otherwise.\n".into(), Some(0))
    );
    let (calls, _) = node.asked(&["calls", "--end", "answered", "-o", "json"]);
    let calls: serde_json::Value = serde_json::from_str(&calls).expect("JSON");
    assert!(calls[0]["hung_up_after_ms"].as_i64() >= calls[0]["ended_after_ms"].as_i64(), "{calls:#}");
}

#[test]
fn whoever_answered_and_did_not_press_1_is_said_to_have_answered() {
    let street = Street::new();
    let node = Tandem::start(&street, &with_people(&street));
    let (mut caller, mut mobile) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    let invite = Sound::new(&street, CALLER).offered(&caller.invite(NUMBER));
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    mobile_answers(&street, &mut mobile, "ana");
    // She does nothing at all.
    caller.hears("< 180 INVITE");
    let gone = mobile.hears("< BYE");
    mobile.replies(&gone, "200 OK", "");
    let (_, mut sound) = mobile_answers(&street, &mut mobile, "ben");
    sound.presses(2);
    let gone = mobile.hears("< BYE");
    mobile.replies(&gone, "200 OK", "");
    let (rung, _) = mobile_answers(&street, &mut mobile, "cleo");
    mobile.says(&hang_up(&rung, mobile.at));
    mobile.hears("< 200 BYE");
    let rung = second.hears("< INVITE");
    second.replies(&rung, "200 OK", "two");
    caller.hears("< 200 INVITE");
    // It has so many lines once it is over.
    assert_eq!(
        asked(&node, &["trace", "c-4a7c15"], 18),
        "c-4a7c15  +15035550999 → +15035550100  DATE HH:MM:SS  answered by office after 1N s\n\
         \x20         caller         tandem      ana by acme    ben by acme    cleo by acme      office\n\
         \x20 N.NNN     │──INVITE─────▶│──INVITE─────▶│              │              │              │\n\
         \x20 N.NNN     │◀─100─────────│              │              │              │              │\n\
         \x20 N.NNN     │              │◀─18x─────────│              │              │              │\n\
         \x20 N.NNN     │              │◀─200─────────│              │              │              │\n\
         \x20 N.NNN     │◀─18x─────────│              │              │              │              │\n\
         \x201N.NNN     │              │ ✗ ana by acme: nobody pressed 1 (:15)      │              │\n\
         \x201N.NNN     │              │──INVITE────────────────────▶│              │              │\n\
         \x201N.NNN     │              │◀─18x────────────────────────│              │              │\n\
         \x201N.NNN     │              │◀─200────────────────────────│              │              │\n\
         \x201N.NNN     │              │ ✗ ben by acme: declined (:15)              │              │\n\
         \x201N.NNN     │              │──INVITE───────────────────────────────────▶│              │\n\
         \x201N.NNN     │              │◀─18x───────────────────────────────────────│              │\n\
         \x201N.NNN     │              │◀─200───────────────────────────────────────│              │\n\
         \x201N.NNN     │              │ ✗ cleo by acme: hung up without pressing 1 (:15)          │\n\
         \x201N.NNN     │              │──INVITE──────────────────────────────────────────────────▶│\n\
         \x201N.NNN     │◀─200─────────│◀─200──────────────────────────────────────────────────────│\n"
    );
    assert_eq!(
        asked(&node, &["calls"], 2),
        "TIME      CALL      TO            TRIES  ANSWERED BY  AFTER   FIRST FAILURE\n\
         HH:MM:SS  c-4a7c15  +15035550100      4  office       1N s  ana by acme: answered after N s, nobody pressed 1\n"
    );
    let again = node.asked(&["replay", "--since", "1h"]);
    assert_eq!(again, ("Of 1 call 0 reached nobody. None would go otherwise.\n".into(), Some(0)));
    assert_eq!(
        asked(&node, &["explain", "c-4a7c15"], 7),
        "c-4a7c15: +15035550999 called +15035550100 on DATE, HH:MM:SS\n\
         \x20 It came from nobody of the plan (ADDRESS), and has plan main of plan.toml.\n\
         \x20 1  ana by acme was rung after N s (plan.toml:15); rang after N s; answered after N s; left after 1N s: \
         nobody pressed 1\n\
         \x20 2  ben by acme was rung after 1N s (plan.toml:15); rang after 1N s; answered after 1N s; left after 1N s: \
         declined\n\
         \x20 3  cleo by acme was rung after 1N s (plan.toml:15); rang after 1N s; answered after 1N s; left after 1N s: \
         hung up without pressing 1\n\
         \x20 4  office was rung after 1N s (plan.toml:15); answered after 1N s\n\
         \x20 office answered after 1N s; the caller heard ringing after N s.\n"
    );
}

#[test]
fn a_call_whose_node_is_killed_is_shown_once_and_its_end_is_not_known() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    ring(&mut caller, &mut first);
    let under_way = "TIME      CALL      TO            TRIES  ANSWERED BY  AFTER  FIRST FAILURE\n\
                     HH:MM:SS  c-4a7c15  +15035550100      0  (under way)  -      -\n";
    assert_eq!(asked_until(&node, &["calls"], |text| text.contains(UNDER_WAY)), under_way);
    node.die_and_come_back();
    let unknown = asked(&node, &["calls", "--end", "unknown"], 2);
    assert_eq!(unknown, under_way.replace("(under way)", "(unknown)  "));
    assert_eq!(asked(&node, &["calls"], 2), unknown);
    assert_eq!(
        asked(&node, &["explain", "c-4a7c15"], 3),
        "c-4a7c15: +15035550999 called +15035550100 on DATE, HH:MM:SS\n\
         \x20 It came from acme (ADDRESS), and has plan main of plan.toml.\n\
         \x20 The node ended while this call was under way, at HH:MM:SS or later: what came of it nobody knows.\n"
    );
    assert_eq!(
        asked(&node, &["trace", "c-4a7c15"], 5),
        "c-4a7c15  +15035550999 → +15035550100  DATE HH:MM:SS  the node ended before the call did\n\
         \x20         caller         tandem\n\
         \x20 N.NNN     │──INVITE─────▶│\n\
         \x20 N.NNN     │◀─100─────────│\n\
         \x20 N.NNN     │              │ the node ended meanwhile: what came of it nobody knows\n"
    );
}

#[test]
fn with_the_store_taken_away_calls_go_on_and_the_next_one_is_kept_in_a_new_one() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    refused_then_answered(&mut caller, &mut first, &mut second);
    asked(&node, &["calls"], 2);
    for name in ["tandem.db", "tandem.db-wal", "tandem.db-shm"] {
        std::fs::remove_file(node.state(name)).expect("it is there");
    }
    let (text, status) = node.asked(&["calls"]);
    assert!(text.contains("no node has run with this folder"), "{text}");
    assert_eq!(status, Some(3));
    std::fs::create_dir(node.state("tandem.db")).expect("the folder is ours");
    refused_then_answered(&mut caller, &mut first, &mut second);
    node.logs("calls go on, but their history is not written for now");
    std::fs::remove_dir(node.state("tandem.db")).expect("it is empty");
    // What came up meanwhile was held.
    assert!(asked(&node, &["calls"], 2).contains("c-94f82a"));
}

#[test]
fn a_wrong_name_has_its_suggestion_and_a_wrong_word_its_usage() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    // The node makes its store beside taking calls.
    let made = || Some(node.asked(&["trace", "c-4a7c16"])).filter(|(_, status)| *status != Some(3));
    let none = "tandem trace: no call is called c-4a7c16; there is none yet\n";
    assert_eq!(until("the store is made", made, String::new), (none.to_owned(), Some(1)));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    (0..2).for_each(|_| refused_then_answered(&mut caller, &mut first, &mut second));
    asked(&node, &["calls"], 3);
    let near = "tandem explain: no call is called c-4a7c16\n  did you mean c-4a7c15?\n";
    assert_eq!(node.asked(&["explain", "c-4a7c16"]), (near.to_owned(), Some(1)));
    let last = "tandem trace: no call is called c-000000\n  did you mean c-94f82a, c-4a7c15?\n";
    assert_eq!(node.asked(&["trace", "c-000000"]), (last.to_owned(), Some(1)));
    assert_eq!(node.asked(&["calls", "--tries", "many"]).1, Some(2));
    let (list, _) = node.asked(&["calls", "--tries", ">1", "--limit", "1", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("it is JSON");
    assert_eq!((list[0]["id"].as_str(), list[1].is_null()), (Some("c-94f82a"), true));
    assert_eq!(list[0]["legs"][0]["outcome"], "503");
    assert_eq!(node.asked(&["calls", "--tries", ">2"]), ("tandem calls: no such call\n".to_owned(), Some(0)));
    let (tsv, _) =
        node.asked(&["calls", "--from", "acme", "--to", "5550100", "--end", "answered", "-o", "tsv"]);
    assert_eq!(tsv.lines().map(|line| line.matches('\t').count()).collect::<Vec<_>>(), [6, 6, 6]);
}
