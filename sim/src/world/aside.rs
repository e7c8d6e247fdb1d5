//! What goes on beside the messages of the wire: what a node and its agents say to each other, and the sound of calls.

use super::{Cause, Due, World};
use crate::glance::Packet;
use crate::indoors::{Indoors, Out, beside};
use crate::lamp::{LampPhone, Said};
use crate::voice::Voice;
use agent::guide::{Guide, Room};
use agent::house::{House, Output};
use agent::line::Clip;
use core::net::SocketAddr;
use router::Event;
use router::inside::{AgentId, SCREEN};
use router::path::{Flow, Transport};
use sip::{Bytes, Time};
use std::sync::Arc;

/// What is due of it. What is said by a node that has died meanwhile, or to it, is gone.
#[derive(Debug)]
pub(super) enum Aside {
    ToAgent { life: u32, agent: AgentId, bytes: Bytes },
    ToNode { life: u32, agent: AgentId, bytes: Bytes },
    Wake { life: u32 },
    Sound { from: SocketAddr, to: SocketAddr, bytes: Arc<[u8]> },
    Speak { voice: usize },
    Ask { lamp: usize },
}

impl World {
    /// Puts agents beside a node that listens to them.
    pub fn add_agents(&mut self, seat: usize, guide: &Arc<Guide>) {
        for agent in guide.agents.keys() {
            self.oracle.know(agent.address());
        }
        let Some(seat) = self.seats.get_mut(seat) else { return };
        let Some(first) = seat.identity.listeners.first() else { return };
        seat.indoors = Some(Box::new(Indoors::new(guide, first.address)));
        // Of somebody who is asked to press 1 the oracle would see two calls that have nothing to do with each other.
        seat.is_watched = !seat.plan.targets.iter().any(|target| target.confirm);
    }

    /// The agents beside a node.
    #[must_use]
    pub fn indoors(&self, seat: usize) -> Option<&Indoors> {
        self.seats.get(seat).and_then(|seat| seat.indoors.as_deref())
    }

    /// The same, to change what their mailboxes hold.
    pub fn indoors_mut(&mut self, seat: usize) -> Option<&mut Indoors> {
        self.seats.get_mut(seat).and_then(|seat| seat.indoors.as_deref_mut())
    }

    /// What the mailboxes beside a node hold is this from now on, and their phones are told.
    pub fn change_rooms(&mut self, seat: usize, change: impl FnMut(&mut Room)) {
        let indoors = self.indoors_mut(seat).into_iter();
        indoors.flat_map(|indoors| indoors.rooms.values_mut()).for_each(change);
        if let Some(life) = self.seats.get(seat).map(|seat| seat.life) {
            self.with_agents(life, |_, _| {});
        }
    }

    /// Gives the phone at a number a mouth and an ear.
    pub fn add_voice(&mut self, voice: Voice) {
        for host in &mut self.hosts {
            host.sounds.insert(voice.number, voice.here);
        }
        self.voices.push(voice);
        self.push(Time::ZERO, Due::Aside(Aside::Speak { voice: self.voices.len() - 1 }));
    }

    /// Puts a phone with a lamp somewhere.
    pub fn add_lamp(&mut self, phone: LampPhone) {
        self.oracle.know(phone.here);
        self.diary.iter_mut().for_each(|diary| diary.name(phone.here, phone.name));
        let lamp = self.lamps.len();
        for at in phone.times() {
            self.push(at, Due::Aside(Aside::Ask { lamp }));
        }
        self.lamps.push(phone);
    }

    /// Such a phone gets a message.
    pub(super) fn tell_lamp(&mut self, lamp: usize, from: SocketAddr, packet: &Packet) {
        self.with_lamp(lamp, |phone, _, said| phone.on_message(from, packet, said));
    }

    fn with_lamp(&mut self, lamp: usize, act: impl FnOnce(&mut LampPhone, Time, &mut Vec<Said>)) {
        let (now, mut said) = (self.now, Vec::new());
        let Some(phone) = self.lamps.get_mut(lamp) else { return };
        act(phone, now, &mut said);
        let (from, name) = (phone.here, phone.name);
        for said in said {
            match said {
                Said::Send(to, bytes) => {
                    self.send(from, to, Transport::Udp, Arc::new(Packet::new(bytes)));
                }
                Said::Line(line) => {
                    let line = format!("{now} {name} {line}");
                    self.diary.iter_mut().for_each(|diary| diary.lines.push(line.clone()));
                }
            }
        }
    }

    pub(super) fn go_on_aside(&mut self, aside: Aside) {
        let now = self.now;
        match aside {
            Aside::ToAgent { life, agent, bytes } => {
                self.with_agents(life, |house, asked| house.on_sip(agent, bytes, now, asked));
            }
            Aside::ToNode { life, agent, bytes } => self.hear_agent(life, agent, bytes),
            Aside::Wake { life } => {
                let indoors = self.seat_of(life).and_then(|seat| self.indoors_mut(seat));
                if let Some(indoors) = indoors.filter(|indoors| indoors.wake == Some(now)) {
                    indoors.wake = None;
                    self.with_agents(life, |house, asked| house.on_deadline(now, asked));
                }
            }
            Aside::Ask { lamp } => self.with_lamp(lamp, LampPhone::on_time),
            Aside::Sound { from, to, bytes } => self.hear_sound(from, to, &bytes),
            Aside::Speak { voice } => {
                let Some(speaker) = self.voices.get_mut(voice) else { return };
                let (from, (packet, next)) = (speaker.here, speaker.speak(now));
                packet.into_iter().for_each(|(to, bytes)| self.send_sound(from, to, bytes));
                if let Some(at) = next {
                    self.push(at, Due::Aside(Aside::Speak { voice }));
                }
            }
        }
    }

    fn seat_of(&self, life: u32) -> Option<usize> {
        self.seats.iter().position(|seat| seat.life == life && seat.node.is_some())
    }

    fn hear_agent(&mut self, life: u32, agent: AgentId, bytes: Bytes) {
        let Some(seat) = self.seat_of(life) else { return };
        let listeners = self.seats.get(seat).map_or(&[][..], |seat| &seat.identity.listeners);
        let Some(path) = agent.path(listeners) else { return };
        let packet = Arc::new(Packet::new(Bytes::clone(&bytes)));
        let (from, to) = (agent.address(), AgentId(0).address());
        self.tell_aside(from, to, &packet);
        let flow = Flow { path, connection: 0 };
        self.feed(seat, Event::Received { flow, bytes }, Cause::Packet { from, to, packet });
    }

    /// What the screen hears and says is left out: it is what goes over the wire to and from the person.
    fn tell_aside(&mut self, from: SocketAddr, to: SocketAddr, packet: &Packet) {
        let is_screen = [from, to].contains(&SCREEN.address());
        if let Some(diary) = self.diary.as_mut().filter(|_| !is_screen) {
            diary.sent(self.now, from, to, None, packet);
        }
    }

    /// A node says this to one of its agents.
    pub(super) fn say_inside(&mut self, life: u32, to: SocketAddr, packet: &Packet) {
        let Some(agent) = AgentId::at(to) else { return };
        self.tell_aside(AgentId(0).address(), to, packet);
        let bytes = Bytes::clone(&packet.bytes);
        self.push(self.now, Due::Aside(Aside::ToAgent { life, agent, bytes }));
    }

    fn with_agents(&mut self, life: u32, act: impl FnOnce(&mut House, &mut Vec<Output>)) {
        let (now, Some(seat)) = (self.now, self.seat_of(life)) else { return };
        if let Some(indoors) = self.indoors_mut(seat) {
            let out = indoors.with(life, now, act);
            self.carry_outside(life, seat, out);
        }
    }

    fn carry_outside(&mut self, life: u32, seat: usize, out: Vec<Out>) {
        for output in out {
            match output {
                Out::Say(agent, bytes) => {
                    self.push(self.now, Due::Aside(Aside::ToNode { life, agent, bytes }));
                }
                Out::Sound { from, to, bytes } => self.send_sound(from, to, bytes.into()),
                Out::Line(line) => {
                    let line = format!("{} {line}", self.now);
                    self.diary.iter_mut().for_each(|diary| diary.lines.push(line.clone()));
                }
            }
        }
        let now = self.now;
        let Some(indoors) = self.indoors_mut(seat) else { return };
        let Some(at) = indoors.deadline().map(|at| at.max(now)) else { return };
        if indoors.wake.is_none_or(|wake| at < wake) {
            indoors.wake = Some(at);
            self.push(at, Due::Aside(Aside::Wake { life }));
        }
    }

    fn send_sound(&mut self, from: SocketAddr, to: SocketAddr, bytes: Arc<[u8]>) {
        if self.voices.is_empty() {
            return;
        }
        let arrivals = self.network.carry(from, to, self.now, &mut self.chance);
        for at in arrivals.into_iter().flatten() {
            self.push(at, Due::Aside(Aside::Sound { from, to, bytes: Arc::clone(&bytes) }));
        }
    }

    fn hear_sound(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let all = || self.voices.iter().filter(|voice| voice.here != to);
        let others: Vec<(&'static str, Clip)> =
            all().map(|voice| (voice.name, Clip::clone(&voice.speech))).collect();
        if let Some(voice) = self.voices.iter_mut().find(|voice| voice.here == to) {
            let (name, heard) = (voice.name, voice.hear(bytes, &others));
            let line = heard.map(|what| format!("{} {name} hears {what}", self.now));
            self.diary.iter_mut().for_each(|diary| diary.lines.extend(line.clone()));
            return;
        }
        if let Some(voice) = self.voices.iter_mut().find(|voice| beside(voice.here) == to) {
            let back = voice.hear_report(bytes);
            return back.into_iter().for_each(|bytes| self.send_sound(to, from, bytes));
        }
        let port = self.seats.iter().enumerate().find_map(|(number, seat)| {
            seat.node.as_ref()?;
            Some((number, seat.life, seat.indoors.as_ref()?.port(to)?))
        });
        let now = self.now;
        if let Some((seat, life, port)) = port
            && let Some(indoors) = self.indoors_mut(seat)
        {
            let out = indoors.hear(port, from, bytes, (life, now));
            self.carry_outside(life, seat, out);
        }
    }
}
