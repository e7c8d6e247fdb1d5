//! One side of many calls: one socket that speaks to a port of each, and counts what comes back.

use crate::process::pause;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use nix::sys::socket::{
    MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt::RcvBufForce,
};
use std::collections::BTreeMap;
use std::io::{IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use tandem::clock::Clock;

/// One side.
pub(crate) struct Side {
    socket: UdpSocket,
    /// A port of what is measured for each call.
    to: Vec<Option<SockaddrIn>>,
    speech: Vec<u8>,
    frame: u32,
    /// Each way has its own: those that were sent by point to the addresses that were sent to.
    sending: MultiHeaders<SockaddrIn>,
    hearing: MultiHeaders<SockaddrIn>,
    /// Packets that were sent.
    pub(crate) sent: u64,
    /// Packets that came.
    pub(crate) heard: u64,
    /// Those of each port that sound went to.
    by_port: BTreeMap<u16, u64>,
}

/// Packets for one call into the kernel.
const BATCH: usize = 64;

/// Samples of a packet: 20 ms.
const FRAME: usize = 160;

/// In so many parts of a frame's time the calls take turns: a millisecond each.
const TURNS: u32 = 20;

/// The payload type of digits (RFC 4733) in all that is offered here.
const DIGITS: u8 = 101;

impl Side {
    pub(crate) fn new(port: u16) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("a port of our own");
        socket.set_nonblocking(true).expect("it is a socket");
        // What is lost here is not lost by who is measured.
        let _ = setsockopt(&socket, RcvBufForce, &(256 << 20));
        let prompts = [&agent::prompts::GREETING, &agent::prompts::CALL, &agent::prompts::FULL];
        let speech = prompts.iter().flat_map(|prompt| prompt.chunks_exact(FRAME)).flatten().copied();
        let headers = || MultiHeaders::preallocate(BATCH, None);
        let (sending, hearing) = (headers(), headers());
        let (to, speech, by_port) = (Vec::new(), speech.collect(), BTreeMap::new());
        Self { socket, to, speech, frame: 0, sending, hearing, sent: 0, heard: 0, by_port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.socket.local_addr().expect("it is bound").port()
    }

    /// What it offers, or answers with.
    pub(crate) fn sdp(&self) -> String {
        let port = self.port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 {DIGITS}\r\n\
            a=rtpmap:0 PCMU/8000\r\na=rtpmap:{DIGITS} telephone-event/8000\r\n"
        )
    }

    /// Another call, whose sound goes to this port.
    pub(crate) fn add(&mut self, port: u16) {
        self.to.push(Some(SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))));
    }

    /// Presses a key, in the call that was added last.
    pub(crate) fn press(&self, event: u8) {
        let to = self.to.last().copied().flatten().expect("there is a call");
        let ssrc = self.ssrc(self.to.len() - 1).to_be_bytes();
        let [a, b, c, d] = ssrc;
        // Its end, after 20 ms.
        let packet = [0x80, 0x80 | DIGITS, 0, 0, 0, 0, 0, 0, a, b, c, d, event, 0x8a, 0, 160];
        self.socket.send_to(&packet, SocketAddrV4::from(to)).expect("the loopback takes it");
    }

    /// Packets that have come are counted. Were there any?
    pub(crate) fn listen(&mut self) -> bool {
        let mut buffers = [[0; 16]; BATCH];
        let mut slices: Vec<_> = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let came =
            recvmmsg(self.socket.as_raw_fd(), &mut self.hearing, &mut slices, MsgFlags::MSG_DONTWAIT, None);
        let mut is_any = false;
        for message in came.into_iter().flatten() {
            is_any = true;
            self.heard += 1;
            message.address.into_iter().for_each(|from| *self.by_port.entry(from.port()).or_default() += 1);
        }
        is_any
    }

    /// Counts anew.
    pub(crate) fn reset(&mut self) {
        (self.sent, self.heard) = (0, 0);
        self.by_port.clear();
    }

    /// Calls of which nothing came.
    pub(crate) fn silent(&self) -> usize {
        let ports = self.to.iter().flatten().map(SockaddrIn::port);
        ports.filter(|port| !self.by_port.contains_key(port)).count()
    }

    /// The next packet of every call whose turn it is.
    fn speak(&mut self, turn: u32) {
        let calls: Vec<usize> = (turn as usize..self.to.len()).step_by(TURNS as usize).collect();
        let frames = self.speech.len() / FRAME;
        for calls in calls.chunks(BATCH) {
            let headers: Vec<[u8; 12]> = calls.iter().map(|call| self.header(*call)).collect();
            let parts = headers.iter().zip(calls).map(|(header, call)| {
                // Not all say the same at once.
                let at = (self.frame as usize + call * 7) % frames * FRAME;
                let payload = self.speech.get(at..at + FRAME).unwrap_or_default();
                [IoSlice::new(header), IoSlice::new(payload)]
            });
            let parts: Vec<_> = parts.collect();
            let to: Vec<_> = calls.iter().map(|call| self.to.get(*call).copied().flatten()).collect();
            let socket = self.socket.as_raw_fd();
            let sent = sendmmsg(socket, &mut self.sending, &parts, &to, [], MsgFlags::empty());
            self.sent += sent.map_or(0, Iterator::count) as u64;
        }
        if turn == TURNS - 1 {
            self.frame += 1;
        }
    }

    fn header(&self, call: usize) -> [u8; 12] {
        let [_, _, high, low] = (self.frame + 1).to_be_bytes();
        let [a, b, c, d] = (self.frame * FRAME as u32).to_be_bytes();
        let [e, f, g, h] = self.ssrc(call).to_be_bytes();
        [0x80, 0, high, low, a, b, c, d, e, f, g, h]
    }

    fn ssrc(&self, call: usize) -> u32 {
        u32::from(self.port()) << 16 | u32::try_from(call).unwrap_or_default()
    }
}

/// All sides speak for so long, and listen. By how much the packet that was sent last of all was late: more than a frame is too much for
/// this machine.
pub(crate) fn talk(sides: &mut [&mut Side], seconds: u32) -> Duration {
    let (clock, mut latest) = (Clock::start(), Duration::ZERO);
    let passed = || Duration::from_micros(clock.now().as_micros());
    for tick in 0..seconds * 1_000 {
        let due = Duration::from_millis(tick.into());
        while passed() < due {
            let came = sides.iter_mut().filter_map(|side| side.listen().then_some(())).count();
            if came == 0 {
                pause(Duration::from_micros(100));
            }
        }
        latest = latest.max(passed() - due);
        for side in &mut *sides {
            side.speak(tick % TURNS);
            side.listen();
        }
    }
    latest
}

/// What is still on its way arrives, and no more comes for half a second: who was kept from working has work to do.
pub(crate) fn settle(sides: &mut [&mut Side]) {
    let mut quiet = 0;
    while quiet < 20 {
        pause(Duration::from_millis(25));
        let before = sides.iter().map(|side| side.heard).sum::<u64>();
        sides.iter_mut().for_each(|side| while side.listen() {});
        let is_quiet = before == sides.iter().map(|side| side.heard).sum::<u64>();
        quiet = if is_quiet { quiet + 1 } else { 0 };
    }
}
