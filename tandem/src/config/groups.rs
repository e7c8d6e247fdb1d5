//! `[groups]`: destinations under one name, which ring together where a step names it.

use crate::codes::Code;
use crate::config::names::{Kind, Names, or_nearest};
use crate::config::reader::{Problems, shown, texts};
use crate::config::sections::Entries;
use crate::config::settings::MEMBERS_MAX;
use crate::diagnostic::{Diagnostic, Span};

/// Reads them; all that they may name has its name.
pub(super) fn read<'a>(groups: &Entries<'a>, names: &mut Names<'a>, problems: &mut Problems<'_>) {
    for (key, value) in groups {
        let wanted = "the name of a destination";
        let mut ids: Vec<(u32, Span)> = Vec::new();
        for (name, span) in texts("a group", wanted, MEMBERS_MAX, value, problems) {
            for id in targets(name, &span, names, problems) {
                match ids.iter().find(|(known, _)| *known == id) {
                    Some((_, first)) => {
                        let title = format!("`{}` is twice in group `{}`", shown(name), shown(key.text));
                        let problem = Diagnostic::new(Code::E111, title).at(span.clone(), "again");
                        let problem = problem.at(first.clone(), "it is there already");
                        problems.add(problem.help("take one out: a phone rings once at a time"));
                    }
                    None => ids.push((id, span.clone())),
                }
            }
        }
        names.gather(key.text, ids.into_iter().map(|(id, _)| id).collect());
    }
}

/// The destinations that a name in a group stands for.
fn targets(name: &str, span: &Span, names: &mut Names<'_>, problems: &mut Problems<'_>) -> Vec<u32> {
    let Some(named) = names.find(name) else {
        problems.add(unknown(name, span, names));
        return Vec::new();
    };
    match named.kind {
        Kind::Site | Kind::Person | Kind::Service | Kind::Mailbox | Kind::Announcement => {
            named.several.clone().unwrap_or_else(|| vec![named.id])
        }
        Kind::Unfilled => Vec::new(),
        Kind::Carrier | Kind::Plan | Kind::Group | Kind::Customer | Kind::Later(_) => {
            let title = format!("`{}` cannot be in a group: it is {}", shown(name), named.kind.word());
            let problem = Diagnostic::new(Code::E112, title).at(span.clone(), "a group rings together");
            let problem = problem.at(named.span.clone(), format!("{} here", named.kind.word()));
            problems.add(problem.help("name sites, people and services in it; a plan is a step of its own"));
            Vec::new()
        }
    }
}

fn unknown(name: &str, span: &Span, names: &Names<'_>) -> Diagnostic {
    let title = format!("a group names `{}`, which is not defined", shown(name));
    let problem = Diagnostic::new(Code::E101, title).at(span.clone(), "nobody is called so");
    let otherwise = "define it under `[sites]`, `[people]` or `[services]`, or take it out";
    or_nearest(problem, span.clone(), names.nearest(name, Kind::is_rung), otherwise)
}
