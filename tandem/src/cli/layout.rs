//! The one form of a plan file as text: where blanks, blank lines and `=` stand. What the file says stays as it is, and so do
//! its lines and its comments.

use core::iter::repeat_n;
use toml::de::DeTable;
use toml_parser::Source;
use toml_parser::parser::{Event, EventKind, parse_document};

/// A plan file in its one form; `None` if it is not TOML.
#[must_use]
pub fn in_form(text: &str) -> Option<String> {
    let (_, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return None;
    }
    let mut reading =
        Reading { text, lines: Vec::new(), line: Line::default(), depth: 0, above: None, end: None };
    let tokens = Source::new(text).lex().into_vec();
    parse_document(&tokens, &mut |event: Event| reading.take(&event), &mut ());
    reading.end_line();
    Some(written(&reading.lines, reading.end.unwrap_or("\n")))
}

/// What a piece of a line is, as far as blanks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// `[` or `[[` of a section.
    Header,
    /// A key or a part of it, a value, or what closes a header.
    Word,
    Equals,
    Comma,
    ListOpen,
    ListClose,
    TableOpen,
    TableClose,
}

/// A piece of a line.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    mark: Mark,
    text: &'a str,
}

/// A comment, and how many characters stand before it.
#[derive(Clone, Copy, Debug)]
struct Comment<'a> {
    text: &'a str,
    column: usize,
}

/// A line without its blanks. A text of several lines is one piece of one line.
#[derive(Clone, Debug, Default)]
struct Line<'a> {
    pieces: Vec<Piece<'a>>,
    comment: Option<Comment<'a>>,
    /// How many brackets are open where it begins.
    depth: usize,
    /// Does its comment stand right below the one of the line above, as more of it?
    goes_on: bool,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.pieces.is_empty() && self.comment.is_none()
    }

    fn is_header(&self) -> bool {
        self.pieces.first().is_some_and(|piece| piece.mark == Mark::Header)
    }

    /// Is it a comment that may belong to what follows?
    fn is_remark(&self) -> bool {
        self.pieces.is_empty() && self.comment.is_some() && !self.goes_on
    }

    /// How wide its key is, if it begins with one.
    fn key(&self) -> Option<usize> {
        let of_key = |piece: &&Piece<'_>| piece.mark == Mark::Word;
        let width = self.pieces.iter().take_while(of_key).map(|piece| width(piece.text)).sum();
        (self.depth == 0 && width > 0).then_some(width)
    }

    fn indent(&self) -> usize {
        let closes = |piece: &&Piece<'_>| matches!(piece.mark, Mark::ListClose | Mark::TableClose);
        INDENT * self.depth.saturating_sub(self.pieces.iter().take_while(closes).count())
    }
}

/// The lines so far.
struct Reading<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
    line: Line<'a>,
    depth: usize,
    /// Where the comment of the line above begins, if more of it may follow below.
    above: Option<usize>,
    /// How the first line ends: so do all.
    end: Option<&'static str>,
}

impl Reading<'_> {
    fn take(&mut self, event: &Event) {
        let span = event.span();
        let text = self.text.get(span.start()..span.end()).unwrap_or_default();
        let mark = match event.kind() {
            EventKind::Whitespace => return,
            EventKind::Newline => {
                self.end.get_or_insert(if text.starts_with('\r') { "\r\n" } else { "\n" });
                return self.end_line();
            }
            EventKind::Comment => {
                let before = self.text.get(..span.start()).unwrap_or_default();
                let column = width(last_line(before));
                self.line.comment = Some(Comment { text: text.trim_end_matches([' ', '\t']), column });
                return;
            }
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => Mark::Header,
            EventKind::InlineTableOpen => Mark::TableOpen,
            EventKind::InlineTableClose => Mark::TableClose,
            EventKind::ArrayOpen => Mark::ListOpen,
            EventKind::ArrayClose => Mark::ListClose,
            EventKind::KeyValSep => Mark::Equals,
            EventKind::ValueSep => Mark::Comma,
            EventKind::StdTableClose
            | EventKind::ArrayTableClose
            | EventKind::SimpleKey
            | EventKind::KeySep
            | EventKind::Scalar
            | EventKind::Error => Mark::Word,
        };
        match mark {
            Mark::ListOpen | Mark::TableOpen => self.depth += 1,
            Mark::ListClose | Mark::TableClose => {
                self.depth = self.depth.saturating_sub(1);
                // A comma before the bracket says nothing; at the end of a line it stays for the next entry.
                self.line.pieces.pop_if(|last| last.mark == Mark::Comma);
            }
            Mark::Header | Mark::Word | Mark::Equals | Mark::Comma => (),
        }
        self.line.pieces.push(Piece { mark, text });
    }

    fn end_line(&mut self) {
        let mut line = core::mem::take(&mut self.line);
        self.line.depth = self.depth;
        let column = line.comment.map(|comment| comment.column);
        line.goes_on = line.pieces.is_empty() && column.is_some() && column == self.above;
        self.above = column.filter(|_| !line.pieces.is_empty() || line.goes_on);
        // A million blank lines are one.
        if !line.is_blank() || self.lines.last().is_some_and(|last| !last.is_blank()) {
            self.lines.push(line);
        }
    }
}

fn written(lines: &[Line<'_>], end: &str) -> String {
    let (keys, sections) = (keys(lines), sections(lines));
    let mut text = String::new();
    let mut blank = false;
    // Where the last comment behind something begins now.
    let mut column = 0;
    for ((line, key), section) in lines.iter().zip(keys).zip(sections) {
        if line.is_blank() {
            blank = true;
            continue;
        }
        if (blank || section) && !text.is_empty() {
            text.push_str(end);
        }
        blank = false;
        let mut drawn = code(line, key);
        if let Some(comment) = line.comment {
            let used = width(last_line(&drawn));
            if !line.pieces.is_empty() {
                column = comment.column.max(used + GAP);
            }
            let wanted = if line.pieces.is_empty() && !line.goes_on { used } else { column };
            drawn.extend(repeat_n(' ', wanted.saturating_sub(used)));
            drawn.push_str(comment.text);
        }
        text.push_str(&drawn);
        text.push_str(end);
    }
    text
}

/// A line without its comment; its key is filled up to a width.
fn code(line: &Line<'_>, key: usize) -> String {
    let mut text: String = repeat_n(' ', line.indent()).collect();
    let mut before: Option<Mark> = None;
    let mut fill = line.key().map_or(0, |own| key.saturating_sub(own));
    for piece in &line.pieces {
        if piece.mark == Mark::Equals {
            text.extend(repeat_n(' ', core::mem::take(&mut fill)));
        }
        if before.is_some_and(|before| are_apart(before, piece.mark)) {
            text.push(' ');
        }
        text.push_str(piece.text);
        before = Some(piece.mark);
    }
    text
}

/// Is there a blank between two pieces?
fn are_apart(before: Mark, after: Mark) -> bool {
    let is_empty = before == Mark::TableOpen && after == Mark::TableClose;
    let wanted = matches!(before, Mark::Equals | Mark::Comma | Mark::TableOpen)
        || matches!(after, Mark::Equals | Mark::TableClose);
    wanted && !is_empty
}

/// For each line how wide the keys are that stand together with it: `=` stands below `=` up to a blank line or a section.
fn keys(lines: &[Line<'_>]) -> Vec<usize> {
    let mut widths = Vec::with_capacity(lines.len());
    let ends = |line: &Line<'_>| line.depth == 0 && (line.is_blank() || line.is_header());
    for group in lines.chunk_by(|_, next| !ends(next)) {
        let widest = group.iter().filter_map(Line::key).filter(|width| *width <= ALIGNED_MAX).max();
        widths.extend(repeat_n(widest.unwrap_or(0), group.len()));
    }
    widths
}

/// Which lines begin a section: its header, or the first of the remarks right above it.
fn sections(lines: &[Line<'_>]) -> Vec<bool> {
    let mut begins = vec![false; lines.len()];
    let mut first = 0;
    for (at, line) in lines.iter().enumerate() {
        if line.is_header() {
            begins[first] = true;
        }
        if !line.is_remark() {
            first = at + 1;
        }
    }
    begins
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

const INDENT: usize = 2;
/// Blanks before a comment behind something, at least.
const GAP: usize = 2;
/// A key that is wider (no name is) moves no other line's `=`: each line would be as long as it.
const ALIGNED_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::in_form;

    /// The form of a text, which is the form of itself.
    fn form(text: &str) -> String {
        let once = in_form(text).unwrap();
        assert_eq!(in_form(&once).as_deref(), Some(&*once), "not the form of itself");
        once
    }

    #[test]
    fn a_file_that_was_typed_in_a_hurry() {
        let typed = "\n\n  business=\"A\" #who\ntimezone =   \"UTC\"\n[ sites ]\n\thq=[\"a\",\"b\" , ]   # two\n             \
                     \t# of them\nbranch  = {sip=\"c\",domains=[ \"x\" ,\"y\"],}\n# people\n[people]\n\n\n\nana=\"d\"\n[[expect]]\nnumber=\"1\"\n\n\n";
        let expected = "\
business = \"A\"  #who
timezone = \"UTC\"

[sites]
hq     = [\"a\", \"b\"]  # two
# of them
branch = { sip = \"c\", domains = [\"x\", \"y\"] }

# people
[people]

ana = \"d\"

[[expect]]
number = \"1\"
";
        assert_eq!(form(typed), expected);
    }

    #[test]
    fn lines_stay_lines_and_lists_are_indented_by_their_depth() {
        let typed = "a=[\n1,\n\n\n      [2,# two\n3 ],# three\n # alone\n{ b=1,\nc =2}\n,\n]\nlonger.\"key\"  .x = [\n]\n";
        let expected = "\
a              = [
  1,

  [2,    # two
    3],  # three
  # alone
  { b = 1,
    c = 2 }
  ,
]
longer.\"key\".x = [
]
";
        assert_eq!(form(typed), expected);
    }

    #[test]
    fn a_comment_keeps_its_column_where_it_can_and_what_goes_on_below_it_goes_with_it() {
        let typed = "a = 1         # one\n              # more\n           # not more\nlonger = 22222# two\n              # more\n";
        let expected = "\
a      = 1    # one
              # more
# not more
longer = 22222  # two
                # more
";
        assert_eq!(form(typed), expected);
    }

    #[test]
    fn what_goes_on_is_no_remark_of_the_next_section() {
        assert_eq!(form("a = 1  # x\n       # y\n[b]\n"), "a = 1  # x\n       # y\n\n[b]\n");
        assert_eq!(form("a = 1  # x\n# y\n[b]  # z\n"), "a = 1  # x\n\n# y\n[b]  # z\n");
        assert_eq!(form("# y\n[b]\n[c]"), "# y\n[b]\n\n[c]\n");
        assert_eq!(form("# y\n\n[b]\n"), "# y\n\n[b]\n");
    }

    #[test]
    fn texts_stay_byte_for_byte_and_lines_end_as_the_first_one_does() {
        let typed = "a  = \"\"\"\n  x  \r\n\n\n[y]  \"\"\"   # z  \r\nb={}\r\nc=[]";
        assert_eq!(form(typed), "a = \"\"\"\n  x  \r\n\n\n[y]  \"\"\"   # z\r\nb = {}\r\nc = []\r\n");
        assert_eq!(form("d = 1979-05-27 07:32:00.5\nf = 3.14"), "d = 1979-05-27 07:32:00.5\nf = 3.14\n");
        assert_eq!(form("\r\n\n\r\n"), "");
        assert_eq!(form(""), "");
    }

    #[test]
    fn what_is_not_toml_has_no_form() {
        let deep = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
        for text in ["a = ", "a = 1\na = 2", "[a\n", "a = \"", "a = 1 b = 2", "a = 1 # \u{1}\n", &deep] {
            assert_eq!(in_form(text), None, "{text:.20}");
        }
    }

    #[test]
    fn a_key_without_end_moves_no_other_lines() {
        let long = "k".repeat(65);
        assert_eq!(form(&format!("a=1\n{long}=2\nbb=3")), format!("a  = 1\n{long} = 2\nbb = 3\n"));
    }
}
