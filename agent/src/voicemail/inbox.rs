//! The messages of a mailbox as its owner hears them by phone: how many are new, then one after the other, the newest first.

use super::CHOICE;
use crate::line::Clip;
use crate::prompts::{self, NUMBERS};
use core::time::Duration;
use sip::Time;
use std::sync::Arc;

/// What an owner wants of whoever keeps messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Which there are? To be answered by [`Told::Listed`].
    List,
    /// The sound of this one. To be answered by [`Told::Fetched`].
    Fetch(Arc<str>),
    /// It was heard.
    Heard(Arc<str>),
    /// It is to be as if nobody had heard it.
    Stays(Arc<str>),
    /// It is to be deleted.
    Delete(Arc<str>),
}

/// What an owner is told by whoever keeps messages and checks PINs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Whether the PIN is the right one.
    Checked(bool),
    /// Messages that can be heard, the newest first; a bounded number of them.
    Listed(Vec<Entry>),
    /// What was asked for.
    Fetched(Fetched),
}

/// A message that can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called by who keeps it.
    pub name: Arc<str>,
    /// Has nobody heard it?
    pub is_new: bool,
}

/// A message, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is to be heard.
    Sound {
        /// Who left it: a number, or another user part; empty if it was hidden.
        caller: String,
        /// Its sound.
        clip: Clip,
    },
    /// It is sealed: only who has its key can hear it.
    Sealed {
        /// As above.
        caller: String,
    },
    /// It is not there any more, or cannot be read.
    Gone,
}

/// What it asks of the owner's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    Hush,
    Play(Clip),
    Wish(Wish),
    /// The owner wants to have another greeting.
    Greeting,
    /// Say goodbye.
    Leave,
}

/// The messages of one mailbox, while its owner is there.
#[derive(Debug)]
pub(super) struct Inbox {
    /// The new ones, then those that were heard.
    list: Vec<Entry>,
    /// Which of them it is at.
    at: usize,
    may_delete: bool,
    /// How often the owner was told what can be done with a message.
    told: u32,
    keys: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// What there is, or a message, has been asked for.
    Waiting { until: Time },
    /// There is a choice.
    Menu { until: Time },
    /// A message is played; then it was heard.
    Playing(Clip),
    /// What becomes of it, as it was played; `None` if it could not be.
    Choosing { played: Option<Clip>, until: Time },
}

/// So long whoever keeps messages has time to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is said before a choice takes less than this; once it is said, there is time to choose.
const SAID: Duration = Duration::from_secs(60);

/// Keys in one call: each message of a full mailbox may be heard twice, and deleted.
const KEYS_MAX: u32 = 300;

/// So often all that can be done is said. Then the owner knows, and hears what is mostly pressed.
const TOLD_MAX: u32 = 2;

/// Digits of a caller that are spoken (E.164 has no longer number).
const DIGITS_MAX: usize = 15;

impl Inbox {
    /// The owner is there: asks which messages are.
    pub(super) fn start(may_delete: bool, now: Time, out: &mut Vec<Output>) -> Self {
        out.push(Output::Wish(Wish::List));
        let state = State::Waiting { until: now + PATIENCE };
        Self { list: Vec::new(), at: 0, may_delete, told: 0, keys: 0, state }
    }

    /// These messages are there.
    pub(super) fn on_listed(&mut self, list: Vec<Entry>, now: Time, out: &mut Vec<Output>) {
        let (new, old): (Vec<Entry>, Vec<Entry>) = list.into_iter().partition(|entry| entry.is_new);
        out.push(Output::Hush);
        out.extend(count(new.len()).into_iter().map(Output::Play));
        let is_any_new = !new.is_empty();
        self.list = [new, old].concat();
        if is_any_new { self.fetch(now, out) } else { self.menu(now, out) }
    }

    /// The message that was asked for, or why it is none.
    pub(super) fn on_fetched(&mut self, fetched: Fetched, now: Time, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Waiting { .. }) {
            return;
        }
        match fetched {
            Fetched::Sound { caller, clip } if !clip.is_empty() => {
                out.extend(from(&caller).into_iter().map(Output::Play));
                out.push(Output::Play(clip.clone()));
                self.state = State::Playing(clip);
            }
            Fetched::Sealed { caller } => {
                out.extend(from(&caller).into_iter().chain([prompts::SEALED.clone()]).map(Output::Play));
                self.choose(None, now, out);
            }
            Fetched::Sound { .. } | Fetched::Gone => {
                out.push(Output::Play(prompts::GONE.clone()));
                self.go_on(now, out);
            }
        }
    }

    pub(super) fn on_pressed(&mut self, digit: char, now: Time, out: &mut Vec<Output>) {
        self.keys += 1;
        let is_at_message = match &self.state {
            State::Waiting { .. } | State::Menu { .. } => false,
            State::Playing(_) | State::Choosing { .. } => true,
        };
        match (digit, is_at_message) {
            _ if self.keys > KEYS_MAX => out.push(Output::Leave),
            ('*', _) => out.push(Output::Leave),
            ('9', _) => out.push(Output::Greeting),
            ('1', false) if !self.list.is_empty() && matches!(self.state, State::Menu { .. }) => {
                out.push(Output::Hush);
                self.at = 0;
                self.fetch(now, out);
            }
            ('1', true) => self.again(now, out),
            ('2', true) => {
                out.push(Output::Hush);
                self.mark(true, out);
                self.go_on(now, out);
            }
            ('3' | '7', true) => self.delete(now, out),
            ('4', true) => {
                out.extend([Output::Hush, Output::Play(prompts::STAYS.clone())]);
                self.mark(false, out);
                self.go_on(now, out);
            }
            // No key of theirs.
            (_, true | false) => {}
        }
    }

    /// All that was to be played was played.
    pub(super) fn on_played(&mut self, now: Time, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Playing(clip) => {
                let clip = clip.clone();
                self.mark(true, out);
                self.choose(Some(clip), now, out);
            }
            State::Menu { until } | State::Choosing { until, .. } => *until = now + CHOICE,
            // What was said before a message that is still being read.
            State::Waiting { .. } => {}
        }
    }

    /// What the owner can do, after something else was done.
    pub(super) fn menu(&mut self, now: Time, out: &mut Vec<Output>) {
        let words = if self.list.is_empty() { &prompts::SETTINGS } else { &prompts::INBOX };
        out.push(Output::Play(Clip::clone(words)));
        self.state = State::Menu { until: now + SAID };
    }

    pub(super) fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.deadline().is_some_and(|until| until <= now) {
            out.push(Output::Leave);
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Waiting { until } | State::Menu { until } | State::Choosing { until, .. } => Some(*until),
            State::Playing(_) => None,
        }
    }

    /// Asks for the message that it is at.
    fn fetch(&mut self, now: Time, out: &mut Vec<Output>) {
        if let Some(entry) = self.list.get(self.at) {
            out.push(Output::Wish(Wish::Fetch(Arc::clone(&entry.name))));
            self.state = State::Waiting { until: now + PATIENCE };
        }
    }

    /// To the next message.
    fn go_on(&mut self, now: Time, out: &mut Vec<Output>) {
        let is_new = self.list.get(self.at).is_some_and(|entry| entry.is_new);
        self.at += 1;
        self.begin(is_new, now, out);
    }

    /// The message that it is at now, after one that was new or not.
    fn begin(&mut self, was_new: bool, now: Time, out: &mut Vec<Output>) {
        match self.list.get(self.at) {
            Some(next) => {
                if was_new && !next.is_new {
                    out.push(Output::Play(prompts::OLD.clone()));
                }
                self.fetch(now, out);
            }
            None => {
                out.push(Output::Play(prompts::LAST.clone()));
                self.menu(now, out);
            }
        }
    }

    fn again(&mut self, now: Time, out: &mut Vec<Output>) {
        out.push(Output::Hush);
        match &mut self.state {
            State::Playing(clip) | State::Choosing { played: Some(clip), .. } => {
                let clip = clip.clone();
                out.push(Output::Play(clip.clone()));
                self.state = State::Playing(clip);
            }
            State::Choosing { played: None, .. } => self.fetch(now, out),
            State::Waiting { .. } | State::Menu { .. } => {}
        }
    }

    fn delete(&mut self, now: Time, out: &mut Vec<Output>) {
        out.push(Output::Hush);
        if !self.may_delete {
            out.push(Output::Play(prompts::HELD.clone()));
            return self.choose(self.played(), now, out);
        }
        out.push(Output::Play(prompts::DELETED.clone()));
        if self.at < self.list.len() {
            let Entry { name, is_new } = self.list.remove(self.at);
            out.push(Output::Wish(Wish::Delete(name)));
            self.begin(is_new, now, out);
        }
    }

    /// The message that it is at stays new, or was heard: if it is played now, and was new.
    fn mark(&self, is_heard: bool, out: &mut Vec<Output>) {
        let Some(entry) = self.list.get(self.at) else { return };
        let name = Arc::clone(&entry.name);
        if !is_heard {
            out.push(Output::Wish(Wish::Stays(name)));
        } else if entry.is_new && matches!(self.state, State::Playing(_)) {
            out.push(Output::Wish(Wish::Heard(name)));
        }
    }

    fn played(&self) -> Option<Clip> {
        match &self.state {
            State::Playing(clip) => Some(clip.clone()),
            State::Choosing { played, .. } => played.clone(),
            State::Waiting { .. } | State::Menu { .. } => None,
        }
    }

    /// What becomes of the message?
    fn choose(&mut self, played: Option<Clip>, now: Time, out: &mut Vec<Output>) {
        let words = if self.told < TOLD_MAX { &prompts::KEYS } else { &prompts::NEXT };
        self.told += 1;
        out.push(Output::Play(Clip::clone(words)));
        self.state = State::Choosing { played, until: now + SAID };
    }
}

/// How many are new, in words.
fn count(new: usize) -> Vec<Clip> {
    match (new, NUMBERS.get(new)) {
        (0, _) => vec![prompts::NO_NEW.clone()],
        (1, _) => vec![prompts::ONE_NEW.clone()],
        (_, Some(number)) => vec![prompts::HAVE.clone(), Clip::clone(number), prompts::NEW.clone()],
        (_, None) => vec![prompts::MANY_NEW.clone()],
    }
}

/// Who has left a message, in words: a number digit by digit. Nothing if it is no number.
fn from(caller: &str) -> Vec<Clip> {
    if caller.is_empty() {
        return vec![prompts::HIDDEN.clone()];
    }
    let number = caller.strip_prefix('+').unwrap_or(caller);
    let digits = number.chars().map(|digit| NUMBERS.get(digit.to_digit(10)? as usize));
    let digits: Option<Vec<_>> = digits.collect();
    let spoken = digits.filter(|digits| digits.len() <= DIGITS_MAX);
    let spoken = spoken.map(|digits| digits.into_iter().map(|digit| Clip::clone(digit)));
    spoken.into_iter().flat_map(|digits| [prompts::FROM.clone()].into_iter().chain(digits)).collect()
}
