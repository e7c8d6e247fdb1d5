//! Slips of a tired hand: two hundred edits of the example plans, by seed. Each is refused where the slip is, or warned of there, or changes
//! nothing for callers, or is another good plan, whose difference `tandem diff` tells.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as it does")]

use jiff::Timestamp;
use tandem::cli::diff::differences;
use tandem::config::{Loaded, Refused, Source, read};
use tandem::diagnostic::Diagnostic;

const NOW: i64 = 1_767_632_400;

fn load(text: &str) -> Result<Loaded, Refused> {
    read(Source::new("plan.toml", text), Timestamp::from_second(NOW).expect("a moment"))
}

/// What becomes of a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// An error points at it, or names what is missing.
    Refused,
    /// A warning points at it.
    Warned,
    /// No caller notices.
    Harmless,
    /// It is another plan without a problem; the difference is told.
    Other,
}

/// A slip: the text with it, the line that it is in (from 1), and the words that stood there.
struct Slip {
    what: &'static str,
    text: String,
    line: usize,
    words: Vec<String>,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }
}

/// Names and values of a line, but for what stands in a remark.
fn words(line: &str) -> Vec<String> {
    let said = line.split(" #").next().unwrap_or_default();
    let words = said.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '.')));
    words.filter(|word| word.len() > 1).map(str::to_owned).collect()
}

fn slip(text: &str, chance: &mut Chance) -> Option<Slip> {
    let lines: Vec<&str> = text.lines().collect();
    let at = chance.below(lines.len());
    let line = *lines.get(at)?;
    if line.trim().is_empty() || line.trim().starts_with('#') {
        return None;
    }
    let words = words(line);
    let (what, changed): (_, Option<String>) = match chance.below(5) {
        0 => ("a line is dropped", None),
        1 => {
            // One letter of a word is lost.
            let word = words.get(chance.below(words.len()))?;
            let lost = chance.below(word.chars().count());
            let short: String =
                word.chars().enumerate().filter(|(n, _)| *n != lost).map(|(_, c)| c).collect();
            ("a letter is lost", Some(line.replacen(word.as_str(), &short, 1)))
        }
        2 => {
            let is_time = |word: &&String| {
                word.len() > 1 && word.ends_with('s') && word[..word.len() - 1].parse::<u32>().is_ok()
            };
            let time = words.iter().find(is_time)?;
            ("a unit is lost", Some(line.replacen(time.as_str(), time.trim_end_matches('s'), 1)))
        }
        3 => {
            let (key, rest) = line.split_once('=')?;
            let (other_at, other) = (at + 1, *lines.get(at + 1)?);
            let (other_key, other_rest) = other.split_once('=')?;
            let swapped = [format!("{other_key}={rest}"), format!("{key}={other_rest}")];
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            lines.splice(at..=other_at, swapped);
            let words = [words, self::words(other)].concat();
            return Some(Slip {
                what: "two keys change places",
                text: lines.join("\n") + "\n",
                line: at + 1,
                words,
            });
        }
        _ => ("a quote is lost", Some(line.replacen('"', "", 1)).filter(|changed| changed != line)),
    };
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match changed {
        Some(changed) if changed != line => *lines.get_mut(at)? = changed,
        Some(_) => return None,
        None if what == "a line is dropped" => {
            lines.remove(at);
        }
        None => return None,
    }
    Some(Slip { what, text: lines.join("\n") + "\n", line: at + 1, words })
}

/// Does a problem show the slip: on its line or the next one, or by the name of what stood there?
fn shows(problem: &Diagnostic, source: &Source, slip: &Slip) -> bool {
    let near = |label: &tandem::diagnostic::Label| {
        let (first, last) = (source.place(label.span.start).0, source.place(label.span.end).0);
        (first..=last + 1).contains(&slip.line) || (first..=last).contains(&(slip.line + 1))
    };
    let said = |text: &str| slip.words.iter().any(|word| text.contains(word.as_str()));
    problem.labels.iter().any(near)
        || said(&problem.title)
        || problem.helps.iter().any(|help| said(&help.text))
}

fn end(old: &Loaded, slip: &Slip) -> Option<End> {
    match load(&slip.text) {
        Err(refused) => {
            let errors = refused.problems.iter().filter(|problem| problem.is_error());
            let shown = errors.into_iter().any(|problem| shows(problem, &refused.source, slip));
            shown.then_some(End::Refused)
        }
        Ok(new) => {
            if new
                .warnings
                .iter()
                .any(|problem| !old.warnings.contains(problem) && shows(problem, &new.source, slip))
            {
                return Some(End::Warned);
            }
            let told = differences(old, &new, None, NOW);
            Some(if told.is_empty() { End::Harmless } else { End::Other })
        }
    }
}

#[test]
fn every_slip_is_named_where_it_is_or_does_no_harm() {
    let files = [
        include_str!("../../examples/nguyen-dental.toml"),
        include_str!("../../examples/nguyen-dental-full.toml"),
        include_str!("../../examples/two-trunks.toml"),
        include_str!("../../examples/registered.toml"),
    ];
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut ends, mut rounds) = (Vec::new(), 0);
    while ends.len() < 200 {
        rounds += 1;
        assert!(rounds < 10_000, "too few edits can be made");
        let text = files[chance.below(files.len())];
        let Some(slip) = slip(text, &mut chance) else { continue };
        let old = load(text).map_err(|refused| refused.to_string()).expect("an example is a good plan");
        let found = end(&old, &slip);
        let said = || load(&slip.text).err().map(|refused| refused.to_string()).unwrap_or_default();
        assert!(
            found.is_some(),
            "{} in line {}, and nothing shows it:\n{}\n{}",
            slip.what,
            slip.line,
            slip.text,
            said()
        );
        ends.extend(found.map(|end| (end, slip.what, slip.line)));
    }
    let count = |wanted: End| ends.iter().filter(|(end, ..)| *end == wanted).count();
    let counts = [End::Refused, End::Warned, End::Harmless, End::Other].map(count);
    // What is refused is most of it; another good plan is a number with other digits, a step less, another hour.
    assert_eq!(counts, [147, 11, 19, 23]);
}
