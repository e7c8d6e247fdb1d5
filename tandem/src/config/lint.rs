//! Warnings: plans that are right as a file and wrong at night.

use crate::codes::Code;
use crate::config::allow::Allows;
use crate::config::draft::{CourseDraft, Draft, Rung, StepDraft};
use crate::config::duration::words;
use crate::config::floor;
use crate::config::reader::{Problems, shown};
use crate::config::settings::DEPTH_MAX;
use crate::diagnostic::{Diagnostic, Span};
use agent::g711::lasts;
use core::time::Duration;
use router::plan::CourseId;
use router::strangers::Welcome;
use router::target::{PeerHost, PeerId, Reach, Target, TargetKind};
use std::collections::{BTreeMap, BTreeSet};

/// Looks at the whole plan. E105 is found here too: only now all is known.
pub(super) fn run(draft: &Draft, allows: &Allows, problems: &mut Problems<'_>) {
    no_way_out(draft, problems);
    one_carrier(draft, problems);
    shared_carriers(draft, problems);
    unknown_ways_in(draft, problems);
    help_without_way_out(draft, problems);
    unlisted_accounts(draft, problems);
    mobile_voicemail(draft, allows, problems);
    let mut lengths = Lengths { known: vec![None; draft.courses.len()] };
    for course in &draft.courses {
        for (name, list) in course.lists() {
            shared_steps(draft, &list.steps, problems);
            if !matches!(name, "busy" | "full") {
                late_answer(draft, course, &list.steps, &mut lengths, problems);
            }
        }
    }
    floor::run(draft, problems);
}

/// E105: phone numbers are reached by carriers.
fn no_way_out(draft: &Draft, problems: &mut Problems<'_>) {
    if !draft.plan.carriers.is_empty() {
        return;
    }
    let mut stuck = by_number(draft).peekable();
    let Some((first, _)) = stuck.peek() else { return };
    let title = format!("`{}` is reached by phone number, but there is no carrier", shown(&first.name));
    let mut problem = Diagnostic::new(Code::E105, title);
    let mut more = 0;
    for (n, (_, span)) in stuck.enumerate() {
        if n < SPOTS_MAX {
            problem = problem.at(span.clone(), if n == 0 { "no way to it" } else { "nor to this" });
        } else {
            more += 1;
        }
    }
    let help =
        "write `[carriers]` and `acme = \"sip.acme.example\"`, or give a `sip` address instead of the number";
    problems.add(problem.help(with_more(help, more)));
}

/// L001: what comes by one carrier dies with it, before this node sees anything.
fn one_carrier(draft: &Draft, problems: &mut Problems<'_>) {
    if let ([carrier], [span]) = (draft.plan.carriers.as_slice(), draft.carriers.as_slice()) {
        let title = format!(
            "all numbers arrive by one carrier: when `{}` is down, no call gets here",
            shown(&carrier.name)
        );
        let problem = Diagnostic::new(Code::L001, title).at(span.clone(), "the only carrier");
        problems.add(problem.help(
            "nothing on this machine can see a call that never arrives: add a second carrier \
             (`second = \"sbc.second.example\"` under `[carriers]`), and have the numbers fail over to it at the first one",
        ));
    }
}

/// L021: for every single outage, a way out for a site's call for help.
fn help_without_way_out(draft: &Draft, problems: &mut Problems<'_>) {
    let sites = draft.plan.targets.iter().zip(&draft.targets);
    let Some((site, (span, _))) = sites.into_iter().find(|(target, _)| target.kind == TargetKind::Site)
    else {
        return;
    };
    let site = shown(&site.name);
    let carriers: Vec<_> = draft.plan.carriers.iter().zip(&draft.carriers).collect();
    let shared = common(carriers.iter().map(|(carrier, _)| fate(draft, &carrier.trunks)));
    let site_calls = format!("a call for help of site `{site}`");
    let title = match (carriers.as_slice(), shared.first()) {
        _ if draft.emergency.is_empty() => format!("{site_calls} is refused here: `emergency` is empty"),
        ([], _) => format!("{site_calls} has no way out: there is no carrier"),
        ([(only, _)], _) => format!("{site_calls} has no way out when `{}` is down", shown(&only.name)),
        (_, Some(shared)) => {
            format!("{site_calls} has no way out when all carriers go down together: {shared}")
        }
        (_, None) => return,
    };
    let problem = Diagnostic::new(Code::L021, title).at(span.clone(), "the first site");
    problems.add(problem.help(
        "add a carrier that shares nothing with the others (`second = \"sbc.second.example\"`), or let the PBX send such calls by lines of its own",
    ));
}

/// L017: calls may come from addresses that the carrier's name does not lead to.
fn unknown_ways_in(draft: &Draft, problems: &mut Problems<'_>) {
    if draft.plan.strangers == Welcome::Listed {
        return;
    }
    for (carrier, span) in draft.plan.carriers.iter().zip(&draft.carriers) {
        if draft.plan.networks.values().any(|peer| carrier.trunks.contains(peer)) {
            continue;
        }
        let name = shown(&carrier.name);
        let title = format!(
            "calls of carrier `{name}` are refused if they come from elsewhere than its name leads to"
        );
        let problem = Diagnostic::new(Code::L017, title).at(span.clone(), "no `networks`");
        problems.add(problem.help(
            "write the networks that the carrier says it calls from: `networks = [\"192.0.2.0/24\"]`, \
             or leave `strangers` out",
        ));
    }
}

/// L018: whoever takes our registration calls the account, not a phone number.
fn unlisted_accounts(draft: &Draft, problems: &mut Problems<'_>) {
    if draft.plan.unlisted.is_some() {
        return;
    }
    for (id, peer) in (0..).map(PeerId).zip(&draft.plan.peers) {
        let Some(account) = peer.register() else { continue };
        let Some(span) =
            written_at(draft, id).filter(|_| draft.plan.course_of(account.user.as_bytes()).is_none())
        else {
            continue;
        };
        let (peer, user) = (shown(&peer.name), shown(&account.user));
        let title = format!(
            "calls of `{peer}` to the account `{user}` are refused unless To names a number of the plan"
        );
        let problem = Diagnostic::new(Code::L018, title).at(span.clone(), "registers it");
        problems.add(problem.help(format!("write it under `[numbers]`, as `{user} = \"main\"`")));
    }
}

/// Where a peer's carrier, site or service stands.
fn written_at(draft: &Draft, peer: PeerId) -> Option<&Span> {
    let carriers = draft.plan.carriers.iter().zip(&draft.carriers);
    let carrier = carriers.filter(|(carrier, _)| carrier.trunks.contains(&peer)).map(|(_, span)| span);
    let targets = draft.plan.targets.iter().zip(&draft.targets);
    let by_sip = |target: &Target| matches!(&target.reach, Reach::Sip(peers) if peers.contains(&peer));
    let target = targets.filter(|(target, _)| by_sip(target)).map(|(_, (span, _))| span);
    carrier.chain(target).next()
}

/// L007 between carriers.
fn shared_carriers(draft: &Draft, problems: &mut Problems<'_>) {
    let carriers: Vec<_> = draft.plan.carriers.iter().zip(&draft.carriers).collect();
    let fates: Vec<_> = carriers.iter().map(|(carrier, _)| fate(draft, &carrier.trunks)).collect();
    for (n, (second, span)) in carriers.iter().enumerate() {
        for ((first, other), fate) in carriers.iter().zip(&fates).take(n) {
            let Some(shared) = fates.get(n).and_then(|own| own.intersection(fate).next()) else { continue };
            let title = format!(
                "carriers `{}` and `{}` die together: {shared}",
                shown(&first.name),
                shown(&second.name)
            );
            let problem = Diagnostic::new(Code::L007, title).at((*span).clone(), "no backup for the other");
            problems.add(problem.at((*other).clone(), "this one").help(SHARED_HELP));
            break;
        }
    }
}

/// L007 between a step and the next.
fn shared_steps(draft: &Draft, steps: &[StepDraft], problems: &mut Problems<'_>) {
    for pair in steps.windows(2) {
        let [first, second] = pair else { continue };
        let (one, two) = (step_fate(draft, first), step_fate(draft, second));
        // The same destination again is meant: it is tried once more, not taken for a backup.
        let again = first.targets().any(|(id, _)| second.targets().any(|(other, _)| id == other));
        let Some(shared) = one.intersection(&two).next().filter(|_| !again) else { continue };
        let problem =
            Diagnostic::new(Code::L007, format!("this step dies with the one that it backs up: {shared}"));
        let problem = problem.at(second.span.clone(), "no backup").at(first.span.clone(), "for this");
        problems.add(problem.help(SHARED_HELP));
    }
}

/// What kills a whole step.
fn step_fate(draft: &Draft, step: &StepDraft) -> BTreeSet<String> {
    let whole = step.members.iter().all(|(rung, _)| matches!(rung, Rung::Target(_)));
    let fates = step.targets().map(|(id, _)| {
        let Some(target) = draft.plan.target(id) else { return BTreeSet::new() };
        let mut fate = match &target.reach {
            Reach::Sip(peers) => fate(draft, peers),
            Reach::Number(_) => BTreeSet::new(),
        };
        let own = draft.targets.get(id.0 as usize);
        fate.extend(own.into_iter().flat_map(|(_, domains)| domains).map(|domain| named(domain)));
        fate
    });
    if whole { common(fates) } else { BTreeSet::new() }
}

/// What kills all of these peers: the domains and the host that all of them have.
fn fate(draft: &Draft, peers: &[PeerId]) -> BTreeSet<String> {
    common(peers.iter().filter_map(|id| draft.plan.peer(*id)).map(|peer| {
        let mut fate: BTreeSet<String> = peer.domains.iter().map(|domain| named(domain)).collect();
        fate.insert(match &peer.host {
            PeerHost::Ip(ip) => format!("both are at {ip}"),
            PeerHost::Name(name) => format!("both are at {}", name.to_ascii_lowercase()),
        });
        fate
    }))
}

fn named(domain: &str) -> String {
    format!("both are in `{}`", shown(domain))
}

fn common(mut fates: impl Iterator<Item = BTreeSet<String>>) -> BTreeSet<String> {
    let first = fates.next().unwrap_or_default();
    fates.fold(first, |all, fate| all.intersection(&fate).cloned().collect())
}

/// L016: whoever is rung by phone number and not asked to press 1 may be a voicemail.
fn mobile_voicemail(draft: &Draft, allows: &Allows, problems: &mut Problems<'_>) {
    let spoken = |span: &Span| !allows.silence(Code::L016, problems.source.row(span.start));
    let steps = draft.courses.iter().flat_map(CourseDraft::lists).flat_map(|(_, list)| &list.steps);
    let rung = steps.flat_map(|step| step.targets().map(|(id, span)| (step.confirm, id, span)));
    let unasked = rung.filter_map(|(asks, id, span)| {
        let target = draft.plan.target(id).filter(|target| target.kind == TargetKind::Person)?;
        let key = draft.targets.get(id.0 as usize).map(|(key, _)| key);
        let off = matches!(target.reach, Reach::Number(_)) && !target.is_confirmed(asks);
        let span = if target.confirm { span } else { key? };
        off.then_some((span.start, span))
    });
    let spots: BTreeMap<usize, &Span> = unasked.filter(|(_, span)| spoken(span)).collect();
    if spots.is_empty() {
        return;
    }
    let mut problem =
        Diagnostic::new(Code::L016, "a mobile's own voicemail may answer, and the call ends there");
    for (n, span) in spots.values().take(SPOTS_MAX).enumerate() {
        problem = problem.at((*span).clone(), if n == 0 { "nobody has to press 1" } else { "" });
    }
    let help = "ask them to press 1 (take `confirm = false` out)";
    problems.add(problem.help(with_more(help, spots.len().saturating_sub(SPOTS_MAX))));
}

/// L009: who answers for a living rings too late, so `live_within` cuts what is before it.
fn late_answer(
    draft: &Draft,
    course: &CourseDraft,
    steps: &[StepDraft],
    lengths: &mut Lengths,
    problems: &mut Problems<'_>,
) {
    let mut time = Duration::ZERO;
    let mut cut: Option<(&StepDraft, Duration)> = None;
    for step in steps {
        let (took, live) = lengths.step(draft, step, DEPTH_MAX);
        if cut.is_none() && time.saturating_add(took) > course.live_within {
            cut = Some((step, time));
        }
        time = time.saturating_add(took);
        if live {
            problems.found.extend(cut.map(|cut| too_late(course, step, time, cut)));
            let rings = time.min(course.live_within);
            let taken = draft.no_answer.as_ref().filter(|(after, _)| *after <= rings);
            problems.found.extend(taken.map(|taken| taken_away(course, step, rings, taken)));
            return;
        }
    }
}

fn too_late(
    course: &CourseDraft,
    answer: &StepDraft,
    at: Duration,
    cut: (&StepDraft, Duration),
) -> Diagnostic {
    let (first, from) = cut;
    let (name, within) = (shown(&course.name), words(course.live_within));
    let title = format!(
        "plan `{name}` rings {} before somebody whose job is to answer, but `live_within` is {within}",
        words(at)
    );
    let left = course.live_within.saturating_sub(from);
    let label =
        if left.is_zero() { "never rings".into() } else { format!("is cut off after {}", words(left)) };
    let problem = Diagnostic::new(Code::L009, title).at(first.span.clone(), label);
    let problem = if first.span == answer.span {
        problem
    } else {
        problem.at(answer.span.clone(), format!("rings after {within}"))
    };
    problem.help("shorten the steps before with `for`, or raise `live_within`")
}

/// L009: the carrier takes the call away before.
fn taken_away(
    course: &CourseDraft,
    answer: &StepDraft,
    rings: Duration,
    (after, span): &(Duration, Span),
) -> Diagnostic {
    let title = format!(
        "plan `{}` rings {} before somebody whose job is to answer, but a carrier takes the call away after {}",
        shown(&course.name),
        words(rings),
        words(*after)
    );
    let problem = Diagnostic::new(Code::L009, title).at(answer.span.clone(), "never rings");
    let problem = problem.at(span.clone(), "by then it is gone");
    let within = after.as_secs().saturating_sub(5);
    problem.help(format!("shorten the steps before with `for`, or write `live_within = \"{within}s\"`"))
}

/// How long plans ring before somebody whose job is to answer does, each reckoned once.
struct Lengths {
    known: Vec<Option<(Duration, bool)>>,
}

impl Lengths {
    /// How long a step rings at most, or until somebody in it whose job is to answer rings; and whether one does.
    fn step(&mut self, draft: &Draft, step: &StepDraft, deep: usize) -> (Duration, bool) {
        let mut longest = Duration::ZERO;
        let mut answers: Option<Duration> = None;
        let word = step.say.as_ref().and_then(|said| draft.guide.announcements.get(&said.name));
        let word = word.map_or(Duration::ZERO, |clip| lasts(clip.len()));
        for (n, (rung, _)) in step.members.iter().enumerate() {
            let start = step.stagger.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
            match rung {
                Rung::Target(id) => {
                    let Some(target) = draft.plan.target(*id) else { continue };
                    if target.kind.answers() {
                        answers.get_or_insert(start);
                    }
                    longest = longest.max(start.saturating_add(step.ring.unwrap_or(target.ring)));
                }
                Rung::Course(id) => return self.course(draft, *id, deep),
                Rung::Later => answers = answers.or(Some(start)),
                Rung::Nobody => {}
            }
        }
        let (time, live) = answers.map_or((longest, false), |start| (start, true));
        (word.saturating_add(time), live)
    }

    fn course(&mut self, draft: &Draft, id: CourseId, deep: usize) -> (Duration, bool) {
        let slot = id.0 as usize;
        let (Some(course), Some(deeper)) = (draft.courses.get(slot), deep.checked_sub(1)) else {
            return (Duration::ZERO, false);
        };
        if let Some(Some(known)) = self.known.get(slot) {
            return *known;
        }
        let mut found = (Duration::ZERO, false);
        for step in &course.steps.steps {
            let (took, live) = self.step(draft, step, deeper);
            found = (found.0.saturating_add(took), live);
            if live {
                break;
            }
        }
        if let Some(slot) = self.known.get_mut(slot) {
            *slot = Some(found);
        }
        found
    }
}

fn by_number(draft: &Draft) -> impl Iterator<Item = (&Target, &Span)> {
    let all = draft.plan.targets.iter().zip(&draft.targets).map(|(target, (span, _))| (target, span));
    all.filter(|(target, _)| matches!(target.reach, Reach::Number(_)))
}

fn with_more(help: &str, more: usize) -> String {
    if more == 0 { help.into() } else { format!("{help} ({more} more like these)") }
}

const SHARED_HELP: &str = "when that fails, both do: put something else between them, or a backup elsewhere";
/// Places that one warning points at; the help counts the rest.
const SPOTS_MAX: usize = 4;
