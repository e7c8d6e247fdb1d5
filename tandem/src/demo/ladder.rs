//! The ladder of what was seen on the wire: who said what to whom, and when.

use super::wire::{Seen, Who};
use crate::ladder::Ladder;
use core::time::Duration;
use sip::{Method, Time};

/// What happened without a message: why a call went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// After the caller had dialled.
    pub(super) after: Duration,
    /// In words.
    pub(super) text: String,
}

/// One line of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Row {
    /// One message on its way through everybody who passed it on at once.
    Message {
        after: Duration,
        hops: Vec<(Who, Who)>,
        label: String,
    },
    Remark(Remark),
}

/// Draws a call: `seen` in the order of time, all of it of this one call.
pub(super) fn draw(dialled: Time, seen: &[Seen], remarks: &[Remark]) -> Vec<String> {
    let rows = rows(dialled, seen, remarks);
    let mut columns: Vec<Who> = seen.iter().flat_map(|seen| [seen.from, seen.to]).collect();
    columns.sort_unstable();
    columns.dedup();
    // No call of the demo has more than fit.
    let ladder = Ladder { names: columns.iter().map(|who| who.name().to_owned()).collect() };
    core::iter::once(ladder.head()).chain(rows.iter().map(|row| row.draw(&ladder, &columns))).collect()
}

/// How many INVITEs came to `who`: more than one if it was silent.
pub(super) fn invites_to(who: &str, seen: &[Seen]) -> usize {
    let is_invite = |seen: &&Seen| seen.method == Method::Invite && seen.status.is_none();
    seen.iter().filter(is_invite).filter(|seen| seen.to.name() == who).count()
}

fn rows(dialled: Time, seen: &[Seen], remarks: &[Remark]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (place, this) in seen.iter().enumerate() {
        if is_noise(this, seen.get(..place).unwrap_or_default()) {
            continue;
        }
        let (after, hop) = (this.at.since(dialled), (this.from, this.to));
        // Where Tandem has tried somebody else before, that reason stands between the coming and the going.
        let goes_out = this.from == Who::Tandem && this.method == Method::Invite && this.status.is_none();
        let tried = goes_out && remarks.iter().any(|remark| remark.after <= after);
        let reached = if tried { None } else { Some(hop) };
        if let Some(hops) =
            reached.and_then(|hop| rows.iter_mut().find_map(|row| row.going_on(hop, after, &this.word)))
        {
            hops.push(hop);
        } else {
            rows.push(Row::Message { after, hops: vec![hop], label: this.word.clone() });
        }
    }
    let mut later = rows.split_off(rows.len().min(1));
    later.extend(remarks.iter().cloned().map(Row::Remark));
    // To the millisecond, as the call list has it; a reason stands before what it led to.
    later.sort_by_key(|row| (row.after().as_millis(), matches!(row, Row::Message { .. })));
    rows.append(&mut later);
    rows
}

/// What is not drawn: what was drawn already, answers to CANCEL and BYE, and the ACK of a refusal.
fn is_noise(seen: &Seen, before: &[Seen]) -> bool {
    let same = |other: &Seen| {
        (other.from, other.to, other.status, &other.branch) == (seen.from, seen.to, seen.status, &seen.branch)
            && other.method == seen.method
    };
    let its_invite =
        |other: &Seen| other.method == Method::Invite && (other.to, &other.branch) == (seen.to, &seen.branch);
    match (seen.method, seen.status) {
        (Method::Cancel | Method::Bye, Some(_)) => true,
        (Method::Ack, None) if before.iter().any(its_invite) => true,
        _ => before.iter().any(same),
    }
}

impl Row {
    fn after(&self) -> Duration {
        match self {
            Self::Message { after, .. } | Self::Remark(Remark { after, .. }) => *after,
        }
    }

    fn draw(&self, ladder: &Ladder, columns: &[Who]) -> String {
        let place = |who| columns.iter().position(|column| *column == who).unwrap_or_default();
        match self {
            Self::Message { after, hops, label } => {
                let hops: Vec<_> = hops.iter().map(|(from, to)| (place(*from), place(*to))).collect();
                ladder.message(*after, &hops, label)
            }
            Self::Remark(remark) => ladder.remark(remark.after, &format!("✗ {}", remark.text)),
        }
    }

    /// The hops of this row, if that hop goes on with them.
    fn going_on(&mut self, (from, to): (Who, Who), at: Duration, what: &str) -> Option<&mut Vec<(Who, Who)>> {
        let Self::Message { after, hops, label } = self else { return None };
        let (_, reached) = *hops.last()?;
        let (start, next) = *hops.first()?;
        let same_way = (start < next) == (from < to);
        (reached == from && same_way && label == what && at.saturating_sub(*after) <= AT_ONCE).then_some(hops)
    }
}

/// Passed on within this time it is one row: the loopback needs far less, a phone far more.
const AT_ONCE: Duration = Duration::from_millis(25);

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(millis: u64, from: Who, to: Who, method: Method, status: Option<u16>, branch: &str) -> Seen {
        let (at, branch) = (Time::from_micros(millis * 1_000), branch.as_bytes().to_vec());
        let word = status.map_or(format!("{method:?}").to_uppercase(), |status| status.to_string());
        Seen { at, from, to, call_id: Vec::new(), method, status, branch, word }
    }

    #[test]
    fn a_carrier_that_is_gone_stands_between_the_coming_and_the_going() {
        use Method::Invite;
        use Who::{Caller, South, Tandem};
        let seen = [
            seen(0, Caller, Tandem, Invite, None, "c"),
            seen(0, Tandem, South, Invite, None, "s"),
            seen(1, South, Tandem, Invite, Some(180), "s"),
            seen(1, Tandem, Caller, Invite, Some(180), "c"),
        ];
        let gone = Remark { after: Duration::ZERO, text: "ana by north: nobody listens there".to_owned() };
        assert_eq!(
            draw(Time::ZERO, &seen, &[gone]),
            [
                "          caller         tandem         south",
                "  0.000     │──INVITE─────▶│              │",
                "  0.000     │              │ ✗ ana by north: nobody listens there",
                "  0.000     │              │──INVITE─────▶│",
                "  0.001     │◀─180─────────│◀─180─────────│",
            ]
        );
    }

    #[test]
    fn a_call_that_goes_on_is_drawn_as_it_was_seen() {
        use Method::{Ack, Cancel, Invite};
        use Who::{Ana, Caller, North, Office, Tandem};
        let seen = [
            seen(1_000, Caller, Tandem, Invite, None, "c"),
            seen(1_000, Tandem, Office, Invite, None, "o"),
            seen(1_001, Tandem, Caller, Invite, Some(100), "c"),
            seen(1_500, Tandem, Office, Invite, None, "o"),
            seen(3_001, Tandem, North, Invite, None, "n"),
            seen(3_002, North, Ana, Invite, None, "a"),
            seen(3_004, Ana, North, Invite, Some(180), "a"),
            seen(3_004, North, Tandem, Invite, Some(180), "n"),
            seen(3_005, Tandem, Caller, Invite, Some(180), "c"),
            seen(3_200, Tandem, North, Cancel, None, "n"),
            seen(3_201, North, Tandem, Cancel, Some(200), "n"),
            seen(3_202, Tandem, North, Ack, None, "n"),
        ];
        let silent = Remark { after: Duration::from_secs(2), text: "office: silent for 2 s".to_owned() };
        assert_eq!(invites_to("office", &seen), 2);
        assert_eq!(
            draw(Time::from_micros(1_000_000), &seen, &[silent]),
            [
                "          caller         tandem         office         north           ana",
                "  0.000     │──INVITE─────▶│──INVITE─────▶│              │              │",
                "  0.001     │◀─100─────────│              │              │              │",
                "  2.000     │              │ ✗ office: silent for 2 s    │              │",
                "  2.001     │              │──INVITE────────────────────▶│──INVITE─────▶│",
                "  2.004     │◀─180─────────│◀─180────────────────────────│◀─180─────────│",
                "  2.200     │              │──CANCEL────────────────────▶│              │",
            ]
        );
    }
}
