//! What a caller hears before a step of the plan: sound without an answer, then ringing.

use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, in_dialog};
use crate::sound::Sound;
use crate::street::{CALLER, Street};
use agent::prompts;

const NUMBER: &str = "+15035550100";
const OFFICE: u8 = 11;

fn plan(street: &Street) -> String {
    let office = street.house(OFFICE);
    format!(
        "[defaults]\nprobe = \"off\"\n[sites]\noffice = \"{office}\"\n[announcements]\nnotice = \"closed\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [{{ ring = \"office\", say = \"notice\" }}, \"notice\"]\n"
    )
}

#[test]
fn a_caller_hears_what_is_said_before_anybody_has_answered_and_then_it_rings() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street));
    let (mut caller, mut office) = (Phone::new(&street, CALLER), Phone::new(&street, OFFICE));
    let mut sound = Sound::new(&street, CALLER);
    let invite = sound.offered(&caller.invite(NUMBER));
    // He acknowledges what comes before an answer (RFC 3262).
    let invite = invite.replacen("Content-Type", "Require: 100rel\r\nContent-Type", 1);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    let progress = caller.hears("< 183 INVITE");
    assert!(progress.contains("\r\nRSeq: 1\r\n"), "{progress}");
    let prack = in_dialog(&invite, &progress, "PRACK", 2).replacen("Route", "RAck: 1 1 INVITE\r\nRoute", 1);
    caller.says(&prack);
    caller.hears("< 200 PRACK");
    sound.is_answered(&progress);
    let mut heard = Vec::new();
    while heard.len() < prompts::SILENCE.len() + prompts::CLOSED.len() {
        heard.extend(sound.hears());
    }
    assert!(heard[prompts::SILENCE.len()..].starts_with(&prompts::CLOSED), "{} samples", heard.len());
    let rung = office.hears("< INVITE");
    office.replies(&rung, "180 Ringing", "one");
    caller.hears("< 180 INVITE");
    office.replies(&rung, "200 OK", "one");
    let answer = caller.hears("< 200 INVITE");
    caller.says(&in_dialog(&invite, &answer, "ACK", 1));
    office.hears("< ACK");
    let call = node.call();
    assert_eq!(call.legs(), ["notice: said", "office: answered"]);
    // What is kept is written a moment after it has happened.
    let kept = || Some(node.asked(&["calls"]).0).filter(|list| !list.contains("(under way)"));
    let list = until("the call is kept", kept, || node.log());
    let row = list.lines().nth(1).unwrap_or_default().split_ascii_whitespace().collect::<Vec<_>>();
    assert_eq!((row[3], row[4], row.last()), ("1", "office", Some(&"-")), "{list}");
    let (why, _) = node.asked(&["explain", row[1]]);
    assert!(why.contains("  1  the caller heard notice at once (plan.toml:10), until "), "{why}");
}
