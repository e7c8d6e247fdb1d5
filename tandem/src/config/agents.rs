//! What answers in this process: every mailbox and every announcement is a target with a peer of its own, and an agent in the guide
//! of those who speak for it.

use crate::codes::Code;
use crate::config::address::Address;
use crate::config::draft::{CourseDraft, Draft};
use crate::config::mailboxes::Mailboxes;
use crate::config::peers::{Defaults, Manners};
use crate::config::reader::{Key, Problems, Value, shown, table, text};
use crate::config::sound;
use crate::diagnostic::Diagnostic;
use agent::g711::lasts;
use agent::guide::{self, Guide, Role};
use agent::line::Clip;
use agent::prompts;
use core::time::Duration;
use router::Transport;
use router::inside::{AgentId, SCREEN};
use router::target::{PeerHost, PeerId, PeerKind, Reach, Target, TargetId, TargetKind};
use router::word::SPARE;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::de::DeValue;

/// Gives every mailbox of the file an agent.
pub(super) fn read_mailboxes<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    for (key, _) in entries {
        let role = Role::Mailbox(draft.full(key.text));
        push(&key, role, defaults, draft, problems);
    }
}

/// Reads `[announcements]`.
pub(super) fn read_announcements<'a>(
    entries: Vec<(Key<'a>, &'a Value<'a>)>,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) {
    for (key, value) in entries {
        let name = draft.full(key.text);
        if let Some(clip) = announcement(&key, value, problems) {
            draft.guide.announcements.insert(Arc::clone(&name), clip);
        }
        push(&key, Role::Announcement(name), defaults, draft, problems);
    }
}

/// Gives a voice to what is said before steps: an agent for each announcement, and for each step a destination of its own, so that
/// what is said before one step can be said before another too.
pub(super) fn give_words(defaults: &Defaults, draft: &mut Draft, problems: &mut Problems<'_>) {
    let mut voices: BTreeMap<Arc<str>, Vec<PeerId>> = BTreeMap::new();
    let mut courses = core::mem::take(&mut draft.courses);
    let said = courses.iter_mut().flat_map(CourseDraft::lists_mut).flat_map(|list| &mut list.steps);
    for (said, span) in said.filter_map(|step| Some((step.say.as_mut()?, step.span.clone()))) {
        let peers = voices.entry(Arc::clone(&said.name)).or_insert_with(|| {
            speaker(&said.name, Role::Word(Arc::clone(&said.name)), defaults, draft, problems)
        });
        let clip = draft.guide.announcements.get(&said.name);
        said.word = u32::try_from(draft.plan.targets.len()).ok().map(TargetId);
        draft.plan.targets.push(Target {
            name: Arc::clone(&said.name),
            kind: TargetKind::Word,
            reach: Reach::Sip(peers.clone()),
            ring: clip.map_or(SPARE, |clip| lasts(clip.len()).saturating_add(SPARE)),
            confirm: false,
        });
        draft.targets.push((span, Vec::new()));
    }
    draft.courses = courses;
}

/// What the agents need of the mailboxes that were read.
pub(super) fn guide(mut guide: Guide, mailboxes: &Mailboxes) -> Guide {
    guide.business = Arc::clone(&mailboxes.business);
    let all = mailboxes.by_name.iter().map(|(name, read)| {
        let usual = guide::Mailbox::default();
        let mailbox = guide::Mailbox {
            name: Arc::clone(name),
            greeting: read.greeting.clone(),
            longest: read.longest,
            messages_max: read.messages,
            bytes_max: u64::from(read.messages) * read.longest.as_secs() * u64::from(agent::g711::RATE),
            pin: read.pin.as_ref().map(|pin| pin.as_str().into()),
            hold: read.hold,
            operator: read.operator.is_some(),
            lamps: read.lamps.iter().map(|(uri, _)| Arc::clone(uri)).collect(),
            ..usual
        };
        (Arc::clone(name), Arc::new(mailbox))
    });
    guide.mailboxes = all.collect();
    guide
}

fn push(key: &Key<'_>, role: Role, defaults: &Defaults, draft: &mut Draft, problems: &mut Problems<'_>) {
    let name = draft.full(key.text);
    let peers = speaker(&name, role, defaults, draft, problems);
    draft.plan.targets.push(Target {
        name,
        kind: TargetKind::Agent,
        reach: Reach::Sip(peers),
        ring: RING,
        confirm: false,
    });
    draft.targets.push((key.span.clone(), Vec::new()));
}

/// One more agent of this process, as a peer of the plan.
fn speaker(
    name: &str,
    role: Role,
    defaults: &Defaults,
    draft: &mut Draft,
    problems: &mut Problems<'_>,
) -> Vec<PeerId> {
    let number = u32::try_from(draft.guide.agents.len()).unwrap_or(u32::MAX);
    let agent = AgentId(SCREEN.0.saturating_add(number));
    draft.guide.agents.insert(agent, role);
    let at = agent.address();
    let address = Address {
        user: Some(agent.contact().into()),
        host: PeerHost::Ip(at.ip()),
        port: Some(at.port()),
        transport: Some(Transport::Inside),
    };
    let peers = vec![(name.into(), address)];
    Manners::of_site(defaults).add(PeerKind::Agent, peers, draft, problems)
}

/// The sound of an announcement: a WAV file, or the name of what comes with Tandem.
fn announcement(key: &Key<'_>, value: &Value<'_>, problems: &mut Problems<'_>) -> Option<Clip> {
    let wanted = "a WAV file such as \"closed.wav\", or `closed` or `busy` for what comes with Tandem";
    let file = match value.get_ref() {
        DeValue::String(_) => value,
        DeValue::Table(_)
        | DeValue::Array(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {
            let place = format!("[announcements.{}]", shown(key.text));
            let mut keys = table(place, key.span.clone(), wanted, value, problems)?;
            let file = keys.take("file");
            if file.is_none() {
                let title = format!("{} says nothing", keys.place);
                let problem = Diagnostic::new(Code::E012, title).at(key.span.clone(), "no `file`");
                problems.add(problem.help("write `file = \"closed.wav\"`"));
            }
            keys.finish(problems);
            file?
        }
    };
    let written = text("file", wanted, file, problems)?;
    let shipped = prompts::ALL.iter().find(|(name, _)| *name == written && SHIPPED.contains(name));
    if let Some((_, clip)) = shipped {
        return Some(Clip::clone(clip));
    }
    let (path, fault) = match sound::read(written, file.span().start, problems) {
        Ok(sound) => return Some(sound),
        Err(unplayable) => unplayable,
    };
    let title = format!("`{}` cannot be announced: {fault}", shown(written));
    let problem = Diagnostic::new(Code::E036, title).at(file.span(), path.display().to_string());
    problems.add(problem.help(
        "it has to be a WAV file: linear PCM, any rate; or write `closed` or `busy` for what comes with Tandem",
    ));
    None
}

/// Prompts that say something to who is not known to be anybody.
const SHIPPED: [&str; 2] = ["closed", "busy"];

/// Whoever answers here does it at once.
const RING: Duration = Duration::from_secs(10);
