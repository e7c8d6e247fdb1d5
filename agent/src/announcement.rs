//! Something that is said to whoever calls: in place of anybody else, and then the call ends; or before somebody else is rung, and then the
//! call goes on. It refuses nobody: what it plays was proven when the plan was read.

use crate::line::Clip;
use crate::prompts;

/// One call that hears an announcement.
#[derive(Clone, Debug)]
pub struct Announcement {
    clip: Clip,
    /// How often it is still to be said.
    times: u8,
    state: State,
}

/// What it asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Answer the call.
    Accept,
    /// Let the caller hear us without that.
    Progress,
    /// Play this after what is played already.
    Play(Clip),
    /// End the call.
    HangUp,
    /// Let the call go on.
    GoOn,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Answered; the caller does not hear us yet.
    Accepted,
    /// It is being said.
    Saying,
    /// It is being said to a call that goes on then.
    Before,
    /// Nothing more will happen.
    Over,
}

/// Who has not understood it after this is not helped by more.
const TIMES_MAX: u8 = 10;

impl Announcement {
    /// A call has come. `times`: how often it is said, at least once and at most ten times.
    pub fn start(clip: Clip, times: u8, out: &mut Vec<Output>) -> Self {
        out.push(Output::Accept);
        Self { clip, times: times.clamp(1, TIMES_MAX), state: State::Accepted }
    }

    /// A call has come by on its way to somebody else: it is said once, and not answered.
    pub fn before(clip: Clip, out: &mut Vec<Output>) -> Self {
        out.extend([Output::Progress, Output::Play(prompts::SILENCE.clone()), Output::Play(clip.clone())]);
        Self { clip, times: 0, state: State::Before }
    }

    /// The caller hears us from now on.
    pub fn on_up(&mut self, out: &mut Vec<Output>) {
        if matches!(self.state, State::Accepted) {
            out.push(Output::Play(prompts::SILENCE.clone()));
            self.say(out);
        }
    }

    /// All that was to be played was played.
    pub fn on_played(&mut self, out: &mut Vec<Output>) {
        match self.state {
            State::Saying if self.times > 0 => {
                out.push(Output::Play(prompts::SILENCE.clone()));
                self.say(out);
            }
            State::Saying => {
                self.state = State::Over;
                out.push(Output::HangUp);
            }
            State::Before => {
                self.state = State::Over;
                out.push(Output::GoOn);
            }
            State::Accepted | State::Over => {}
        }
    }

    /// The call is over.
    pub const fn on_over(&mut self) {
        self.state = State::Over;
    }

    fn say(&mut self, out: &mut Vec<Output>) {
        self.times -= 1;
        self.state = State::Saying;
        out.push(Output::Play(self.clip.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for each of these: `u` up, `p` played, `o` over.
    fn story(times: u8, events: &str) -> String {
        let mut out = Vec::new();
        let announcement = Announcement::start(prompts::CLOSED.clone(), times, &mut out);
        told(announcement, out, events)
    }

    fn told(mut announcement: Announcement, mut out: Vec<Output>, events: &str) -> String {
        for event in events.chars() {
            match event {
                'u' => announcement.on_up(&mut out),
                'p' => announcement.on_played(&mut out),
                _ => announcement.on_over(),
            }
        }
        let told = out.iter().map(|output| match output {
            Output::Accept => "accept",
            Output::Play(clip) if *clip == *prompts::SILENCE => "silence",
            Output::Play(_) => "closed",
            Output::HangUp => "hang up",
            Output::Progress => "progress",
            Output::GoOn => "go on",
        });
        told.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn it_is_said_as_often_as_it_was_told_to_and_the_call_ends() {
        assert_eq!(story(1, "upp"), "accept, silence, closed, hang up");
        assert_eq!(story(2, "uppp"), "accept, silence, closed, silence, closed, hang up");
        assert_eq!(story(0, "up"), story(1, "up"));
        assert_eq!(story(255, &format!("u{}", "p".repeat(300))).matches("closed").count(), 10);
    }

    #[test]
    fn before_somebody_else_is_rung_it_is_said_once_and_the_call_goes_on() {
        for (events, last) in [("p", ", go on"), ("pup", ", go on"), ("op", ""), ("u", "")] {
            let mut out = Vec::new();
            let word = Announcement::before(prompts::CLOSED.clone(), &mut out);
            assert_eq!(told(word, out, events), format!("progress, silence, closed{last}"), "{events}");
        }
    }

    #[test]
    fn it_begins_once_and_ends_with_the_call() {
        assert_eq!(story(1, "puu"), "accept, silence, closed");
        assert_eq!(story(3, "uop"), "accept, silence, closed");
        assert_eq!(story(1, "o"), "accept");
    }
}
