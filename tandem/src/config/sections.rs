//! The sections that name destinations: those at the top of the plan, and those of each customer.

use crate::config::hours::Clock;
use crate::config::names::{Kind, Names};
use crate::config::peers::Defaults;
use crate::config::reader::{Key, Problems, Table, Value, section};
use crate::config::{agents, courses, draft::Draft, mailboxes, targets};
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
        }
    }

    /// Gives each entry its name; those whose name is taken are dropped.
    pub(super) fn define(&mut self, names: &mut Names<'a>, problems: &mut Problems<'_>) {
        for (kind, entries) in [
            (Kind::Site, &mut self.sites),
            (Kind::Person, &mut self.people),
            (Kind::Service, &mut self.services),
            (Kind::Mailbox, &mut self.mailboxes),
            (Kind::Announcement, &mut self.announcements),
            (Kind::Plan, &mut self.plans),
        ] {
            *entries = names.define(kind, core::mem::take(entries), problems);
        }
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
        targets::read(TargetKind::Service, self.services, defaults, draft, problems);
        agents::read_mailboxes(self.mailboxes, defaults, draft, problems);
        agents::read_announcements(self.announcements, defaults, draft, problems);
        courses::read(self.plans, defaults, clocks, names, draft, problems);
    }
}
