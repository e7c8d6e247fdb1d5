//! The loop: events from the outside to the node, effects of the node to the outside. It routes and decides nothing.

use crate::calls::Calls;
use crate::clock::Clock;
use crate::control::changes::{Brought, View};
use crate::control::desk::{Came, Desk};
use crate::control::words::changes;
use crate::log::Log;
use crate::media::Media;
use crate::media::agents::Agents;
use crate::metrics::{Metrics, Pause, Readings};
use crate::names::Names;
use crate::net::udp::Rest;
use crate::net::{self, Net};
use crate::store::Store;
use crate::store::history::Kept;
use crate::tls::held::{Held, Read};
use core::time::Duration;
use router::door::Identity;
use router::locate::{Answer, Query};
use router::name::NameState;
use router::record::Entry;
use router::roads::Roads;
use router::{Effect, Event, Node, Plan};
use sip::Time;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::yield_now;

/// Everything outside a node that the loop routes to.
#[derive(Debug)]
pub struct Outside {
    /// The clock that all times come from.
    pub clock: Clock,
    /// The sockets.
    pub net: Net,
    /// Who asks the DNS.
    pub names: Names,
    /// What TLS is made of.
    pub tls: Held,
    /// The metrics.
    pub metrics: Metrics,
    /// The call list, if one is kept.
    pub calls: Option<Calls>,
    /// What is kept of all calls.
    pub store: Store,
    /// What stands behind the agents of this process.
    pub agents: Agents,
    /// Who changes the plan in force, and who asks for that.
    pub desk: Desk,
    /// Signals from the operating system.
    pub signals: Signals,
}

/// The signals that mean something here.
#[derive(Debug)]
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// How the loop came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// No call was left.
    Drained,
    /// Calls were left, but the time or the patience of the operator was over.
    Cut {
        /// How many.
        calls: usize,
    },
}

/// One node and its outside.
pub struct Run {
    outside: Outside,
    node: Node,
    /// The paths that the sockets know of.
    roads: Arc<Roads>,
    log: Log,
    epoch: i64,
    pause: Pause,
    /// What came up while sending: handled in the next turn, before what comes then.
    later: Vec<Event>,
    /// Empty between turns, kept for its memory.
    inbox: Vec<Event>,
    /// Empty between events, kept for its memory.
    effects: Vec<Effect>,
    /// Full batches since the last tick.
    batches: usize,
    /// This process stood still, and what came meanwhile is not all read yet.
    late: bool,
    /// No tick before that, even if the node wants one.
    no_tick_before: Time,
    next_beat: Time,
    closing: Option<Closing>,
}

#[derive(Clone, Copy, Debug)]
struct Closing {
    since: Time,
    /// Since when no call is left.
    quiet: Option<Time>,
    hurry: bool,
}

/// Why the loop woke up.
enum Woke {
    /// Something can be received, or a deadline has come.
    Due,
    Answer(Query, Answer),
    Hangup,
    Stop,
    Came(Came),
    Renewed(Read),
}

impl Signals {
    /// Catches them from now on. To be called inside the runtime.
    ///
    /// # Errors
    /// The operating system does not allow it.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Woke {
        tokio::select! {
            _ = self.hangup.recv() => Woke::Hangup,
            _ = self.terminate.recv() => Woke::Stop,
            _ = self.interrupt.recv() => Woke::Stop,
        }
    }
}

impl Run {
    /// A node that has its plan and has handled nothing.
    #[must_use]
    pub fn new(mut outside: Outside, identity: Identity, plan: Arc<Plan>) -> Self {
        let now = outside.clock.now();
        let epoch = identity.epoch;
        let node = Node::new(identity, plan, now);
        outside.metrics.on_plan(node.plan(), core::iter::empty());
        outside.net.renew(Arc::clone(outside.tls.tls()));
        let roads = Arc::clone(node.roads());
        outside.net.expect(net::expected(node.plan(), &roads));
        Self {
            outside,
            node,
            roads,
            log: Log::default(),
            epoch,
            pause: Pause::default(),
            later: Vec::new(),
            inbox: Vec::new(),
            effects: Vec::new(),
            batches: 0,
            late: false,
            no_tick_before: Time::ZERO,
            next_beat: Time::ZERO,
            closing: None,
        }
    }

    /// Gives the host names of the plan a moment to become known, at most `patience`, before the first call.
    pub async fn learn_names(&mut self, patience: Duration) {
        let until = self.outside.clock.now() + patience;
        self.handle(Event::Tick);
        while self.node.names().any(|(_, state, _)| state == NameState::Asking) {
            let next = self.node.deadline().map_or(until, |due| due.min(until));
            tokio::select! {
                (query, answer) = self.outside.names.next() => self.handle(Event::Resolved { query, answer }),
                () = self.outside.clock.until(Some(next)) => {
                    self.handle(Event::Tick);
                    if self.outside.clock.now() >= until {
                        return;
                    }
                }
            }
        }
    }

    /// Routes until a signal ends it.
    pub async fn go(mut self) -> Ended {
        loop {
            let woke = self.wait().await;
            let began = self.outside.clock.now();
            self.on_woke(woke, began);
            self.turn();
            let now = self.outside.clock.now();
            self.pause.add(now.since(began), now);
            if now >= self.next_beat {
                self.beat(now);
            }
            if let Some(ended) = self.ended(now) {
                self.outside.agents.end(&mut self.outside.net);
                // What a stalled disk has not taken by then is lost.
                let _ = tokio::time::timeout(LAST_LINES, self.outside.store.flush()).await;
                if let Some(calls) = self.outside.calls.take() {
                    let _ = tokio::time::timeout(LAST_LINES, calls.finish()).await;
                }
                return ended;
            }
        }
    }

    async fn wait(&mut self) -> Woke {
        let deadline = self.deadline();
        let woke = if self.is_late(deadline) { Woke::Due } else { self.wake(deadline).await };
        if self.is_late(deadline) {
            // This process stood still, perhaps while it waited: what came in the meantime counts before what did not
            // come. The driver and the connections' tasks need the turns to read it.
            self.late = true;
            for _ in 0..3 {
                yield_now().await;
            }
        }
        woke
    }

    fn is_late(&self, deadline: Option<Time>) -> bool {
        self.late || deadline.is_some_and(|due| self.outside.clock.now().since(due) > LATE)
    }

    async fn wake(&mut self, deadline: Option<Time>) -> Woke {
        if !self.later.is_empty() {
            yield_now().await;
            return Woke::Due;
        }
        let Outside { clock, net, names, signals, tls, desk, .. } = &mut self.outside;
        let next = [deadline, Some(self.next_beat)].into_iter().flatten().min();
        tokio::select! {
            () = net.ready() => Woke::Due,
            () = clock.until(next) => Woke::Due,
            (query, answer) = names.next() => Woke::Answer(query, answer),
            woke = signals.next() => woke,
            came = desk.next() => Woke::Came(came),
            read = tls.next() => Woke::Renewed(read),
        }
    }

    fn on_woke(&mut self, woke: Woke, now: Time) {
        match woke {
            Woke::Due => (),
            Woke::Answer(query, answer) => self.handle(Event::Resolved { query, answer }),
            Woke::Hangup => self.on_hangup(),
            Woke::Stop => self.on_stop(now),
            Woke::Came(Came::Job(job)) => {
                let view = self.view();
                self.outside.desk.take_up(job, view);
            }
            Woke::Came(Came::Done(mut done)) => {
                if let Some(Brought { plan, rest }) = done.brought.take() {
                    if let Some((said, read)) = rest {
                        self.renew(read);
                        self.outside.agents.apply(said, &self.outside.net);
                    }
                    self.apply(plan);
                }
                done.tell(self.outside.clock.now());
            }
            Woke::Renewed(read) => self.renew(read),
        }
    }

    /// Handles a batch, and a tick if one is due and the batch was the last for now.
    fn turn(&mut self) {
        let mut inbox = core::mem::take(&mut self.inbox);
        inbox.append(&mut self.later);
        let rest = self.outside.net.receive(&mut inbox);
        for event in inbox.drain(..) {
            self.handle(event);
        }
        self.inbox = inbox;
        self.batches = if rest == Rest::Some { self.batches + 1 } else { 0 };
        let patience = if self.late { BATCHES_AFTER_STOP } else { BATCHES_BEFORE_TICK };
        if self.batches <= patience && rest == Rest::Some {
            return;
        }
        if !self.late && self.is_late(self.deadline()) {
            // It stood still after it had read: there may be more to read now.
            self.late = true;
            return;
        }
        (self.batches, self.late) = (0, false);
        let due = |run: &Self| run.deadline().is_some_and(|due| due <= run.outside.clock.now());
        if due(self) {
            self.handle(Event::Tick);
            if due(self) {
                self.no_tick_before = self.outside.clock.now() + TICK_PAUSE;
            }
        }
    }

    /// A bug in the node costs this event, not the process.
    fn handle(&mut self, event: Event) {
        let now = self.outside.clock.now();
        let (node, effects) = (&mut self.node, &mut self.effects);
        if catch_unwind(AssertUnwindSafe(|| node.handle(now, event, effects))).is_err() {
            // The hook has printed where it was.
            self.outside.metrics.add_panic();
            self.no_tick_before = now + PANIC_PAUSE;
        }
        if !Arc::ptr_eq(&self.roads, self.node.roads()) {
            self.roads = Arc::clone(self.node.roads());
            self.outside.net.expect(net::expected(self.node.plan(), &self.roads));
        }
        let mut effects = core::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { flow, bytes } => self.outside.net.send(flow, bytes, &mut self.later),
                Effect::Resolve { query } => self.outside.names.ask(query),
                Effect::Record(entry) => self.record(entry, now),
            }
        }
        self.effects = effects;
    }

    fn record(&mut self, entry: Entry, now: Time) {
        self.log.add(&entry, now);
        self.outside.metrics.add(&entry);
        if let (Entry::Call(call), Some(calls)) = (&entry, &mut self.outside.calls) {
            calls.add(call, self.epoch);
        }
        if let Some(kept) = Kept::of(entry, self.epoch, &self.node.plan().zone) {
            self.outside.store.keep(kept);
        }
    }

    fn on_hangup(&mut self) {
        if let Some(calls) = &self.outside.calls {
            calls.reopen();
        }
        self.outside.desk.reread();
    }

    /// How it stands, for whoever asks.
    fn view(&self) -> View {
        View {
            plan: Arc::clone(self.node.plan()),
            roads: Arc::clone(self.node.roads()),
            fault: self.node.fault(),
            lost: self.node.unreached().collect(),
            down: self.node.down().map(|(peer, since)| (peer, self.unix(since))).collect(),
            calls: self.node.calls(),
            tls: Arc::clone(self.outside.tls.tls()),
        }
    }

    /// Seconds since 1970.
    fn unix(&self, time: Time) -> i64 {
        self.epoch.saturating_add_unsigned(time.as_micros()).div_euclid(1_000_000)
    }

    fn on_stop(&mut self, now: Time) {
        if let Some(closing) = &mut self.closing {
            closing.hurry = true;
            return;
        }
        let calls = self.node.calls();
        tracing::info!(
            calls,
            "taking no new calls; ending when those under way are over, or with a second signal"
        );
        self.closing = Some(Closing { since: now, quiet: None, hurry: false });
        self.handle(Event::Drain);
    }

    /// What TLS is made of has been read anew.
    fn renew(&mut self, read: Read) {
        self.outside.tls.replace(read);
        self.outside.net.renew(Arc::clone(self.outside.tls.tls()));
    }

    fn apply(&mut self, plan: Arc<Plan>) {
        if plan.differs_in_orders_alone(self.node.plan()) {
            // Whoever has switched something says so.
        } else if *plan == **self.node.plan() {
            tracing::info!("the plan file says the same as before");
        } else {
            let counts: String =
                changes(self.node.plan(), &plan).iter().map(|change| format!("; {change}")).collect();
            tracing::info!("the new plan is in force{counts}");
        }
        self.handle(Event::Apply(plan));
        let watched = self.node.beliefs().map(|(path, ..)| path);
        self.outside.metrics.on_plan(self.node.plan(), watched);
        self.outside.metrics.on_names(self.node.plan(), self.node.names());
    }

    /// What is done once a second.
    fn beat(&mut self, now: Time) {
        self.next_beat = now + BEAT;
        let epoch = self.outside.clock.epoch();
        if epoch.abs_diff(self.epoch) > EPOCH_SLACK_MICROS {
            if epoch.abs_diff(self.epoch) > 10 * EPOCH_SLACK_MICROS {
                tracing::info!("the time of day was set: the hours of the plan follow it");
            }
            self.epoch = epoch;
            self.handle(Event::Clock { epoch });
        }
        self.log.on_beat(now);
        self.outside.store.remind(now);
        let unix = self.outside.clock.today().as_second();
        self.outside.desk.on_beat(now, unix);
        self.outside.tls.remind(unix);
        self.outside.metrics.read_certificates(self.outside.tls.tls().certificates(), unix);
        let readings = Readings {
            counts: self.outside.net.counts(),
            connections: self.outside.net.connections(),
            calls: self.node.calls(),
            lingering: self.node.lingering(),
            calls_unwritten: self.outside.calls.as_ref().map_or(0, Calls::lost),
            history: (self.outside.store.is_open(), self.outside.store.lost()),
            pause: self.pause.longest(),
        };
        self.outside.metrics.read(readings);
        self.outside.metrics.read_load(self.node.load());
        self.outside.metrics.read_letters(self.outside.agents.letters());
        self.outside.metrics.read_registrations(self.node.registrations(now));
    }

    fn deadline(&self) -> Option<Time> {
        let settled = self.closing.map(|closing| closing.deadline());
        let node = self.node.deadline().map(|due| due.max(self.no_tick_before));
        [node, settled].into_iter().flatten().min()
    }

    fn ended(&mut self, now: Time) -> Option<Ended> {
        let closing = self.closing.as_mut()?;
        // Whoever speaks with an agent of ours would be cut off.
        let calls = self.node.calls() + self.outside.net.media().map_or(0, Media::calls);
        if calls == 0 {
            let quiet = *closing.quiet.get_or_insert(now);
            let settled = self.node.lingering() == 0 || now >= quiet + LINGER;
            return (settled || closing.hurry).then_some(Ended::Drained);
        }
        closing.quiet = None;
        (closing.hurry || now >= closing.since + DRAIN_MAX).then_some(Ended::Cut { calls })
    }
}

impl Closing {
    fn deadline(self) -> Time {
        self.quiet.map_or(self.since + DRAIN_MAX, |quiet| quiet + LINGER)
    }
}

const BATCHES_BEFORE_TICK: usize = 16; // A thousand datagrams: some 50 ms in which deadlines are late.
const BATCHES_AFTER_STOP: usize = 256; // More than a full socket buffer: 8 MB of bookkeeping, 768 bytes each at least.
const LATE: Duration = Duration::from_millis(500); // No load makes a tick so late; a stopped process does.
const TICK_PAUSE: Duration = Duration::from_millis(1); // A deadline that stays costs a thousand ticks a second at most.
const PANIC_PAUSE: Duration = Duration::from_millis(100); // A tick that panics each time, ten.
const BEAT: Duration = Duration::from_secs(1);
const EPOCH_SLACK_MICROS: u64 = 100_000; // Clocks that are kept by NTP drift by less between beats.
const LINGER: Duration = Duration::from_secs(5); // Resent responses and late 2xx of the last calls.
const DRAIN_MAX: Duration = Duration::from_secs(200); // Longer than a call can ring through any plan.
const LAST_LINES: Duration = Duration::from_secs(2);
