//! The owner of a mailbox, who logs in by phone, hears the messages and records a greeting.

use super::inbox::{self, Inbox, Told, Wish};
use super::{CHOICE, length, mu_law};
use crate::line::{Clip, Sound};
use crate::prompts;
use crate::recording::{self, End, Limits, Recording};
use core::time::Duration;
use sip::Time;

/// Somebody who wants to be the owner, or is.
#[derive(Debug)]
pub(super) struct Owner {
    greeting: Clip,
    may_delete: bool,
    /// The messages; `None` before the PIN was right.
    inbox: Option<Inbox>,
    state: State,
    wrong: u32,
    turns: u32,
}

#[derive(Debug)]
enum State {
    /// The PIN is being pressed.
    Entering { pin: Pin, until: Time },
    /// It is being checked.
    Checking { until: Time },
    /// It was right: the messages are heard.
    Inbox,
    /// What is to be done with the greeting.
    Menu { until: Time },
    /// The tone is played; then the recording begins.
    Tone,
    /// A greeting is recorded.
    Recording(Box<Recording>),
    /// It is kept if its owner says so.
    Confirming { clip: Clip, until: Time },
}

/// What it asks of the mailbox.
#[derive(Debug)]
pub(super) enum Output {
    Play(Clip),
    Hush,
    Check(Pin),
    Wish(Wish),
    Greeting(Clip),
    /// Say this and goodbye.
    Leave(Option<Clip>),
}

/// A PIN that somebody has pressed. [`Debug`](core::fmt::Debug) does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::fmt::Debug for Pin {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Pin")
    }
}

/// How often a PIN was wrong: kept for each mailbox and for each caller, over all calls. Whoever may not try is told that the PIN is
/// wrong, and it is not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    wrong: u32,
    until: Option<Time>,
}

impl Attempts {
    /// May a PIN be checked now?
    #[must_use]
    pub fn may(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// One was wrong: after each third there is a pause, ever longer.
    pub fn on_wrong(&mut self, now: Time) {
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong.is_multiple_of(TRIES_MAX) {
            let doubled = (self.wrong / TRIES_MAX - 1).min(PAUSES);
            self.until = Some(now + PAUSE * (1 << doubled));
        }
    }

    /// One was right.
    pub fn on_right(&mut self) {
        *self = Self::default();
    }
}

/// Tries in one call, and before each pause.
const TRIES_MAX: u32 = 3;

/// The first pause; 10,000 PINs of four digits take more than a year.
const PAUSE: Duration = Duration::from_secs(60);

/// How often it is doubled: to four hours.
const PAUSES: u32 = 8;

/// Digits that are looked at.
const DIGITS_MAX: usize = 12;

/// So long a check may take before nobody waits for it any more.
const CHECK: Duration = Duration::from_secs(5);

/// Who hears more than a minute before the tone hangs up.
const LIMITS: Limits = Limits { longest: Duration::from_secs(60), silence: Duration::from_secs(5) };

/// A greeting with less speech was none.
const SHORTEST: Duration = Duration::from_millis(500);

/// Keys in the menus of one call.
const TURNS_MAX: u32 = 20;

impl Owner {
    /// Somebody has pressed the key of the owner, whose greeting is this.
    pub(super) const fn start(greeting: Clip, may_delete: bool, now: Time) -> Self {
        Self { greeting, may_delete, inbox: None, state: State::Checking { until: now }, wrong: 0, turns: 0 }
    }

    /// Asks for the PIN, after this.
    pub(super) fn ask(&mut self, first: Option<&Clip>, now: Time, out: &mut Vec<Output>) {
        let until = say(first, &prompts::CODE, now, out);
        self.state = State::Entering { pin: Pin(String::new()), until };
    }

    pub(super) fn on_sound(&mut self, sound: &Sound, now: Time, out: &mut Vec<Output>) {
        if let State::Recording(recording) = &mut self.state {
            recording.on_sound(sound, now, &mut Vec::new());
        }
        self.on_deadline(now, out);
    }

    pub(super) fn on_quiet(&mut self) {
        if let State::Recording(recording) = &mut self.state {
            recording.on_quiet();
        }
    }

    pub(super) fn on_pressed(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        match (&mut self.state, digit) {
            (State::Entering { pin, until }, '0'..='9') => {
                if pin.0.is_empty() {
                    out.push(Output::Hush);
                }
                if pin.0.len() < DIGITS_MAX {
                    pin.0.push(digit);
                }
                *until = now + CHOICE;
            }
            (State::Entering { pin, .. }, '#') => {
                out.push(Output::Check(Pin(core::mem::take(&mut pin.0))));
                self.state = State::Checking { until: now + CHECK };
            }
            (State::Entering { .. }, '*') => self.ask(None, now, out),
            (State::Menu { .. } | State::Confirming { .. }, '1'..='3') => {
                self.turns += 1;
                if self.turns > TURNS_MAX {
                    out.push(Output::Leave(None));
                } else {
                    self.choose(digit, now, out);
                }
            }
            (State::Recording(_), '#') => self.finish(now, out),
            (State::Inbox, _) => self.with_inbox(now, out, |inbox, out| inbox.on_pressed(digit, now, out)),
            (State::Menu { .. }, '*') => {
                out.push(Output::Hush);
                self.state = State::Inbox;
                self.with_inbox(now, out, |inbox, out| inbox.menu(now, out));
            }
            // No key of theirs.
            (
                State::Entering { .. }
                | State::Checking { .. }
                | State::Menu { .. }
                | State::Tone
                | State::Recording(_)
                | State::Confirming { .. },
                _,
            ) => {}
        }
    }

    pub(super) fn on_told(&mut self, told: Told, now: Time, out: &mut Vec<Output>) {
        match (told, &self.state) {
            (Told::Checked(is_right), _) => self.on_checked(is_right, now, out),
            (Told::Listed(list), State::Inbox) => {
                self.with_inbox(now, out, |inbox, out| inbox.on_listed(list, now, out));
            }
            (Told::Fetched(fetched), State::Inbox) => {
                self.with_inbox(now, out, |inbox, out| inbox.on_fetched(fetched, now, out));
            }
            // The owner has gone on to something else meanwhile.
            (Told::Listed(_) | Told::Fetched(_), _) => {}
        }
    }

    fn on_checked(&mut self, is_right: bool, now: Time, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Checking { .. }) {
            return;
        }
        if is_right {
            let mut asked = Vec::new();
            self.inbox = Some(Inbox::start(self.may_delete, now, &mut asked));
            self.state = State::Inbox;
            return self.carry_out(asked, now, out);
        }
        self.wrong += 1;
        if self.wrong >= TRIES_MAX {
            return out.push(Output::Leave(Some(prompts::WRONG.clone())));
        }
        self.ask(Some(&prompts::WRONG), now, out);
    }

    pub(super) fn on_played(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Inbox => self.with_inbox(now, out, |inbox, out| inbox.on_played(now, out)),
            State::Tone => self.state = State::Recording(Box::new(Recording::start(LIMITS, now))),
            State::Entering { until, .. } | State::Menu { until } | State::Confirming { until, .. } => {
                *until = now + CHOICE;
            }
            State::Checking { .. } | State::Recording(_) => {}
        }
    }

    pub(super) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Recording(recording) => {
                let mut asked = Vec::new();
                recording.on_deadline(now, &mut asked);
                for output in asked {
                    match output {
                        recording::Output::End(_) => self.finish(now, out),
                        recording::Output::Warn => out.push(Output::Play(prompts::WARNING.clone())),
                        // A greeting is kept as a whole, when its owner says so.
                        recording::Output::Began(_) | recording::Output::Keep(_) | recording::Output::Fax => {
                        }
                    }
                }
            }
            State::Entering { until, .. }
            | State::Checking { until }
            | State::Menu { until }
            | State::Confirming { until, .. } => {
                if *until <= now {
                    out.push(Output::Leave(None));
                }
            }
            State::Inbox => self.with_inbox(now, out, |inbox, out| inbox.on_deadline(now, out)),
            State::Tone => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Entering { until, .. }
            | State::Checking { until }
            | State::Menu { until }
            | State::Confirming { until, .. } => Some(*until),
            State::Recording(recording) => Some(recording.deadline()),
            State::Inbox => self.inbox.as_ref().and_then(Inbox::deadline),
            State::Tone => None,
        }
    }

    fn choose(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        let clip = match &self.state {
            State::Confirming { clip, .. } => Some(clip.clone()),
            State::Entering { .. }
            | State::Checking { .. }
            | State::Inbox
            | State::Menu { .. }
            | State::Tone
            | State::Recording(_) => None,
        };
        match (clip, digit) {
            (Some(clip), '1') => {
                self.greeting = clip.clone();
                out.push(Output::Greeting(clip));
                self.menu(Some(&prompts::RECORDED), now, out);
            }
            (Some(clip), '2') => self.confirm(clip.clone(), Some(&clip), now, out),
            (None, '1') => self.record(Some(&prompts::RECORD), out),
            (None, '2') => self.menu(Some(&self.greeting.clone()), now, out),
            (Some(_), '3') => self.record(None, out),
            (Some(_) | None, _) => {}
        }
    }

    fn with_inbox(
        &mut self,
        now: Time,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Inbox, &mut Vec<inbox::Output>),
    ) {
        let Some(inbox) = &mut self.inbox else { return };
        let mut asked = Vec::new();
        act(inbox, &mut asked);
        self.carry_out(asked, now, out);
    }

    fn carry_out(&mut self, asked: Vec<inbox::Output>, now: Time, out: &mut Vec<Output>) {
        for output in asked {
            match output {
                inbox::Output::Hush => out.push(Output::Hush),
                inbox::Output::Play(clip) => out.push(Output::Play(clip)),
                inbox::Output::Wish(wish) => out.push(Output::Wish(wish)),
                inbox::Output::Greeting => self.menu(None, now, out),
                inbox::Output::Leave => out.push(Output::Leave(None)),
            }
        }
    }

    fn menu(&mut self, first: Option<&Clip>, now: Time, out: &mut Vec<Output>) {
        let until = say(first, &prompts::OWNER, now, out);
        self.state = State::Menu { until };
    }

    fn confirm(&mut self, clip: Clip, first: Option<&Clip>, now: Time, out: &mut Vec<Output>) {
        let until = say(first, &prompts::CHOOSE, now, out);
        self.state = State::Confirming { clip, until };
    }

    fn record(&mut self, first: Option<&Clip>, out: &mut Vec<Output>) {
        out.push(Output::Hush);
        out.extend(first.into_iter().chain([&*prompts::TONE]).cloned().map(Output::Play));
        self.state = State::Tone;
    }

    fn finish(&mut self, now: Time, out: &mut Vec<Output>) {
        let State::Recording(recording) = core::mem::replace(&mut self.state, State::Tone) else { return };
        let recorded = recording.finish(End::Key, now, &mut Vec::new());
        match recorded.filter(|(message, _)| message.spoken >= SHORTEST) {
            Some((message, sound)) => self.confirm(mu_law(sound, message.law), None, now, out),
            None => self.menu(Some(&prompts::NOTHING), now, out),
        }
    }
}

/// Says this, and what can be chosen; tells until when there is time to choose.
fn say(first: Option<&Clip>, last: &Clip, now: Time, out: &mut Vec<Output>) -> Time {
    out.push(Output::Hush);
    let clips = first.into_iter().chain([last]);
    let until = clips.clone().map(length).fold(now + CHOICE, |until, length| until + length);
    out.extend(clips.cloned().map(Output::Play));
    until
}
