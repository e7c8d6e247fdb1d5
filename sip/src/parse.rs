//! Bytes to index, leniently.

use crate::header::Name;
use crate::message::{Bytes, Field, Message, ParseError, Span, Start};
use crate::name_addr::Tagged;
use crate::scan::{Scanner, find_line_end, find_name_end, is_token, number, span, trim_end, trim_range};
use memchr::{memchr, memrchr};

/// Room for the fields of most messages without a second allocation.
const FIELDS_USUAL: usize = 32;

pub(crate) fn message(bytes: Bytes) -> Result<Message, ParseError> {
    if bytes.len() > Message::BYTES_MAX {
        return Err(ParseError::TooLong);
    }
    let mut lines = Lines::of(&bytes);
    let start =
        lines.next_line().and_then(|line| start_line(&bytes, &line)).ok_or(ParseError::NoStartLine)?;
    let mut fields = Vec::with_capacity(FIELDS_USUAL);
    let mut names = Names::default();
    let mut flaws = Flaws::default();
    while let Some(line) = lines.next_field() {
        if fields.len() == Message::FIELDS_MAX {
            flaws.excess = true;
        } else {
            let field = field(&bytes, &line);
            flaws.stray |= field.is_none();
            let field = field.unwrap_or_else(|| stray(&line));
            names.add(field.name, fields.len());
            fields.push(field);
        }
    }
    flaws.cut = !lines.saw_empty;
    flaws.lone_return = lines.saw_lone_return;
    let value = |name| names.of(name, &fields).first().map(|field: &Field| field.value);
    let address = |name| value(name).and_then(|value| Tagged::of(&bytes, value));
    let (from, to) = (address(Name::From), address(Name::To));
    let cseq = value(Name::CSeq).and_then(|value| cseq(&bytes, value));
    let body = body(&bytes, value(Name::ContentLength), lines.at);
    Ok(Message { bytes, start, fields, names, from, to, cseq, body, flaws })
}

/// What the index cannot show, for `check`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flaws {
    /// More than [`Message::FIELDS_MAX`] header fields.
    pub(crate) excess: bool,
    /// A line that is no header field.
    pub(crate) stray: bool,
    /// The bytes end before the empty line.
    pub(crate) cut: bool,
    /// A CR before the body that is not part of a line end.
    pub(crate) lone_return: bool,
}

/// Where the first header field of each name stands, and whether there are more: its place, [`NOWHERE`] if there is none,
/// and the mark [`REPEATED`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names([u8; Name::COUNT]);

/// No place: all are below [`Message::FIELDS_MAX`].
const NOWHERE: u8 = 0x7f;
const REPEATED: u8 = 0x80;

impl Names {
    fn add(&mut self, name: Name, place: usize) {
        let first = &mut self.0[name as usize];
        *first = if *first == NOWHERE { u8::try_from(place).unwrap_or(NOWHERE) } else { *first | REPEATED };
    }

    /// At least once.
    pub(crate) fn has(&self, name: Name) -> bool {
        self.0[name as usize] != NOWHERE
    }

    /// More than once.
    pub(crate) fn repeats(&self, name: Name) -> bool {
        self.0[name as usize] & REPEATED != 0
    }

    /// Of these fields a stretch that begins with the first one of that name and holds all others; it is empty if there
    /// is none.
    pub(crate) fn of<'a>(&self, name: Name, fields: &'a [Field]) -> &'a [Field] {
        let first = usize::from(self.0[name as usize] & !REPEATED);
        let end = if self.repeats(name) { fields.len() } else { first + 1 };
        fields.get(first..end).unwrap_or_default()
    }
}

impl Default for Names {
    fn default() -> Self {
        Self([NOWHERE; Name::COUNT])
    }
}

/// The number in a Content-Length value.
pub(crate) fn content_length(value: &[u8]) -> Option<usize> {
    number(value).map(|length| usize::try_from(length).unwrap_or(usize::MAX))
}

/// One line, or one header field with its folded lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) start: usize,
    /// Before the line end.
    pub(crate) text_end: usize,
    /// After the line end.
    pub(crate) end: usize,
    /// The first colon, if it has been found already.
    colon: Option<usize>,
}

/// Walks over the lines before the body. A line ends with LF; a CR before it belongs to the line end.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    saw_empty: bool,
    saw_lone_return: bool,
}

impl<'a> Lines<'a> {
    /// Begins at the first line that is not empty (RFC 3261 §7.5).
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        let at = bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
        Self { bytes, at, saw_empty: false, saw_lone_return: false }
    }

    /// The next line, without regard to folding.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        let start = self.at;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let feed = memchr(b'\n', rest);
        let line = rest.get(..feed.unwrap_or(rest.len()))?;
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        self.saw_lone_return |= memchr(b'\r', text).is_some();
        self.at = feed.map_or(self.bytes.len(), |feed| start + feed + 1);
        Some(Line { start, text_end: start + text.len(), end: self.at, colon: None })
    }

    /// The next header field; `None` at the empty line, after which `at` is where the body begins.
    pub(crate) fn next_field(&mut self) -> Option<Line> {
        if let Some(line) = self.plain_field() {
            return Some(line);
        }
        if self.saw_empty {
            return None;
        }
        let mut line = self.next_line()?;
        if line.text_end == line.start && line.end > line.start {
            self.saw_empty = true;
            return None;
        }
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            let folded = self.next_line()?;
            line = Line { start: line.start, ..folded };
        }
        Some(line)
    }

    /// The next header field, if it is written as most are: `name:` and a value on one line that ends with CRLF.
    fn plain_field(&mut self) -> Option<Line> {
        let start = self.at;
        let rest = self.bytes.get(start..)?;
        let (name, value) = rest.split_at_checked(find_name_end(rest))?;
        let value_len = 1 + find_line_end(value.strip_prefix(b":")?)?;
        let [b'\r', b'\n', next, ..] = value.get(value_len..)? else { return None };
        if self.saw_empty || matches!(next, b' ' | b'\t') {
            return None;
        }
        let colon = start + name.len();
        let text_end = colon + value_len;
        self.at = text_end + 2;
        Some(Line { start, text_end, end: self.at, colon: Some(colon) })
    }
}

/// Name, value start and value end of a field; `None` if it is no header field.
pub(crate) fn split_field(bytes: &[u8], line: &Line) -> Option<(Name, usize, usize)> {
    let text = bytes.get(line.start..line.text_end)?;
    let colon = line.colon.or_else(|| Some(line.start + memchr(b':', text)?))?;
    let written = trim_end(bytes.get(line.start..colon)?);
    let name = Name::of(written);
    let is_name = name != Name::Other || !written.is_empty() && written.iter().all(|&byte| byte > b' ');
    let (start, end) = trim_range(bytes, colon + 1, line.text_end);
    is_name.then_some((name, start, end))
}

fn field(bytes: &[u8], line: &Line) -> Option<Field> {
    let (name, start, end) = split_field(bytes, line)?;
    Some(Field { name, line: span((line.start, line.end)), value: span((start, end)) })
}

/// A line without a name is kept, so that nothing that arrived is lost.
fn stray(line: &Line) -> Field {
    Field { name: Name::Other, line: span((line.start, line.end)), value: span((line.start, line.text_end)) }
}

fn start_line(bytes: &[u8], line: &Line) -> Option<Start> {
    let text = bytes.get(line.start..line.text_end)?;
    let place = |from: usize, to: usize| span((line.start + from, line.start + to));
    let first = memchr(b' ', text)?;
    if is_version(text) {
        let code = first + 1;
        let code_end = memchr(b' ', text.get(code..)?).map_or(text.len(), |len| code + len);
        let status = number(text.get(code..code_end)?).unwrap_or(0).min(999);
        let reason = place((code_end + 1).min(text.len()), text.len());
        return Some(Start::Response {
            version: place(0, first),
            status: u16::try_from(status).ok()?,
            reason,
        });
    }
    // Surplus white space stays in the URI's and the version's spans, where `check` finds it.
    let last = memrchr(b' ', text.trim_ascii_end())?;
    let is_request = first > 0 && last > first && is_version(text.get(last + 1..)?);
    let name = text.get(..first)?;
    is_request.then(|| Start::Request {
        method: crate::method::Method::of(name),
        name: place(0, first),
        uri: place(first + 1, last),
        version: place(last + 1, text.len()),
    })
}

fn is_version(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/"))
}

/// Number and method name.
fn cseq(bytes: &[u8], value: Span) -> Option<(u32, Span)> {
    let mut scanner = Scanner::new(bytes.get(value.start as usize..value.end as usize)?);
    let digits = scanner.digits();
    let before = scanner.rest().len();
    scanner.skip_space();
    let name = scanner.rest();
    let sequence = u32::try_from(number(digits)?).ok()?;
    let start = value.end - u32::try_from(name.len()).ok()?;
    (name.len() < before && is_token(name)).then_some((sequence, Span { start, end: value.end }))
}

/// The body by the first Content-Length; one that is missing or wrong leaves all that came.
fn body(bytes: &[u8], stated: Option<Span>, start: usize) -> Span {
    let length =
        stated.and_then(|value| content_length(bytes.get(value.start as usize..value.end as usize)?));
    let end = length.map_or(bytes.len(), |length| start.saturating_add(length).min(bytes.len()));
    span((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Method;

    fn parse(text: &[u8]) -> Message {
        Message::parse(text.into()).unwrap()
    }

    fn fields(message: &Message) -> Vec<(Name, &[u8], &[u8])> {
        message
            .fields()
            .iter()
            .map(|field| (field.name, message.at(field.line), message.at(field.value)))
            .collect()
    }

    #[test]
    fn fields_are_found_whatever_their_white_space_line_ends_and_case() {
        let message =
            parse(b"\r\n\nX sip:a SIP/2.0\nTO :\r\n sip:b \r\n\t;tag=1 \r\nnoname\nq:\r\ni:1\n\n\xff\r\n");
        let expected: [(Name, &[u8], &[u8]); 4] = [
            (Name::To, b"TO :\r\n sip:b \r\n\t;tag=1 \r\n", b"sip:b \r\n\t;tag=1"),
            (Name::Other, b"noname\n", b"noname"),
            (Name::Other, b"q:\r\n", b""),
            (Name::CallId, b"i:1\n", b"1"),
        ];
        assert_eq!(fields(&message), expected);
        assert_eq!(message.body(), b"\xff\r\n");
        assert_eq!(message.method(), Method::Other);
        assert_eq!(message.method_name(), b"X");
        assert_eq!(message.to_tag(), b"1");
    }

    #[test]
    fn a_value_ends_with_its_line_however_long_it_is() {
        for length in 0..150 {
            for line_end in ["\r\n", "\n", "\r\n \r\n"] {
                // A tab is a control character as the line end is.
                let value = format!("{}\t{}", "a".repeat(length / 3), "b".repeat(length));
                let name = "n".repeat(1 + length / 5);
                let line = format!("{name}:{value}{line_end}");
                let message = parse(format!("X sip:a SIP/2.0\r\n{line}To:c\r\n\r\n").as_bytes());
                let expected: [(Name, &[u8], &[u8]); 2] =
                    [(Name::Other, line.as_bytes(), value.trim().as_bytes()), (Name::To, b"To:c\r\n", b"c")];
                assert_eq!(fields(&message), expected);
                assert!(!message.flaws.lone_return && !message.flaws.stray);
            }
        }
    }

    #[test]
    fn the_body_ends_where_content_length_says_or_with_the_datagram() {
        let body = |length: &str| {
            parse(format!("X sip:a SIP/2.0\r\n{length}\r\n\r\nabc").as_bytes()).body().to_vec()
        };
        assert_eq!(body("X: y"), b"abc");
        assert_eq!(body("l: 0"), b"");
        assert_eq!(body("l: 2"), b"ab");
        assert_eq!(body("l: 4"), b"abc");
        assert_eq!(body("l: -2"), b"abc");
        assert_eq!(body("l: 1\r\nl: 2"), b"a");
    }

    #[test]
    fn a_datagram_that_ends_in_the_headers_has_an_empty_body() {
        for text in [
            &b"X sip:a SIP/2.0"[..],
            b"X sip:a SIP/2.0\r\n",
            b"X sip:a SIP/2.0\r\nTo: b",
            b"X sip:a SIP/2.0\r\nTo: b\r",
        ] {
            let message = parse(text);
            assert_eq!(message.body(), b"");
            assert!(message.flaws.cut);
        }
    }

    #[test]
    fn a_status_line_is_read_as_far_as_it_goes() {
        let status = |text: &str| {
            let message = parse(text.as_bytes());
            (message.status(), str::from_utf8(message.reason()).unwrap().to_owned())
        };
        assert_eq!(status("SIP/2.0 100 "), (Some(100), String::new()));
        assert_eq!(status("SIP/2.0 100"), (Some(100), String::new()));
        assert_eq!(status("SIP/2.0 200 = 2**3  \u{fc}"), (Some(200), "= 2**3  \u{fc}".into()));
        assert_eq!(status("SIP/2.0 4294967301 big"), (Some(999), "big".into()));
        assert_eq!(status("SIP/2.0 x y"), (Some(0), "y".into()));
    }

    #[test]
    fn what_has_no_start_line_is_no_message() {
        for text in [
            "",
            "\r\n\r\n",
            "X",
            "SIP/2.0",
            "X sip:a",
            "X SIP/2.0",
            " sip:a SIP/2.0",
            "GET / HTTP/1.1\r\n\r\n",
            "\0",
        ] {
            assert_eq!(Message::parse(text.as_bytes().into()).err(), Some(ParseError::NoStartLine), "{text}");
        }
        let long: Bytes = vec![b'x'; Message::BYTES_MAX + 1].into();
        assert_eq!(Message::parse(long).err(), Some(ParseError::TooLong));
    }

    #[test]
    fn fields_beyond_the_bound_are_not_indexed_and_the_body_is_still_found() {
        let lines = "l: 1\r\n".repeat(Message::FIELDS_MAX);
        assert!(!parse(format!("X sip:a SIP/2.0\r\n{lines}\r\nab").as_bytes()).flaws.excess);
        let message = parse(format!("X sip:a SIP/2.0\r\n{lines}To: b\r\n\r\nab").as_bytes());
        assert!(message.flaws.excess);
        assert_eq!(message.fields().len(), Message::FIELDS_MAX);
        assert_eq!(message.body(), b"a");
    }
}
