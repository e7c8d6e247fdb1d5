//! Stories: a plan, how everybody behaves, who calls; out come the lines of what went over the wire.

use crate::caller::Script;
use crate::chance::mix;
use crate::glance::{Glance, Head, Packet, Verb, uri_of, user_of};
use crate::manner::Manner;
use crate::network::Network;
use crate::town::{self, NODE, PSTN_HOST};
use crate::world::{Beside, Move, World};
use core::net::SocketAddr;
use core::time::Duration;
use router::door::Identity;
use router::inside::AgentId;
use router::record::Entry;
use router::registration::Registered;
use router::{Path, Plan, Transport};
use sip::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tells a story in the town: what went over the wire, and what the oracle says against it.
///
/// One line is a moment, a call, and `METHOD -> to whom` or `status <- from whom`. Left out are copies, `100`, ACKs
/// for refusals, and the `200` for CANCEL and BYE. The network takes no time.
#[must_use]
pub fn story(plan: Plan, manners: &[(&str, Manner)], callers: &[Script]) -> Vec<String> {
    story_with(plan, manners, callers, &[])
}

/// As [`story`], with things that happen to the world.
#[must_use]
pub fn story_with(
    plan: Plan,
    manners: &[(&str, Manner)],
    callers: &[Script],
    moves: &[(Duration, Move)],
) -> Vec<String> {
    play(stage(plan, manners, callers), moves)
}

/// As [`story_with`], where these are spoken to over streams.
#[must_use]
pub fn story_over_streams(
    plan: Plan,
    manners: &[(&str, Manner)],
    callers: &[Script],
    moves: &[(Duration, Move)],
    streams: &[SocketAddr],
) -> Vec<String> {
    let mut world = stage(plan, manners, callers);
    world.streams.extend(streams);
    play(world, moves)
}

/// As [`story`], where these may be spoken to over streams beside datagrams.
#[must_use]
pub fn story_beside(
    plan: Plan,
    manners: &[(&str, Manner)],
    callers: &[Script],
    beside: &[(SocketAddr, Beside)],
) -> Vec<String> {
    let mut world = stage(plan, manners, callers);
    world.beside.extend(beside.iter().copied());
    play(world, &[])
}

/// As [`story_with`], with alarms and what stands beside beliefs.
#[must_use]
pub fn alarming(
    plan: Plan,
    manners: &[(&str, Manner)],
    callers: &[Script],
    moves: &[(Duration, Move)],
) -> Vec<String> {
    let mut world = stage(plan, manners, callers);
    world.diary.iter_mut().for_each(|diary| diary.alarms = true);
    play(world, moves)
}

/// A world with the town, its node and its callers, before anything has happened.
#[must_use]
pub fn stage(plan: Plan, manners: &[(&str, Manner)], callers: &[Script]) -> World {
    stage_of(town::identity(1), plan, manners, callers)
}

/// As [`stage`], with a node of this identity.
#[must_use]
pub fn stage_of(identity: Identity, plan: Plan, manners: &[(&str, Manner)], callers: &[Script]) -> World {
    let mut world = World::new(1, Network::default());
    town::people_of(&mut world);
    for (name, manner) in manners {
        town::set_manner(&mut world, name, *manner);
    }
    world.diary = Some(Diary::of(&world));
    world.add_node(identity, &Arc::new(plan));
    for script in callers {
        world.add_call(PSTN_HOST, 0, *script);
    }
    world
}

/// Lets a world come to its end with these moves on the way.
fn play(mut world: World, moves: &[(Duration, Move)]) -> Vec<String> {
    for (at, what) in moves {
        world.plan_move(Time::ZERO + *at, what.clone());
    }
    world.run(Time::ZERO + LENGTH);
    tell(world)
}

/// The lines of a world that has come to its end.
#[must_use]
pub fn tell(mut world: World) -> Vec<String> {
    world.judge_end();
    let mut lines = world.diary.take().map(|diary| diary.lines).unwrap_or_default();
    lines.extend(world.oracle.violations.iter().map(ToString::to_string));
    lines
}

/// A patient caller who hangs up ten seconds after the answer.
#[must_use]
pub const fn caller() -> Script {
    Script::patient(Duration::ZERO, town::NUMBER, NODE)
}

/// A patient caller who calls at this time.
#[must_use]
pub const fn caller_at(at: Duration) -> Script {
    Script::patient(at, town::NUMBER, NODE)
}

/// A caller who gives up after so long.
#[must_use]
pub const fn impatient(patience: Duration) -> Script {
    Script { cancel: Some(patience), ..caller() }
}

/// The longest walk and 64 · T1 twice are over by then.
const LENGTH: Duration = Duration::from_secs(600);

/// What is written down of the wire.
#[derive(Debug)]
pub struct Diary {
    /// The lines so far.
    pub lines: Vec<String>,
    /// Who calls whom in each message, and by way of whom.
    pub who: bool,
    /// Every datagram, copies too, with the addresses: to look into a seed.
    pub all: bool,
    /// Alarms too, and what stands beside beliefs.
    pub alarms: bool,
    names: BTreeMap<SocketAddr, &'static str>,
    people: BTreeMap<&'static str, &'static str>,
    legs: BTreeMap<u64, String>,
    seen: BTreeSet<u64>,
}

impl Diary {
    /// An empty diary that knows everybody's name.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let places = world.hosts.iter().flat_map(|host| host.places.iter());
        Self {
            lines: Vec::new(),
            who: false,
            all: false,
            alarms: false,
            names: places.map(|place| (place.address, place.name)).collect(),
            people: world.people.iter().map(|(number, name, _)| (*number, *name)).collect(),
            legs: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Tells somebody who is none of the hosts by a name.
    pub fn name(&mut self, address: SocketAddr, name: &'static str) {
        self.names.insert(address, name);
    }

    pub(crate) fn sent(
        &mut self,
        now: Time,
        from: SocketAddr,
        to: SocketAddr,
        chosen: Option<Transport>,
        packet: &Packet,
    ) {
        let Some(glance) = &packet.glance else { return };
        let from_node = from == NODE || from == AgentId(0).address();
        if glance.is_request() && glance.verb == Verb::Invite && from_node {
            self.legs.entry(glance.branch).or_insert_with(|| {
                let user = String::from_utf8_lossy(glance.user(&packet.bytes)).into_owned();
                let place = self.names.get(&to).copied().unwrap_or("stranger");
                match self.people.get(user.as_str()) {
                    Some(person) => format!("{person} by {place}"),
                    None => place.to_owned(),
                }
            });
        }
        let over = chosen.map_or_else(String::new, |over| format!(" over {}", over.in_via()));
        let key = mix(mix(0, format!("{from} {to}").as_bytes()), &packet.bytes);
        let new = self.seen.insert(key);
        let told = self.all || new && self.matters(glance, from_node);
        if !told {
            return;
        }
        let other = if from_node { to } else { from };
        let leg = self.legs.get(&glance.branch).map(String::as_str);
        let place = self.names.get(&other).copied().unwrap_or("stranger");
        let who = if place == "caller" { place } else { leg.unwrap_or(place) };
        let what = match glance.status {
            0 if matches!(glance.verb, Verb::Other | Verb::Notify) => method_of(packet),
            0 => glance.verb.name().to_owned(),
            status if glance.verb == Verb::Invite => status.to_string(),
            status if glance.verb == Verb::Other => format!("{status} for {}", method_of(packet)),
            status => format!("{status} for {}", glance.verb.name()),
        };
        let arrow = if from_node { "->" } else { "<-" };
        let call = call_of(glance.value(&packet.bytes, Head::CallId));
        let copy = if new { "" } else { " again" };
        let callers = if self.who { callers_of(packet, glance) } else { String::new() };
        self.lines.push(format!("{now} {call}{what} {arrow} {who}{over}{copy}{callers}"));
    }

    /// What was recorded: a change of belief in a diary that keeps everything, what stands beside beliefs and alarms in
    /// one that keeps them.
    pub(crate) fn recorded(&mut self, now: Time, entry: &Entry) {
        let name = |path: &Path| self.names.get(&path.remote).copied().unwrap_or("stranger");
        let line = match entry {
            Entry::Health { path, from, to, .. } if self.all => {
                format!("{now} {}: {from:?} -> {to:?}", name(path))
            }
            Entry::Side { path, to: Some(side), .. } if self.alarms => {
                format!("{now} {} is {side:?}", name(path))
            }
            Entry::Side { path, from: Some(side), to: None, .. } if self.alarms => {
                format!("{now} {} is no longer {side:?}", name(path))
            }
            Entry::Name { host, from, to, kept, .. } if self.all || self.alarms => {
                format!("{now} {host}: {from:?} -> {to:?}, {kept} kept")
            }
            Entry::Login { change, .. } if self.alarms => {
                format!("{now} credentials at {}: {:?}", change.peer, change.word)
            }
            Entry::Registration { peer, to, .. } if self.alarms => match to {
                Registered::Failing(why) => format!("{now} not registered at {peer}: {why}"),
                Registered::Asked | Registered::Held | Registered::Left => {
                    format!("{now} registration at {peer}: {to:?}")
                }
            },
            Entry::Alarm { path, number, alarm, .. } if self.alarms => {
                format!("{now} {} {alarm} ({number})", name(path))
            }
            Entry::CutOff { cut_off, .. } if self.alarms => {
                format!(
                    "{now} {}",
                    if *cut_off { "nobody is heard any more" } else { "somebody is heard again" }
                )
            }
            Entry::Urgent { what, number, sender, .. } if self.alarms => {
                let sender = sender.as_deref().unwrap_or("a stranger");
                format!("{now} urgent: {} by {sender} ({number})", what.as_str())
            }
            Entry::Confined { why, .. } if self.alarms => {
                format!("{now} rings no phone numbers: {}", why.as_str())
            }
            Entry::Presented { carrier, country, form, .. } if self.who => {
                format!("{now} {carrier} accepts {form} (to +{country})")
            }
            Entry::Health { .. }
            | Entry::Presented { .. }
            | Entry::Side { .. }
            | Entry::Alarm { .. }
            | Entry::Name { .. }
            | Entry::Login { .. }
            | Entry::Registration { .. }
            | Entry::Full { .. }
            | Entry::Confined { .. }
            | Entry::Urgent { .. }
            | Entry::CutOff { .. }
            | Entry::Begun(_)
            | Entry::Call(_)
            | Entry::Dropped { .. }
            | Entry::Refused { .. }
            | Entry::Unlisted { .. }
            | Entry::HungUp { .. }
            | Entry::Stranger { .. } => return,
        };
        self.lines.push(line);
    }

    fn matters(&self, glance: &Glance, from_node: bool) -> bool {
        match (glance.status, glance.verb) {
            (0, Verb::Ack) => from_node && !self.legs.contains_key(&glance.branch),
            (_, Verb::Options) | (100, _) => false,
            (_, Verb::Register) => true,
            (status, Verb::Invite) => status != 100,
            (status, Verb::Bye | Verb::Cancel | Verb::Subscribe | Verb::Notify | Verb::Other | Verb::Ack) => {
                status == 0 || status >= 300
            }
        }
    }
}

/// The method as it is written in CSeq, and what is told of how something goes.
fn method_of(packet: &Packet) -> String {
    let text = String::from_utf8_lossy(&packet.bytes);
    let number = text.lines().find(|line| line.starts_with("CSeq: ")).unwrap_or_default();
    let method = number.rsplit(' ').next().unwrap_or_default();
    let told = text.split_once("\r\n\r\nSIP/2.0 ").and_then(|(_, rest)| rest.get(..3));
    [Some(method), told].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The users of From and To, and the lines beside them.
fn callers_of(packet: &Packet, glance: &Glance) -> String {
    let user = |head| {
        let user = user_of(uri_of(glance.value(&packet.bytes, head)));
        String::from_utf8_lossy(user).into_owned()
    };
    let mut text = format!(", {} calls {}", user(Head::From), user(Head::To));
    for line in glance.who(&packet.bytes).map(String::from_utf8_lossy) {
        if !line.starts_with("From") && !line.starts_with("To") {
            text.push_str("\n  ");
            text.push_str(&line);
        }
    }
    text
}

fn call_of(call_id: &[u8]) -> String {
    let text = String::from_utf8_lossy(call_id);
    let number = text.strip_prefix("call-").and_then(|number| number.parse::<u32>().ok());
    number.map_or_else(String::new, |number| format!("call {} ", number + 1))
}
