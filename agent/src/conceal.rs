//! What stands in for sound that was lost. A recording is listened to later, so that both sides of a gap are known: what was said before
//! goes on in its pitch (as ITU-T G.711 Appendix I has it), what came after is led up to in its own, and one fades into the other.

use crate::g711::Law;

/// So many samples on either side of a gap are looked at: 40 ms.
pub const CONTEXT: usize = 320;

/// From either side it is gone on for so long, ever softer: 60 ms. Nobody knows what was said further away: that stays silent.
pub const REACH: usize = 480;

/// The shortest period that is looked for: 400 Hz. A higher voice repeats itself in several of its own as well.
const SHORTEST: usize = 20;

/// The longest: 57 Hz, the lowest of voices.
const LONGEST: usize = 140;

/// Samples that are compared: 10 ms.
const WINDOW: usize = 80;

/// Fills a gap, which is silent, between what was heard right before it and right after. Of either at most [`CONTEXT`] bytes are
/// looked at, and the work is bounded, however long the gap is.
pub fn fill(before: &[u8], gap: &mut [u8], after: &[u8], law: Law) {
    let decoded = |byte: &u8| f32::from(law.decode(*byte));
    let earlier = before.len().saturating_sub(CONTEXT);
    let before: Vec<f32> = before.iter().skip(earlier).map(decoded).collect();
    // Backwards in time what came after goes on as what was before does forwards.
    let mut after: Vec<f32> = after.iter().take(CONTEXT).map(decoded).collect();
    after.reverse();
    let reach = gap.len().min(REACH);
    let [forwards, backwards] = [before, after].map(|said| go_on(&said, reach));
    let last = gap.len().saturating_sub(1);
    for at in (0..reach).chain(reach.max(gap.len() - reach)..gap.len()) {
        let [one, other] = [(&forwards, at), (&backwards, last - at)].map(|(side, at)| {
            let sample = side.get(at).copied().unwrap_or_default();
            sample * (1.0 - (at as f32 + 0.5) / reach as f32)
        });
        // A sum of two that is too loud is as loud as can be said.
        gap.get_mut(at).into_iter().for_each(|byte| *byte = law.encode((one + other) as i16));
    }
}

/// What follows on this: its last period again and again. Where that would leap it glides: over a quarter of the period at its
/// seams, and from the last sample that was heard. Nothing if it is too short to tell its period.
fn go_on(said: &[f32], length: usize) -> Vec<f32> {
    let Some(period) = period(said) else { return Vec::new() };
    let (earlier, own) = said.split_at(said.len() - period);
    let mut one = own.to_vec();
    let seam = period / 4;
    for (at, (sample, before)) in one.iter_mut().rev().zip(earlier.iter().rev()).take(seam).enumerate() {
        *sample += (before - *sample) * fading(at, seam);
    }
    let leap = said.last().zip(earlier.last()).map_or(0.0, |(last, before)| last - before);
    one.iter().cycle().take(length).enumerate().map(|(at, one)| one + leap * fading(at, seam)).collect()
}

/// From nearly 1 down to 0 at the end of a seam.
fn fading(at: usize, seam: usize) -> f32 {
    (1.0 - (at + 1) as f32 / (seam + 1) as f32).max(0.0)
}

/// After how many samples the end of this was most like itself; `None` if it is too short to tell.
fn period(said: &[f32]) -> Option<usize> {
    let end = said.len().checked_sub(WINDOW)?;
    let last = said.get(end..)?;
    let mut best = None;
    for period in SHORTEST..=LONGEST.min(end) {
        let found = likeness(last, said.get(end - period..).unwrap_or_default());
        // Of equals the shortest.
        if best.is_none_or(|(_, most)| found > most) {
            best = Some((period, found));
        }
    }
    best.map(|(period, _)| period)
}

/// How alike two pieces are, however loud they are, from -1 to 1; the second may go on.
fn likeness(one: &[f32], other: &[f32]) -> f32 {
    // Four sums at once: a single one would wait for each of its additions.
    let mut sums = [[0.0_f32; 3]; 4];
    for (one, other) in one.chunks_exact(4).zip(other.chunks_exact(4)) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            sum[0] += one * other;
            sum[1] += one * one;
            sum[2] += other * other;
        }
    }
    let [both, first, second] = [0, 1, 2].map(|of| sums.iter().map(|sum| sum[of]).sum::<f32>());
    let size = (first * second).sqrt();
    if size > 0.0 { both / size } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::RATE;
    use core::f64::consts::TAU;

    /// A tone, -11 dB below the loudest.
    fn tone(hertz: f64, samples: usize) -> Vec<u8> {
        let sample = |at: usize| 9_000.0 * (TAU * hertz * at as f64 / f64::from(RATE)).sin();
        (0..samples).map(|at| Law::Mu.encode(sample(at) as i16)).collect()
    }

    fn power(samples: impl Iterator<Item = f64>) -> f64 {
        let all: Vec<f64> = samples.map(|sample| sample * sample).collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    fn loud(bytes: &[u8]) -> f64 {
        power(bytes.iter().map(|byte| f64::from(Law::Mu.decode(*byte))))
    }

    /// What stands in for these samples of a sound.
    fn filled(sound: &[u8], gap: core::ops::Range<usize>) -> Vec<u8> {
        let mut missing = vec![Law::Mu.silence(); gap.len()];
        fill(&sound[..gap.start], &mut missing, &sound[gap.end..], Law::Mu);
        missing
    }

    #[test]
    fn a_tone_goes_on_through_a_gap() {
        for hertz in [80.0, 110.0, 150.0, 217.0, 300.0, 440.0, 1_000.0] {
            let sound = tone(hertz, 1_600);
            for length in [80, 160, 320, 480] {
                let (was, is) = (&sound[640..640 + length], filled(&sound, 640..640 + length));
                let wrong = was
                    .iter()
                    .zip(&is)
                    .map(|(was, is)| f64::from(Law::Mu.decode(*was)) - f64::from(Law::Mu.decode(*is)));
                let [ratio, level] =
                    [loud(was) / power(wrong), loud(&is) / loud(was)].map(|ratio| 10.0 * ratio.log10());
                assert!(
                    ratio > 14.0 && level.abs() < 1.0,
                    "{hertz} Hz, {length}: {ratio:.1} dB, {level:.2} dB"
                );
            }
        }
    }

    #[test]
    fn silence_stays_silence_in_either_law() {
        for law in [Law::Mu, Law::A] {
            let (silence, mut gap) = ([law.silence(); 400], [law.silence(); 160]);
            fill(&silence, &mut gap, &silence, law);
            assert_eq!(gap, [law.silence(); 160], "{law:?}");
        }
    }

    #[test]
    fn a_voice_that_has_ended_meanwhile_fades_and_one_that_has_begun_grows() {
        let (voice, silence) = (tone(150.0, 400), [Law::Mu.silence(); 400]);
        for (before, after, falls) in [(&voice[..], &silence[..], true), (&silence, &voice, false)] {
            let mut gap = [Law::Mu.silence(); 480];
            fill(before, &mut gap, after, Law::Mu);
            let levels: Vec<f64> = gap.chunks(80).map(loud).collect();
            assert!(levels.is_sorted_by(|one, next| (one > next) == falls), "{levels:?}");
            assert!(levels.iter().all(|level| *level < loud(&voice)), "{levels:?}");
        }
    }

    #[test]
    fn of_ten_minutes_only_what_is_next_to_what_was_heard_is_made_up() {
        let sound = tone(150.0, 400);
        let mut gap = vec![Law::Mu.silence(); 600 * RATE as usize];
        let end = gap.len();
        fill(&sound, &mut gap, &sound, Law::Mu);
        assert!(gap[REACH..end - REACH].iter().all(|byte| *byte == Law::Mu.silence()));
        let [first, last] = [&gap[..80], &gap[end - 80..]].map(|part| loud(part) / loud(&sound));
        assert!((0.7..1.0).contains(&first) && (0.7..1.0).contains(&last), "{first} {last}");
    }

    #[test]
    fn what_is_too_little_to_hear_a_period_in_tells_nothing() {
        let sound = tone(300.0, 400);
        for (known, told) in [(0, false), (99, false), (100, true), (400, true)] {
            let mut gap = [Law::Mu.silence(); 160];
            fill(&sound[400 - known..], &mut gap, &[], Law::Mu);
            assert_eq!(loud(&gap) > 0.0, told, "{known}");
        }
        fill(&sound, &mut [], &sound, Law::Mu);
    }
}
