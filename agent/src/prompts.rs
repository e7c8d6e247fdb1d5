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
    /// To the owner: nothing is new.
    NO_NEW = "no-new";
    /// One message is new.
    ONE_NEW = "one-new";
    /// Before a number of [`NUMBERS`] and [`NEW`].
    HAVE = "have";
    /// After such a number: what it counts.
    NEW = "new";
    /// More are new than [`NUMBERS`] goes to.
    MANY_NEW = "many-new";
    /// What the owner can do where there are messages: 1, 9 or star.
    INBOX = "inbox";
    /// What he can do where there are none: 9 or star.
    SETTINGS = "settings";
    /// Before the number of who has left a message.
    FROM = "from";
    /// Who has left it did not show a number.
    HIDDEN = "hidden";
    /// What can be done with a message: 1, 2, 3, 4, 9 or star.
    KEYS = "keys";
    /// The two of them that are mostly pressed.
    NEXT = "next";
    /// From here on all messages were heard before.
    OLD = "old";
    /// There is no further message.
    LAST = "last";
    /// The message is deleted.
    DELETED = "deleted";
    /// The message stays new.
    STAYS = "stays";
    /// The message can be opened elsewhere alone.
    SEALED = "sealed";
    /// The message is not there any more, or cannot be read.
    GONE = "gone";
    /// Whoever runs this machine has forbidden to delete.
    HELD = "held";
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
    /// Whose call it is, and what such a person can do: 1, 2 or 3.
    OPTIONS = "options";
    /// Somebody else was quicker.
    TAKEN = "taken";
    /// Outside of business hours.
    CLOSED = "closed";
    /// Where nothing else is left.
    BUSY = "busy";
    /// The end.
    GOODBYE = "goodbye";
    /// 0, as a number or a digit.
    N0 = "n0";
    /// 1, as a number or a digit.
    N1 = "n1";
    /// 2, as a number or a digit.
    N2 = "n2";
    /// 3, as a number or a digit.
    N3 = "n3";
    /// 4, as a number or a digit.
    N4 = "n4";
    /// 5, as a number or a digit.
    N5 = "n5";
    /// 6, as a number or a digit.
    N6 = "n6";
    /// 7, as a number or a digit.
    N7 = "n7";
    /// 8, as a number or a digit.
    N8 = "n8";
    /// 9, as a number or a digit.
    N9 = "n9";
    /// 10, as a number.
    N10 = "n10";
    /// 11, as a number.
    N11 = "n11";
    /// 12, as a number.
    N12 = "n12";
    /// 13, as a number.
    N13 = "n13";
    /// 14, as a number.
    N14 = "n14";
    /// 15, as a number.
    N15 = "n15";
    /// 16, as a number.
    N16 = "n16";
    /// 17, as a number.
    N17 = "n17";
    /// 18, as a number.
    N18 = "n18";
    /// 19, as a number.
    N19 = "n19";
    /// 20, as a number.
    N20 = "n20";
}

/// What a person who is called hears first: [`CALL`], and the two keys that are mostly pressed. Then it is [`OPTIONS`].
pub static ASKED: LazyLock<Clip> = LazyLock::new(|| [&**CALL, &**ACCEPT].concat().into());

/// 300 ms before the first word: the first packets open the way back through address translators, and phones cut them off.
pub static SILENCE: LazyLock<Clip> = LazyLock::new(|| vec![Law::Mu.silence(); 3 * RATE as usize / 10].into());

/// What is spoken of numbers and digits, from 0 on.
pub static NUMBERS: [&LazyLock<Clip>; 21] = [
    &N0, &N1, &N2, &N3, &N4, &N5, &N6, &N7, &N8, &N9, &N10, &N11, &N12, &N13, &N14, &N15, &N16, &N17, &N18,
    &N19, &N20,
];

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
        assert!(ALL.iter().map(|(_, clip)| clip.len()).sum::<usize>() <= 900 << 10);
    }
}
