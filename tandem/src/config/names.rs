//! The one namespace: everything that has a name in the file, and the nearest name to a wrong one.

use crate::codes::Code;
use crate::config::reader::{Key, Problems, shown};
use crate::config::settings::NAME_MAX;
use crate::diagnostic::{Diagnostic, Span};
use std::collections::BTreeMap;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Carrier,
    Site,
    Person,
    Service,
    Mailbox,
    Announcement,
    Plan,
    /// Something that this version does not have; its word: "mailbox".
    Later(&'static str),
}

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Its place among the targets, or among the plans.
    pub(super) id: u32,
    /// Where steps name it, if it is something this version does not have.
    pub(super) used: Vec<Span>,
}

/// All names of a file.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    by_name: BTreeMap<&'a str, Named>,
    targets: u32,
    plans: u32,
}

impl<'a> Names<'a> {
    /// Gives names to the entries of a section; an entry whose name is taken is a problem and is dropped.
    pub(super) fn define<T>(
        &mut self,
        kind: Kind,
        entries: Vec<(Key<'a>, T)>,
        problems: &mut Problems<'_>,
    ) -> Vec<(Key<'a>, T)> {
        let free = |(key, _): &(Key<'a>, T)| self.enter(kind, key, problems);
        entries.into_iter().filter(free).collect()
    }

    fn enter(&mut self, kind: Kind, key: &Key<'a>, problems: &mut Problems<'_>) -> bool {
        if let Some(first) = self.by_name.get(key.text) {
            problems.add(doubled(first, kind, key));
            return false;
        }
        check_name(key, problems);
        let counter = match kind {
            Kind::Site | Kind::Person | Kind::Service | Kind::Mailbox | Kind::Announcement => {
                &mut self.targets
            }
            Kind::Plan => &mut self.plans,
            Kind::Carrier | Kind::Later(_) => &mut 0,
        };
        let named = Named { kind, span: key.span.clone(), id: *counter, used: Vec::new() };
        *counter += 1;
        self.by_name.insert(key.text, named);
        true
    }

    pub(super) fn find(&mut self, name: &str) -> Option<&mut Named> {
        self.by_name.get_mut(name)
    }

    /// All names that stand for what `wanted` says.
    pub(super) fn of(&self, wanted: impl Fn(Kind) -> bool) -> impl Iterator<Item = (&'a str, &Named)> {
        self.by_name.iter().filter(move |(_, named)| wanted(named.kind)).map(|(name, named)| (*name, named))
    }

    /// The defined name that is nearest to a wrong one, if one is near.
    pub(super) fn nearest(&self, wrong: &str, wanted: impl Fn(Kind) -> bool) -> Option<(&'a str, &Named)> {
        let near = nearest(wrong, self.of(wanted).map(|(name, _)| name))?;
        Some((near, self.by_name.get(near)?))
    }
}

impl Kind {
    /// The word for it, with its article.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Carrier => "a carrier",
            Self::Site => "a site",
            Self::Mailbox => "a mailbox",
            Self::Announcement => "an announcement",
            Self::Person => "a person",
            Self::Service => "a service",
            Self::Plan => "a plan",
            Self::Later(word) => word,
        }
    }
}

fn doubled(first: &Named, kind: Kind, key: &Key<'_>) -> Diagnostic {
    let name = shown(key.text);
    let title = format!("the name `{name}` is taken: it is {} already", first.kind.word());
    Diagnostic::new(Code::E102, title)
        .at(key.span.clone(), format!("`{name}` again, as {}", kind.word()))
        .at(first.span.clone(), format!("`{name}` is {} here", first.kind.word()))
        .help("a step names a destination by one word, so one word means one thing; give one of the two another name")
}

fn check_name(key: &Key<'_>, problems: &mut Problems<'_>) {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let long = key.text.chars().count() > NAME_MAX;
    if key.text.is_empty() || long || !key.text.chars().all(plain) {
        let title = format!("`{}` cannot be a name", shown(key.text));
        let problem = Diagnostic::new(Code::E022, title).at(key.span.clone(), "");
        problems.add(problem.help(format!("a name is 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`")));
    }
}

/// The candidate with the fewest changes, if a slip of the fingers explains them: one change in a short word, three
/// in a long one.
pub(super) fn nearest<'b>(wrong: &str, candidates: impl Iterator<Item = &'b str>) -> Option<&'b str> {
    let most = match wrong.chars().count() {
        0..=3 => 1,
        4..=7 => 2,
        8..=NAME_MAX => 3,
        _ => return None,
    };
    let near = candidates.take(CANDIDATES_MAX).map(|name| (distance(wrong, name), name));
    near.filter(|(changes, _)| *changes <= most).min().map(|(_, name)| name)
}

/// How many letters must be changed, added, left out or swapped with their neighbour to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().chars().collect();
    let to: Vec<char> = to.to_lowercase().chars().collect();
    if from.len().abs_diff(to.len()) > 3 {
        return usize::MAX;
    }
    let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (y, a) in from.iter().enumerate() {
        let mut row = vec![y + 1];
        for (x, b) in to.iter().enumerate() {
            let changed = at(&above, x) + usize::from(a != b);
            let mut best = changed.min(at(&above, x + 1) + 1).min(at(&row, x) + 1);
            let swapped = y > 0 && x > 0 && from.get(y - 1) == Some(b) && to.get(x - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, x - 1) + 1);
            }
            row.push(best);
        }
        before = core::mem::replace(&mut above, row);
    }
    at(&above, to.len())
}

/// Names that a wrong one is compared with; a file with more is generated, and generators do not slip.
const CANDIDATES_MAX: usize = 5_000;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_fingers_finds_its_name_and_a_different_word_does_not() {
        let names = ["office", "answering", "ana", "ben"];
        let find = |wrong| nearest(wrong, names.into_iter());
        assert_eq!(find("ofice"), Some("office"));
        assert_eq!(find("offcie"), Some("office"));
        assert_eq!(find("Office"), Some("office"));
        assert_eq!(find("answerring"), Some("answering"));
        assert_eq!(find("anna"), Some("ana"));
        assert_eq!(find("be"), Some("ben"));
        assert_eq!(find("reception"), None);
        assert_eq!(find("xyz"), None);
        assert_eq!(find(""), None);
    }
}
