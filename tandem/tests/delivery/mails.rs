//! What arrives, if all is well.

use crate::office::{HASTY, Office, mailing, manifest, sound};
use crate::parts::{header, part, samples};
use crate::sink::Sink;
use agent::g711::Law;
use agent::wav;
use tandem::messages::manifest::Manifest;
use tandem::store::outbox::State;

#[test]
fn a_message_arrives_as_a_mail_whose_sound_is_what_was_heard() {
    let sink = Sink::start(&[]);
    let office = Office::new("arrives", mailing(sink.port, &["office@nguyen.example"]), HASTY);
    let sound = sound(12);
    let message = office.leave(&sound);
    let mail = sink.mail();
    assert_eq!(mail.to, "office@nguyen.example");
    let text = &mail.text;
    assert_eq!(header(text, "Subject"), "Voicemail from +15035550999 for Nguyen Dental");
    assert_eq!(header(text, "From"), "\"Nguyen Dental\" <voicemail@nguyen.example>");
    assert_eq!(header(text, "To"), "office@nguyen.example");
    assert_eq!(header(text, "Message-ID"), format!("<{}@nguyen.example>", message.id));
    assert_eq!(header(text, "Auto-Submitted"), "auto-generated");
    let words = String::from_utf8(part(text, "text/plain").expect("words")).expect("UTF-8");
    assert!(words.contains("From:     Lopez, María, +15035550999\r\n"), "{words}");
    assert!(words.contains("Why:      Nobody answered the call.\r\n"), "{words}");
    assert!(part(text, "text/html").is_some());
    let file = part(text, "audio/wav").expect("the sound");
    let expected: Vec<i16> = sound.iter().map(|byte| Law::Mu.decode(*byte)).collect();
    assert!(samples(&file) == expected, "{} samples", samples(&file).len());
    assert_eq!(wav::read(&file), Ok(sound));
    let sent = office.wait(|letters| letters.iter().all(|letter| letter.state == State::Sent));
    assert_eq!(sent[0].answer, "250 2.0.0 queued as 4711");
    assert!(sink.is_quiet());
}

#[test]
fn a_call_without_a_message_is_told_too_and_everybody_gets_a_mail_of_his_own() {
    let sink = Sink::start(&[]);
    let office = Office::new("missed", mailing(sink.port, &["ana@a.example", "ben@b.example"]), HASTY);
    office.leave_as(Manifest { urgent: true, ..manifest() }, &[]);
    let mails = [sink.mail(), sink.mail()];
    let mut to: Vec<&str> = mails.iter().map(|mail| &*mail.to).collect();
    to.sort_unstable();
    assert_eq!(to, ["ana@a.example", "ben@b.example"]);
    for mail in &mails {
        let subject = header(&mail.text, "Subject");
        assert_eq!(subject, "Urgent: Missed call from +15035550999 for Nguyen Dental");
        assert_eq!(header(&mail.text, "To"), mail.to);
        assert_eq!((header(&mail.text, "Importance"), part(&mail.text, "audio/wav")), ("high".into(), None));
    }
}
