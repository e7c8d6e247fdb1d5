//! Messages that the node cannot read any more once they are on disk.

use crate::office::{HASTY, Office, mailing, sound};
use crate::parts::{part, samples};
use crate::sink::At::Rcpt;
use crate::sink::Does::Say;
use crate::sink::Sink;
use agent::g711::Law;
use tandem::config::{Mailbox, Mailboxes};

fn sealing(port: u16, owner: &age::x25519::Identity) -> Mailboxes {
    let mut plan = mailing(port, &["office@nguyen.example"]);
    let open = plan.by_name.remove("inbox").expect("it is there");
    let sealed = Mailbox { encrypt_to: vec![owner.to_public().to_string().into()], ..open };
    plan.by_name.insert("inbox".into(), sealed);
    plan
}

#[test]
fn a_sealed_message_goes_by_mail_in_the_clear_once_and_after_a_restart_as_a_notice() {
    let owner = age::x25519::Identity::generate();
    let sink = Sink::start(&[]);
    let plan = || sealing(sink.port, &owner);
    let mut office = Office::new("sealed", plan(), HASTY);
    let sound = sound(6);
    let first = office.leave(&sound);
    let file = part(&sink.mail().text, "audio/wav").expect("the sound");
    let expected: Vec<i16> = sound.iter().map(|byte| Law::Mu.decode(*byte)).collect();
    assert!(samples(&file) == expected);
    let place = office.data.join("messages").join(first.id.as_str());
    let read = |name: &str| std::fs::read(place.join(name)).expect("it is there");
    let opened =
        [read("000.ul.age"), read("001.ul.age")].map(|part| age::decrypt(&owner, &part).expect("its owner"));
    assert_eq!(opened.concat(), sound);
    office.close();

    let busy = Sink::start(&[Say(Rcpt, "450 not now"); 20]);
    office.open(sealing(busy.port, &owner), HASTY);
    office.leave(&sound);
    office.wait(|letters| letters.iter().any(|letter| letter.tries > 0 && letter.answer.starts_with("450")));
    office.close();
    office.open(plan(), HASTY);
    let mail = sink.mail();
    assert_eq!(part(&mail.text, "audio/wav"), None);
    let words = String::from_utf8(part(&mail.text, "text/plain").expect("words")).expect("UTF-8");
    assert!(words.contains("opens with the key of its owner alone"), "{words}");
}
