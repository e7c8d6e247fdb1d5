mod inbox;

use super::*;
use crate::guide::Mailbox;
use crate::line::Sound;
use std::fmt::Write as _;

const DISK_FLOOR: u64 = 1 << 20;

/// One call to a mailbox, by a line that plays what it is told, and what was told of it.
struct Story {
    machine: Voicemail,
    now: Time,
    /// When all that is played was played.
    plays_until: Option<Time>,
    /// What the caller sends: the law, the source, the number and the timestamp of the next packet.
    law: Law,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Where the caller is in what there is to be said.
    said: usize,
    told: Vec<String>,
}

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn room() -> Room {
    Room { messages: 0, bytes: 0, new: 0, heard: 0, disk_free: 1 << 30, greeting: None }
}

fn with_pin() -> Mailbox {
    Mailbox { pin: Some("$argon2id$".into()), ..Mailbox::default() }
}

impl Story {
    fn with(mailbox: Mailbox, room: Option<Room>, rest: Rest, operator: Operator) -> Self {
        let mut out = Vec::new();
        let machine = Voicemail::start(mailbox.into(), room, DISK_FLOOR, rest, operator, &mut out);
        let mut story = Self {
            machine,
            now: at(0),
            plays_until: None,
            law: Law::Mu,
            ssrc: 7,
            sequence: 65_530,
            timestamp: u32::MAX - 10_000,
            said: 0,
            told: Vec::new(),
        };
        story.tell(out);
        story
    }

    /// A call that is answered at 0 s and hears the greeting from then on.
    fn of(mailbox: Mailbox) -> Self {
        let mut story = Self::with(mailbox, Some(room()), Rest::Others, Operator::None);
        story.up();
        story
    }

    /// A call that has heard the greeting: it is recorded from 8.118 s on.
    fn at_the_tone(mailbox: Mailbox) -> Self {
        let mut story = Self::of(mailbox);
        story.nothing(7_918);
        assert_eq!(
            story.heard(),
            ["0.000 accept", "0.000 play silence", "0.000 play greeting", "0.000 play tone"]
        );
        story
    }

    fn tell(&mut self, out: Vec<Output>) {
        for output in out {
            let mut line = format!("{:.3} ", self.now.since(Time::ZERO).as_secs_f64());
            match output {
                Output::Accept => line += "accept",
                Output::Refuse(status) => _ = write!(line, "refuse {status}"),
                Output::Play(clip) => {
                    let from = self.plays_until.unwrap_or(self.now).max(self.now);
                    self.plays_until = Some(from + length(&clip));
                    line += "play ";
                    line += &name(&clip);
                }
                Output::Hush => {
                    self.plays_until = None;
                    line += "hush";
                }
                Output::Begin { take, law } => _ = write!(line, "begin {take} {law:?}"),
                Output::Keep { take, segment } => {
                    _ = write!(line, "keep {take}.{} {}", segment.number, segment.bytes.len());
                }
                Output::Finish { take, message } => _ = write!(line, "finish {take} {}", words(&message)),
                Output::Forget { take } => _ = write!(line, "forget {take}"),
                Output::Notice(notice) => _ = write!(line, "notice {notice:?}"),
                Output::Person => line += "person",
                Output::Check(pin) => _ = write!(line, "check {}", pin.as_str()),
                Output::Wish(Wish::List) => line += "list",
                Output::Wish(Wish::Fetch(name)) => _ = write!(line, "fetch {name}"),
                Output::Wish(Wish::Heard(name)) => _ = write!(line, "heard {name}"),
                Output::Wish(Wish::Stays(name)) => _ = write!(line, "stays {name}"),
                Output::Wish(Wish::Delete(name)) => _ = write!(line, "delete {name}"),
                Output::Greeting(clip) => _ = write!(line, "greeting of {}", clip.len()),
                Output::HangUp => line += "hang up",
            }
            self.told.push(line);
        }
    }

    fn with_machine(&mut self, act: impl FnOnce(&mut Voicemail, Time, &mut Vec<Output>)) {
        let mut out = Vec::new();
        act(&mut self.machine, self.now, &mut out);
        self.tell(out);
    }

    fn up(&mut self) {
        self.with_machine(|machine, _, out| machine.on_up(out));
    }

    /// Time passes, without a packet.
    fn nothing(&mut self, milliseconds: u64) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(due) = [self.machine.deadline(), self.plays_until]
            .into_iter()
            .flatten()
            .min()
            .filter(|due| *due <= until)
        {
            self.now = self.now.max(due);
            if self.plays_until.take_if(|played| *played <= due).is_some() {
                self.with_machine(Voicemail::on_played);
            } else {
                self.with_machine(Voicemail::on_deadline);
            }
        }
        self.now = until;
    }

    fn packet(&mut self, bytes: Vec<u8>) {
        let sound = Sound {
            law: self.law,
            ssrc: self.ssrc,
            sequence: self.sequence,
            timestamp: self.timestamp,
            bytes,
        };
        self.with_machine(|machine, now, out| machine.on_sound(&sound, now, out));
        self.skip(160);
        self.nothing(20);
    }

    /// A packet is not sent, or lost.
    fn skip(&mut self, samples: u32) {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(samples);
    }

    fn next_word(&mut self) -> Vec<u8> {
        let words = prompts::GREETING.iter().cycle().skip(self.said).take(160);
        self.said += 160;
        words.map(|byte| self.law.encode(Law::Mu.decode(*byte))).collect()
    }

    fn speak(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / 20 {
            let word = self.next_word();
            self.packet(word);
        }
    }

    /// Packets of silence.
    fn silent(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds / 20 {
            self.packet(vec![self.law.silence(); 160]);
        }
    }

    fn press(&mut self, digits: &str) {
        for digit in digits.chars() {
            self.with_machine(|machine, now, out| machine.on_pressed(digit, now, out));
            self.nothing(200);
        }
    }

    fn check(&mut self, is_right: bool) {
        self.hears(Told::Checked(is_right));
    }

    fn hears(&mut self, told: Told) {
        self.with_machine(|machine, now, out| machine.on_told(told, now, out));
    }

    fn over(&mut self, why: Why) {
        self.with_machine(|machine, now, out| machine.on_over(why, now, out));
        let before = self.told.len();
        self.nothing(600_000);
        assert_eq!((self.machine.deadline(), self.told.len()), (None, before));
    }

    /// What was told since this was asked last.
    fn heard(&mut self) -> Vec<String> {
        core::mem::take(&mut self.told)
    }
}

fn name(clip: &Clip) -> String {
    let shipped = prompts::ALL.iter().find(|(_, shipped)| Arc::ptr_eq(shipped, clip));
    match shipped {
        Some((name, _)) => (*name).to_owned(),
        None if Arc::ptr_eq(clip, &prompts::SILENCE) => "silence".to_owned(),
        None => format!("clip of {}", clip.len()),
    }
}

fn words(message: &Message) -> String {
    let Message { law, length, spoken, lost_permille, jitter, source_changes, end } = message;
    let [length, spoken] = [length, spoken].map(Duration::as_secs_f64);
    format!(
        "{law:?} {length:.3} s, spoken {spoken:.3}, lost {lost_permille}, jitter {jitter:?}, changes {source_changes}, {end:?}"
    )
}

#[test]
fn a_message_is_kept_when_the_caller_hangs_up() {
    let mut story = Story::of(Mailbox::default());
    // What is said during the greeting is not kept.
    story.speak(8_000);
    story.said = 0;
    story.speak(7_000);
    story.silent(2_000);
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "7.920 begin 0 Mu",
            "13.100 keep 0.0 40000",
            "17.000 keep 0.1 20984",
            "17.000 finish 0 Mu 7.623 s, spoken 6.720, lost 0, jitter 0ns, changes 0, HungUp"
        ]
    );
}

#[test]
fn a_caller_who_says_nothing_is_told_so_and_the_people_are_told_of_the_call() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.silent(15_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "15.917 forget 0",
            "15.917 notice Missed",
            "15.917 hush",
            "15.917 play nothing",
            "15.917 play goodbye",
            "18.369 hang up"
        ]
    );
}

#[test]
fn silence_ends_a_message_and_is_cut_off() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(4_000);
    story.silent(12_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "13.098 keep 0.0 40000",
            "19.918 keep 0.0 36168",
            "19.918 finish 0 Mu 4.521 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Silence",
            "19.918 hush",
            "19.918 play kept",
            "19.918 play goodbye",
            "22.121 hang up"
        ]
    );
}

#[test]
fn the_busy_tone_of_an_exchange_ends_a_message_as_silence_does() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(3_000);
    let tone = |n: usize| (n as f64 * core::f64::consts::TAU * 425.0 / 8_000.0).sin() * 4_000.0;
    let busy = |n: usize| Law::Mu.encode(if n % 8_000 < 4_000 { tone(n) as i16 } else { 0 });
    let busy: Vec<u8> = (0..96_000).map(busy).collect();
    busy.chunks(160).for_each(|packet| story.packet(packet.to_vec()));
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "13.098 keep 0.0 40000",
            "19.178 keep 0.0 30248",
            "19.178 finish 0 Mu 3.781 s, spoken 3.088, lost 0, jitter 0ns, changes 0, Silence",
            "19.178 hush",
            "19.178 play kept",
            "19.178 play goodbye",
            "21.381 hang up"
        ]
    );
}

#[test]
fn who_falls_silent_and_speaks_again_is_kept_as_a_whole() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(3_000);
    story.silent(7_500);
    story.speak(3_000);
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "13.098 keep 0.0 40000",
            "18.898 keep 0.1 40000",
            "21.418 keep 0.2 28008",
            "21.418 finish 0 Mu 13.501 s, spoken 5.648, lost 0, jitter 0ns, changes 0, HungUp"
        ]
    );
}

#[test]
fn two_words_are_no_message() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(1_500);
    story.over(Why::There);
    let mut other = Story::at_the_tone(Mailbox::default());
    other.speak(1_500);
    other.press("#");
    other.nothing(5_000);
    other.over(Why::Here);
    assert_eq!(story.heard(), ["7.918 begin 0 Mu", "9.418 forget 0", "9.418 notice Missed"]);
    assert_eq!(
        other.heard(),
        [
            "7.918 begin 0 Mu",
            "9.418 forget 0",
            "9.418 notice Missed",
            "9.418 hush",
            "9.418 play nothing",
            "9.418 play goodbye",
            "11.870 hang up"
        ]
    );
}

#[test]
fn who_hangs_up_before_the_tone_has_called() {
    let [greeting, unheard, cancelled] = [Why::There, Why::Unheard, Why::Cancelled].map(|why| {
        let mut story = Story::with(Mailbox::default(), Some(room()), Rest::Others, Operator::None);
        if why == Why::There {
            story.up();
            story.speak(3_000);
        }
        story.over(why);
        story.heard()
    });
    let answered = ["0.000 accept", "0.000 play silence", "0.000 play greeting", "0.000 play tone"];
    assert_eq!(greeting, [&answered[..], &["3.000 notice Missed"]].concat());
    assert_eq!(unheard, ["0.000 accept", "0.000 notice Missed"]);
    assert_eq!(cancelled, ["0.000 accept"]);
}

#[test]
fn hash_skips_the_greeting_and_ends_the_message_that_is_kept_by_1() {
    let mut story = Story::of(Mailbox::default());
    story.nothing(1_000);
    story.press("#");
    story.nothing(200);
    story.speak(4_000);
    story.press("#");
    story.nothing(1_000);
    story.press("1");
    story.nothing(5_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "1.000 hush",
            "1.000 play tone",
            "1.400 begin 0 Mu",
            "5.400 keep 0.0 32000",
            "5.400 play choose",
            "6.600 finish 0 Mu 4.000 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key",
            "6.600 hush",
            "6.600 play kept",
            "6.600 play goodbye",
            "8.803 hang up"
        ]
    );
}

#[test]
fn a_message_that_nobody_chooses_for_is_kept() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(4_000);
    story.press("#");
    story.nothing(20_000);
    story.over(Why::Here);
    let mut other = Story::at_the_tone(Mailbox::default());
    other.speak(4_000);
    other.press("#");
    other.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "26.067 finish 0 Mu 4.001 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key",
            "26.067 hush",
            "26.067 play kept",
            "26.067 play goodbye",
            "28.270 hang up"
        ]
    );
    assert_eq!(
        other.heard(),
        [
            "7.918 begin 0 Mu",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "12.118 finish 0 Mu 4.001 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key"
        ]
    );
}

#[test]
fn a_message_may_be_heard_and_recorded_again() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(4_000);
    story.press("#2");
    story.nothing(3_000);
    story.press("3");
    story.nothing(200);
    story.speak(6_000);
    story.press("#1");
    story.nothing(3_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "12.118 hush",
            "12.118 play clip of 32008",
            "12.118 play choose",
            "15.318 hush",
            "15.318 play tone",
            "15.718 begin 1 Mu",
            "20.898 keep 1.0 40000",
            "21.718 keep 1.1 8000",
            "21.718 forget 0",
            "21.718 play choose",
            "21.918 finish 1 Mu 6.000 s, spoken 5.504, lost 0, jitter 0ns, changes 0, Key",
            "21.918 hush",
            "21.918 play kept",
            "21.918 play goodbye",
            "24.121 hang up"
        ]
    );
}

#[test]
fn a_message_that_is_recorded_again_without_a_word_stands() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(4_000);
    story.press("#3");
    story.nothing(200);
    story.speak(1_000);
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "12.118 hush",
            "12.118 play tone",
            "12.518 begin 1 Mu",
            "13.518 forget 1",
            "13.518 finish 0 Mu 4.001 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key"
        ]
    );
}

#[test]
fn keys_lead_round_in_a_circle_only_so_often() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(4_000);
    story.press("#");
    story.press("222222222222");
    story.press("2");
    story.nothing(10_000);
    story.over(Why::Here);
    let heard = story.heard();
    assert_eq!(heard.len(), 44, "{heard:#?}");
    let mut other = Story::at_the_tone(Mailbox::default());
    for _ in 0..TAKES_MAX {
        other.speak(4_000);
        other.press("#3");
        other.nothing(200);
    }
    other.over(Why::There);
    assert_eq!(
        other.heard(),
        [
            "7.918 begin 0 Mu",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "12.118 hush",
            "12.118 play tone",
            "12.518 begin 1 Mu",
            "16.518 keep 1.0 32000",
            "16.518 forget 0",
            "16.518 play choose",
            "16.718 hush",
            "16.718 play tone",
            "17.118 begin 2 Mu",
            "21.118 keep 2.0 32000",
            "21.118 forget 1",
            "21.118 play choose",
            "21.318 hush",
            "21.318 play tone",
            "21.718 begin 3 Mu",
            "25.718 keep 3.0 32000",
            "25.718 forget 2",
            "25.718 play choose",
            "25.918 hush",
            "25.918 play tone",
            "26.318 begin 4 Mu",
            "30.318 keep 4.0 32000",
            "30.318 forget 3",
            "30.318 play choose",
            "30.518 hush",
            "30.518 play choose",
            "30.918 finish 4 Mu 4.000 s, spoken 3.680, lost 0, jitter 0ns, changes 0, Key"
        ]
    );
}

#[test]
fn a_full_mailbox_lets_the_walk_go_on() {
    let full = [
        Some(Room { messages: 100, ..room() }),
        Some(Room { bytes: 100 * 1_440_000 - 1_439_999, ..room() }),
        Some(Room { disk_free: DISK_FLOOR + 1_439_999, ..room() }),
        None,
    ];
    for room in full {
        let mut story = Story::with(Mailbox::default(), room, Rest::Others, Operator::None);
        story.over(Why::Refused);
        assert_eq!(story.heard(), ["0.000 refuse 503"]);
    }
    let last = [
        Room { messages: 99, ..room() },
        Room { bytes: 99 * 1_440_000, ..room() },
        Room { disk_free: DISK_FLOOR + 1_440_000, ..room() },
    ];
    for room in last {
        let mut story = Story::with(Mailbox::default(), Some(room), Rest::Others, Operator::None);
        assert_eq!(story.heard(), ["0.000 accept"]);
    }
}

#[test]
fn a_full_mailbox_that_is_the_last_to_answer_says_so_and_tells_the_people() {
    let full = Room { messages: 100, ..room() };
    let mut story = Story::with(Mailbox::default(), Some(full), Rest::Nobody, Operator::None);
    story.nothing(400);
    story.up();
    story.speak(2_000);
    story.press("#");
    story.nothing(5_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 notice Full",
            "0.400 play silence",
            "0.400 play full",
            "0.400 play goodbye",
            "4.361 hang up"
        ]
    );
    let mut early = Story::with(Mailbox::default(), None, Rest::Nobody, Operator::None);
    early.over(Why::Unheard);
    assert_eq!(early.heard(), ["0.000 accept", "0.000 notice Full"]);
}

#[test]
fn a_late_acknowledgement_begins_the_greeting_late() {
    let mut story = Story::with(Mailbox::default(), Some(room()), Rest::Others, Operator::None);
    story.speak(3_000);
    story.press("#0*");
    story.up();
    story.up();
    assert_eq!(
        story.heard(),
        ["0.000 accept", "3.600 play silence", "3.600 play greeting", "3.600 play tone"]
    );
}

#[test]
fn the_longest_message_is_warned_of_its_end() {
    let mut story = Story::at_the_tone(Mailbox { longest: Duration::from_secs(30), ..Mailbox::default() });
    story.speak(40_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "13.098 keep 0.0 40000",
            "18.098 keep 0.1 40000",
            "23.098 keep 0.2 40000",
            "27.917 play warning",
            "28.098 keep 0.3 40000",
            "33.098 keep 0.4 40000",
            "37.917 keep 0.5 40000",
            "37.917 finish 0 Mu 30.000 s, spoken 28.192, lost 0, jitter 0ns, changes 0, Longest",
            "37.917 hush",
            "37.917 play kept",
            "37.917 play goodbye",
            "40.120 hang up"
        ]
    );
}

#[test]
fn without_any_packet_nothing_is_kept() {
    let mut story = Story::at_the_tone(Mailbox { silence: Duration::from_secs(30), ..Mailbox::default() });
    story.nothing(15_000);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "17.917 notice Missed",
            "17.917 hush",
            "17.917 play nothing",
            "17.917 play goodbye",
            "20.369 hang up"
        ]
    );
}

#[test]
fn a_stream_that_stops_ends_the_message_unless_it_said_that_it_would() {
    let patient = || Mailbox { silence: Duration::from_secs(30), ..Mailbox::default() };
    let mut story = Story::at_the_tone(patient());
    story.speak(3_000);
    story.nothing(15_000);
    story.over(Why::Here);
    let mut quiet = Story::at_the_tone(patient());
    quiet.speak(3_000);
    quiet.with_machine(|machine, _, _| machine.on_quiet());
    quiet.skip(0);
    quiet.nothing(15_000);
    quiet.timestamp = quiet.timestamp.wrapping_add(15_000 * 8);
    quiet.speak(1_000);
    quiet.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "20.898 keep 0.0 28008",
            "20.898 finish 0 Mu 3.501 s, spoken 2.800, lost 0, jitter 0ns, changes 0, NoSound",
            "20.898 hush",
            "20.898 play kept",
            "20.898 play goodbye",
            "23.101 hang up"
        ]
    );
    assert_eq!(
        quiet.heard(),
        [
            "7.918 begin 0 Mu",
            "25.918 keep 0.0 40000",
            "26.178 keep 0.1 40000",
            "26.178 keep 0.2 40000",
            "26.918 keep 0.3 32008",
            "26.918 finish 0 Mu 19.001 s, spoken 3.792, lost 0, jitter 0ns, changes 0, HungUp"
        ]
    );
}

#[test]
fn who_puts_the_mailbox_on_hold_is_waited_for_but_not_longer_than_a_message() {
    let ends = [Some(20_000), None].map(|back| {
        let mut story =
            Story::at_the_tone(Mailbox { longest: Duration::from_secs(60), ..Mailbox::default() });
        story.speak(3_000);
        story.with_machine(|machine, now, _| machine.on_held(true, now));
        story.nothing(back.unwrap_or(60_000));
        if back.is_some() {
            story.with_machine(|machine, now, _| machine.on_held(false, now));
            story.timestamp = story.timestamp.wrapping_add(20_000 * 8);
            story.speak(1_000);
            story.silent(9_000);
        }
        let told = story.heard();
        told.into_iter().find(|line| line.contains("finish")).unwrap_or_default()
    });
    let expected = [
        "39.918 finish 0 Mu 24.521 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Silence",
        "67.917 finish 0 Mu 3.501 s, spoken 2.800, lost 0, jitter 0ns, changes 0, Longest",
    ];
    assert_eq!(ends, expected);
}

#[test]
fn a_caller_with_the_other_law_is_kept_in_it() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.law = Law::A;
    story.speak(4_000);
    story.press("#2");
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 A",
            "11.918 keep 0.0 32008",
            "11.918 play choose",
            "12.118 hush",
            "12.118 play clip of 32008",
            "12.118 play choose",
            "12.318 finish 0 A 4.001 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key"
        ]
    );
}

#[test]
fn another_law_another_source_and_lost_packets_are_one_message() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(2_000);
    story.law = Law::A;
    story.speak(1_000);
    (story.ssrc, story.sequence, story.timestamp) = (8, 3, 99);
    story.speak(1_000);
    for _ in 0..10 {
        story.speak(80);
        story.skip(160);
        story.said += 160;
        story.nothing(20);
    }
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "12.918 keep 0.0 40000",
            "12.918 keep 0.1 8",
            "12.918 finish 0 Mu 5.001 s, spoken 4.544, lost 36, jitter 0ns, changes 1, HungUp"
        ]
    );
}

#[test]
fn digits_of_ten_minutes_end_with_the_message() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.speak(3_000);
    for _ in 0..1_000 {
        story.press("579");
    }
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "18.698 keep 0.0 28008",
            "18.698 finish 0 Mu 3.501 s, spoken 2.800, lost 0, jitter 0ns, changes 0, Silence",
            "18.698 hush",
            "18.698 play kept",
            "18.698 play goodbye",
            "20.901 hang up"
        ]
    );
    let mut zeros = Story::at_the_tone(Mailbox::default());
    zeros.press(&"0".repeat(3_000));
    let heard = zeros.heard();
    assert_eq!(heard.iter().filter(|line| line.ends_with("play nobody")).count(), 12);
    assert!(heard.last().is_some_and(|line| line.ends_with("hang up")), "{heard:?}");
}

#[test]
fn junk_is_bounded_by_the_clock() {
    let mut story = Story::at_the_tone(Mailbox { longest: Duration::from_secs(20), ..Mailbox::default() });
    for n in 0..4_000_u32 {
        let n = n.wrapping_mul(2_654_435_761);
        (story.ssrc, story.sequence, story.timestamp) = (n % 3, n as u16, n);
        let sound = Sound {
            law: if n & 1 == 0 { Law::Mu } else { Law::A },
            ssrc: story.ssrc,
            sequence: story.sequence,
            timestamp: n,
            bytes: vec![n as u8; (n >> 20) as usize % 2_048],
        };
        story.with_machine(|machine, now, out| machine.on_sound(&sound, now, out));
        story.nothing(2);
    }
    story.nothing(30_000);
    story.over(Why::Here);
    let heard = story.heard();
    assert_eq!(
        heard,
        [
            "7.918 begin 0 Mu",
            "13.950 keep 0.0 40000",
            "22.618 forget 0",
            "22.618 notice Missed",
            "22.618 hush",
            "22.618 play nothing",
            "22.618 play goodbye",
            "25.070 hang up"
        ]
    );
}

#[test]
fn a_fax_machine_is_told_apart() {
    let fax = |story: &mut Story| {
        let tone = |n: usize| (n as f64 * core::f64::consts::TAU * 1_100.0 / 8_000.0).sin() * 8_000.0;
        let tone: Vec<u8> = (0..4_000).map(|n| Law::Mu.encode(tone(n) as i16)).collect();
        tone.chunks(160).for_each(|packet| story.packet(packet.to_vec()));
    };
    let mut early = Story::of(Mailbox::default());
    early.silent(1_000);
    fax(&mut early);
    early.nothing(5_000);
    early.over(Why::Here);
    let mut late = Story::at_the_tone(Mailbox::default());
    late.silent(1_000);
    fax(&mut late);
    late.over(Why::There);
    let mut spoken = Story::at_the_tone(Mailbox::default());
    spoken.speak(3_000);
    fax(&mut spoken);
    spoken.over(Why::There);
    assert_eq!(
        spoken.heard(),
        [
            "7.918 begin 0 Mu",
            "11.298 keep 0.0 27208",
            "11.298 finish 0 Mu 3.401 s, spoken 3.088, lost 0, jitter 0ns, changes 0, NoSound",
            "11.298 hush",
            "11.298 play fax",
            "11.298 play goodbye"
        ]
    );
    assert_eq!(
        early.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "1.380 notice Fax",
            "1.380 hush",
            "1.380 play fax",
            "1.380 play goodbye",
            "3.859 hang up"
        ]
    );
    assert_eq!(
        late.heard(),
        [
            "7.918 begin 0 Mu",
            "9.298 forget 0",
            "9.298 notice Fax",
            "9.298 hush",
            "9.298 play fax",
            "9.298 play goodbye"
        ]
    );
}

#[test]
fn zero_leads_to_a_person_where_there_is_one_and_back_if_nobody_comes() {
    let mut story = Story::with(Mailbox::default(), Some(room()), Rest::Others, Operator::There);
    story.up();
    story.press("0");
    story.with_machine(Voicemail::on_nobody);
    story.nothing(4_500);
    story.speak(4_000);
    story.press("0");
    story.nothing(20_000);
    story.with_machine(Voicemail::on_nobody);
    story.nothing(1_000);
    story.press("0");
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 person",
            "0.200 hush",
            "0.200 play nobody",
            "0.200 play tone",
            "4.700 begin 0 Mu",
            "8.180 keep 0.0 40000",
            "8.700 keep 0.1 5626",
            "8.700 hush",
            "8.700 person",
            "28.900 hush",
            "28.900 play nobody",
            "28.900 play choose",
            "28.900 play person",
            "29.900 hush",
            "29.900 person",
            "30.100 finish 0 Mu 5.703 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key",
        ]
    );
}

#[test]
fn who_has_got_through_to_a_person_has_missed_nobody_and_what_he_said_is_kept() {
    let mut story = Story::with(Mailbox::default(), Some(room()), Rest::Others, Operator::There);
    story.up();
    story.press("0");
    story.with_machine(|voicemail, _, out| voicemail.on_joined(out));
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 person"
        ]
    );
    let mut story = Story::with(Mailbox::default(), Some(room()), Rest::Others, Operator::There);
    story.up();
    story.nothing(10_000);
    story.speak(4_000);
    story.press("0");
    story.with_machine(|voicemail, _, out| voicemail.on_joined(out));
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "10.000 begin 0 Mu",
            "13.100 keep 0.0 40000",
            "14.000 keep 0.1 8664",
            "14.000 hush",
            "14.000 person",
            "14.200 finish 0 Mu 6.083 s, spoken 3.792, lost 0, jitter 0ns, changes 0, Key",
        ]
    );
}

#[test]
fn zero_that_leads_to_nobody_is_answered() {
    let mut story = Story::at_the_tone(Mailbox::default());
    story.silent(7_000);
    story.press("0");
    story.silent(7_000);
    story.speak(3_000);
    story.press("#0");
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "7.918 begin 0 Mu",
            "14.918 play nobody",
            "22.738 keep 0.0 40000",
            "22.738 keep 0.1 40000",
            "23.298 keep 0.2 40000",
            "25.118 keep 0.3 17608",
            "25.118 play choose",
            "25.318 hush",
            "25.318 play nobody",
            "25.318 play choose",
            "25.518 finish 0 Mu 17.201 s, spoken 2.800, lost 0, jitter 0ns, changes 0, Key"
        ]
    );
}

#[test]
fn the_greeting_is_the_one_that_was_recorded_else_the_files_else_the_shipped_one() {
    let clip = |length: usize| Some(Clip::from(vec![0xff; length]));
    for (file, recorded, heard) in
        [(None, None, "greeting"), (clip(80), None, "clip of 80"), (clip(80), clip(160), "clip of 160")]
    {
        let mailbox = Mailbox { greeting: file, ..Mailbox::default() };
        let room = Room { greeting: recorded, ..room() };
        let mut story = Story::with(mailbox, Some(room), Rest::Others, Operator::None);
        story.up();
        assert_eq!(story.heard()[2], format!("0.000 play {heard}"));
    }
}

#[test]
fn an_owner_records_a_greeting_which_replaces_the_other_when_it_is_confirmed() {
    let mut story = Story::of(with_pin());
    story.press("*48#");
    story.check(false);
    story.nothing(3_000);
    story.press("47*4711#");
    story.check(true);
    story.hears(Told::Listed(Vec::new()));
    story.press("9");
    story.press("2");
    story.nothing(500);
    story.press("1");
    story.nothing(3_500);
    story.speak(3_000);
    story.press("#2");
    story.press("3");
    story.nothing(300);
    story.speak(5_000);
    story.press("#1");
    story.press("2");
    story.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 play code",
            "0.200 hush",
            "0.600 check 48",
            "0.800 hush",
            "0.800 play wrong",
            "0.800 play code",
            "3.800 hush",
            "4.200 hush",
            "4.200 play code",
            "4.400 hush",
            "5.200 check 4711",
            "5.400 list",
            "5.400 hush",
            "5.400 play no-new",
            "5.400 play settings",
            "5.400 hush",
            "5.400 play owner",
            "5.600 hush",
            "5.600 play greeting",
            "5.600 play owner",
            "6.300 hush",
            "6.300 play record",
            "6.300 play tone",
            "13.000 hush",
            "13.000 play choose",
            "13.200 hush",
            "13.200 play clip of 29302",
            "13.200 play choose",
            "13.400 hush",
            "13.400 play tone",
            "18.900 hush",
            "18.900 play choose",
            "19.100 greeting of 40800",
            "19.100 hush",
            "19.100 play recorded",
            "19.100 play owner",
            "19.300 hush",
            "19.300 play clip of 40800",
            "19.300 play owner"
        ]
    );
}

#[test]
fn a_greeting_that_is_not_confirmed_changes_nothing() {
    let mut story = Story::of(with_pin());
    story.press("*4711#");
    story.check(true);
    story.hears(Told::Listed(Vec::new()));
    story.press("91");
    story.nothing(4_000);
    story.speak(3_000);
    story.press("#");
    story.nothing(20_000);
    story.over(Why::Here);
    let mut silent = Story::of(with_pin());
    silent.press("*4711#");
    silent.check(true);
    silent.hears(Told::Listed(Vec::new()));
    silent.press("91");
    silent.nothing(4_000);
    silent.silent(5_000);
    silent.over(Why::There);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 play code",
            "0.200 hush",
            "1.000 check 4711",
            "1.200 list",
            "1.200 hush",
            "1.200 play no-new",
            "1.200 play settings",
            "1.200 hush",
            "1.200 play owner",
            "1.400 hush",
            "1.400 play record",
            "1.400 play tone",
            "8.600 hush",
            "8.600 play choose",
            "22.749 hush",
            "22.749 play goodbye",
            "23.511 hang up"
        ]
    );
    assert_eq!(
        silent.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 play code",
            "0.200 hush",
            "1.000 check 4711",
            "1.200 list",
            "1.200 hush",
            "1.200 play no-new",
            "1.200 play settings",
            "1.200 hush",
            "1.200 play owner",
            "1.400 hush",
            "1.400 play record",
            "1.400 play tone",
            "9.437 hush",
            "9.437 play nothing",
            "9.437 play owner"
        ]
    );
}

#[test]
fn three_wrong_pins_end_the_call() {
    let mut story = Story::of(with_pin());
    story.press("*");
    for _ in 0..3 {
        story.press("0#");
        story.check(false);
    }
    story.nothing(5_000);
    story.check(true);
    story.over(Why::Here);
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.000 hush",
            "0.000 play code",
            "0.200 hush",
            "0.400 check 0",
            "0.600 hush",
            "0.600 play wrong",
            "0.600 play code",
            "0.600 hush",
            "0.800 check 0",
            "1.000 hush",
            "1.000 play wrong",
            "1.000 play code",
            "1.000 hush",
            "1.200 check 0",
            "1.400 hush",
            "1.400 play wrong",
            "1.400 play goodbye",
            "3.704 hang up"
        ]
    );
}

#[test]
fn an_owner_who_does_nothing_or_is_not_answered_is_sent_away() {
    let [silent, unanswered] = ["*", "*1#"].map(|keys| {
        let mut story = Story::of(with_pin());
        story.press(keys);
        story.nothing(20_000);
        story.over(Why::Here);
        story.heard().split_off(4)
    });
    assert_eq!(
        silent,
        ["0.000 hush", "0.000 play code", "12.358 hush", "12.358 play goodbye", "13.120 hang up"]
    );
    assert_eq!(
        unanswered,
        [
            "0.000 hush",
            "0.000 play code",
            "0.200 hush",
            "0.400 check 1",
            "5.400 hush",
            "5.400 play goodbye",
            "6.162 hang up"
        ]
    );
}

#[test]
fn without_a_pin_nobody_logs_in() {
    let mut story = Story::of(Mailbox::default());
    story.press("*1#");
    assert_eq!(
        story.heard(),
        [
            "0.000 accept",
            "0.000 play silence",
            "0.000 play greeting",
            "0.000 play tone",
            "0.400 hush",
            "0.400 play tone"
        ]
    );
}

#[test]
fn whoever_guesses_pins_waits_ever_longer() {
    let mut attempts = Attempts::default();
    let mut waits = Vec::new();
    let mut now = at(1_000);
    for _ in 0..36 {
        assert!(attempts.may(now));
        attempts.on_wrong(now);
        let wait = (0..400).map(|minutes| Duration::from_secs(minutes * 60));
        let wait = wait.into_iter().find(|wait| attempts.may(now + *wait)).unwrap();
        now = now + wait;
        waits.push(wait.as_secs() / 60);
    }
    let thirds: Vec<u64> = waits.iter().skip(2).step_by(3).copied().collect();
    assert_eq!(thirds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 256]);
    assert_eq!(waits.iter().sum::<u64>(), thirds.iter().sum::<u64>());
    attempts.on_wrong(now);
    attempts.on_right();
    assert_eq!(attempts, Attempts::default());
}

#[test]
fn a_pin_is_not_shown() {
    let mut story = Story::of(with_pin());
    story.press("*4711");
    let mut shown = format!("{:?}", story.machine);
    let mut asked = Vec::new();
    story.machine.on_pressed('#', story.now, &mut asked);
    shown += &format!("{:?} {asked:?}", story.machine);
    assert!(shown.contains("Check(Pin)") && !shown.contains("4711"), "{shown}");
}
