//! The node: events drawn from bytes, in any order and at any time, against the rules that hold for all of them.

mod compose;
mod plans;
mod watch;

use super::draw::Draw;
use core::time::Duration;
use router::Node;
use router::door::{Effect, Event};
use router::locate::{Answer, Query};
use router::path::{Flow, Loss};
use sip::{Bytes, Message, Time, build};
use watch::Watch;

/// Takes bytes as choices: what happens to a node, what its callers and callees say, and where that is garbled.
///
/// # Panics
/// If a rule is broken (see `node/watch.rs`), or if something lasts on after everything should be over.
pub fn run(bytes: &[u8]) {
    tell(bytes, None);
}

/// The same, and says what happens on the way.
///
/// # Panics
/// As [`run`] does.
pub fn tell(bytes: &[u8], teller: Option<fn(&str)>) {
    let mut draw = Draw::new(bytes);
    let mut town = Town::new(draw.byte(), teller);
    for _ in 0..EVENTS_MAX {
        if draw.is_empty() {
            break;
        }
        town.step(&mut draw);
    }
    town.wind_up();
}

/// Events in one run; more find nothing new and cost time.
const EVENTS_MAX: usize = 200;

/// The node and all who talk to it.
struct Town {
    node: Node,
    now: Time,
    watch: Watch,
    /// What came to the node.
    heard: Vec<(Flow, Bytes)>,
    /// INVITEs that callers sent.
    invites: Vec<(Flow, Message)>,
    /// Requests that the node sent.
    asked: Vec<(Flow, Message)>,
    /// What the node asked the DNS.
    queries: Vec<Query>,
    /// Responses that the node sent to INVITEs.
    answered: Vec<(Flow, Message)>,
    count: usize,
    teller: Option<fn(&str)>,
}

impl Town {
    fn new(which: u8, teller: Option<fn(&str)>) -> Self {
        let node = Node::new(plans::identity(), plans::plan(which), Time::ZERO);
        let (heard, invites, asked, answered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (watch, queries) = (Watch::default(), Vec::new());
        Self { node, now: Time::ZERO, watch, heard, invites, asked, queries, answered, count: 0, teller }
    }

    /// One thing happens.
    fn step(&mut self, draw: &mut Draw<'_>) {
        self.count += 1;
        match draw.byte() % 16 {
            0 | 1 => self.invite(draw),
            2..=5 => self.respond(draw),
            6 => self.within_by_caller(draw),
            7 => self.within_by_callee(draw),
            8 => self.acknowledge(draw),
            9 => self.cancel(draw),
            10 => self.again(draw),
            11 => self.pass_time(draw),
            12 => self.wake(draw),
            13 => {
                let count = self.count;
                let lost = |path| match count % 4 {
                    1 => Event::Lost { path, loss: Loss::Closed },
                    3 => Event::Lost { path, loss: Loss::Stalled },
                    _ => Event::Lost { path, loss: Loss::Unreachable },
                };
                draw.one_of(&plans::paths()).into_iter().for_each(|path| self.happens(lost(path)));
            }
            14 => self.operate(draw),
            _ => self.garbage(draw),
        }
    }

    fn invite(&mut self, draw: &mut Draw<'_>) {
        let Some(from) = draw.one_of(&plans::sources()) else { return };
        let bytes = compose::invite(draw, from, self.count);
        self.hears(draw, from, bytes);
    }

    fn respond(&mut self, draw: &mut Draw<'_>) {
        let Some((to, request)) = draw.latest(&self.asked) else { return };
        let (from, bytes) = (*to, compose::response(draw, request));
        self.hears(draw, from, bytes);
    }

    fn within_by_caller(&mut self, draw: &mut Draw<'_>) {
        let Some((to, response)) = draw.latest(&self.answered) else { return };
        let (from, bytes) = (*to, compose::within(draw, *to, self.count, response));
        self.hears(draw, from, bytes);
    }

    fn within_by_callee(&mut self, draw: &mut Draw<'_>) {
        let Some((to, request)) = draw.latest(&self.asked) else { return };
        let (from, bytes) = (*to, compose::within(draw, *to, self.count, request));
        self.hears(draw, from, bytes);
    }

    fn acknowledge(&mut self, draw: &mut Draw<'_>) {
        let Some((to, response)) = draw.latest(&self.answered) else { return };
        let Some((_, invite)) =
            self.invites.iter().find(|(_, invite)| invite.call_id() == response.call_id())
        else {
            return;
        };
        let (from, bytes) = (*to, build::ack(invite, response).to_vec());
        self.hears(draw, from, bytes);
    }

    fn cancel(&mut self, draw: &mut Draw<'_>) {
        let Some((from, invite)) = draw.latest(&self.invites) else { return };
        let (from, bytes) = (*from, build::cancel(invite, None).to_vec());
        self.hears(draw, from, bytes);
    }

    /// The same bytes come again, from the same place or another.
    fn again(&mut self, draw: &mut Draw<'_>) {
        let Some((from, bytes)) = draw.latest(&self.heard) else { return };
        let (same, bytes) = (*from, bytes.to_vec());
        let other = draw.one_of(&plans::sources());
        let from = other.filter(|_| draw.byte() % 4 == 3).unwrap_or(same);
        self.hears(draw, from, bytes);
    }

    /// Up to a minute passes, with or without being woken at each deadline on the way.
    fn pass_time(&mut self, draw: &mut Draw<'_>) {
        let until = self.now + Duration::from_millis(u64::from(draw.word()));
        let is_late = draw.byte() % 4 == 3;
        while !is_late && let Some(at) = self.node.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.happens(Event::Tick);
        }
        self.now = until;
        self.happens(Event::Tick);
    }

    /// The next deadlines come, on time or a little after.
    fn wake(&mut self, draw: &mut Draw<'_>) {
        let late = Duration::from_millis(u64::from(draw.byte() % 8));
        for _ in 0..=draw.byte() % 8 {
            let Some(at) = self.node.deadline() else { return };
            self.now = at + late;
            self.happens(Event::Tick);
        }
    }

    fn operate(&mut self, draw: &mut Draw<'_>) {
        let event = match draw.byte() % 8 {
            0 => Event::Drain,
            1 | 2 => Event::Apply(plans::plan(draw.byte())),
            3 => Event::Clock { epoch: i64::from(draw.word()) * 3_600_000_000 * 24 },
            4 => Event::Clock { epoch: i64::MAX - i64::from(draw.byte()) },
            _ => return self.resolve(draw),
        };
        self.happens(event);
    }

    /// The DNS answers a question that was asked, or one that was not.
    fn resolve(&mut self, draw: &mut Draw<'_>) {
        let Some(query) = draw.latest(&self.queries).cloned() else { return };
        let good = Duration::from_secs(u64::from(draw.word()));
        let answer = match draw.byte() % 8 {
            0 => Answer::Silence,
            1 => Answer::NoName(good),
            2 => Answer::NoRecords(good),
            _ => Answer::Records(plans::records(query.kind, draw.byte()), good),
        };
        self.happens(Event::Resolved { query, answer });
    }

    fn garbage(&mut self, draw: &mut Draw<'_>) {
        let Some(from) = draw.one_of(&plans::sources()) else { return };
        let count = usize::from(draw.byte());
        let bytes = draw.bytes(count).to_vec();
        self.hears(draw, from, bytes);
    }

    fn hears(&mut self, draw: &mut Draw<'_>, flow: Flow, mut bytes: Vec<u8>) {
        draw.mutate(&mut bytes);
        let bytes = Bytes::from(bytes);
        self.heard.push((flow, bytes.clone()));
        if let Ok(message) = Message::parse(bytes.clone())
            && message.method() == sip::Method::Invite
            && message.is_request()
        {
            self.invites.push((flow, message));
        }
        self.happens(Event::Received { flow, bytes });
    }

    fn happens(&mut self, event: Event) {
        let mut out = Vec::new();
        self.watch.before(&event);
        if let Some(teller) = self.teller {
            teller(&format!("{} {}", self.now, line(&event)));
        }
        self.node.handle(self.now, event, &mut out);
        if self.node.deadline().is_some_and(|at| at <= self.now) {
            self.node.handle(self.now, Event::Tick, &mut out);
        }
        if let Some(teller) = self.teller {
            out.iter().for_each(|effect| teller(&format!("    {}", outcome(effect))));
        }
        self.watch.after(&self.node, self.now, &out);
        for effect in out {
            let (flow, bytes) = match effect {
                Effect::Send { flow, bytes } => (flow, bytes),
                Effect::Resolve { query } => {
                    self.queries.push(query);
                    continue;
                }
                Effect::Record(_) => continue,
            };
            let Ok(message) = Message::parse(bytes) else { continue };
            if message.is_request() {
                self.asked.push((flow, message));
            } else if message.method() == sip::Method::Invite {
                self.answered.push((flow, message));
            }
        }
    }

    /// Nothing more comes: everything that was begun ends by itself.
    fn wind_up(mut self) {
        self.happens(Event::Apply(plans::plan(2)));
        let end = self.now + WIND_UP;
        for _ in 0..WAKES_MAX {
            let Some(at) = self.node.deadline().filter(|at| *at <= end) else { break };
            if self.node.lingering() == 0 {
                break;
            }
            self.now = at;
            self.happens(Event::Tick);
        }
        assert_eq!(self.node.calls(), 0, "every walk ends");
        assert_eq!(self.node.lingering(), 0, "nothing stays in memory");
        self.watch.at_the_end();
    }
}

/// A walk lasts at most 180 s, a transaction 32 s after it, a CANCEL 32 s after that, and its copies some more.
const WIND_UP: Duration = Duration::from_secs(400);

/// Wake-ups until then: far more than all timers of all calls.
const WAKES_MAX: usize = 100_000;

fn line(event: &Event) -> String {
    match event {
        Event::Received { flow, bytes } => format!("{} -> {}", flow.path.remote, bytes.escape_ascii()),
        Event::Lost { .. } | Event::Resolved { .. } | Event::Drain => format!("{event:?}"),
        Event::Apply(_) => "another plan".to_owned(),
        Event::Clock { .. } | Event::Tick => format!("{event:?}"),
    }
}

fn outcome(effect: &Effect) -> String {
    match effect {
        Effect::Send { flow, bytes } => format!("{} <- {}", flow.path.remote, bytes.escape_ascii()),
        Effect::Resolve { query } => format!("{query:?}"),
        Effect::Record(entry) => format!("{entry:?}"),
    }
}
