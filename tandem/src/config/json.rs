//! A plan file in JSON (RFC 8259): read into the tree that TOML is read into, with places, so that all that is said of a plan is said of it
//! too. It takes what the grammar has and no more; who reads it first finds out what is wrong with it.

use crate::codes::Code;
use crate::config::reader::shown;
use crate::config::source::Source;
use crate::diagnostic::{DRAWN_MAX, Diagnostic, Span};
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// A file in JSON as far as it can be read.
pub(super) struct Read<'a> {
    /// What it has; places count from its beginning.
    pub(super) table: DeTable<'a>,
    /// Where reading ended, and why.
    pub(super) fault: Option<Fault>,
    /// Keys that an object has twice: the second time, and the first.
    pub(super) doubled: Vec<(Span, Span)>,
}

/// Why it is not JSON.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) span: Span,
    title: &'static str,
    label: &'static str,
    help: Option<&'static str>,
}

/// Reads a file. One without anything in it has nothing in it.
pub(super) fn read(text: &str) -> Read<'_> {
    let mut reader = Reader { text, at: 0, doubled: Vec::new() };
    let mut table = DeTable::new();
    let fault = reader.whole(&mut table).err();
    Read { table, fault, doubled: reader.doubled }
}

impl Fault {
    /// Said of a file that begins at this byte.
    pub(super) fn problem(&self, file: &Span) -> Diagnostic {
        let span = file.start + self.span.start..file.start + self.span.end;
        let problem = Diagnostic::new(Code::E001, format!("this is not JSON: {}", self.title));
        let problem = problem.at(span, self.label);
        problem.help(self.help.unwrap_or("what stands after this place is not checked before it is mended"))
    }
}

/// E102: a key that an object has twice.
pub(super) fn twice(key: &str, again: Span, first: Span) -> Diagnostic {
    let problem = Diagnostic::new(Code::E102, format!("`{}` is defined twice", shown(key)));
    let problem = problem.at(again, "the second time").at(first, "the first time");
    problem.help("take one of the two out, or give it another name")
}

/// What is proposed of a file in JSON, in JSON: a change after which it would be none is said in words.
pub(super) fn adapt(problems: &mut [Diagnostic], source: &Source) {
    let drawn = problems.iter_mut().take(DRAWN_MAX);
    for help in drawn.flat_map(|problem| problem.helps.iter_mut()) {
        let Some((span, text)) = help.fix.take() else { continue };
        let Some(file) = source.part(span.start).filter(|part| part.is_json()) else {
            help.fix = Some((span, text));
            continue;
        };
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(str::to_owned);
        let fits = |text: &String| {
            let parts =
                [file.span.start..span.start, span.end..file.span.end].map(|span| source.slice(&span));
            file.span.len() < ADAPTED_MAX && read(&[parts[0], text, parts[1]].concat()).fault.is_none()
        };
        match [Some(text.clone()), inner].into_iter().flatten().find(fits) {
            Some(text) => help.fix = Some((span, text)),
            None => help.text = format!("{} `{}` (in TOML)", help.text, text.trim()),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    doubled: Vec<(Span, Span)>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl<'a> Reader<'a> {
    fn whole(&mut self, table: &mut DeTable<'a>) -> Result<(), Fault> {
        match self.next() {
            None => return Ok(()),
            Some(b'{') => self.object(table, 0)?,
            Some(_) => return Err(self.fault("a plan is an object", "expected `{`", None)),
        }
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.fault("something stands behind the plan", "not allowed here", None)),
        }
    }

    /// From its brace to that at its end; what was read before a fault stays in the table.
    fn object(&mut self, table: &mut DeTable<'a>, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.next() != Some(b'"') {
                return Err(self.fault("a key is a string", "expected `\"`", self.comma_or_comment()));
            }
            let (key, span) = self.string()?;
            // Without its quotes: what is proposed in its place stands between them.
            let span = span.start + 1..span.end - 1;
            if self.next() != Some(b':') {
                return Err(self.fault("a key has no value", "expected `:`", None));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            match table.get_key_value(&*key) {
                Some((first, _)) => self.doubled.push((span, first.span())),
                None => _ = table.insert(Spanned::new(span, key), value),
            }
            if self.goes_on(b'}', "expected `,` or `}`")? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<DeArray<'a>, Fault> {
        let mut list = DeArray::new();
        self.at += 1;
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(list);
        }
        loop {
            list.push(self.value(depth + 1)?);
            if self.goes_on(b']', "expected `,` or `]`")? {
                return Ok(list);
            }
        }
    }

    /// After one entry: whether its list ends here.
    fn goes_on(&mut self, end: u8, wanted: &'static str) -> Result<bool, Fault> {
        match self.next() {
            Some(found) if found == end => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            None => Err(self.fault("it ends in the middle", wanted, None)),
            Some(_) => Err(self.fault("a comma is missing", wanted, self.comma_or_comment())),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        let next = self.next();
        let start = self.at;
        if depth > DEPTH_MAX && matches!(next, Some(b'{' | b'[')) {
            return Err(self.fault("it is too deep", "no plan has so many lists in each other", None));
        }
        let value = match next {
            Some(b'"') => DeValue::String(self.string()?.0),
            Some(b'{') => {
                let mut table = DeTable::new();
                self.object(&mut table, depth)?;
                DeValue::Table(table)
            }
            Some(b'[') => DeValue::Array(self.array(depth)?),
            Some(_) => self.word()?,
            None => return Err(self.fault("it ends in the middle", "expected a value", None)),
        };
        Ok(Spanned::new(start..self.at, value))
    }

    /// A number, `true` or `false`.
    fn word(&mut self) -> Result<DeValue<'a>, Fault> {
        let rest = self.rest();
        let is_of_word =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
        let length = rest.bytes().take_while(|byte| is_of_word(byte)).count();
        let word = rest.get(..length).unwrap_or_default();
        let fault = |title, label, help| Fault { span: self.at..self.at + length.max(1), title, label, help };
        let found = match word {
            "true" => DeValue::Boolean(true),
            "false" => DeValue::Boolean(false),
            "null" => {
                return Err(fault("`null` says nothing", "not allowed here", Some("leave the key out")));
            }
            "" => return Err(self.fault("a value is missing", "expected a value", self.comma_or_comment())),
            _ if !is_number(word) => {
                let help = "text stands in quotes; a number does not begin with 0 or a plus: phone numbers and times of day are text";
                return Err(fault("this is no value", "not quoted", Some(help)));
            }
            _ => match DeValue::parse(word) {
                Ok(number) => number.into_inner(),
                Err(_) => return Err(fault("this is no number", "", None)),
            },
        };
        self.at += length;
        Ok(found)
    }

    /// A string, and its place with its quotes.
    fn string(&mut self) -> Result<(DeString<'a>, Span), Fault> {
        let start = self.at;
        self.at += 1;
        let mut text = DeString::Borrowed("");
        loop {
            let rest = self.rest();
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
            let part = rest.get(..plain).unwrap_or_default();
            if text.is_empty() {
                text = DeString::Borrowed(part);
            } else {
                text.to_mut().push_str(part);
            }
            self.at += plain;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((text, start..self.at));
                }
                Some(b'\\') => {
                    let letter = self.escape()?;
                    text.to_mut().push(letter);
                }
                Some(_) | None => {
                    let help = Some("the quote at its end is missing; a line end inside is written `\\n`");
                    return Err(Fault {
                        span: start..self.at,
                        title: "a string does not end",
                        label: "",
                        help,
                    });
                }
            }
        }
    }

    /// What a backslash and what follows it stand for.
    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        let letter = match self.rest().as_bytes().get(1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(*plain),
            Some(b'u') => return self.unicode(),
            Some(_) | None => {
                let (title, label) =
                    ("a backslash stands for nothing", "expected `\\\\`, `\\\"`, `\\n` or `\\u00e9`");
                return Err(Fault { span: start..start + 1, title, label, help: None });
            }
        };
        self.at += 2;
        Ok(letter)
    }

    /// `\u00e9`, or two of them for what has more than four digits.
    fn unicode(&mut self) -> Result<char, Fault> {
        let start = self.at;
        let mut unit = || {
            let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
            let found =
                digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16));
            self.at += 6;
            found?.ok()
        };
        let letter = unit().and_then(|first| match first {
            0xd800..0xdc00 => {
                let second = unit().filter(|second| (0xdc00..0xe000).contains(second))?;
                char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            }
            _ => char::from_u32(first),
        });
        let end = start + 1;
        letter.ok_or(Fault {
            span: start..end,
            title: "this stands for no letter",
            label: "expected `\\u` and four digits",
            help: None,
        })
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let blanks =
            self.rest().bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// A fault at the next letter.
    fn fault(&self, title: &'static str, label: &'static str, help: Option<&'static str>) -> Fault {
        let letter = self.rest().chars().next().map_or(0, char::len_utf8);
        Fault { span: self.at..self.at + letter, title, label, help }
    }

    /// What people write who are used to other languages.
    fn comma_or_comment(&self) -> Option<&'static str> {
        match self.byte() {
            Some(b'}' | b']') => Some("take the comma before it out"),
            Some(b'/' | b'#') => Some("JSON has no comments; a plan in TOML has"),
            Some(b'\'') => Some("strings stand between `\"`"),
            Some(_) | None => None,
        }
    }
}

/// `-12`, `0.5`, `1e3`.
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix('-').unwrap_or(word);
    let (number, power) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && is_digits(part)
        && is_digits(power.strip_prefix(['+', '-']).unwrap_or(power))
}

/// Lists in each other; a plan has eight at most.
const DEPTH_MAX: usize = 32;
/// A file for which proposals are tried out; in a larger one they are words.
const ADAPTED_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let read = read(json);
        match &read.fault {
            Some(fault) => format!("{:?} {}", fault.span, fault.title),
            None => format!("{:?}", read.table["a"].get_ref().as_str()),
        }
    }

    #[test]
    fn strings_are_read_with_all_their_escapes() {
        assert_eq!(text(r#"{"a":"b\u00fcro \ud83d\ude00 \"\\\/\n"}"#), r#"Some("büro 😀 \"\\/\n")"#);
        assert_eq!(text(r#"{"\u0061":"1"}"#), r#"Some("1")"#);
        for (json, fault) in [
            (r#"{"a":"\ud83d"}"#, "6..7 this stands for no letter"),
            (r#"{"a":"\ud83d\u0041"}"#, "6..7 this stands for no letter"),
            (r#"{"a":"\u00e"}"#, "6..7 this stands for no letter"),
            (r#"{"a":"\+123"}"#, "6..7 a backslash stands for nothing"),
            ("{\"a\":\"b\n\"}", "5..7 a string does not end"),
            (r#"{"a":"b"#, "5..7 a string does not end"),
            ("{\"a\":\"\\", "6..7 a backslash stands for nothing"),
            ("{\"a\":\"\\u12é4\"}", "6..7 this stands for no letter"),
        ] {
            assert_eq!(text(json), fault, "{json}");
        }
    }

    #[test]
    fn what_is_not_json_ends_where_it_is_not() {
        for (json, fault) in [
            ("[1]", "0..1 a plan is an object"),
            ("{\"a\":1,}", "7..8 a key is a string"),
            ("{\"a\":[1,]}", "8..9 a value is missing"),
            ("{\"a\":1 \"b\":2}", "7..8 a comma is missing"),
            ("{\"a\" 1}", "5..6 a key has no value"),
            ("{\"a\":1", "6..6 it ends in the middle"),
            ("{\"a\":", "5..5 it ends in the middle"),
            ("{\"a\":null}", "5..9 `null` says nothing"),
            ("{\"a\":+15035550100}", "5..17 this is no value"),
            ("{\"a\":08:00}", "5..7 this is no value"),
            ("{\"a\":1} x", "8..9 something stands behind the plan"),
            ("{// no\n}", "1..2 a key is a string"),
            ("{é}", "1..3 a key is a string"),
        ] {
            assert_eq!(text(json), fault, "{json}");
        }
        assert!(read("").fault.is_none() && read(" \n").fault.is_none());
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        assert_eq!(text(&deep), "37..38 it is too deep");
    }

    #[test]
    fn numbers_are_those_of_the_grammar() {
        assert!(
            ["0", "-1", "12", "0.5", "1e3", "-1.5E-3", "123456789012345678901234567890"]
                .into_iter()
                .all(is_number)
        );
        assert!(!["", "-", "01", "1.", ".5", "1e", "0x10", "1_000", "inf", "+1"].into_iter().any(is_number));
        let read = read("{\"a\":123456789012345678901234567890,\"a\":2}");
        assert_eq!((read.fault.is_none(), read.doubled), (true, vec![(37..38, 2..3)]));
    }
}
