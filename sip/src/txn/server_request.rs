//! Server transaction of every other method: RFC 3261 §17.2.2 as amended by RFC 4320.

use super::{Class, Reliability, ServerOutput, Timers};
use crate::message::Bytes;
use crate::time::Time;

/// One request (not an INVITE) that was received, and what was answered.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    state: State,
    reliability: Reliability,
    timers: Timers,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing was sent yet.
    Trying { until: Time },
    /// The final was sent; it is repeated for each copy of the request.
    Completed { response: Bytes, until: Time },
    /// `Done` was said.
    Terminated,
}

impl ServerRequest {
    /// Begins; nothing is sent (RFC 4320 §4.1: no 100 before Timer E would reach T2).
    #[must_use]
    pub fn start(reliability: Reliability, timers: Timers, now: Time) -> Self {
        Self { state: State::Trying { until: now + timers.life }, reliability, timers }
    }

    /// The same request came again: the last response, if any, is repeated.
    pub fn on_retransmission(&mut self, out: &mut Vec<ServerOutput>) {
        match &self.state {
            State::Completed { response, .. } => out.push(ServerOutput::Send(response.clone())),
            // There is nothing to repeat yet, or no more.
            State::Trying { .. } | State::Terminated => (),
        }
    }

    /// Sends the final response. A provisional and a 408 are never sent (RFC 4320 §4.1, §4.2), nor a second final.
    /// After a 408 the transaction goes on absorbing copies, and takes another final if one comes.
    pub fn respond(&mut self, status: u16, response: Bytes, now: Time, out: &mut Vec<ServerOutput>) {
        match (&self.state, Class::of(status)) {
            // The far side's own timer F says the same, and earlier.
            (State::Trying { .. }, Class::Refusal) if status == REQUEST_TIMEOUT => (),
            (State::Trying { .. }, Class::Success | Class::Refusal) => {
                out.push(ServerOutput::Send(response.clone()));
                self.complete(response, now, out);
            }
            (State::Trying { .. }, Class::Provisional)
            | (
                State::Completed { .. } | State::Terminated,
                Class::Provisional | Class::Success | Class::Refusal,
            ) => (),
        }
    }

    /// Acts if a deadline has come. A request that is not answered for `timers.life` is dropped silently.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        match &self.state {
            State::Trying { until } | State::Completed { until, .. } if *until <= now => {
                self.terminate(out);
            }
            // Not yet, or no deadline at all.
            State::Trying { .. } | State::Completed { .. } | State::Terminated => (),
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Trying { until } | State::Completed { until, .. } => Some(*until),
            State::Terminated => None,
        }
    }

    /// Waits for copies of the request (timer J) where there can be any.
    fn complete(&mut self, response: Bytes, now: Time, out: &mut Vec<ServerOutput>) {
        match self.reliability {
            Reliability::Unreliable => {
                self.state = State::Completed { response, until: now + self.timers.life };
            }
            Reliability::Reliable => self.terminate(out),
        }
    }

    fn terminate(&mut self, out: &mut Vec<ServerOutput>) {
        self.state = State::Terminated;
        out.push(ServerOutput::Done);
    }
}

const REQUEST_TIMEOUT: u16 = 408;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::story::{Machine, story};

    impl Machine for ServerRequest {
        type Output = ServerOutput;

        fn hear(&mut self, event: &str, now: Time, out: &mut Vec<ServerOutput>) {
            match event {
                "BYE" => self.on_retransmission(out),
                said => self.respond(said[..3].parse().unwrap(), said.as_bytes().into(), now, out),
            }
        }

        fn wake(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
            self.on_deadline(now, out);
        }

        fn next(&self) -> Option<Time> {
            self.deadline()
        }
    }

    fn over(reliability: Reliability, script: &[&str]) -> Vec<String> {
        story(|_| ServerRequest::start(reliability, Timers::default(), Time::ZERO), script)
    }

    fn udp(script: &[&str]) -> Vec<String> {
        over(Reliability::Unreliable, script)
    }

    fn tcp(script: &[&str]) -> Vec<String> {
        over(Reliability::Reliable, script)
    }

    #[test]
    fn a_request_without_an_answer_is_dropped_silently() {
        assert_eq!(udp(&["0.5s BYE", "9s BYE"]), ["32.000s done"]);
        assert_eq!(tcp(&[]), ["32.000s done"]);
        assert_eq!(udp(&["40s wake"]), ["40.000s done"]);
    }

    #[test]
    fn a_final_is_repeated_for_each_copy_of_the_request() {
        assert_eq!(
            udp(&["0.2s BYE", "1s 200", "1.5s BYE", "32.5s BYE", "33.5s BYE"]),
            ["1.000s send 200", "1.500s send 200", "32.500s send 200", "33.000s done"]
        );
        assert_eq!(udp(&["1s 481", "2s BYE"]), ["1.000s send 481", "2.000s send 481", "33.000s done"]);
    }

    #[test]
    fn a_final_over_a_stream_ends_it_at_once() {
        assert_eq!(tcp(&["1s 200"]), ["1.000s send 200", "1.000s done"]);
        assert_eq!(tcp(&["1s 503"]), ["1.000s send 503", "1.000s done"]);
    }

    #[test]
    fn a_second_final_and_a_provisional_after_it_are_not_sent() {
        assert_eq!(
            udp(&["1s 200 b", "2s 200 c", "2s 404", "2s 408", "2s 100", "3s BYE"]),
            ["1.000s send 200 b", "3.000s send 200 b", "33.000s done"]
        );
    }

    #[test]
    fn a_provisional_is_never_sent() {
        assert_eq!(udp(&["0.1s 100", "0.2s 183", "0.5s BYE", "1s 200"]), ["1.000s send 200", "33.000s done"]);
    }

    #[test]
    fn a_408_is_never_sent_and_copies_are_absorbed_on() {
        assert_eq!(udp(&["5s 408", "6s BYE"]), ["32.000s done"]);
        assert_eq!(udp(&["5s 408", "6s 200"]), ["6.000s send 200", "38.000s done"]);
    }

    #[test]
    fn nothing_happens_after_the_end() {
        assert_eq!(
            tcp(&["1s 200", "2s BYE", "2s 100", "2s 200", "2s 404", "2s wake"]),
            ["1.000s send 200", "1.000s done"]
        );
    }
}
