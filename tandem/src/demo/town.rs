//! Everybody in the demo: a caller, two carriers, an office, two mobiles, an answering service, and the real program
//! between them.

use super::caller::{Caller, Heard};
use super::carrier::Carrier;
use super::child::Child;
use super::folder::Folder;
use super::phone::{Manner, Phone};
use super::plan::{self, ANA, ANSWERING, Addresses, BEN, BUSINESS};
use super::wire::{Line, Seen, Tap, Who};
use crate::clock::Clock;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use serde_json::Value;
use sip::Time;
use std::io;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet, yield_now};

/// The demo's little world. When it is dropped, its sockets are closed and the program is ended.
#[derive(Debug)]
pub(super) struct Town {
    clock: Clock,
    caller: Caller,
    child: Child,
    seen: mpsc::Receiver<Seen>,
    phones: Vec<(Who, watch::Sender<Manner>)>,
    north: AbortHandle,
    calls: u32,
    /// All phones and carriers; they end with it.
    _lives: JoinSet<()>,
}

/// One call, as all saw it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) heard: Heard,
    /// In the order of time.
    pub(super) seen: Vec<Seen>,
    /// The program's own line about it.
    pub(super) record: Value,
}

impl Town {
    /// Binds the sockets, writes the plan and starts the program.
    ///
    /// # Errors
    /// What went wrong, in a sentence with a way out.
    pub(super) async fn build(folder: &Folder) -> Result<Self, String> {
        let no_sockets = |error: io::Error| format!("cannot open sockets on 127.0.0.1: {error}");
        let clock = Clock::start();
        let sockets = sockets().await.map_err(no_sockets)?;
        let tandem = free_port().await.map_err(no_sockets)?;
        let at =
            |who| sockets.iter().find(|(one, ..)| *one == who).map_or(tandem, |(_, address, _)| *address);
        let addresses =
            Addresses { tandem, north: at(Who::North), south: at(Who::South), office: at(Who::Office) };
        let text = plan::text(addresses, &folder.data()).ok_or(
            "the folder for temporary files has a name that is not Unicode; set TMPDIR to another one",
        )?;
        folder.write_plan(&text)?;
        let numbers = vec![(ANA, at(Who::Ana)), (BEN, at(Who::Ben)), (ANSWERING, at(Who::Answering))];
        let places = sockets.iter().map(|(who, address, _)| (*address, *who)).chain([(tandem, Who::Tandem)]);
        let (out, seen) = mpsc::channel(SEEN_MAX);
        let tap = Tap { clock, directory: Arc::new(places.collect()), out };
        let mut lives = JoinSet::new();
        let (mut caller, mut north, mut phones) = (None, None, Vec::new());
        for (who, _, socket) in sockets {
            let line = Line::new(who, socket, tap.clone()).map_err(no_sockets)?;
            match who {
                Who::Caller | Who::Tandem => caller = Some(Caller::new(line, tandem)),
                Who::North => north = Some(lives.spawn(Carrier::new(line, numbers.clone()).live())),
                Who::South => drop(lives.spawn(Carrier::new(line, numbers.clone()).live())),
                Who::Office | Who::Ana | Who::Ben | Who::Answering => {
                    let (manner, orders) = watch::channel(Manner::Rings);
                    phones.push((who, manner));
                    lives.spawn(Phone::new(line, orders).live());
                }
            }
        }
        let (Some(caller), Some(north)) = (caller, north) else {
            return Err("the demo has no caller".into());
        };
        let child = Child::start(folder.plan(), clock)?;
        let mut town = Self { clock, caller, child, seen, phones, north, calls: 0, _lives: lives };
        town.wait_until_ready().await?;
        Ok(town)
    }

    /// From now on this phone does that.
    pub(super) fn order(&self, who: Who, manner: Manner) {
        if let Some((_, phone)) = self.phones.iter().find(|(one, _)| *one == who) {
            phone.send_replace(manner);
        }
    }

    /// The first carrier is gone: its socket is closed, the computer itself says that nobody is there.
    pub(super) async fn close_north(&self) {
        self.north.abort();
        while !self.north.is_finished() {
            yield_now().await;
        }
    }

    /// The time now.
    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Waits until the program's log says this; how long ago `since` was then.
    ///
    /// # Errors
    /// It did not say so in time.
    pub(super) async fn log_says(&mut self, words: &str, since: Time) -> Result<Duration, String> {
        if let Some(at) = self.child.log_says(words, LOG_PATIENCE).await {
            return Ok(at.since(since));
        }
        let last = self.child.last_words().await;
        Err(format!("tandem did not say `{words}` within {} s; {last}", LOG_PATIENCE.as_secs()))
    }

    /// Calls the business; `meanwhile` happens a second into the call.
    ///
    /// # Errors
    /// The program ended.
    pub(super) async fn call(&mut self, meanwhile: Option<(Who, Manner)>) -> Result<Call, String> {
        self.calls += 1;
        let call_id = format!("demo-{}-{}", std::process::id(), self.calls);
        let later = async {
            if let Some((who, manner)) = meanwhile {
                self.clock.until(Some(self.clock.now() + MEANWHILE)).await;
                self.order(who, manner);
            }
        };
        let (heard, ()) = tokio::join!(self.caller.call(BUSINESS, &call_id), later);
        let Some(record) = self.child.record_of(&call_id).await else {
            return Err(format!("tandem wrote no line about this call; {}", self.child.last_words().await));
        };
        // What still travels: the 487 of a phone that was cancelled.
        self.clock.until(Some(self.clock.now() + AFTERMATH)).await;
        let mut seen = Vec::new();
        while let Ok(one) = self.seen.try_recv() {
            if one.call_id == call_id.as_bytes() {
                seen.push(one);
            }
        }
        Ok(Call { heard, seen, record })
    }

    async fn wait_until_ready(&mut self) -> Result<(), String> {
        for words in ["ready on", "office is up"] {
            if self.child.log_says(words, READY_PATIENCE).await.is_none() {
                let last = self.child.last_words().await;
                return Err(format!("tandem did not start within {} s; {last}", READY_PATIENCE.as_secs()));
            }
        }
        Ok(())
    }
}

async fn sockets() -> io::Result<Vec<(Who, SocketAddr, UdpSocket)>> {
    let mut sockets = Vec::new();
    for who in [Who::Caller, Who::Office, Who::North, Who::South, Who::Ana, Who::Ben, Who::Answering] {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        sockets.push((who, socket.local_addr()?, socket));
    }
    Ok(sockets)
}

/// A port that was free a moment ago.
async fn free_port() -> io::Result<SocketAddr> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()
}

const SEEN_MAX: usize = 4_096; // A call makes some fifty messages; probes some ten a second.
const READY_PATIENCE: Duration = Duration::from_secs(8); // A machine under load starts a process in one.
const LOG_PATIENCE: Duration = Duration::from_secs(10); // Twice what detection needs at worst.
const MEANWHILE: Duration = Duration::from_secs(1);
const AFTERMATH: Duration = Duration::from_millis(60);
