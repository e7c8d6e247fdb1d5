//! Records µ-law from stdin as a mailbox does, with packets of 20 ms of which some are lost, and writes what is kept to stdout, for
//! `bench/voice`: `tape PERMILLE SEED`.

use agent::g711::Law;
use agent::line::Sound;
use agent::recording::{End, Limits, Output, Recording};
use core::time::Duration;
use router::chance::Chance;
use sip::Time;
use std::io::{Read as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut words = std::env::args().skip(1).map_while(|word| word.parse().ok());
    let (permille, seed) = (words.next().unwrap_or(30_u64), words.next().unwrap_or(1));
    let mut speech = Vec::new();
    std::io::stdin().read_to_end(&mut speech)?;
    std::io::stdout().write_all(&recorded(&speech, permille, seed))
}

/// What is kept of it.
fn recorded(speech: &[u8], permille: u64, seed: u64) -> Vec<u8> {
    let limits = Limits { longest: Duration::from_secs(3_600), silence: Duration::from_secs(3_600) };
    let (mut recording, mut chance) = (Recording::start(limits, Time::ZERO), Chance::new(seed));
    let (mut now, mut out) = (Time::ZERO, Vec::new());
    for (number, frame) in speech.chunks(FRAME).enumerate() {
        // The first tells where the sound begins.
        if chance.draw() % 1_000 >= permille || number == 0 {
            let number = number as u32;
            let (sequence, timestamp) = (number as u16, number * FRAME as u32);
            let sound = Sound { law: Law::Mu, bytes: frame.to_vec(), sequence, timestamp, ssrc: 1 };
            heard(&mut recording, &sound, now, &mut out);
        }
        now = now + Duration::from_millis(20);
    }
    ended(recording, now, &mut out)
}

/// A function of its own, so that a profiler can tell it apart.
#[inline(never)]
fn heard(recording: &mut Recording, sound: &Sound, now: Time, out: &mut Vec<Output>) {
    recording.on_sound(sound, now, out);
}

/// As [`heard`].
#[inline(never)]
fn ended(recording: Recording, now: Time, out: &mut Vec<Output>) -> Vec<u8> {
    recording.finish(End::HungUp, now, out).map(|(_, sound)| sound).unwrap_or_default()
}

const FRAME: usize = 160;
