//! A mail with its parts. The same message makes the same bytes at every try, its Message-ID too: who gets it twice can see that.

use super::words::Words;
use crate::messages::id::MessageId;
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use std::time::SystemTime;

/// A mail to one recipient. `from`: an address, perhaps with a name; `wav`: the sound, if it goes along.
///
/// # Errors
/// What of it is no address, or cannot be written.
pub fn compose(words: &Words<'_>, from: &str, to: &Address, wav: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
    let wrong = |what: &str, error: &dyn core::fmt::Display| format!("{what}: {error}");
    let from: Mailbox =
        from.parse().map_err(|error: lettre::address::AddressError| wrong("`from`", &error))?;
    let id = &words.manifest.id;
    let both = part(MultiPartKind::Alternative, id)
        .singlepart(SinglePart::plain(words.text()))
        .singlepart(SinglePart::html(words.html()));
    let body = match wav {
        Some(wav) => {
            let kind = ContentType::parse("audio/wav").map_err(|error| wrong("audio/wav", &error))?;
            part(MultiPartKind::Mixed, id)
                .multipart(both)
                .singlepart(Attachment::new(words.file()).body(wav, kind))
        }
        None => both,
    };
    let mut mail = Message::builder()
        .message_id(Some(message_id(id, from.email.domain())))
        .date(SystemTime::from(words.manifest.at))
        .from(from)
        .to(Mailbox::new(None, to.clone()))
        .subject(words.subject())
        // Nobody's absence is told to a machine (RFC 3834 §5).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ));
    if words.manifest.urgent {
        mail = mail.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Importance"), "high".into()));
    }
    mail.multipart(body).map(|mail| mail.formatted()).map_err(|error| wrong("the mail", &error))
}

/// What a message is called in all mails that tell of it.
#[must_use]
pub fn message_id(id: &MessageId, domain: &str) -> String {
    format!("<{id}@{domain}>")
}

/// A part whose boundary nobody can know beforehand who has something to say in it.
fn part(kind: MultiPartKind, id: &MessageId) -> MultiPart {
    let name = match kind {
        MultiPartKind::Mixed => "mixed",
        MultiPartKind::Alternative
        | MultiPartKind::Related
        | MultiPartKind::Encrypted { .. }
        | MultiPartKind::Signed { .. } => "words",
    };
    MultiPart::builder().kind(kind).boundary(format!("{name}-{id}")).build()
}

/// Sound that goes along: as base64 it makes a mail of some 10 MB, which most servers take.
pub const WAV_MAX: usize = 7_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mailboxes;
    use crate::delivery::words::Sound;
    use crate::messages::manifest::Manifest;
    use crate::messages::manifest::tests::manifest;
    use agent::g711::Law;
    use agent::wav;

    fn written(manifest: &Manifest, sound: Sound, wav: Option<Vec<u8>>) -> String {
        let all = Mailboxes { business: "Nguyen Dental".into(), ..Mailboxes::default() };
        let (mailbox, to) = (crate::config::Mailbox::default(), "office@nguyen.example".parse().unwrap());
        let words = Words { manifest, mailbox: &mailbox, all: &all, sound };
        let mail = compose(&words, "Nguyen Dental <voicemail@nguyen.example>", &to, wav).unwrap();
        String::from_utf8(mail).unwrap()
    }

    #[test]
    fn a_mail_is_the_same_at_every_try() {
        let mail = || written(&manifest(1), Sound::Attached, Some(wav::write(&[0xff, 0x80, 0xff], Law::Mu)));
        assert_eq!(mail(), mail());
        assert_eq!(mail(), WHOLE.replace('\n', "\r\n"));
    }

    #[test]
    fn nothing_that_came_over_sip_begins_a_line_of_the_head() {
        let evil = Manifest {
            caller: "eve\r\nBcc: all@example.com\r\n\r\nhello".into(),
            name: "\u{0}Subject: x\r\n.\r\nMAIL FROM:<a@b>".into(),
            number: "1\nX-Evil: 1".into(),
            mailbox: "in\r\nX-Evil: 2".into(),
            ..manifest(1)
        };
        let mail = written(&evil, Sound::Nothing, None);
        let head = mail.split("\r\n\r\n").next().unwrap();
        let names: Vec<&str> = head
            .lines()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let expected =
            ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type"];
        assert_eq!(names, expected);
        assert!(
            !mail.contains("\r\n.\r\n") && !mail.contains("\nX-Evil") && !mail.contains("\nBcc"),
            "{mail}"
        );
    }

    const WHOLE: &str = r#"Message-ID: <1ngjanc0w3ge1r70w3ge1r7@nguyen.example>
Date: Fri, 27 Nov 2026 07:01:00 +0000
From: "Nguyen Dental" <voicemail@nguyen.example>
To: office@nguyen.example
Subject: Voicemail from +15035550999 for Nguyen Dental
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="mixed-1ngjanc0w3ge1r70w3ge1r7"

--mixed-1ngjanc0w3ge1r70w3ge1r7
Content-Type: multipart/alternative;
 boundary="words-1ngjanc0w3ge1r70w3ge1r7"

--words-1ngjanc0w3ge1r70w3ge1r7
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Voicemail from +15035550999 for Nguyen Dental

From:     Lopez, Maria, +15035550999
Called:   +15035550100
When:     Friday, 27 November 2026, 07:01 UTC
Length:   12 seconds
Why:      Nobody answered the call.

Call back: tel:+15035550999

The message is attached.

The caller hung up.

It is kept until 27 December 2026.

--words-1ngjanc0w3ge1r70w3ge1r7
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<!DOCTYPE html>
<html><head><meta charset=3D"utf-8"><title>Voicemail from +15035550999 for =
Nguyen Dental</title></head><body>
<h3>Voicemail from +15035550999 for Nguyen Dental</h3>
<table cellpadding=3D"4">
<tr><td>From</td><td><b>Lopez, Maria, +15035550999</b></td></tr>
<tr><td>Called</td><td><b>+15035550100</b></td></tr>
<tr><td>When</td><td><b>Friday, 27 November 2026, 07:01 UTC</b></td></tr>
<tr><td>Length</td><td><b>12 seconds</b></td></tr>
<tr><td>Why</td><td><b>Nobody answered the call.</b></td></tr>
</table>
<p><a href=3D"tel:+15035550999">Call back</a></p>
<p>The message is attached.</p>
<p>The caller hung up.</p>
<p>It is kept until 27 December 2026.</p>
</body></html>

--words-1ngjanc0w3ge1r70w3ge1r7--
--mixed-1ngjanc0w3ge1r70w3ge1r7
Content-Disposition: attachment; filename="voicemail-2026-11-27-0701.wav"
Content-Type: audio/wav
Content-Transfer-Encoding: base64

UklGRioAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQYAAAAAAHx9AAA=
--mixed-1ngjanc0w3ge1r70w3ge1r7--
"#;
}
