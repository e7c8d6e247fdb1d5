//! What somebody says into a mailbox, until it ends: by a key, by silence, by its length, or because nothing comes any more.

use crate::fax::Fax;
use crate::g711::{Law, RATE};
use crate::line::Sound;
use crate::reception::Reception;
use crate::rtp::Heard;
use crate::tape::{SEGMENT, Tape};
use crate::voice::Voice;
use core::time::Duration;
use sip::Time;

/// How long a recording may be, and when silence ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Its length.
    pub longest: Duration,
    /// Silence that ends it.
    pub silence: Duration,
}

/// One that is being made. It is kept in memory as a whole, so that the caller can listen to it: 480 kB a minute.
#[derive(Debug)]
pub struct Recording {
    limits: Limits,
    began: Time,
    /// `None` until the first packet tells the law.
    tape: Option<Tape>,
    /// What the tape has sealed.
    sound: Vec<u8>,
    /// Segments of it that were handed out.
    kept: usize,
    voice: Voice,
    fax: Fax,
    reception: Reception,
    spoken: Duration,
    /// Samples up to the last of them that were speech.
    speech: usize,
    /// When somebody spoke last, or was last asked to.
    spoke_at: Time,
    /// When the last packet came; `None` while the caller says that none will.
    heard_at: Option<Time>,
    is_warned: bool,
    is_held: bool,
}

/// What it asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The first sound has come, in this law.
    Began(Law),
    /// Keep this part of it. The last parts may come again, shorter.
    Keep(Segment),
    /// Ten seconds are left: let the caller hear it.
    Warn,
    /// It has to end.
    End(End),
    /// A fax machine is calling.
    Fax,
}

/// A part of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its place: all before the last have [`SEGMENT`] bytes.
    pub number: usize,
    /// Its sound.
    pub bytes: Vec<u8>,
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The caller hung up.
    HungUp,
    /// The caller pressed a key.
    Key,
    /// The caller had fallen silent.
    Silence,
    /// It was as long as it may be.
    Longest,
    /// No sound came any more.
    NoSound,
}

/// What is known of a recording that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// How its sound is coded.
    pub law: Law,
    /// Its length, without the silence at its end.
    pub length: Duration,
    /// For how much of it somebody spoke.
    pub spoken: Duration,
    /// Packets of it that never came, of a thousand.
    pub lost_permille: u32,
    /// How unevenly they came (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// How often the sound began to come from another source.
    pub source_changes: u32,
    /// How it ended.
    pub end: End,
}

/// So long before its end the caller is warned.
const WARNING: Duration = Duration::from_secs(10);

/// Who has sent nothing for so long is gone, unless it said that it would be silent.
const GONE: Duration = Duration::from_secs(10);

/// Silence that is left after the last word: 500 ms.
const TAIL: usize = RATE as usize / 2;

impl Recording {
    /// Begins to record now.
    #[must_use]
    pub fn start(limits: Limits, now: Time) -> Self {
        Self {
            limits,
            began: now,
            tape: None,
            sound: Vec::new(),
            kept: 0,
            voice: Voice::new(),
            fax: Fax::default(),
            reception: Reception::default(),
            spoken: Duration::ZERO,
            speech: 0,
            spoke_at: now,
            heard_at: Some(now),
            is_warned: limits.longest <= WARNING * 2,
            is_held: false,
        }
    }

    /// The caller was heard.
    pub fn on_sound(&mut self, sound: &Sound, now: Time, out: &mut Vec<Output>) {
        self.heard_at = Some(now);
        if self.tape.is_none() {
            out.push(Output::Began(sound.law));
        }
        let tape = self.tape.get_or_insert_with(|| Tape::new(sound.law, self.began));
        if !tape.write(&heard(sound), sound.law, now) {
            return;
        }
        let length = samples(tape.length());
        while let Some(part) = tape.seal() {
            self.sound.extend(part);
        }
        self.reception.take(sound, now);
        let spoken = self.voice.hear(&sound.bytes, sound.law);
        if spoken > Duration::ZERO {
            self.spoken += spoken;
            (self.speech, self.spoke_at) = (length, now);
        }
        self.keep(out);
        if self.fax.hear(&sound.bytes, sound.law) {
            out.push(Output::Fax);
        }
    }

    /// The caller says that nothing is to be heard.
    pub const fn on_quiet(&mut self) {
        self.heard_at = None;
    }

    /// The caller has put us on hold, or is back: meanwhile no silence ends it, but its length does.
    pub fn on_held(&mut self, is_held: bool, now: Time) {
        self.is_held = is_held;
        self.spoke_at = self.spoke_at.max(now);
        self.heard_at = self.heard_at.map(|heard| heard.max(now));
    }

    /// Somebody speaks to the caller for so long: silence counts from then on.
    pub fn wait(&mut self, length: Duration, now: Time) {
        self.spoke_at = self.spoke_at.max(now + length);
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<Output>) {
        let end = if now >= self.began + self.limits.longest {
            Some(End::Longest)
        } else if self.is_held {
            None
        } else if now >= self.spoke_at + self.limits.silence {
            Some(End::Silence)
        } else {
            self.heard_at.filter(|heard| now >= *heard + GONE).map(|_| End::NoSound)
        };
        if let Some(end) = end {
            out.push(Output::End(end));
        } else if !self.is_warned && now >= self.warn_at() {
            self.is_warned = true;
            out.push(Output::Warn);
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Time {
        let warning = (!self.is_warned).then(|| self.warn_at());
        let gone = self.heard_at.map(|heard| heard + GONE);
        let silent = Some(self.spoke_at + self.limits.silence);
        let [gone, silent] = [gone, silent].map(|due| due.filter(|_| !self.is_held));
        let longest = self.began + self.limits.longest;
        [warning, gone, silent].into_iter().flatten().fold(longest, Time::min)
    }

    /// Ends it: the last parts, what is known of it, and its sound. `None` if no sound ever came.
    pub fn finish(mut self, end: End, now: Time, out: &mut Vec<Output>) -> Option<(Message, Vec<u8>)> {
        let tape = self.tape.take()?;
        let law = tape.law();
        let last = self.voice.end();
        if last > Duration::ZERO {
            self.spoken += last;
            self.speech = samples(tape.length());
        }
        self.sound.extend(tape.finish(now));
        let longest = samples(self.limits.longest).min(self.speech + TAIL);
        self.sound.truncate(longest);
        // What was handed out in full may have to be cut.
        self.kept = self.kept.min(self.sound.len() / SEGMENT);
        let rest = self.sound.chunks(SEGMENT).enumerate().skip(self.kept);
        out.extend(rest.map(|(number, bytes)| Output::Keep(Segment { number, bytes: bytes.to_vec() })));
        let message = Message {
            law,
            length: Duration::from_secs(self.sound.len() as u64) / RATE,
            spoken: self.spoken,
            lost_permille: self.reception.lost_permille(),
            jitter: self.reception.jitter(),
            source_changes: self.reception.changes(),
            end,
        };
        Some((message, self.sound))
    }

    /// Hands out what is complete, as far as somebody has spoken: a silence may turn out to be the end.
    fn keep(&mut self, out: &mut Vec<Output>) {
        for (number, bytes) in self.sound.chunks_exact(SEGMENT).enumerate().skip(self.kept) {
            if number * SEGMENT >= self.speech {
                return;
            }
            self.kept = number + 1;
            out.push(Output::Keep(Segment { number, bytes: bytes.to_vec() }));
        }
    }

    fn warn_at(&self) -> Time {
        self.began + self.limits.longest.saturating_sub(WARNING)
    }
}

fn heard(sound: &Sound) -> Heard<'_> {
    let payload_type = match sound.law {
        Law::Mu => 0,
        Law::A => 8,
    };
    let (sequence, timestamp, ssrc) = (sound.sequence, sound.timestamp, sound.ssrc);
    Heard { payload_type, marker: false, sequence, timestamp, ssrc, payload: &sound.bytes }
}

/// Samples in a time.
fn samples(time: Duration) -> usize {
    usize::try_from(time.as_micros() * u128::from(RATE) / 1_000_000).unwrap_or(usize::MAX)
}
