//! A mailbox that answers: greeting, tone, a message, what to do with it. Whoever calls is never sent away without being told, and
//! no message is lost that was spoken.

mod inbox;
mod owner;

use crate::fax::Fax;
use crate::g711::{Law, RATE};
use crate::guide::{Mailbox, Room};
use crate::line::{Clip, Sound};
use crate::prompts;
use crate::recording::{self, End, Limits, Message, Recording, Segment};
use crate::talk::Why;
use core::time::Duration;
pub use inbox::{Entry, Fetched, Told, Wish};
use owner::Owner;
pub use owner::{Attempts, Pin};
use sip::Time;
use std::sync::Arc;

/// One call to a mailbox.
#[derive(Debug)]
pub struct Voicemail {
    mailbox: Arc<Mailbox>,
    greeting: Clip,
    operator: Operator,
    fax: Fax,
    state: State,
    /// The number of the take that is recorded, or comes next.
    take: u32,
    /// The last take that holds a message.
    kept: Option<Kept>,
    /// Keys that led back to where they were pressed.
    turns: u32,
}

/// What else the walk has that led here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Other destinations.
    Others,
    /// Nothing: who is refused here is refused.
    Nobody,
}

/// Where the key 0 leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// To somebody; the caller is told so.
    There,
    /// To nobody.
    None,
}

/// What it asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the call.
    Accept,
    /// Refuse it with this status: the walk goes on.
    Refuse(u16),
    /// Play this after what is played already.
    Play(Clip),
    /// Play no more of it.
    Hush,
    /// A message begins; the caller may record it more than once.
    Begin {
        /// Which take it is, from 0 on.
        take: u32,
        /// How its sound is coded.
        law: Law,
    },
    /// Keep this part of a take. The last ones may come again, shorter.
    Keep {
        /// Which take.
        take: u32,
        /// The part.
        segment: Segment,
    },
    /// This take is the message. At most one is.
    Finish {
        /// Which take.
        take: u32,
        /// What is known of it.
        message: Message,
    },
    /// This take is no message: delete what is kept of it.
    Forget {
        /// Which take.
        take: u32,
    },
    /// There is no message, but the people are told of the call.
    Notice(Notice),
    /// The caller wants to speak to a person: connect them and say [`Voicemail::on_joined`], or say [`Voicemail::on_nobody`].
    Person,
    /// Is this the PIN? To be answered by [`Voicemail::on_told`].
    Check(Pin),
    /// The owner wants this of whoever keeps messages.
    Wish(Wish),
    /// The owner has recorded this: it is the greeting from now on.
    Greeting(Clip),
    /// End the call.
    HangUp,
}

/// Why the people are told of a call that has left no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The caller said nothing.
    Missed,
    /// There was no room for what the caller had to say.
    Full,
    /// It was a fax machine.
    Fax,
}

#[derive(Debug)]
enum State {
    /// Answered; the caller does not hear us yet.
    Accepted(Opening),
    /// The greeting is played, or only the tone: then the recording begins.
    Greeting,
    /// A message is recorded.
    Recording(Box<Recording>),
    /// The caller may choose what becomes of the message.
    Choosing { until: Time },
    /// A person is looked for, or with the caller.
    Away,
    /// Somebody wants to be the owner, or is.
    Owner(Owner),
    /// The last words are played.
    Leaving,
    /// Nothing more will happen.
    Over,
}

/// What the caller hears first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Greeting,
    Full,
}

/// A take that holds a message.
#[derive(Debug)]
struct Kept {
    take: u32,
    message: Message,
    clip: Clip,
}

/// How long a caller may think about a key.
const CHOICE: Duration = Duration::from_secs(10);

/// Keys that lead back to where they were pressed; after these no call goes on for ever.
const TURNS_MAX: u32 = 12;

/// How often a message may be recorded: each take waits on the disk until the next is a message.
const TAKES_MAX: u32 = 5;

impl Voicemail {
    /// A call has come for a mailbox. `room`: what it holds; `None` if nothing can be kept now.
    pub fn start(
        mailbox: Arc<Mailbox>,
        room: Option<Room>,
        disk_floor: u64,
        rest: Rest,
        operator: Operator,
        out: &mut Vec<Output>,
    ) -> Self {
        let has_room = room.as_ref().is_some_and(|room| has_room(&mailbox, room, disk_floor));
        let state = match (has_room, rest) {
            (true, Rest::Others | Rest::Nobody) => {
                out.push(Output::Accept);
                State::Accepted(Opening::Greeting)
            }
            (false, Rest::Nobody) => {
                out.extend([Output::Accept, Output::Notice(Notice::Full)]);
                State::Accepted(Opening::Full)
            }
            (false, Rest::Others) => {
                out.push(Output::Refuse(503));
                State::Over
            }
        };
        let greeting = room.and_then(|room| room.greeting).or_else(|| mailbox.greeting.clone());
        let greeting = greeting.unwrap_or_else(|| prompts::GREETING.clone());
        Self { mailbox, greeting, operator, fax: Fax::default(), state, take: 0, kept: None, turns: 0 }
    }

    /// What its owner's PIN is checked against.
    #[must_use]
    pub fn pin(&self) -> Option<&Arc<str>> {
        self.mailbox.pin.as_ref()
    }

    /// The caller hears us from now on.
    pub fn on_up(&mut self, out: &mut Vec<Output>) {
        match self.state {
            State::Accepted(Opening::Greeting) => {
                out.push(Output::Play(prompts::SILENCE.clone()));
                self.greet(Some(&self.greeting.clone()), out);
            }
            State::Accepted(Opening::Full) => {
                out.push(Output::Play(prompts::SILENCE.clone()));
                self.leave(Some(&prompts::FULL), out);
            }
            // Said once.
            State::Greeting
            | State::Recording(_)
            | State::Choosing { .. }
            | State::Away
            | State::Owner(_)
            | State::Leaving
            | State::Over => {}
        }
    }

    /// The caller was heard.
    pub fn on_sound(&mut self, sound: &Sound, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Greeting => {
                if self.fax.hear(&sound.bytes, sound.law) {
                    self.refuse_fax(now, out);
                }
            }
            State::Recording(recording) => {
                let mut asked = Vec::new();
                recording.on_sound(sound, now, &mut asked);
                self.carry_out(asked, now, out);
            }
            State::Owner(_) => self.with_owner(out, |owner, asked| owner.on_sound(sound, now, asked)),
            // What is said here is no message.
            State::Accepted(_) | State::Choosing { .. } | State::Away | State::Leaving | State::Over => {}
        }
    }

    /// The caller says that nothing is to be heard.
    pub fn on_quiet(&mut self) {
        match &mut self.state {
            State::Recording(recording) => recording.on_quiet(),
            State::Owner(owner) => owner.on_quiet(),
            State::Accepted(_)
            | State::Greeting
            | State::Choosing { .. }
            | State::Away
            | State::Leaving
            | State::Over => {}
        }
    }

    /// The caller has put us on hold, or is back.
    pub fn on_held(&mut self, is_held: bool, now: Time) {
        if let State::Recording(recording) = &mut self.state {
            recording.on_held(is_held, now);
        }
    }

    /// The caller has pressed a key.
    pub fn on_pressed(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        match (&mut self.state, digit) {
            (State::Owner(_), _) => {
                self.with_owner(out, |owner, asked| owner.on_pressed(digit, now, asked));
            }
            (State::Greeting | State::Recording(_) | State::Choosing { .. }, '0') => {
                self.ask_for_person(now, out)
            }
            (State::Greeting, '#') => {
                out.push(Output::Hush);
                self.greet(None, out);
            }
            (State::Greeting, '*') => self.log_in(now, out),
            (State::Recording(_), '#') => self.end(End::Key, now, out),
            (State::Choosing { .. }, '1') => self.keep(out),
            (State::Choosing { .. }, '2' | '3') => self.choose(digit, now, out),
            // No key of theirs.
            (
                State::Accepted(_)
                | State::Greeting
                | State::Recording(_)
                | State::Choosing { .. }
                | State::Away
                | State::Leaving
                | State::Over,
                _,
            ) => {}
        }
    }

    /// All that was to be played was played.
    pub fn on_played(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Greeting => self.state = State::Recording(Box::new(Recording::start(self.limits(), now))),
            State::Choosing { until } => *until = now + CHOICE,
            State::Owner(_) => self.with_owner(out, |owner, asked| owner.on_played(now, asked)),
            State::Leaving => self.hang_up(out),
            // A warning, or that nobody else is there, or that somebody is looked for.
            State::Accepted(_) | State::Recording(_) | State::Away | State::Over => {}
        }
    }

    /// The caller is with the person whom he wanted: what he has said before is kept.
    pub fn on_joined(&mut self, out: &mut Vec<Output>) {
        if matches!(self.state, State::Away) {
            self.state = State::Over;
            if self.kept.is_some() {
                self.conclude(out);
            }
        }
    }

    /// Nobody can be reached to whom 0 could lead: it goes on here.
    pub fn on_nobody(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Greeting => {
                out.push(Output::Hush);
                self.greet(Some(&prompts::NOBODY), out);
            }
            State::Recording(recording) => {
                out.push(Output::Play(prompts::NOBODY.clone()));
                recording.wait(length(&prompts::NOBODY), now);
            }
            State::Choosing { .. } => {
                out.push(Output::Hush);
                self.ask(Some(&prompts::NOBODY), now, out);
            }
            State::Away if self.kept.is_some() => {
                out.push(Output::Hush);
                self.ask(Some(&prompts::NOBODY), now, out);
            }
            State::Away => {
                out.push(Output::Hush);
                self.greet(Some(&prompts::NOBODY), out);
            }
            // The caller has gone on meanwhile.
            State::Accepted(_) | State::Owner(_) | State::Leaving | State::Over => {}
        }
    }

    /// What the owner has asked for.
    pub fn on_told(&mut self, told: Told, now: Time, out: &mut Vec<Output>) {
        self.with_owner(out, |owner, asked| owner.on_told(told, now, asked));
    }

    /// The call is over: what was said is kept.
    pub fn on_over(&mut self, why: Why, now: Time, out: &mut Vec<Output>) {
        match &self.state {
            State::Accepted(Opening::Greeting) | State::Greeting => {
                if !matches!(why, Why::Cancelled | Why::Refused) {
                    self.conclude(out);
                }
            }
            State::Recording(_) => {
                self.stop(End::HungUp, now, out);
                self.conclude(out);
            }
            State::Choosing { .. } | State::Away => self.conclude(out),
            // All was said before; of an owner's call nobody needs to be told.
            State::Accepted(Opening::Full) | State::Owner(_) | State::Leaving | State::Over => {}
        }
        self.state = State::Over;
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Recording(recording) => {
                let mut asked = Vec::new();
                recording.on_deadline(now, &mut asked);
                self.carry_out(asked, now, out);
            }
            State::Choosing { until } if *until <= now => self.keep(out),
            State::Owner(_) => self.with_owner(out, |owner, asked| owner.on_deadline(now, asked)),
            // The line tells when these are over, or whoever looks for a person.
            State::Accepted(_)
            | State::Greeting
            | State::Choosing { .. }
            | State::Away
            | State::Leaving
            | State::Over => {}
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Recording(recording) => Some(recording.deadline()),
            State::Choosing { until } => Some(*until),
            State::Owner(owner) => owner.deadline(),
            State::Accepted(_) | State::Greeting | State::Away | State::Leaving | State::Over => None,
        }
    }

    fn limits(&self) -> Limits {
        Limits { longest: self.mailbox.longest, silence: self.mailbox.silence }
    }

    /// Plays this and the tone; then the recording begins.
    fn greet(&mut self, first: Option<&Clip>, out: &mut Vec<Output>) {
        out.extend(first.into_iter().chain([&*prompts::TONE]).cloned().map(Output::Play));
        self.state = State::Greeting;
    }

    fn carry_out(&mut self, asked: Vec<recording::Output>, now: Time, out: &mut Vec<Output>) {
        let take = self.take;
        for output in asked {
            match output {
                recording::Output::Began(law) => out.push(Output::Begin { take, law }),
                recording::Output::Keep(segment) => out.push(Output::Keep { take, segment }),
                recording::Output::Warn => out.push(Output::Play(prompts::WARNING.clone())),
                recording::Output::End(end) => self.end(end, now, out),
                recording::Output::Fax => self.refuse_fax(now, out),
            }
        }
    }

    /// The recording ends, and the caller is still there.
    fn end(&mut self, end: End, now: Time, out: &mut Vec<Output>) {
        self.stop(end, now, out);
        match (&self.kept, end) {
            (Some(_), End::Key) => self.ask(None, now, out),
            (Some(_), End::Silence | End::Longest | End::NoSound | End::HungUp) => self.keep(out),
            (None, _) => {
                self.conclude(out);
                self.leave(Some(&prompts::NOTHING), out);
            }
        }
    }

    /// Ends the recording. If it is a message it takes the place of the take before it; if not, that one stays.
    fn stop(&mut self, end: End, now: Time, out: &mut Vec<Output>) {
        let State::Recording(recording) = core::mem::replace(&mut self.state, State::Over) else { return };
        let take = self.take;
        let mut asked = Vec::new();
        let Some((message, sound)) = recording.finish(end, now, &mut asked) else { return };
        self.take += 1;
        if message.spoken < self.mailbox.shortest {
            return out.push(Output::Forget { take });
        }
        self.carry_out_of(take, asked, out);
        let clip = mu_law(sound, message.law);
        let before = self.kept.replace(Kept { take, message, clip });
        out.extend(before.map(|before| Output::Forget { take: before.take }));
    }

    /// The last parts of a take.
    fn carry_out_of(&self, take: u32, asked: Vec<recording::Output>, out: &mut Vec<Output>) {
        out.extend(asked.into_iter().filter_map(|output| match output {
            recording::Output::Keep(segment) => Some(Output::Keep { take, segment }),
            // A recording that has ended asks for nothing else.
            recording::Output::Began(_)
            | recording::Output::Warn
            | recording::Output::End(_)
            | recording::Output::Fax => None,
        }));
    }

    /// Says what the caller can choose from.
    fn ask(&mut self, first: Option<&Clip>, now: Time, out: &mut Vec<Output>) {
        let person = match self.operator {
            Operator::There => Some(&*prompts::PERSON),
            Operator::None => None,
        };
        let clips = first.into_iter().chain([&*prompts::CHOOSE]).chain(person);
        let until = clips.clone().map(length).fold(now + CHOICE, |until, length| until + length);
        out.extend(clips.cloned().map(Output::Play));
        self.state = State::Choosing { until };
    }

    /// Listen to it, or record it again.
    fn choose(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        if !self.turn() {
            return self.keep(out);
        }
        out.push(Output::Hush);
        if digit == '3' && self.take < TAKES_MAX {
            return self.greet(None, out);
        }
        let clip = self.kept.as_ref().filter(|_| digit == '2').map(|kept| kept.clip.clone());
        self.ask(clip.as_ref(), now, out);
    }

    /// The message stands.
    fn keep(&mut self, out: &mut Vec<Output>) {
        self.conclude(out);
        self.leave(Some(&prompts::KEPT), out);
    }

    /// What has become of the call is told, once.
    fn conclude(&mut self, out: &mut Vec<Output>) {
        out.push(match self.kept.take() {
            Some(Kept { take, message, .. }) => Output::Finish { take, message },
            None => Output::Notice(Notice::Missed),
        });
    }

    /// Last words.
    fn leave(&mut self, words: Option<&Clip>, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Accepted(_)) {
            out.push(Output::Hush);
        }
        out.extend(words.into_iter().chain([&*prompts::GOODBYE]).cloned().map(Output::Play));
        self.state = State::Leaving;
    }

    fn hang_up(&mut self, out: &mut Vec<Output>) {
        out.push(Output::HangUp);
        self.state = State::Over;
    }

    /// Whatever was said before the tone is a message all the same.
    fn refuse_fax(&mut self, now: Time, out: &mut Vec<Output>) {
        self.stop(End::NoSound, now, out);
        match self.kept {
            Some(_) => self.conclude(out),
            None => out.push(Output::Notice(Notice::Fax)),
        }
        self.leave(Some(&prompts::FAX), out);
    }

    fn ask_for_person(&mut self, now: Time, out: &mut Vec<Output>) {
        match (self.turn(), self.operator) {
            (true, Operator::There) => {
                // What was said until now is a message, if it is one at all.
                self.stop(End::Key, now, out);
                self.state = State::Away;
                out.extend([Output::Hush, Output::Person]);
            }
            (true, Operator::None) => self.on_nobody(now, out),
            (false, Operator::There | Operator::None) => {}
        }
    }

    /// May the caller have another key that leads round in a circle?
    const fn turn(&mut self) -> bool {
        self.turns += 1;
        self.turns <= TURNS_MAX
    }

    fn log_in(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.mailbox.pin.is_some() {
            self.state = State::Owner(Owner::start(self.greeting.clone(), !self.mailbox.hold, now));
            self.with_owner(out, |owner, asked| owner.ask(None, now, asked));
        }
    }

    fn with_owner(&mut self, out: &mut Vec<Output>, act: impl FnOnce(&mut Owner, &mut Vec<owner::Output>)) {
        let State::Owner(owner) = &mut self.state else { return };
        let mut asked = Vec::new();
        act(owner, &mut asked);
        for output in asked {
            match output {
                owner::Output::Play(clip) => out.push(Output::Play(clip)),
                owner::Output::Hush => out.push(Output::Hush),
                owner::Output::Check(pin) => out.push(Output::Check(pin)),
                owner::Output::Wish(wish) => out.push(Output::Wish(wish)),
                owner::Output::Greeting(clip) => out.push(Output::Greeting(clip)),
                owner::Output::Leave(words) => self.leave(words.as_ref(), out),
            }
        }
    }
}

/// Room for one more message of any length.
fn has_room(mailbox: &Mailbox, room: &Room, disk_floor: u64) -> bool {
    let longest = mailbox.longest.as_secs().saturating_mul(u64::from(RATE));
    room.messages < mailbox.messages_max
        && room.bytes.saturating_add(longest) <= mailbox.bytes_max
        && room.disk_free >= disk_floor.saturating_add(longest)
}

/// A recording as lines play it.
#[must_use]
pub fn mu_law(sound: Vec<u8>, law: Law) -> Clip {
    match law {
        Law::Mu => sound.into(),
        Law::A => sound.into_iter().map(|byte| Law::Mu.encode(Law::A.decode(byte))).collect(),
    }
}

/// How long a clip is.
fn length(clip: &Clip) -> Duration {
    Duration::from_secs(clip.len() as u64) / RATE
}

#[cfg(test)]
mod tests;
