//! The story: one thing after the other breaks, and each call is answered all the same.

use super::caller::End;
use super::ladder::{self, Remark};
use super::phone::Manner;
use super::stage::Stage;
use super::town::{Call, Town};
use super::wire::Who;
use crate::config::words;
use core::ops::RangeInclusive;
use core::time::Duration;
use serde_json::Value;

/// One call of the story.
struct Act {
    /// What happens before it.
    change: Change,
    /// Who is to answer.
    by: Who,
    /// When, in milliseconds after dialling. A phone that answers rings for [`PICK_UP`].
    within: RangeInclusive<u64>,
    /// What happens a second into the call.
    meanwhile: Option<(Who, Manner)>,
    /// What has just happened, for people.
    moral: &'static str,
}

/// What changes in the world before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    OfficeFallsSilent,
    OfficeIsKnownToBeDown,
    NorthCloses,
    NobodyHasTheirMobile,
    OfficeIsBack,
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Played {
    /// What was broken.
    pub(super) broken: &'static str,
    /// Who answered after how long, in words.
    pub(super) answer: String,
    /// What was to be, in words.
    pub(super) wanted: String,
    /// Was it so?
    pub(super) fine: bool,
}

/// Plays all acts.
///
/// # Errors
/// What kept the story from going on, in a sentence with a way out.
pub(super) async fn play(town: &mut Town, stage: &mut Stage) -> Result<Vec<Played>, String> {
    for who in [Who::Office, Who::Ana, Who::Answering] {
        town.order(who, Manner::Answers(PICK_UP));
    }
    let mut played = Vec::new();
    let mut fell = town.now();
    for (nth, act) in ACTS.iter().enumerate() {
        stage.title(&format!("Call {}: {}", nth + 1, act.change.title()));
        match act.change {
            Change::Nothing => {}
            Change::OfficeFallsSilent => {
                town.order(Who::Office, Manner::Silent);
                fell = town.now();
            }
            Change::OfficeIsKnownToBeDown => {
                let after = town.log_says("office is down", fell).await?;
                stage.say(&format!("Tandem knew it {} after the office fell silent.", seconds(after)));
                town.order(Who::Ana, Manner::Rings);
                town.order(Who::Ben, Manner::Answers(PICK_UP));
            }
            Change::NorthCloses => {
                town.order(Who::Ana, Manner::Answers(PICK_UP));
                town.order(Who::Ben, Manner::Rings);
                town.close_north().await;
            }
            Change::NobodyHasTheirMobile => town.order(Who::Ana, Manner::Rings),
            Change::OfficeIsBack => {
                town.log_says("office is on probation", fell).await?;
                stage
                    .say("It answered three probes in a row and stayed well: calls come back, one at first.");
            }
        }
        let call = town.call(act.meanwhile).await?;
        played.push(show(act, &call, stage));
    }
    Ok(played)
}

fn show(act: &Act, call: &Call, stage: &mut Stage) -> Played {
    for line in ladder::draw(call.heard.dialled, &call.seen, &remarks(call)) {
        stage.draw(&line);
    }
    let (answer, fine) = match &call.heard.end {
        End::Answered(by, after) => {
            let in_time = act.within.contains(&u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
            (format!("{by} after {}", seconds(*after)), by == act.by.name() && in_time)
        }
        End::Refused(status, after) => (format!("nobody: {status} after {}", seconds(*after)), false),
        End::Nothing => ("nobody, and no word".to_owned(), false),
    };
    let rang = match call.heard.rang {
        Some(rang) if rang < AT_ONCE => "; a phone rang at once".to_owned(),
        Some(rang) => format!("; a phone rang after {}", seconds(rang)),
        None => String::new(),
    };
    stage.verdict(fine, &format!("answered by {answer}{rang}."));
    if !act.moral.is_empty() {
        stage.say(&format!("  {}", act.moral));
    }
    let bound = |millis: u64| words(Duration::from_millis(millis));
    let wanted = match act.within.start() {
        0 => format!("{} within {}", act.by.name(), bound(*act.within.end())),
        start => format!("{} in {} to {}", act.by.name(), bound(*start), bound(*act.within.end())),
    };
    Played { broken: act.change.broken(), answer, wanted, fine }
}

/// Why the call went on, by the program's own account.
fn remarks(call: &Call) -> Vec<Remark> {
    let legs = call.record["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
    legs.iter().filter_map(|leg| remark(leg, call)).collect()
}

fn remark(leg: &Value, call: &Call) -> Option<Remark> {
    let outcome = leg["outcome"].as_str()?;
    if outcome == "answered" || outcome.starts_with("cancelled") {
        return None;
    }
    let (target, by) = (leg["target"].as_str()?, leg["by"].as_str()?);
    let way = if by == target { String::new() } else { format!(" by {by}") };
    let sent = match ladder::invites_to(target, &call.seen) {
        sent if sent > 1 && outcome.starts_with("silent") => format!(", INVITE sent {sent} times"),
        _ => String::new(),
    };
    let text = format!("{target}{way}: {outcome}{sent} (tandem.toml:{})", leg["line"]);
    Some(Remark { after: Duration::from_millis(leg["ended_after_ms"].as_u64()?), text })
}

impl Change {
    const fn title(self) -> &'static str {
        match self {
            Self::Nothing => "all is well.",
            Self::OfficeFallsSilent => "the office has lost its power. Nobody has told Tandem.",
            Self::OfficeIsKnownToBeDown => "the office is still dark.",
            Self::NorthCloses => "now carrier north dies too.",
            Self::NobodyHasTheirMobile => "and nobody hears their mobile.",
            Self::OfficeIsBack => "the office has its power back.",
        }
    }

    const fn broken(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::OfficeFallsSilent => "office, silent for a moment",
            Self::OfficeIsKnownToBeDown => "office, known to be down",
            Self::NorthCloses => "office, carrier north",
            Self::NobodyHasTheirMobile => "office, carrier north, both mobiles",
            Self::OfficeIsBack => "carrier north",
        }
    }
}

/// Seconds to a hundredth.
fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// People hear no pause before it.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How long a phone rings before somebody answers it.
const PICK_UP: Duration = Duration::from_millis(600);

/// The upper bounds leave a slow machine more than a second.
const ACTS: [Act; 6] = [
    Act { change: Change::Nothing, by: Who::Office, within: 0..=1_900, meanwhile: None, moral: "" },
    Act {
        change: Change::OfficeFallsSilent,
        by: Who::Ana,
        within: 2_000..=4_000,
        meanwhile: None,
        moral: "Two seconds of silence were enough. A plain SIP stack would have let this caller wait 32 s.",
    },
    Act {
        change: Change::OfficeIsKnownToBeDown,
        by: Who::Ben,
        within: 0..=1_900,
        meanwhile: None,
        moral: "No wait at all: what is known to be down is passed by.",
    },
    Act {
        change: Change::NorthCloses,
        by: Who::Ana,
        within: 0..=1_900,
        meanwhile: None,
        moral: "The mobiles were reached by carrier south, in the same moment.",
    },
    Act {
        change: Change::NobodyHasTheirMobile,
        by: Who::Answering,
        within: 5_000..=7_400,
        meanwhile: Some((Who::Office, Manner::Answers(PICK_UP))),
        moral: "Meanwhile the power in the office came back.",
    },
    Act { change: Change::OfficeIsBack, by: Who::Office, within: 0..=1_900, meanwhile: None, moral: "" },
];
