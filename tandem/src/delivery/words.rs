//! What a mail says of a message. Nothing that came over SIP is believed: it is cut, cleaned and escaped.

use crate::config::{Attach, Mailbox, Mailboxes};
use crate::messages::manifest::{End, Manifest};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What becomes of the sound in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// It is attached.
    Attached,
    /// It is too long to be attached.
    TooLong,
    /// The mailbox has it so.
    Elsewhere(Attach),
    /// It is sealed, and there is no other copy.
    Sealed,
    /// There is none.
    Nothing,
}

/// What a mail says, for one message.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The message.
    pub manifest: &'a Manifest,
    /// Its mailbox.
    pub mailbox: &'a Mailbox,
    /// The plan's.
    pub all: &'a Mailboxes,
    /// What becomes of its sound.
    pub sound: Sound,
}

impl Words<'_> {
    /// The subject, in one line.
    #[must_use]
    pub fn subject(&self) -> String {
        let what = match (self.sound == Sound::Nothing, self.manifest.end) {
            (false, _) => "Voicemail",
            (true, End::Full) => "Call to a full mailbox",
            (true, End::Fax) => "Fax call",
            (true, End::Unfinished | End::HungUp | End::Key | End::Silence | End::Longest | End::NoSound) => {
                "Missed call"
            }
        };
        let urgent = if self.manifest.urgent { "Urgent: " } else { "" };
        format!("{urgent}{what} from {} for {}", self.caller(), self.business())
    }

    /// The mail as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let rows: String = self
            .rows()
            .into_iter()
            .map(|(name, value)| format!("{:<10}{value}\n", format!("{name}:")))
            .collect();
        let mut text = format!("{}\n\n{rows}", self.subject());
        if let Some(link) = self.link() {
            text.push_str(&format!("\nCall back: {link}\n"));
        }
        for line in self.remarks() {
            text.push_str(&format!("\n{line}\n"));
        }
        text
    }

    /// The same as HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let row = |(name, value): (&str, String)| {
            format!("<tr><td>{name}</td><td><b>{}</b></td></tr>\n", escaped(&value))
        };
        let rows: String = self.rows().into_iter().map(row).collect();
        let link = self.link().map(|link| format!("<p><a href=\"{0}\">Call back</a></p>\n", escaped(&link)));
        let remarks: String =
            self.remarks().iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
        format!(
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{subject}</title></head><body>\n\
             <h3>{subject}</h3>\n<table cellpadding=\"4\">\n{rows}</table>\n{}{remarks}</body></html>\n",
            link.unwrap_or_default(),
            subject = escaped(&self.subject()),
        )
    }

    /// How the sound's file is called.
    #[must_use]
    pub fn file(&self) -> String {
        let began = self.manifest.at.to_zoned(self.zone().clone());
        began.strftime("voicemail-%Y-%m-%d-%H%M.wav").to_string()
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let manifest = self.manifest;
        let name = clean(&manifest.name);
        let mut rows = vec![(
            "From",
            if name.is_empty() { self.caller() } else { format!("{name}, {}", self.caller()) },
        )];
        rows.push(("Called", clean(&manifest.number)));
        rows.push(("When", moment(manifest.at, self.zone())));
        if self.sound != Sound::Nothing {
            rows.push(("Length", length(manifest.millis)));
        }
        rows.push(("Why", manifest.why.sentence().to_owned()));
        rows
    }

    fn remarks(&self) -> Vec<String> {
        let manifest = self.manifest;
        let mut lines = vec![match self.sound {
            Sound::Attached => "The message is attached.".to_owned(),
            Sound::TooLong => format!("The message is too long for a mail. {}", self.kept()),
            Sound::Elsewhere(Attach::Notice) => {
                "There is a message; this mailbox has no sound sent by mail.".to_owned()
            }
            Sound::Elsewhere(Attach::Sound | Attach::Link) => self.kept(),
            Sound::Sealed => format!(
                "The message is sealed: it is in {} on {}, and opens with the key of its owner alone.",
                manifest.id,
                clean(&manifest.node)
            ),
            Sound::Nothing => "The caller left no message.".to_owned(),
        }];
        if !manifest.whole {
            lines.push("Parts of the message are missing.".to_owned());
        }
        lines.push(manifest.end.sentence().to_owned());
        if self.mailbox.hold {
            lines.push("It is kept until the hold on its mailbox ends.".to_owned());
        } else {
            let keep = SignedDuration::try_from(self.mailbox.keep).unwrap_or_default();
            let until = manifest.at.checked_add(keep).unwrap_or(Timestamp::MAX).to_zoned(self.zone().clone());
            lines.push(format!("It is kept until {}.", until.strftime("%-d %B %Y")));
        }
        lines
    }

    fn kept(&self) -> String {
        let Manifest { id, node, .. } = self.manifest;
        format!("It is kept on {}: tandem messages play {id} --to message.wav", clean(node))
    }

    fn caller(&self) -> String {
        let caller = clean(&self.manifest.caller);
        if caller.is_empty() { "a hidden number".to_owned() } else { caller }
    }

    fn zone(&self) -> &TimeZone {
        self.mailbox.of.as_ref().map_or(&self.all.zone, |customer| &customer.zone)
    }

    fn business(&self) -> String {
        let business = clean(self.all.business_of(self.mailbox));
        if business.is_empty() { clean(&self.manifest.mailbox) } else { business }
    }

    /// Only a number can be dialled by a click.
    fn link(&self) -> Option<String> {
        let caller = &self.manifest.caller;
        let digits = caller.strip_prefix('+').unwrap_or(caller);
        let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| format!("tel:{caller}"))
    }
}

/// A text from outside as one short line.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_control() || c.is_whitespace() || is_invisible(c)) {
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.chars().take(LINE_MAX).collect()
}

/// Marks that turn the direction of what follows, so that it reads as something else.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text as it stands between tags and in attributes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%A, %-d %B %Y, %H:%M %Z").to_string()
}

fn length(millis: u64) -> String {
    let seconds = millis.div_ceil(1_000);
    let plural = |n: u64, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    match (seconds / 60, seconds % 60) {
        (0, seconds) => plural(seconds, "second"),
        (minutes, 0) => plural(minutes, "minute"),
        (minutes, seconds) => format!("{}, {}", plural(minutes, "minute"), plural(seconds, "second")),
    }
}

/// Characters of a name or number; the longest names of people have some dozens.
const LINE_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::manifest::Why;
    use crate::messages::manifest::tests::manifest;

    fn settings() -> Mailboxes {
        Mailboxes {
            business: "Nguyen & Sons".into(),
            zone: TimeZone::get("America/Los_Angeles").unwrap(),
            ..Mailboxes::default()
        }
    }

    fn say(manifest: &Manifest, sound: Sound) -> (String, String, String) {
        let (all, mailbox) = (settings(), Mailbox::default());
        let words = Words { manifest, mailbox: &mailbox, all: &all, sound };
        (words.subject(), words.text(), words.html())
    }

    #[test]
    fn a_mail_says_who_called_when_for_how_long_and_why_it_came_here() {
        let (subject, text, html) = say(&manifest(1), Sound::Attached);
        assert_eq!(subject, "Voicemail from +15035550999 for Nguyen & Sons");
        assert_eq!(
            text,
            "Voicemail from +15035550999 for Nguyen & Sons\n\n\
             From:     Lopez, Maria, +15035550999\n\
             Called:   +15035550100\n\
             When:     Thursday, 26 November 2026, 23:01 PST\n\
             Length:   12 seconds\n\
             Why:      Nobody answered the call.\n\n\
             Call back: tel:+15035550999\n\n\
             The message is attached.\n\n\
             The caller hung up.\n\n\
             It is kept until 26 December 2026.\n"
        );
        assert_eq!(
            html,
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\
             <title>Voicemail from +15035550999 for Nguyen &amp; Sons</title></head><body>\n\
             <h3>Voicemail from +15035550999 for Nguyen &amp; Sons</h3>\n<table cellpadding=\"4\">\n\
             <tr><td>From</td><td><b>Lopez, Maria, +15035550999</b></td></tr>\n\
             <tr><td>Called</td><td><b>+15035550100</b></td></tr>\n\
             <tr><td>When</td><td><b>Thursday, 26 November 2026, 23:01 PST</b></td></tr>\n\
             <tr><td>Length</td><td><b>12 seconds</b></td></tr>\n\
             <tr><td>Why</td><td><b>Nobody answered the call.</b></td></tr>\n</table>\n\
             <p><a href=\"tel:+15035550999\">Call back</a></p>\n\
             <p>The message is attached.</p>\n<p>The caller hung up.</p>\n\
             <p>It is kept until 26 December 2026.</p>\n</body></html>\n"
        );
    }

    #[test]
    fn what_a_caller_says_of_himself_is_text_and_nothing_else() {
        let evil = Manifest {
            caller: "eve\r\nBcc: all@example.com\r\n\r\n<script>".into(),
            name: "\"><img src=x onerror='a()'>\u{202e}\u{0}& <b>".into(),
            number: "100<i>".into(),
            ..manifest(1)
        };
        let (subject, text, html) = say(&evil, Sound::Attached);
        assert_eq!(subject, "Voicemail from eve Bcc: all@example.com <script> for Nguyen & Sons");
        assert!(
            text.contains(
                "\nFrom:     \"><img src=x onerror='a()'> & <b>, eve Bcc: all@example.com <script>\n"
            ),
            "{text}"
        );
        assert!(!text.contains(['\r', '\u{202e}', '\u{0}']) && !text.contains("Call back"), "{text}");
        let tags: Vec<&str> =
            html.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap()).collect();
        let known =
            ["!DOCTYPE", "html", "head", "meta", "title", "body", "h3", "table", "tr", "td", "b", "p"];
        assert!(tags.iter().all(|tag| known.contains(&tag.trim_start_matches('/'))), "{tags:?}");
        assert!(html.contains("&quot;&gt;&lt;img src=x onerror=&#39;a()&#39;&gt; &amp; &lt;b&gt;"), "{html}");
        assert!(html.contains("<b>100&lt;i&gt;</b>"), "{html}");
        let long = Manifest { name: "x".repeat(65_000), ..manifest(1) };
        assert!(say(&long, Sound::Attached).1.len() < 1_000);
    }

    #[test]
    fn what_is_missing_or_elsewhere_is_said() {
        let broken = Manifest {
            whole: false,
            end: End::Unfinished,
            millis: 61_000,
            urgent: true,
            caller: String::new(),
            name: String::new(),
            why: Why::Closed,
            ..manifest(1)
        };
        let (subject, text, _) = say(&broken, Sound::TooLong);
        assert_eq!(subject, "Urgent: Voicemail from a hidden number for Nguyen & Sons");
        assert_eq!(
            text,
            "Urgent: Voicemail from a hidden number for Nguyen & Sons\n\n\
             From:     a hidden number\n\
             Called:   +15035550100\n\
             When:     Thursday, 26 November 2026, 23:01 PST\n\
             Length:   1 minute, 1 second\n\
             Why:      The call came outside of opening hours.\n\n\
             The message is too long for a mail. It is kept on pdx-1: \
             tandem messages play 1ngjanc0w3ge1r70w3ge1r7 --to message.wav\n\n\
             Parts of the message are missing.\n\n\
             The recording broke off: this system failed while the caller was speaking.\n\n\
             It is kept until 26 December 2026.\n"
        );
        let nothing = Manifest { millis: 0, ..manifest(1) };
        let (subject, text, _) = say(&nothing, Sound::Nothing);
        assert_eq!(subject, "Missed call from +15035550999 for Nguyen & Sons");
        assert!(text.contains("\nThe caller left no message.\n") && !text.contains("Length"), "{text}");
        for (end, subject, remark) in [
            (
                End::Full,
                "Call to a full mailbox from",
                "\nThe mailbox was full, and the caller was told so.\n",
            ),
            (End::Fax, "Fax call from", "\nIt was a fax machine.\n"),
        ] {
            let said = say(&Manifest { millis: 0, end, ..manifest(1) }, Sound::Nothing);
            assert!(said.0.starts_with(subject) && said.1.contains(remark), "{said:?}");
        }
        let sealed = say(&manifest(1), Sound::Sealed).1;
        assert!(sealed.contains("opens with the key of its owner alone"), "{sealed}");
        let notice = say(&manifest(1), Sound::Elsewhere(Attach::Notice)).1;
        assert!(!notice.contains("tandem messages"), "{notice}");
    }
}
