//! The town with agents of its own: a mailbox, an announcement, what is said before a step, and whoever asks people to press 1.

use crate::caller::Script;
use crate::indoors::Sound;
use crate::manner::Manner;
use crate::story;
use crate::town::{self, ANA, BEN, NODE, NUMBER, PSTN, step};
use crate::voice::{Says, Voice};
use crate::world::World;
use agent::guide::{Guide, Mailbox, Role};
use agent::prompts;
use core::net::SocketAddr;
use core::time::Duration;
use router::Plan;
use router::inside::{self, AgentId, SCREEN};
use router::path::Transport;
use router::plan::{CourseId, Step};
use router::target::{Peer, PeerId, PeerKind, Reach, TargetId, TargetKind};
use sip::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who calls, if it is to be known.
pub const CALLER: &str = "+15035550199";
/// The name of the mailbox.
pub const FRONT: &str = "front";
/// Target 4: the mailbox.
pub const MAILBOX_TARGET: TargetId = TargetId(4);
/// Target 5: the announcement.
pub const CLOSED_TARGET: TargetId = TargetId(5);
/// Target 6: the same, said before a step.
pub const WORD_TARGET: TargetId = TargetId(6);

const MAILBOX: AgentId = AgentId(2);
const CLOSED: AgentId = AgentId(3);
/// Who says something before a step.
pub const WORD: AgentId = AgentId(4);

/// The town with these steps, and agents that they may lead to.
#[must_use]
pub fn floor(steps: Vec<Step>) -> Plan {
    let mut plan = town::town_with(steps);
    let agent = TargetKind::Agent;
    for (name, kind, agent) in
        [("mailbox", agent, MAILBOX), ("closed", agent, CLOSED), ("word", TargetKind::Word, WORD)]
    {
        add_agent(&mut plan, name, kind, agent);
    }
    plan
}

/// Adds an agent to a plan, as a peer and a target of this name.
pub(crate) fn add_agent(plan: &mut Plan, name: &str, kind: TargetKind, agent: AgentId) -> TargetId {
    let next = |len| u32::try_from(len).unwrap_or(u32::MAX);
    let (id, target) = (PeerId(next(plan.peers.len())), TargetId(next(plan.targets.len())));
    let peer = town::peer(name, PeerKind::Agent, agent.address());
    let (transport, user) = (Some(Transport::Inside), Some(agent.contact().into()));
    plan.peers.push(Peer { transport, user, ..peer });
    plan.targets.push(town::target(name, kind, Reach::Sip(vec![id])));
    target
}

/// These together; then the mailbox.
#[must_use]
pub fn then_mailbox(members: &[TargetId]) -> Plan {
    floor(vec![step(members, 1), step(&[MAILBOX_TARGET], 2)])
}

/// Whoever presses 0 in the mailbox is led along these steps.
#[must_use]
pub fn with_operator(mut plan: Plan, steps: Vec<Step>) -> Plan {
    let course = CourseId(u32::try_from(plan.courses.len()).unwrap_or(u32::MAX));
    plan.courses.push(town::course("operator", steps));
    let ids = (0..).map(PeerId).zip(&plan.peers);
    let mailbox = ids.filter(|(_, peer)| &*peer.name == "mailbox").map(|(id, _)| (id, course));
    plan.of_agents = mailbox.collect();
    plan
}

/// The phone at this address is told what waits in the mailbox without having asked.
#[must_use]
pub fn with_lamp(mut plan: Plan, at: SocketAddr) -> Plan {
    let id = PeerId(u32::try_from(plan.peers.len()).unwrap_or(u32::MAX));
    let peer = town::peer("desk", PeerKind::Site, at);
    let uri = String::from_utf8_lossy(&peer.uri(b"100")).into_owned();
    plan.lamps.insert(uri.into(), vec![id]);
    plan.peers.push(peer);
    plan
}

/// Whoever is called by a phone number has to press 1.
#[must_use]
pub fn asking(mut plan: Plan) -> Plan {
    for target in &mut plan.targets {
        target.confirm = target.kind == TargetKind::Person;
    }
    plan
}

/// A world with the town, its node with agents, and its callers, before anything has happened.
#[must_use]
pub fn stage(plan: Plan, manners: &[(&str, Manner)], callers: &[Script]) -> World {
    let mut identity = town::identity(1);
    identity.listeners.push(inside::listener());
    let operator = !plan.of_agents.is_empty();
    let lamps = plan.lamps.keys().cloned().collect();
    let mut world = story::stage_of(identity, plan, manners, callers);
    let mailbox = Arc::new(Mailbox { name: FRONT.into(), operator, lamps, ..Mailbox::default() });
    let guide = Guide {
        mailboxes: BTreeMap::from([(FRONT.into(), mailbox)]),
        announcements: BTreeMap::from([("closed".into(), prompts::CLOSED.clone())]),
        agents: BTreeMap::from([
            (SCREEN, Role::Screen),
            (MAILBOX, Role::Mailbox(FRONT.into())),
            (CLOSED, Role::Announcement("closed".into())),
            (WORD, Role::Word("closed".into())),
        ]),
        ..Guide::default()
    };
    world.add_agents(0, &Arc::new(guide));
    if let Some(diary) = &mut world.diary {
        diary.name(MAILBOX.address(), "mailbox");
        diary.name(CLOSED.address(), "announcement");
        diary.name(WORD.address(), "word");
    }
    world
}

/// Somebody whom everybody knows calls, and hangs up so long after the answer.
#[must_use]
pub const fn caller(talk: Option<Duration>) -> Script {
    Script { talk, caller: Some(CALLER), ..Script::patient(Duration::ZERO, NUMBER, NODE) }
}

/// The sound of [`CALLER`], for these milliseconds each.
#[must_use]
pub fn caller_says(says: &[(Says, u64)]) -> Voice {
    voice("caller", CALLER, SocketAddr::new(PSTN.ip(), 4000), (&prompts::RECORD, says))
}

/// The sound of Ana's mobile.
#[must_use]
pub fn ana_says(says: &[(Says, u64)]) -> Voice {
    voice("ana", ANA, SocketAddr::new(town::CARRIER_A.ip(), 4002), (&prompts::CODE, says))
}

/// The sound of Ben's mobile.
#[must_use]
pub fn ben_says(says: &[(Says, u64)]) -> Voice {
    voice("ben", BEN, SocketAddr::new(town::CARRIER_A.ip(), 4004), (&prompts::OWNER, says))
}

fn voice(
    name: &'static str,
    number: &'static str,
    here: SocketAddr,
    (speech, says): (&agent::line::Clip, &[(Says, u64)]),
) -> Voice {
    let says: Vec<_> = says.iter().map(|(says, ms)| (*says, Duration::from_millis(*ms))).collect();
    Voice::new(name, number, here, speech, &says)
}

/// Lets a world come to its end: the lines of its diary, what was left unfinished in its mailboxes, and how whole the sound was that
/// came to each.
#[must_use]
pub fn tell(mut world: World) -> Vec<String> {
    world.run(Time::ZERO + LENGTH);
    let unfinished = world.indoors(0).into_iter().flat_map(|it| it.shelf.begun.values().map(Sound::lasts));
    let mut last: Vec<String> =
        unfinished.map(|kept| format!("{} ms are left of a recording", kept.as_millis())).collect();
    for voice in &world.voices {
        let (name, heard) = (voice.name, voice.heard);
        let (packets, missing, sources) = (heard.packets, heard.missing, heard.sources);
        last.push(format!("{name} has heard {packets} packets of {sources} sources, {missing} are missing"));
    }
    let mut lines = story::tell(world);
    lines.extend(last);
    lines
}

/// The longest walk, a message behind it, and 64 · T1 are over by then.
const LENGTH: Duration = Duration::from_secs(600);
