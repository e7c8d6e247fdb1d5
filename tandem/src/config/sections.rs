//! The sections that name destinations: those at the top of the plan, and those of each customer.

use crate::config::hours::Clock;
use crate::config::names::{Kind, Names};
use crate::config::peers::Defaults;
use crate::config::reader::{Key, Problems, Table, Value, section};
use crate::config::templates::Blank;
use crate::config::{agents, courses, draft::Draft, groups, mailboxes, targets};
use crate::diagnostic::Span;
use router::target::TargetKind;

/// What stands in a section, and what holds for it.
pub(super) type Entries<'a> = Vec<(Key<'a>, &'a Value<'a>)>;

/// The sections, each with its entries in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Sections<'a> {
    pub(super) sites: Entries<'a>,
    pub(super) people: Entries<'a>,
    pub(super) services: Entries<'a>,
    pub(super) mailboxes: Entries<'a>,
    pub(super) announcements: Entries<'a>,
    pub(super) plans: Entries<'a>,
    /// Destinations under one name.
    pub(super) groups: Entries<'a>,
    /// People who have one name together.
    pub(super) staff: Entries<'a>,
}

impl<'a> Sections<'a> {
    /// Takes them out of a table.
    pub(super) fn take(keys: &mut Table<'a>, problems: &mut Problems<'_>) -> Self {
        Self {
            sites: section(keys, "sites", problems),
            people: section(keys, "people", problems),
            services: section(keys, "services", problems),
            mailboxes: section(keys, "mailboxes", problems),
            announcements: section(keys, "announcements", problems),
            plans: section(keys, "plans", problems),
            groups: section(keys, "groups", problems),
            staff: Vec::new(),
        }
    }

    /// Those of one kind.
    pub(super) fn of(&mut self, kind: Blank) -> &mut Entries<'a> {
        match kind {
            Blank::Site => &mut self.sites,
            Blank::People => &mut self.staff,
            Blank::Service => &mut self.services,
            Blank::Mailbox => &mut self.mailboxes,
            Blank::Announcement => &mut self.announcements,
        }
    }

    /// What a name of a destination stands for, and where that is.
    pub(super) fn find(&self, name: &str) -> Option<(Kind, Span)> {
        let all = [
            (Kind::Site, &self.sites),
            (Kind::Person, &self.people),
            (Kind::Service, &self.services),
            (Kind::Mailbox, &self.mailboxes),
            (Kind::Announcement, &self.announcements),
        ];
        all.into_iter().find_map(|(kind, entries)| {
            let (key, _) = entries.iter().find(|(key, _)| key.text == name)?;
            Some((kind, key.span.clone()))
        })
    }

    /// Gives each entry its name; those whose name is taken are dropped.
    pub(super) fn define(&mut self, names: &mut Names<'a>, problems: &mut Problems<'_>) {
        let mut define = |kind, entries: &mut Entries<'a>| {
            *entries = names.define(kind, core::mem::take(entries), problems);
        };
        // In the order in which they are read: a name is a place among all destinations.
        define(Kind::Site, &mut self.sites);
        define(Kind::Person, &mut self.people);
        self.staff.retain(|(key, value)| {
            let count = u32::try_from(targets::each(value).count()).unwrap_or(u32::MAX);
            names.define_several(key, count, problems)
        });
        let mut define = |kind, entries: &mut Entries<'a>| {
            *entries = names.define(kind, core::mem::take(entries), problems);
        };
        define(Kind::Service, &mut self.services);
        define(Kind::Mailbox, &mut self.mailboxes);
        define(Kind::Announcement, &mut self.announcements);
        define(Kind::Plan, &mut self.plans);
        define(Kind::Group, &mut self.groups);
    }

    /// Reads what they say, once all that it may name has its name.
    pub(super) fn read(
        self,
        (defaults, clocks): (&Defaults, &[Clock]),
        names: &mut Names<'a>,
        draft: &mut Draft,
        problems: &mut Problems<'_>,
    ) {
        mailboxes::read(&self.mailboxes, draft, problems);
        targets::read(TargetKind::Site, self.sites, defaults, draft, problems);
        targets::read(TargetKind::Person, self.people, defaults, draft, problems);
        targets::read_several(self.staff, defaults, draft, problems);
        targets::read(TargetKind::Service, self.services, defaults, draft, problems);
        agents::read_mailboxes(self.mailboxes, defaults, draft, problems);
        agents::read_announcements(self.announcements, defaults, draft, problems);
        groups::read(&self.groups, names, problems);
        courses::read(self.plans, defaults, clocks, names, draft, problems);
    }
}
