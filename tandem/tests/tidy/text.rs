//! As much of Rust's grammar as the rules need: what is code, what is comment, where the tests begin.

/// One file, taken apart. Each part has as many lines as the file.
pub(crate) struct Text {
    /// Code with the contents of comments, strings and characters blanked.
    pub(crate) code: Vec<String>,
    /// Comments, with all else blanked.
    pub(crate) comments: Vec<String>,
}

impl Text {
    /// Takes a file apart.
    pub(crate) fn new(file: &str) -> Self {
        let (mut code, mut comments) = (String::new(), String::new());
        let mut rest = file;
        while let Some(first) = rest.chars().next() {
            let (kind, length) = piece(rest, code.chars().next_back(), first);
            let (piece, tail) = rest.split_at(length);
            let blank: String = piece.chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            code.push_str(if kind == Kind::Code { piece } else { &blank });
            comments.push_str(if kind == Kind::Comment { piece } else { &blank });
            rest = tail;
        }
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        Self { code: lines(code), comments: lines(comments) }
    }

    /// How many lines stand before the tests.
    pub(crate) fn lines_before_tests(&self) -> usize {
        let tests = self.code.windows(2).position(|pair| {
            pair.first().is_some_and(|line| line.trim() == "#[cfg(test)]")
                && pair.last().is_some_and(|line| line.trim_start().starts_with("mod ") && line.contains('{'))
        });
        tests.unwrap_or(self.code.len())
    }

    /// Modules in files of their own that are only compiled for tests.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let pairs = self.code.iter().zip(self.code.iter().skip(1));
        let declared = pairs.filter(|(attribute, _)| attribute.trim() == "#[cfg(test)]");
        let names = declared.filter_map(|(_, line)| line.trim().strip_prefix("mod ")?.strip_suffix(';'));
        names.map(str::to_owned).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// The kind and the bytes of what stands at the beginning of `rest`.
fn piece(rest: &str, before: Option<char>, first: char) -> (Kind, usize) {
    let upto = |end: Option<usize>| end.unwrap_or(rest.len());
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (Kind::Comment, upto(rest.find('\n')));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, upto(rest.find("*/").map(|at| at + 2)));
    }
    if first == '"' {
        return (Kind::Literal, upto(end_of_quoted(rest, '"')));
    }
    if first == 'r' && (!in_word || before == Some('b')) {
        let hashes = rest.chars().skip(1).take_while(|c| *c == '#').count();
        let open = 1 + hashes;
        if rest.get(open..).is_some_and(|tail| tail.starts_with('"')) {
            let close = format!("\"{}", "#".repeat(hashes));
            let end = rest.get(open + 1..).and_then(|tail| tail.find(&close));
            return (Kind::Literal, upto(end.map(|at| open + 1 + at + close.len())));
        }
    }
    if first == '\'' {
        let mut chars = rest.chars().skip(1);
        let (one, two) = (chars.next(), chars.next());
        // Else it is a lifetime.
        if one == Some('\\') || two == Some('\'') {
            return (Kind::Literal, upto(end_of_quoted(rest, '\'')));
        }
    }
    (Kind::Code, first.len_utf8())
}

fn end_of_quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    rest.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })
}

/// The words and signs of some code: identifiers, `::`, and single characters.
pub(crate) fn tokens(code: &[String]) -> Vec<&str> {
    let mut tokens = Vec::new();
    for line in code {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            let (token, tail) = rest.split_at(length);
            tokens.push(token);
            rest = tail.trim_start();
        }
    }
    tokens
}

/// What is named right behind `root::`, in groups too: `a` and `b` of `root::a::x` and `root::{b::{y, z}}`.
pub(crate) fn named_behind<'a>(tokens: &[&'a str], root: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, window) in tokens.windows(root.len().max(1)).enumerate() {
        // `x::crate` does not exist; `super::super` is not `super`.
        if window != root || at.checked_sub(1).and_then(|at| tokens.get(at)) == Some(&"::") {
            continue;
        }
        let tail = tokens.get(at + root.len()..).unwrap_or_default();
        match tail {
            ["::", "{", group @ ..] => found.extend(first_names(group)),
            ["::", name, ..] => found.push(*name),
            _ => (),
        }
    }
    found
}

/// The first name of each member of a group that has just been opened.
fn first_names<'a>(group: &[&'a str]) -> Vec<&'a str> {
    let mut names = Vec::new();
    let (mut depth, mut fresh) = (0_u32, true);
    for token in group {
        match *token {
            "{" => depth += 1,
            "}" if depth == 0 => break,
            "}" => depth -= 1,
            "," if depth == 0 => fresh = true,
            name if fresh => {
                names.push(name);
                fresh = false;
            }
            _ => (),
        }
    }
    names
}
