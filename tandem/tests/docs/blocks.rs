//! The blocks of a Markdown text, and the commands in them.

/// A block between two fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The file, and the line of its first fence.
    pub(crate) place: (String, usize),
    /// The word behind the first fence.
    pub(crate) tag: String,
    pub(crate) text: String,
}

/// One command of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// As a shell takes it.
    pub(crate) words: String,
    /// What it prints, as it stands in the block; `None` if only the command does.
    pub(crate) shown: Option<String>,
}

/// All fenced blocks of a text.
pub(crate) fn blocks(file: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (line, number) in text.lines().zip(1..) {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(tag), None) => {
                let place = (file.to_owned(), number);
                open = Some(Block { place, tag: tag.trim().to_owned(), text: String::new() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file}: a block is not closed");
    found
}

impl Block {
    /// Its commands. A line `$ command` is followed by what the command prints, up to the next one; every other line is a command with, behind
    /// two blanks or `#`, a remark.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let mut found: Vec<Command> = Vec::new();
        for line in self.text.lines() {
            if let Some(words) = line.strip_prefix("$ ") {
                found.push(Command { words: words.to_owned(), shown: Some(String::new()) });
            } else if let Some(Command { shown: Some(shown), .. }) = found.last_mut() {
                shown.extend([line, "\n"]);
            } else if !line.trim().is_empty() {
                found.push(Command { words: command(line).to_owned(), shown: None });
            }
        }
        for shown in found.iter_mut().filter_map(|found| found.shown.as_mut()) {
            *shown = format!("{}\n", shown.trim_end());
        }
        found
    }
}

/// What of a line is the command: up to two blanks that stand between no quotes.
fn command(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if before == ' ' && letter == ' ' => return line.get(..at).unwrap_or(line).trim_end(),
            None => {}
        }
        before = if quote.is_none() { letter } else { '"' };
    }
    line.trim_end()
}

/// What a text calls a command between two ticks, with the line that it stands in.
pub(crate) fn in_ticks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    // A command in ticks may go on in the next line.
    let mut said = String::new();
    let mut starts = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        if !in_block && !is_fence && !line.starts_with("    ") {
            starts.push((said.len(), number));
            said.extend([line, " "]);
        }
    }
    let mut at = 0;
    for (part, nth) in said.split('`').zip(0..) {
        if nth % 2 == 1 && part.starts_with("tandem ") {
            let line = starts.iter().rev().find(|(start, _)| *start <= at).map_or(0, |(_, line)| *line);
            found.push((line, part.to_owned()));
        }
        at += part.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_no_part_of_a_command_and_output_is() {
        let text = "words\n```\ntandem break \"site  a\" --at 1      a remark\n./test     # another\n```\n```toml\na = 1\n```\n\
                    ```\n$ tandem calls\nTIME\n\n$ tandem help\nwords\n```\n";
        let found = blocks("A.md", text);
        let places: Vec<_> = found.iter().map(|block| (block.place.1, &*block.tag)).collect();
        assert_eq!(places, [(2, ""), (6, "toml"), (9, "")]);
        let of = |words: &str, shown: Option<&str>| Command {
            words: words.into(),
            shown: shown.map(str::to_owned),
        };
        assert_eq!(found[0].commands(), [of("tandem break \"site  a\" --at 1", None), of("./test", None)]);
        assert_eq!(
            found[2].commands(),
            [of("tandem calls", Some("TIME\n")), of("tandem help", Some("words\n"))]
        );
        let said = "`a`\n```\ntandem no\n```\nnot `b`, but `tandem\ncalls`\n    `tandem no`\n";
        assert_eq!(in_ticks(said), [(5, "tandem calls".to_owned())]);
    }
}
