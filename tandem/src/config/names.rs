//! The one namespace: everything that has a name in the file, and the nearest name to a wrong one.

use crate::codes::Code;
use crate::config::reader::{Key, Problems, quoted, shown};
use crate::config::settings::NAME_MAX;
use crate::diagnostic::{Diagnostic, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Destinations that ring together.
    Group,
    Customer,
    /// A role of a template that nothing fills, which has been said.
    Unfilled,
    /// Something that this version does not have; its word: "a receptionist".
    Later(&'static str),
}

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// With the customer before it, if it is one's: as logs and metrics have it.
    pub(super) full: Arc<str>,
    /// Its place among the targets, or among the plans.
    pub(super) id: u32,
    /// The targets that it stands for, if these may be several.
    pub(super) several: Option<Vec<u32>>,
    /// Where steps name it, if it is something this version does not have.
    pub(super) used: Vec<Span>,
}

/// All names of a plan: those that are at the top of it, and those of each customer, which nobody else sees.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    top: BTreeMap<&'a str, Named>,
    customers: Vec<(&'a str, BTreeMap<&'a str, Named>)>,
    /// The customer whose part of the plan is read.
    here: Option<usize>,
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
        let free = |(key, _): &(Key<'a>, T)| self.enter(kind, key, None, problems);
        entries.into_iter().filter(free).collect()
    }

    /// Gives one name to so many people; whether it was free.
    pub(super) fn define_several(&mut self, key: &Key<'a>, count: u32, problems: &mut Problems<'_>) -> bool {
        self.enter(Kind::Person, key, Some(count), problems)
    }

    /// A group that has its name stands for these targets.
    pub(super) fn gather(&mut self, group: &str, targets: Vec<u32>) {
        if let Some(named) = self.find(group) {
            named.several = Some(targets);
        }
    }

    /// Gives the customer whose part is read another name for what the operator shares; whether that is there.
    pub(super) fn alias(&mut self, name: &'a str, shared: &str, kind: Kind) -> bool {
        let found = self.top.get(shared).filter(|named| named.kind == kind && kind.is_shared()).cloned();
        let own = self.here.and_then(|here| self.customers.get_mut(here));
        let (Some(found), Some((_, own))) = (found, own) else { return false };
        own.insert(name, found);
        true
    }

    fn enter(
        &mut self,
        kind: Kind,
        key: &Key<'a>,
        several: Option<u32>,
        problems: &mut Problems<'_>,
    ) -> bool {
        if let Some(first) = self.own().get(key.text) {
            problems.add(doubled(first, kind, key));
            return false;
        }
        check_name(key, problems);
        let full = full(self.customer(), key.text);
        let counter = match kind {
            Kind::Site | Kind::Person | Kind::Service | Kind::Mailbox | Kind::Announcement => {
                &mut self.targets
            }
            Kind::Plan => &mut self.plans,
            Kind::Carrier | Kind::Group | Kind::Customer | Kind::Unfilled | Kind::Later(_) => &mut 0,
        };
        let (id, count) = (*counter, several.unwrap_or(1));
        let several = several.map(|count| (id..id + count).collect());
        let named = Named { kind, span: key.span.clone(), full, id, several, used: Vec::new() };
        *counter += count;
        match self.here.and_then(|here| self.customers.get_mut(here)) {
            Some((_, own)) => own.insert(key.text, named),
            None => self.top.insert(key.text, named),
        };
        true
    }

    /// From here on a new customer's part of the plan is read.
    pub(super) fn begin(&mut self, customer: &'a str) {
        let here = self.customers.len();
        if let (Some(named), Ok(id)) = (self.top.get_mut(customer), u32::try_from(here)) {
            named.id = id;
        }
        self.here = Some(here);
        self.customers.push((customer, BTreeMap::new()));
    }

    /// From here on a part of the plan is read that is this customer's, or nobody's.
    pub(super) fn go_to(&mut self, customer: Option<&str>) {
        let named = customer.and_then(|name| self.top.get(name));
        self.here = named.filter(|named| named.kind == Kind::Customer).map(|named| named.id as usize);
    }

    /// The customer whose part of the plan is read.
    pub(super) fn customer(&self) -> Option<&'a str> {
        self.here.and_then(|here| self.customers.get(here)).map(|(name, _)| *name)
    }

    /// The names of the customer whose part of the plan is read, or of nobody.
    fn own(&self) -> &BTreeMap<&'a str, Named> {
        self.here.and_then(|here| self.customers.get(here)).map_or(&self.top, |(_, own)| own)
    }

    /// What a name stands for where the plan is read: a customer's names come before those that all share.
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Named> {
        let (at_top, here) = (self.here.is_none(), self.here);
        let own = here.and_then(|here| self.customers.get_mut(here)).map(|(_, own)| own);
        if let Some(named) = own.and_then(|own| own.get_mut(name)) {
            return Some(named);
        }
        self.top.get_mut(name).filter(|named| at_top || named.kind.is_shared())
    }

    /// What is called so at the top, and is no customer's to name.
    pub(super) fn of_the_operator(&self, name: &str) -> Option<&Named> {
        self.here?;
        self.top.get(name).filter(|named| !named.kind.is_shared())
    }

    /// All names that can be named where the plan is read, and stand for what `wanted` says.
    fn of(&self, wanted: impl Fn(Kind) -> bool) -> impl Iterator<Item = (&'a str, &Named)> {
        let at_top = self.here.is_none();
        let shared = self.top.iter().filter(move |(_, named)| !at_top && named.kind.is_shared());
        let all = self.own().iter().chain(shared).map(|(name, named)| (*name, named));
        all.filter(move |(_, named)| wanted(named.kind))
    }

    /// All names of the plan, customers' after those at the top.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &Named)> {
        let customers = self.customers.iter().flat_map(|(_, own)| own);
        self.top.iter().chain(customers).map(|(name, named)| (*name, named))
    }

    /// The defined name that is nearest to a wrong one, if one is near.
    pub(super) fn nearest(&self, wrong: &str, wanted: impl Fn(Kind) -> bool) -> Option<(&'a str, &Named)> {
        let near = nearest(wrong, self.of(wanted).map(|(name, _)| name))?;
        Some((near, self.own().get(near).or_else(|| self.top.get(near))?))
    }
}

/// A name that is not there: with the one that was meant, if one is near, else with what to do.
pub(super) fn or_nearest(
    problem: Diagnostic,
    span: Span,
    near: Option<(&str, &Named)>,
    otherwise: &'static str,
) -> Diagnostic {
    match near {
        Some((near, named)) => problem
            .at(named.span.clone(), format!("`{}` is defined here, {}", shown(near), named.kind.word()))
            .fix(format!("did you mean `{}`?", shown(near)), span, quoted(near)),
        None => problem.help(otherwise),
    }
}

/// A name as logs and metrics have it.
pub(super) fn full(customer: Option<&str>, name: &str) -> Arc<str> {
    customer.map_or_else(|| name.into(), |customer| format!("{customer}/{name}").into())
}

/// The customer in such a name, and what is left of it. For a destination or a plan, not for a peer: a carrier's trunk has two parts too.
pub(super) fn split(full: &str) -> (Option<&str>, &str) {
    full.split_once('/').map_or((None, full), |(customer, name)| (Some(customer), name))
}

impl Kind {
    /// May customers name it? The ways out, and who answers for all of them.
    const fn is_shared(self) -> bool {
        match self {
            Self::Carrier | Self::Service | Self::Announcement | Self::Customer | Self::Later(_) => true,
            Self::Site | Self::Person | Self::Mailbox | Self::Plan | Self::Group | Self::Unfilled => false,
        }
    }

    /// Can steps name it?
    pub(super) const fn is_rung(self) -> bool {
        !matches!(self, Self::Carrier | Self::Customer)
    }

    /// The word for it, without its article.
    pub(super) fn noun(self) -> &'static str {
        let word = self.word();
        word.split_once(' ').map_or(word, |(_, noun)| noun)
    }

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
            Self::Group => "a group",
            Self::Customer => "a customer",
            Self::Unfilled => "a role that nothing fills",
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
    if !is_spelt(key.text) {
        let title = format!("`{}` cannot be a name", shown(key.text));
        problems.add(Diagnostic::new(Code::E022, title).at(key.span.clone(), "").help(spelling()));
    }
}

/// May something be called so?
pub(super) fn is_spelt(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().count() <= NAME_MAX && name.chars().all(plain)
}

/// How names are spelt.
pub(super) fn spelling() -> String {
    format!("a name is 1 to {NAME_MAX} letters, digits, `-`, `_` or `.`")
}

/// The candidate with the fewest changes, if a slip of the fingers explains them: one change in a short word, three
/// in a long one.
pub(crate) fn nearest<'b>(wrong: &str, candidates: impl Iterator<Item = &'b str>) -> Option<&'b str> {
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
