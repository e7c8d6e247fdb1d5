//! Which number the phones that are rung see as the caller's.

use super::patience::peers;
use super::rows::place;
use super::steps::Item;
use router::Plan;
use router::presentation::{Diverts, Presentation, Who};

/// What each peer of these steps is told of the caller of this number, in words; nothing where all see the caller, as
/// they do if the plan does not say.
pub(super) fn words_for(plan: &Plan, items: &[Item<'_>], number: &str) -> String {
    let number = plan.listed(number.as_bytes()).map_or(number, |(number, _)| number);
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for peer in peers(plan, items).into_iter().filter_map(|id| plan.peer(id)) {
        let said = words(peer.presentation.as_deref().unwrap_or(&Presentation::PLAIN), number);
        match lines.iter_mut().find(|(known, _)| *known == said) {
            Some((_, names)) => names.push(peer.name.to_string()),
            None => lines.push((said, vec![peer.name.to_string()])),
        }
    }
    for item in items {
        if let Item::Step { step, .. } = item
            && let Some(who) = &step.from
        {
            let at = format!("whatever peer the step at {} goes by", place(plan, step.line));
            lines.push((words(&Presentation::PLAIN.with(who), number), vec![at]));
        }
    }
    if let [] | [_] = lines.as_slice()
        && lines.iter().all(|(said, _)| *said == words(&Presentation::PLAIN, number))
    {
        return String::new();
    }
    let mut text = String::from("\n  Whoever rings sees as the caller\n");
    for (said, names) in &lines {
        text += &format!("    {said}  by {}\n", names.join(", "));
    }
    text
}

fn words(presentation: &Presentation, number: &str) -> String {
    let form = &presentation.form;
    let shown = match &form.who {
        Who::Caller => "the caller's own number",
        Who::Called => number,
        Who::Number(number) => number,
    };
    let trusted = if presentation.trusted { ", and the caller in P-Asserted-Identity" } else { "" };
    let forwarded = match form.diverts {
        Diverts::Nothing => String::new(),
        Diverts::Diversion => format!(", forwarded by {number} (Diversion)"),
        Diverts::HistoryInfo => format!(", forwarded by {number} (History-Info)"),
        Diverts::Both => format!(", forwarded by {number} (Diversion, History-Info)"),
    };
    format!("{shown}{trusted}{forwarded}")
}
