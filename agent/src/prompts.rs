//! The shipped prompts. What they say stands in `agent/prompts/texts`.

use crate::g711::{Law, RATE};
use crate::line::Clip;
use std::sync::LazyLock;

/// Each prompt, with the file that it is.
macro_rules! prompts {
    ($($(#[$about:meta])* $name:ident = $file:literal;)*) => {
        $($(#[$about])* pub static $name: LazyLock<Clip> =
            LazyLock::new(|| include_bytes!(concat!("../prompts/", $file, ".ul")).as_slice().into());)*

        /// All of them, each with the name that a plan file may call it by.
        pub static ALL: &[(&str, &LazyLock<Clip>)] = &[$(($file, &$name)),*];
    };
}

prompts! {
    /// Before the tone of a mailbox without a greeting of its own.
    GREETING = "greeting";
    /// From here on the caller is recorded.
    TONE = "tone";
    /// The recording ends in ten seconds.
    WARNING = "warning";
    /// There is no room for a message; whoever called is told to the people all the same.
    FULL = "full";
    /// What to do with what was recorded: 1, 2 or 3.
    CHOOSE = "choose";
    /// After [`CHOOSE`], where 0 leads to somebody.
    PERSON = "person";
    /// 0 led to nobody.
    NOBODY = "nobody";
    /// The message is kept.
    KEPT = "kept";
    /// There was too little speech for a message.
    NOTHING = "nothing";
    /// To whoever stands beside a fax machine.
    FAX = "fax";
    /// Asks for the PIN of a mailbox.
    CODE = "code";
    /// The PIN was not right.
    WRONG = "wrong";
    /// What the owner of a mailbox can do: 1 or 2.
    OWNER = "owner";
    /// A greeting is recorded after the tone.
    RECORD = "record";
    /// The new greeting is the greeting from now on.
    RECORDED = "recorded";
    /// Somebody is looked for.
    HOLD = "hold";
    /// To a person who is called for the business.
    CALL = "call";
    /// What such a person can do: 1 or 2.
    ACCEPT = "accept";
    /// Somebody else was quicker.
    TAKEN = "taken";
    /// Outside of business hours.
    CLOSED = "closed";
    /// Where nothing else is left.
    BUSY = "busy";
    /// The end.
    GOODBYE = "goodbye";
}

/// 300 ms before the first word: the first packets open the way back through address translators, and phones cut them off.
pub static SILENCE: LazyLock<Clip> = LazyLock::new(|| vec![Law::Mu.silence(); 3 * RATE as usize / 10].into());

/// The prompt with this name.
#[must_use]
pub fn named(name: &str) -> Option<Clip> {
    ALL.iter().find(|(other, _)| *other == name).map(|(_, clip)| Clip::clone(clip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_prompt_is_sound_of_one_level_that_begins_and_ends_in_silence() {
        for (name, clip) in ALL {
            let samples: Vec<f64> = clip.iter().map(|byte| f64::from(Law::Mu.decode(*byte))).collect();
            let is_loud = |sample: &&f64| sample.abs() > 100.0;
            let loud: Vec<f64> = samples.iter().filter(is_loud).copied().collect();
            let level = (loud.iter().map(|sample| sample * sample).sum::<f64>() / loud.len() as f64).sqrt();
            let level = 20.0 * (level / 32_768.0).log10();
            assert!((-23.0..-14.0).contains(&level), "{name}: {level} dBFS");
            assert!(samples.len() < 10 * RATE as usize, "{name}");
            let is_tone = ["tone", "warning"].contains(name);
            let ends = [&samples[..700], &samples[samples.len() - 700..]];
            assert!(is_tone || ends.concat().iter().all(|sample| sample.abs() < 20.0), "{name}");
        }
    }

    #[test]
    fn every_text_has_its_prompt() {
        let texts = include_str!("../prompts/texts").lines().filter(|line| !line.starts_with('#'));
        let written: BTreeSet<&str> =
            texts.filter_map(|line| line.split(' ').next()).chain(["tone", "warning"]).collect();
        assert_eq!(ALL.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), written);
        assert_eq!((named("closed").as_ref(), named("music")), (Some(&*CLOSED), None));
    }

    #[test]
    fn together_they_are_small() {
        assert!(ALL.iter().map(|(_, clip)| clip.len()).sum::<usize>() <= 400 << 10);
    }
}
