//! Calls that somebody has taken by pressing 1: two-way sound through the thread of the agents.

use crate::inside;
use crate::process::{Measured, pause};
use crate::side::{Side, settle, talk};
use crate::words::{AT, PORT, Phone, port, value};
use core::time::Duration;
use sip::{Method, Name};

/// What was found.
pub(crate) struct Relays {
    pub(crate) calls: usize,
    pub(crate) sent: u64,
    pub(crate) heard: u64,
    pub(crate) measured: u64,
    pub(crate) time: Duration,
    pub(crate) seconds: u32,
    pub(crate) late: Duration,
    /// Sides that never heard the other one.
    pub(crate) silent: usize,
}

impl Relays {
    pub(crate) fn packets_per_cpu_second(&self) -> f64 {
        self.measured as f64 / self.time.as_secs_f64()
    }

    pub(crate) fn line(&self, name: &str) -> String {
        let share = self.time.as_secs_f64() / f64::from(self.seconds);
        format!(
            "{name:9} {} two-way relays: {:.0} % of a core, {:.0} packets a CPU second, {:.0} relays a core, {} of {} packets \
            lost, {} of {} sides heard nothing (sent late by {} ms at most)",
            self.calls,
            share * 100.0,
            self.packets_per_cpu_second(),
            self.packets_per_cpu_second() / PACKETS,
            self.sent.saturating_sub(self.heard),
            self.sent,
            self.silent,
            2 * self.calls,
            self.late.as_millis()
        )
    }
}

/// Lets both sides of calls that are set up talk, and measures.
pub(crate) fn relayed(
    measured: &Measured,
    thread: Option<&str>,
    sides: &mut [&mut Side],
    (calls, seconds): (usize, u32),
) -> Relays {
    settle(sides);
    sides.iter_mut().for_each(|side| side.reset());
    // Who learns where the other side is has done so.
    talk(sides, WARM);
    let (began, before) = (measured.time(thread), sides.iter().map(|side| side.heard).sum::<u64>());
    let late = talk(sides, seconds);
    let (time, after) = (measured.time(thread) - began, sides.iter().map(|side| side.heard).sum::<u64>());
    settle(sides);
    let [sent, heard] = [|side: &Side| side.sent, |side: &Side| side.heard]
        .map(|count| sides.iter().map(|side| count(side)).sum());
    let silent = sides.iter().map(|side| side.silent()).sum();
    Relays { calls, silent, sent, heard, measured: after - before, time, seconds, late }
}

const WARM: u32 = 4;

/// Packets of a call in a second: 20 ms each, both ways.
const PACKETS: f64 = 100.0;

/// The caller's port for sound, and the person's.
pub(crate) const PORTS: [u16; 2] = [15_070, 15_072];

pub(crate) fn measure(calls: usize, seconds: u32) -> Relays {
    let own = std::env::current_exe().expect("it runs");
    let own = own.to_str().expect("a name");
    let phone = Phone::new(PORT, inside::AT.parse().expect("an address"));
    let child = Measured::on_first_core(own).arg(inside::WORD).spawn().expect("taskset is there");
    let measured = Measured(child);
    pause(Duration::from_millis(500));
    let [mut caller, mut person] = PORTS.map(Side::new);
    for call in 0..calls {
        set_up(&phone, call, &mut caller, &mut person);
    }
    relayed(&measured, Some("media"), &mut [&mut caller, &mut person], (calls, seconds))
}

/// One call, until the person has pressed 1.
fn set_up(phone: &Phone, number: usize, caller: &mut Side, person: &mut Side) {
    let call = format!("relay{number}");
    let head = format!(
        "INVITE sip:+15035550111@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/INSIDE [100::]:5060;branch=z9hG4bK{call}\r\n\
        X-Tandem-Hop: <sip:{AT};lr>\r\nFrom: <sip:+15035550999@127.0.0.1>;tag={number}\r\n\
        To: <sip:+15035550111@127.0.0.1>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
        Contact: <sip:{AT}>\r\nContent-Type: application/sdp\r\n"
    );
    let sdp = caller.sdp();
    phone.send(&format!("{head}Content-Length: {}\r\n\r\n{sdp}", sdp.len()));
    let asked = phone.wait(|message| message.is_request() && message.method() == Method::Invite);
    let [via, from, to, id, count] =
        [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq].map(|name| value(&asked, name));
    let sdp = person.sdp();
    phone.send(&format!(
        "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=person\r\nCall-ID: {id}\r\nCSeq: {count}\r\n\
        Contact: <sip:{AT}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    ));
    phone.wait(|message| message.is_request() && message.method() == Method::Ack);
    person.add(port(asked.body()));
    person.press(1);
    let answer = phone.answer(&call, 200);
    caller.add(port(answer.body()));
    phone.send(&crate::words::inside(&answer, "ACK", 1, &format!("{call}ack")));
}
