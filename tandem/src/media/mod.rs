//! The thread that hears and speaks: the agents of this node, and the ports of their sound. What it does to a call it does by SIP, as
//! anybody else; routing never waits for it.

pub mod agents;
mod ports;
pub mod shelf;
mod work;

use crate::clock::Clock;
use agent::guide::{Guide, Room};
use agent::house::{House, Output};
use agent::srtp::Key;
use core::net::IpAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use mio::{Poll, Token, Waker};
use ports::Ports;
use router::inside::AgentId;
use router::path::{Flow, Path, Transport};
use sip::Bytes;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use work::Work;

/// The way to the thread.
#[derive(Debug)]
pub struct Media {
    orders: SyncSender<Order>,
    waker: Arc<Waker>,
    calls: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Sip(AgentId, Bytes),
    Apply(Arc<Guide>),
    Look,
}

/// What the thread works with.
pub struct Means {
    /// The clock that all times come from.
    pub clock: Clock,
    /// What the agents need of the plan.
    pub guide: Arc<Guide>,
    /// What a Contact of an agent says behind the user part: host, port and transport of a listener.
    pub public: String,
    /// The address whose ports are bound.
    pub bind: IpAddr,
    /// The address that the other side is told.
    pub told: IpAddr,
    /// The ports.
    pub ports: RangeInclusive<u16>,
    /// Seed of tags and branches, and the secret that keys of sealed sound are made of.
    pub chance: (u64, Key),
    /// What keeps messages.
    pub shelf: Box<dyn Shelf>,
    /// Takes what agents say to the node; `false` if it has no room for it now.
    pub say: Box<dyn Fn(Flow, Bytes) -> bool + Send>,
    /// The place of the listener for agents.
    pub local: u8,
}

/// Who keeps what callers leave. None of it may wait for a disk.
pub trait Shelf: Send {
    /// Keeps, finishes, forgets or tells; what is not for the shelf is passed over.
    fn take(&mut self, output: Output);
    /// What a mailbox holds now; `None` if nothing can be kept.
    fn room(&mut self, mailbox: &str) -> Option<Room>;
    /// What owners of mailboxes have asked for and is known since the last time, each with the call.
    fn told(&mut self) -> Vec<(agent::house::CallKey, agent::voicemail::Told)>;
}

impl Media {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system has none to give.
    pub fn start(means: Means) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WOKEN)?);
        let (orders, taken) = sync_channel(ORDERS_MAX);
        let Means { clock, guide, public, bind, told, ports, chance, shelf, say, local } = means;
        let house = House::new(guide, public, chance);
        let ports = Ports::new(bind, told, ports);
        let calls = Arc::new(AtomicUsize::new(0));
        let work = Work::new(clock, house, ports, shelf, (say, local), (taken, Arc::clone(&calls)));
        let thread = std::thread::Builder::new().name("media".into()).spawn(move || work.run(poll))?;
        Ok(Self { orders, waker, calls, thread })
    }

    /// The node says this to an agent. `false`: there is no room for it now, as if it was lost on the way.
    #[must_use]
    pub fn say(&self, path: Path, bytes: Bytes) -> bool {
        let Some(agent) = AgentId::at(path.remote) else { return false };
        self.order(Order::Sip(agent, bytes))
    }

    /// Another plan is in force.
    pub fn apply(&self, guide: Arc<Guide>) {
        if !self.order(Order::Apply(guide)) {
            tracing::error!("mailboxes and announcements go on by the plan before: too much waits for them");
        }
    }

    /// What mailboxes hold is known: whoever calls from now on finds it so.
    pub fn look(&self) {
        // What is not looked at now is in a moment.
        let _ = self.order(Order::Look);
    }

    /// Calls that agents have.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Ends the thread: what callers have said is kept.
    pub fn end(self) {
        let Self { orders, waker, thread, .. } = self;
        drop(orders);
        // Asleep it would see that nobody gives orders when something else wakes it.
        let _ = waker.wake();
        // A thread that panicked has said so.
        let _ = thread.join();
    }

    fn order(&self, order: Order) -> bool {
        // Whoever is asleep sees it when he is woken.
        self.orders.try_send(order).is_ok() && self.waker.wake().is_ok()
    }
}

/// Messages between node and agents that wait; beyond it calls go on to where there is somebody.
const ORDERS_MAX: usize = 4_096;

const WOKEN: Token = Token(usize::MAX);
