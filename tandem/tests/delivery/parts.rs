//! Mails taken apart, by nothing that made them.

/// The value of a header field, folded lines together.
pub(crate) fn header(mail: &str, name: &str) -> String {
    let head = mail.split("\r\n\r\n").next().expect("a head").replace("\r\n ", " ");
    let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let found: Vec<&str> = fields.filter(|(field, _)| *field == name).map(|(_, value)| value).collect();
    assert_eq!(found.len(), 1, "{name} in {head}");
    found.concat()
}

/// The body of the part of this type, decoded.
pub(crate) fn part(mail: &str, kind: &str) -> Option<Vec<u8>> {
    let at = mail.find(&format!("Content-Type: {kind}"))?;
    let part = mail.get(at..)?;
    let (head, rest) = part.split_once("\r\n\r\n")?;
    let body = rest.split("\r\n--").next()?;
    if head.contains("base64") {
        return Some(base64(body));
    }
    if head.contains("quoted-printable") {
        return Some(quoted_printable(body));
    }
    Some(body.as_bytes().to_vec())
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes() {
        let Some(value) = ALPHABET.iter().position(|letter| *letter == byte) else { continue };
        bits = bits << 6 | u32::try_from(value).expect("it is small");
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    out
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let joined = text.replace("=\r\n", "");
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'=' {
            let digits = core::str::from_utf8(&after[..2]).expect("two digits");
            out.push(u8::from_str_radix(digits, 16).expect("two digits"));
            rest = &after[2..];
        } else {
            out.push(*first);
        }
    }
    out
}

/// The samples of a WAV file: linear, 16 bits, one channel, 8,000 a second.
pub(crate) fn samples(wav: &[u8]) -> Vec<i16> {
    let head = b"RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data....";
    for (at, byte) in head.iter().enumerate().filter(|(_, byte)| **byte != b'.') {
        assert_eq!(wav[at], *byte, "byte {at}");
    }
    let length = u32::from_le_bytes(wav[40..44].try_into().expect("four bytes"));
    assert_eq!(length as usize, wav.len() - 44);
    wav[44..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect()
}
