//! Offer and answer (RFC 3264): one stream of G.711 with digits beside it, and every other stream refused in its place.

use crate::g711::Law;
use crate::rtcp::Control;
use crate::sdes::{self, Sealed};
use crate::srtp::{Key, Suite};
use core::net::SocketAddr;
use sdp_types::{Attribute, Connection, Media, Origin, Session as Description, Time as Active};

/// What both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How sound is coded, both ways.
    pub law: Law,
    /// Its payload type.
    pub sound: u8,
    /// The payload type of digits (RFC 4733); `None` if the other side knows none.
    pub digits: Option<u8>,
    /// Where the other side wants its RTP; `None` if it names no address.
    pub remote: Option<SocketAddr>,
    /// Where the other side wants its reports.
    pub control: Control,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the other side may.
    pub hears: bool,
    /// How packets are sealed; `None` if they go in the clear.
    pub sealed: Option<Sealed>,
}

/// What we say of ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// Where our sound is to come to.
    pub address: SocketAddr,
    /// What seals our own: a key of this call alone.
    pub key: Key,
}

/// What may be taken of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The laws that may be spoken, the preferred one first.
    pub laws: &'static [Law],
    /// The suites that packets may be sealed in, the one that we offer first.
    pub suites: &'static [Suite],
    /// May they go in the clear?
    pub clear: bool,
}

/// Which description of one call this is: `o=` (RFC 8866 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// One number for all of the call.
    pub call: u64,
    /// One more with each description that differs.
    pub count: u64,
}

impl Terms {
    /// The suite that we offer; none if packets may go in the clear.
    fn offered(&self) -> &'static [Suite] {
        self.suites.get(..usize::from(!self.clear)).unwrap_or_default()
    }
}

/// Why nothing can be agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no SDP: 400.
    Unreadable,
    /// No audio in the clear or with a key that we understand, or none in G.711: 488.
    NoAudio,
}

impl Unfit {
    /// The status that says so.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unreadable => 400,
            Self::NoAudio => 488,
        }
    }
}

/// Bytes of a description that are read at all.
pub const LENGTH_MAX: usize = 16_384;

/// Answers an offer: the first audio with G.711 in one of these laws is taken, in the one that it prefers, sealed if it has a key
/// that we understand (also where it might go in the clear: RFC 8643).
///
/// # Errors
/// Why it cannot be answered; the caller refuses the INVITE with its status.
pub fn answer(offer: &[u8], here: &Here, may: Terms, version: Version) -> Result<(Agreed, Vec<u8>), Unfit> {
    let offer = parse(offer)?;
    let fits = |media: &Media| terms(&offer, media, may).is_some();
    let taken = offer.medias.iter().position(fits).ok_or(Unfit::NoAudio)?;
    let mut agreed = None;
    let mut answer = description(here.address, version);
    for (place, media) in offer.medias.iter().enumerate() {
        let terms = terms(&offer, media, may).filter(|_| place == taken);
        answer.medias.push(match terms {
            // RFC 3264 §6: in the protocol that was offered.
            Some(terms) => Media { proto: media.proto.clone(), ..audio(here, terms) },
            None => refused(media),
        });
        agreed = agreed.or(terms);
    }
    agreed.map(|agreed| (agreed, bytes(&answer))).ok_or(Unfit::NoAudio)
}

/// Offers these laws, the preferred one first, and digits, sealed if it may not go in the clear.
#[must_use]
pub fn offer(here: &Here, may: Terms, version: Version) -> Vec<u8> {
    let mut offer = description(here.address, version);
    let mut media = blank("audio", here.address.port(), if may.clear { "RTP/AVP" } else { "RTP/SAVP" });
    may.laws.iter().for_each(|law| push_law(&mut media, type_of(*law), *law));
    push_digits(&mut media, DIGITS);
    media.attributes.extend(may.offered().iter().map(|suite| sdes::offer(*suite, &here.key)));
    push_end(&mut media, "sendrecv");
    offer.medias.push(media);
    bytes(&offer)
}

/// Reads the answer to an offer of ours, which was of these terms.
///
/// # Errors
/// If it takes nothing of what was offered: the call is ended.
pub fn accept(answer: &[u8], may: Terms) -> Result<Agreed, Unfit> {
    let answer = parse(answer)?;
    // We offer one stream; what else stands there was not asked for.
    let media = answer.medias.first().ok_or(Unfit::NoAudio)?;
    // What was offered in the clear is answered in the clear.
    let may = Terms { suites: may.offered(), ..may };
    let mut agreed = terms(&answer, media, may).ok_or(Unfit::NoAudio)?;
    // We offer reports a port of their own.
    agreed.control = Control::Beside(beside(media, agreed.remote));
    agreed.sealed.is_none_or(|sealed| sdes::takes_offer(&sealed)).then_some(agreed).ok_or(Unfit::NoAudio)
}

/// What we call digits where we may choose.
const DIGITS: u8 = 101;

/// The payload type of G.711 (RFC 3551 §6).
const fn type_of(law: Law) -> u8 {
    match law {
        Law::Mu => 0,
        Law::A => 8,
    }
}

fn parse(text: &[u8]) -> Result<Description, Unfit> {
    let text = text.get(..text.len().min(LENGTH_MAX)).unwrap_or_default();
    Description::parse(text).map_err(|_| Unfit::Unreadable)
}

/// What a stream of the other side comes to for us; `None` if it is not for us.
fn terms(description: &Description, media: &Media, may: Terms) -> Option<Agreed> {
    if media.media != "audio" || media.port == 0 {
        return None;
    }
    let sealed = sdes::read(media, may.suites);
    match media.proto.as_str() {
        "RTP/AVP" | "RTP/AVPF" if may.clear || sealed.is_some() => {}
        "RTP/SAVP" | "RTP/SAVPF" if sealed.is_some() => {}
        _ => return None,
    }
    let formats =
        || media.fmt.split(' ').filter_map(|format| format.parse::<u8>().ok()).filter(|format| *format < 128);
    let known = |format: u8| Some((format, law_of(media, format).filter(|law| may.laws.contains(law))?));
    let (sound, law) = formats().find_map(known)?;
    let is_digits =
        |format: &u8| coding(media, *format).is_some_and(|coding| is(coding, "telephone-event/8000"));
    let address = media.connections.first().or(description.connection.as_ref())?;
    // A name is not looked up: the first packet shows where it is.
    let ip = address.try_address().ok().map(|address| address.ip);
    let is_held = ip.is_some_and(|ip| ip.is_unspecified());
    let direction = direction(&media.attributes).or_else(|| direction(&description.attributes));
    let (sends, hears) = match direction {
        Some("sendonly") => (false, true),
        Some("recvonly") => (true, false),
        Some("inactive") => (false, false),
        _ => (true, true),
    };
    let remote = ip.filter(|ip| !ip.is_unspecified() && !ip.is_multicast());
    let remote = remote.map(|ip| SocketAddr::new(ip, media.port));
    let control =
        if media.has_attribute("rtcp-mux") { Control::Among } else { Control::Beside(beside(media, remote)) };
    // Who is nowhere is on hold (RFC 3264 §8.4).
    let sends = sends && !is_held;
    Some(Agreed { law, sound, digits: formats().find(is_digits), remote, control, sends, hears, sealed })
}

/// The port of reports: the one that is named (RFC 3605), or the next one (RFC 3550 §11). Where sound does not go, reports do not.
fn beside(media: &Media, sound: Option<SocketAddr>) -> Option<SocketAddr> {
    let sound = sound?;
    let port = match media.get_first_attribute_value("rtcp").flatten() {
        Some(named) => named.split_ascii_whitespace().next()?.parse().ok().filter(|port| *port > 0)?,
        None => sound.port().checked_add(1)?,
    };
    Some(SocketAddr::new(sound.ip(), port))
}

fn direction(attributes: &[Attribute]) -> Option<&str> {
    let names = attributes.iter().map(|attribute| attribute.attribute.as_str());
    names.rev().find(|name| matches!(*name, "sendrecv" | "sendonly" | "recvonly" | "inactive"))
}

/// Is this format G.711, by its number or by its name?
fn law_of(media: &Media, format: u8) -> Option<Law> {
    match coding(media, format) {
        Some(coding) if is(coding, "PCMU/8000") || is(coding, "PCMU/8000/1") => Some(Law::Mu),
        Some(coding) if is(coding, "PCMA/8000") || is(coding, "PCMA/8000/1") => Some(Law::A),
        Some(_) => None,
        None => [Law::Mu, Law::A].into_iter().find(|law| type_of(*law) == format),
    }
}

/// What `a=rtpmap` says of a format.
fn coding(media: &Media, format: u8) -> Option<&str> {
    let mut maps = media.get_attribute_values("rtpmap").flatten();
    let of = |map: &&str| map.split_once(' ').is_some_and(|(number, _)| number.parse() == Ok(format));
    maps.find(of).and_then(|map| map.split_once(' ')).map(|(_, coding)| coding.trim())
}

fn is(coding: &str, name: &str) -> bool {
    coding.eq_ignore_ascii_case(name)
}

fn description(local: SocketAddr, version: Version) -> Description {
    let mut origin = Origin::with_ip_addr(version.call.to_string(), version.count, local.ip());
    origin.username = None;
    let mut description = Description::new(origin, "-");
    description.connection = Some(Connection::from_ip_addr(local.ip()));
    description.times = vec![Active::new(0, 0)];
    description
}

fn audio(here: &Here, terms: Agreed) -> Media {
    let mut media = blank("audio", here.address.port(), "RTP/AVP");
    push_law(&mut media, terms.sound, terms.law);
    terms.digits.into_iter().for_each(|digits| push_digits(&mut media, digits));
    media.attributes.extend(terms.sealed.map(|sealed| sdes::answer(&sealed, &here.key)));
    let direction = match (terms.sends, terms.hears) {
        (true, true) => "sendrecv",
        (true, false) => "sendonly",
        (false, true) => "recvonly",
        (false, false) => "inactive",
    };
    if terms.control == Control::Among {
        media.attributes.push(Attribute::new("rtcp-mux"));
    }
    push_end(&mut media, direction);
    media
}

fn push_law(media: &mut Media, sound: u8, law: Law) {
    let coding = match law {
        Law::Mu => "PCMU/8000",
        Law::A => "PCMA/8000",
    };
    push_format(media, sound, coding);
}

fn push_digits(media: &mut Media, digits: u8) {
    push_format(media, digits, "telephone-event/8000");
    media.attributes.push(Attribute::with_value("fmtp", format!("{digits} 0-15")));
}

fn push_format(media: &mut Media, format: u8, coding: &str) {
    let space = if media.fmt.is_empty() { "" } else { " " };
    media.fmt += &format!("{space}{format}");
    media.attributes.push(Attribute::with_value("rtpmap", format!("{format} {coding}")));
}

fn push_end(media: &mut Media, direction: &str) {
    media.attributes.push(Attribute::with_value("ptime", "20"));
    media.attributes.push(Attribute::new(direction));
}

/// A stream that we do not take, where it stood (RFC 3264 §6).
fn refused(media: &Media) -> Media {
    Media { fmt: media.fmt.clone(), ..blank(&media.media, 0, &media.proto) }
}

fn blank(media: &str, port: u16, proto: &str) -> Media {
    Media {
        media: media.into(),
        port,
        num_ports: None,
        proto: proto.into(),
        fmt: String::new(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}

fn bytes(description: &Description) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to a Vec cannot fail.
    drop(description.write(&mut out));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: Version = Version { call: 77, count: 1 };

    const ANY: Terms = Terms { laws: &Law::BOTH, suites: &Suite::BOTH, clear: true };

    fn local() -> SocketAddr {
        "192.0.2.1:20000".parse().unwrap()
    }

    fn here() -> Here {
        Here { address: local(), key: Key::new([7; 30]) }
    }

    /// A description of these streams, by somebody at 10.0.0.5.
    fn of(streams: &str) -> Vec<u8> {
        let lines = streams.replace('\n', "\r\n");
        format!("v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n{lines}").into_bytes()
    }

    /// The streams of an answer, and what was agreed on.
    fn answered(streams: &str) -> Result<(Agreed, Vec<String>), Unfit> {
        let (agreed, answer) = answer(&of(streams), &here(), ANY, VERSION)?;
        let text = String::from_utf8(answer).unwrap();
        let head = "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
        let streams = text.strip_prefix(head).unwrap_or_else(|| panic!("{text}"));
        Ok((agreed, streams.lines().map(String::from).collect()))
    }

    #[test]
    fn a_phones_offer_is_answered_in_the_law_that_it_prefers() {
        let offer = "m=audio 4000 RTP/AVP 9 8 0 96\na=rtpmap:9 G722/8000\na=rtpmap:96 telephone-event/8000\na=sendrecv\n";
        let (agreed, streams) = answered(offer).unwrap();
        let remote = Some("10.0.0.5:4000".parse().unwrap());
        assert_eq!(
            agreed,
            Agreed {
                law: Law::A,
                sound: 8,
                digits: Some(96),
                remote,
                control: Control::Beside(Some("10.0.0.5:4001".parse().unwrap())),
                sends: true,
                hears: true,
                sealed: None
            }
        );
        assert_eq!(
            streams,
            [
                "m=audio 20000 RTP/AVP 8 96",
                "a=rtpmap:8 PCMA/8000",
                "a=rtpmap:96 telephone-event/8000",
                "a=fmtp:96 0-15",
                "a=ptime:20",
                "a=sendrecv"
            ]
        );
    }

    #[test]
    fn every_stream_that_is_not_taken_is_refused_where_it_stands() {
        let offer = "m=image 5000 udptl t38\nm=audio 0 RTP/AVP 0\nm=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVP 0\n\
                     m=audio 4004 RTP/AVP 0\nm=video 4006 RTP/AVP 96 97\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n";
        let (agreed, streams) = answered(offer).unwrap();
        assert_eq!(agreed.remote, Some("10.0.0.5:4002".parse().unwrap()));
        let heads: Vec<&str> =
            streams.iter().map(String::as_str).filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            heads,
            [
                "m=image 0 udptl t38",
                "m=audio 0 RTP/AVP 0",
                "m=audio 0 RTP/SAVP 0",
                "m=audio 20000 RTP/AVP 0",
                "m=audio 0 RTP/AVP 0",
                "m=video 0 RTP/AVP 96 97",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
            ]
        );
    }

    #[test]
    fn who_offers_feedback_is_answered_in_its_protocol() {
        let (_, streams) = answered("m=audio 4000 RTP/AVPF 0\n").unwrap();
        assert_eq!(streams.first().map(String::as_str), Some("m=audio 20000 RTP/AVPF 0"));
    }

    #[test]
    fn reports_go_beside_the_sound_unless_both_sides_want_them_among_it() {
        for (lines, control, is_said) in [
            ("", Control::Beside(Some("10.0.0.5:4001".parse().unwrap())), false),
            ("a=rtcp:5007\n", Control::Beside(Some("10.0.0.5:5007".parse().unwrap())), false),
            // Nobody has reports sent to somebody else.
            ("a=rtcp:53 IN IP4 192.0.2.66\n", Control::Beside(Some("10.0.0.5:53".parse().unwrap())), false),
            ("a=rtcp:0\n", Control::Beside(None), false),
            ("a=rtcp:many\n", Control::Beside(None), false),
            ("a=rtcp-mux\na=rtcp:4000\n", Control::Among, true),
        ] {
            let (agreed, streams) = answered(&format!("m=audio 4000 RTP/AVP 0\n{lines}")).unwrap();
            assert_eq!(agreed.control, control, "{lines}");
            assert_eq!(streams.contains(&"a=rtcp-mux".to_owned()), is_said, "{lines}");
        }
        let (highest, _) = answered("m=audio 65535 RTP/AVP 0\n").unwrap();
        assert_eq!(highest.control, Control::Beside(None));
        // We do not offer it.
        let there = Control::Beside(Some("10.0.0.5:4001".parse().unwrap()));
        let taken = accept(&of("m=audio 4000 RTP/AVP 0\na=rtcp-mux\n"), ANY).unwrap();
        assert_eq!(taken.control, there);
    }

    #[test]
    fn a_hold_is_answered_by_its_other_side() {
        for (offer, sends, hears, said) in [
            ("m=audio 4000 RTP/AVP 0\na=sendonly\n", false, true, "a=recvonly"),
            ("m=audio 4000 RTP/AVP 0\na=recvonly\n", true, false, "a=sendonly"),
            ("m=audio 4000 RTP/AVP 0\na=inactive\n", false, false, "a=inactive"),
            ("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", false, true, "a=recvonly"),
            ("a=sendonly\nm=audio 4000 RTP/AVP 0\n", false, true, "a=recvonly"),
            ("a=sendonly\nm=audio 4000 RTP/AVP 0\na=sendrecv\n", true, true, "a=sendrecv"),
            ("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example\n", true, true, "a=sendrecv"),
        ] {
            let (agreed, streams) = answered(offer).unwrap();
            assert_eq!((agreed.sends, agreed.hears), (sends, hears), "{offer}");
            assert_eq!(streams.last().map(String::as_str), Some(said), "{offer}");
        }
    }

    #[test]
    fn g711_is_known_by_its_name_too_and_a_number_that_means_something_else_is_not_taken_for_it() {
        let offer = "m=audio 4000 RTP/AVP 0 98\na=rtpmap:0 L16/44100\na=rtpmap:98 pcmu/8000/1\n";
        let (agreed, streams) = answered(offer).unwrap();
        assert_eq!((agreed.law, agreed.sound, agreed.digits), (Law::Mu, 98, None));
        assert_eq!(streams[..2], ["m=audio 20000 RTP/AVP 98", "a=rtpmap:98 PCMU/8000"]);
    }

    #[test]
    fn what_has_no_g711_in_the_clear_is_unfit() {
        for (offer, unfit) in [
            (of(""), Unfit::NoAudio),
            (of("m=image 5000 udptl t38\n"), Unfit::NoAudio),
            (of("m=audio 4000 RTP/AVP 9 18\n"), Unfit::NoAudio),
            (of("m=audio 4000 RTP/SAVP 0\n"), Unfit::NoAudio),
            (of("m=audio 0 RTP/AVP 0\n"), Unfit::NoAudio),
            (of("m=audio 4000 RTP/AVP 96\n"), Unfit::NoAudio),
            (b"hello".to_vec(), Unfit::Unreadable),
            (b"".to_vec(), Unfit::Unreadable),
            (vec![0xff; 70_000], Unfit::Unreadable),
        ] {
            assert_eq!(
                answer(&offer, &here(), ANY, VERSION),
                Err(unfit),
                "{:?}",
                String::from_utf8_lossy(&offer)
            );
        }
        assert_eq!([Unfit::Unreadable, Unfit::NoAudio].map(Unfit::status), [400, 488]);
    }

    #[test]
    fn a_description_without_a_name_is_read_all_the_same() {
        let offer =
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
        assert!(answer(offer, &here(), ANY, VERSION).is_ok());
    }

    #[test]
    fn our_offer_is_answered_by_ourselves() {
        let there = "[2001:db8::9]:6000".parse().unwrap();
        for (laws, head) in [
            (&Law::BOTH[..], "m=audio 20000 RTP/AVP 0 8 101\r\n"),
            (&[Law::A, Law::Mu][..], "m=audio 20000 RTP/AVP 8 0 101\r\n"),
            (Law::A.only(), "m=audio 20000 RTP/AVP 8 101\r\n"),
        ] {
            let may = Terms { laws, ..ANY };
            let offer = offer(&here(), may, VERSION);
            assert!(String::from_utf8_lossy(&offer).contains(head), "{}", String::from_utf8_lossy(&offer));
            let (theirs, answer) = answer(&offer, &Here { address: there, ..here() }, ANY, VERSION).unwrap();
            let ours = accept(&answer, may).unwrap();
            assert_eq!((theirs.remote, ours.remote), (Some(local()), Some(there)));
            let nowhere = (None, Control::Beside(None));
            let of = |agreed| Agreed { remote: nowhere.0, control: nowhere.1, ..agreed };
            assert_eq!(of(theirs), of(ours));
            assert_eq!((ours.law, ours.digits), (laws[0], Some(101)));
        }
        assert_eq!(accept(&of("m=audio 0 RTP/AVP 0\n"), ANY), Err(Unfit::NoAudio));
    }

    /// The lines of a stream with these keys.
    fn keyed(proto: &str, lines: &[&str]) -> Vec<u8> {
        let keys: String = lines.iter().map(|line| format!("a=crypto:{line}\n")).collect();
        of(&format!("m=audio 4000 {proto} 0\n{keys}"))
    }

    #[test]
    fn who_offers_a_key_is_answered_with_ours() {
        let theirs = Key::new([1; 30]);
        let [long, short] = ["1 AES_CM_128_HMAC_SHA1_80", "2 AES_CM_128_HMAC_SHA1_32"]
            .map(|line| format!("{line} inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"));
        let [long, short] = [long.as_str(), short.as_str()];
        let other = "1 AEAD_AES_256_GCM inline:AQEB";
        let ours = "inline:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
        for (proto, lines, suite, said) in [
            ("RTP/SAVP", [long, short], Suite::Long, "a=crypto:1 AES_CM_128_HMAC_SHA1_80"),
            ("RTP/SAVPF", [other, short], Suite::Short, "a=crypto:2 AES_CM_128_HMAC_SHA1_32"),
            // RFC 8643: sealed if both can.
            ("RTP/AVP", [short, long], Suite::Short, "a=crypto:2 AES_CM_128_HMAC_SHA1_32"),
        ] {
            let (agreed, answer) = answer(&keyed(proto, &lines), &here(), ANY, VERSION).unwrap();
            let tag = if suite == Suite::Long { 1 } else { 2 };
            assert_eq!(agreed.sealed, Some(Sealed { suite, theirs, tag }));
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.contains(&format!("m=audio 20000 {proto} 0\r\n")), "{answer}");
            assert!(answer.contains(&format!("{said} {ours}\r\n")), "{answer}");
        }
        let only_clear = Terms { suites: &[], ..ANY };
        let plain = answer(&keyed("RTP/AVP", &[long]), &here(), only_clear, VERSION).unwrap();
        assert!(plain.0.sealed.is_none() && !String::from_utf8_lossy(&plain.1).contains("crypto"));
        assert_eq!(answer(&keyed("RTP/SAVP", &[other]), &here(), ANY, VERSION), Err(Unfit::NoAudio));
    }

    #[test]
    fn what_we_offer_sealed_is_not_taken_in_the_clear() {
        let sealed = Terms { clear: false, ..ANY };
        let offer = offer(&here(), sealed, VERSION);
        let text = String::from_utf8_lossy(&offer).into_owned();
        assert!(
            text.contains("m=audio 20000 RTP/SAVP 0 8 101\r\n") && text.matches("a=crypto").count() == 1,
            "{text}"
        );
        let there = Here { key: Key::new([1; 30]), ..here() };
        let (theirs, answer) = answer(&offer, &there, ANY, VERSION).unwrap();
        let ours = accept(&answer, sealed).unwrap();
        assert_eq!(theirs.sealed.map(|it| it.theirs), Some(here().key));
        assert_eq!(ours.sealed, Some(Sealed { suite: Suite::Long, theirs: there.key, tag: 1 }));
        let key = "AES_CM_128_HMAC_SHA1_80 inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        for (proto, lines) in
            [("RTP/AVP", vec![]), ("RTP/SAVP", vec![]), ("RTP/SAVP", vec![format!("2 {key}")])]
        {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(accept(&keyed(proto, &lines), sealed), Err(Unfit::NoAudio), "{proto}");
        }
        let agreed = accept(&keyed("RTP/AVP", &[&format!("1 {key}")]), ANY).unwrap();
        assert_eq!(agreed.sealed, None, "it was offered in the clear");
    }
}
