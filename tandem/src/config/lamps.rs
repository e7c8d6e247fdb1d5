//! `lamp` of a mailbox: which phones are told what waits in it without having asked. They are at sites of the plan, since only to these a
//! way is known.

use crate::codes::Code;
use crate::config::address::is_user;
use crate::config::draft::Draft;
use crate::config::names::{Kind, Names, split};
use crate::config::reader::{Problems, quoted, shown};
use crate::diagnostic::{Diagnostic, Span};
use router::target::Reach;
use std::sync::Arc;

/// Finds the ways to the lamps of all mailboxes.
pub(super) fn read(names: &mut Names<'_>, draft: &mut Draft, problems: &mut Problems<'_>) {
    let mut mailboxes = core::mem::take(&mut draft.mailboxes);
    for (mailbox, read) in &mut mailboxes.by_name {
        names.go_to(split(mailbox).0);
        let found = read.lamps.iter().filter_map(|(written, span)| {
            Some((uri(mailbox, written, span, names, draft, problems)?, span.clone()))
        });
        read.lamps = found.collect();
    }
    names.go_to(None);
    draft.mailboxes = mailboxes;
}

/// The URI of a lamp, for which the plan knows the ways from now on.
fn uri(
    mailbox: &str,
    written: &str,
    span: &Span,
    names: &mut Names<'_>,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> Option<Arc<str>> {
    let what = format!("the lamp `{}` of mailbox `{}`", shown(written), shown(mailbox));
    let (user, site) = written.rsplit_once('@').map_or((None, written), |(user, site)| (Some(user), site));
    if user.is_some_and(|user| !is_user(user)) {
        let problem = Diagnostic::new(Code::E119, format!("{what} is none")).at(span.clone(), "no user part");
        problems
            .add(problem.help("write a site, such as \"office\", or a user there, such as \"100@office\""));
        return None;
    }
    let Some((kind, id, defined)) = names.find(site).map(|named| (named.kind, named.id, named.span.clone()))
    else {
        let problem =
            Diagnostic::new(Code::E101, format!("{what} is at `{}`, which is not defined", shown(site)));
        let problem = problem.at(span.clone(), "no site is called so");
        problems.add(match names.nearest(site, |kind| kind == Kind::Site) {
            Some((near, _)) => {
                let whole = user.map_or_else(|| near.to_owned(), |user| format!("{user}@{near}"));
                problem.fix(format!("did you mean `{}`?", shown(near)), span.clone(), quoted(&whole))
            }
            None => problem.help("name a site of `[sites]`, or a user there, such as \"100@office\""),
        });
        return None;
    };
    let target = draft.plan.targets.get(id as usize).filter(|_| kind == Kind::Site);
    let Some(Reach::Sip(peers)) = target.map(|target| target.reach.clone()) else {
        let problem = Diagnostic::new(Code::E119, format!("{what} is at {}, which is no site", kind.word()));
        let problem = problem.at(span.clone(), "no phone of yours").at(defined, "this one");
        problems.add(problem.help("name a site of `[sites]`, or a user there, such as \"100@office\""));
        return None;
    };
    let first = peers.first().and_then(|peer| draft.plan.peer(*peer))?;
    let user = user.or(first.user.as_deref()).unwrap_or_default();
    let uri: Arc<str> = String::from_utf8_lossy(&first.uri(user.as_bytes())).into();
    draft.plan.lamps.insert(Arc::clone(&uri), peers);
    Some(uri)
}
