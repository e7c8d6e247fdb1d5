//! Client transaction of every other method: RFC 3261 §17.1.2.

use super::resend::Resend;
use super::{Class, ClientOutput, Reliability, Timers};
use crate::message::{Bytes, Message};
use crate::time::Time;

/// One request (not an INVITE) that was sent, and its responses.
///
/// A user with less patience than 32 seconds (a probe) starts it with a shorter `timers.life`.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    state: State,
    reliability: Reliability,
    timers: Timers,
    resent: u32,
    /// Its stream was closed, and it went out again over a new one.
    renewed: bool,
}

#[derive(Clone, Debug)]
enum State {
    /// The request was sent and nothing has come back.
    Trying { request: Bytes, resend: Option<Resend>, give_up_at: Time },
    /// A provisional has come; copies of the request go out every `t2`.
    Proceeding { request: Bytes, resend: Option<Resend>, give_up_at: Time },
    /// The final has come and was passed; copies of it are absorbed.
    Completed { until: Time },
    /// `Done` was said.
    Terminated,
}

impl ClientRequest {
    /// Sends the request.
    pub fn start(
        request: Bytes,
        reliability: Reliability,
        timers: Timers,
        now: Time,
        out: &mut Vec<ClientOutput>,
    ) -> Self {
        out.push(ClientOutput::Send(request.clone()));
        let resend = Resend::first(reliability, timers, now);
        let state = State::Trying { request, resend, give_up_at: now + timers.life };
        Self { state, reliability, timers, resent: 0, renewed: false }
    }

    /// Takes a response whose branch and CSeq method matched this transaction. The first final is passed and no other.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<ClientOutput>) {
        let Some(status) = response.status() else { return };
        match (&self.state, Class::of(status)) {
            (State::Trying { request, resend, give_up_at }, Class::Provisional) => {
                // The copy that is due next keeps its time; the pauses after it are `t2` (RFC 3261 §17.1.2.2).
                self.state =
                    State::Proceeding { request: request.clone(), resend: *resend, give_up_at: *give_up_at };
                out.push(ClientOutput::Pass(response));
            }
            (State::Proceeding { .. }, Class::Provisional) => out.push(ClientOutput::Pass(response)),
            (State::Trying { .. } | State::Proceeding { .. }, Class::Success | Class::Refusal) => {
                out.push(ClientOutput::Pass(response));
                self.complete(now, out);
            }
            // Copies, or too late to matter.
            (State::Completed { .. }, Class::Provisional | Class::Success | Class::Refusal)
            | (State::Terminated, Class::Provisional | Class::Success | Class::Refusal) => (),
        }
    }

    /// The transport says that the request cannot be delivered (ICMP, reset).
    ///
    /// Ends the transaction as long as no final has come, after a provisional too: nothing but this request is sent
    /// for it, so the far side has gone away since.
    pub fn on_unreachable(&mut self, _now: Time, out: &mut Vec<ClientOutput>) {
        match &self.state {
            State::Trying { .. } | State::Proceeding { .. } => {
                out.push(ClientOutput::Unreachable);
                self.terminate(out);
            }
            // The answer is here.
            State::Completed { .. } | State::Terminated => (),
        }
    }

    /// The other side has closed the stream that the request went over: sends it once more, over a new one, unless its
    /// final has come. A second closing ends it.
    pub fn on_closed(&mut self, out: &mut Vec<ClientOutput>) {
        match &self.state {
            State::Trying { request, .. } | State::Proceeding { request, .. } if !self.renewed => {
                self.renewed = true;
                self.resent += 1;
                out.push(ClientOutput::Send(request.clone()));
            }
            State::Trying { .. } | State::Proceeding { .. } => {
                out.push(ClientOutput::Unreachable);
                self.terminate(out);
            }
            // The answer is here.
            State::Completed { .. } | State::Terminated => (),
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        match &mut self.state {
            State::Trying { give_up_at, .. } | State::Proceeding { give_up_at, .. } if *give_up_at <= now => {
                out.push(ClientOutput::TimedOut);
                self.terminate(out);
            }
            State::Trying { request, resend: Some(resend), .. } if resend.is_due(now) => {
                *resend = resend.doubled(self.timers.t2, now);
                self.resent += 1;
                out.push(ClientOutput::Send(request.clone()));
            }
            State::Proceeding { request, resend: Some(resend), .. } if resend.is_due(now) => {
                *resend = Resend::after(self.timers.t2, now);
                self.resent += 1;
                out.push(ClientOutput::Send(request.clone()));
            }
            State::Completed { until } if *until <= now => self.terminate(out),
            // Not yet.
            State::Trying { .. } | State::Proceeding { .. } | State::Completed { .. } => (),
            // Nothing is waited for.
            State::Terminated => (),
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Trying { resend, give_up_at, .. } | State::Proceeding { resend, give_up_at, .. } => {
                Some(Resend::or(*resend, *give_up_at))
            }
            State::Completed { until } => Some(*until),
            State::Terminated => None,
        }
    }

    /// How often the request was sent again so far: a sign of loss, not of death.
    #[must_use]
    pub fn resent(&self) -> u32 {
        self.resent
    }

    /// Waits for copies of the final (timer K) where there can be any.
    fn complete(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        match self.reliability {
            Reliability::Unreliable => self.state = State::Completed { until: now + self.timers.t4 },
            Reliability::Reliable => self.terminate(out),
        }
    }

    fn terminate(&mut self, out: &mut Vec<ClientOutput>) {
        self.state = State::Terminated;
        out.push(ClientOutput::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::story::{Machine, request, response, story};
    use core::time::Duration;

    impl Machine for ClientRequest {
        type Output = ClientOutput;

        fn hear(&mut self, event: &str, now: Time, out: &mut Vec<ClientOutput>) {
            match event {
                "unreachable" => self.on_unreachable(now, out),
                "closed" => self.on_closed(out),
                event => self.on_response(response(event, "OPTIONS"), now, out),
            }
        }

        fn wake(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
            self.on_deadline(now, out);
        }

        fn next(&self) -> Option<Time> {
            self.deadline()
        }

        fn look(&self) -> String {
            format!("resent {}", self.resent())
        }
    }

    fn over(reliability: Reliability, timers: Timers, script: &[&str]) -> Vec<String> {
        let start =
            |out: &mut Vec<_>| ClientRequest::start(request("OPTIONS"), reliability, timers, Time::ZERO, out);
        story(start, script)
    }

    fn udp(script: &[&str]) -> Vec<String> {
        over(Reliability::Unreliable, Timers::default(), script)
    }

    fn tcp(script: &[&str]) -> Vec<String> {
        over(Reliability::Reliable, Timers::default(), script)
    }

    #[test]
    fn silence_is_met_with_pauses_that_double_up_to_t2_and_then_given_up() {
        assert_eq!(
            udp(&["31.6s look"]),
            [
                "0.000s send OPTIONS",
                "0.500s send OPTIONS",
                "1.500s send OPTIONS",
                "3.500s send OPTIONS",
                "7.500s send OPTIONS",
                "11.500s send OPTIONS",
                "15.500s send OPTIONS",
                "19.500s send OPTIONS",
                "23.500s send OPTIONS",
                "27.500s send OPTIONS",
                "31.500s send OPTIONS",
                "31.600s resent 10",
                "32.000s timed out",
                "32.000s done",
            ]
        );
    }

    #[test]
    fn a_stream_is_not_sent_copies() {
        assert_eq!(tcp(&[]), ["0.000s send OPTIONS", "32.000s timed out", "32.000s done"]);
        assert_eq!(
            tcp(&["1s 100"]),
            ["0.000s send OPTIONS", "1.000s pass 100", "32.000s timed out", "32.000s done"]
        );
    }

    #[test]
    fn a_stream_that_closes_is_renewed_once() {
        assert_eq!(
            tcp(&["1s closed", "2s closed"]),
            ["0.000s send OPTIONS", "1.000s send OPTIONS", "2.000s unreachable", "2.000s done"]
        );
        assert_eq!(
            tcp(&["1s closed", "2s 200 b", "3s closed"]),
            ["0.000s send OPTIONS", "1.000s send OPTIONS", "2.000s pass 200 b", "2.000s done"]
        );
    }

    #[test]
    fn a_short_life_is_a_probes_patience() {
        let timers = Timers { life: Duration::from_secs(2), ..Timers::default() };
        assert_eq!(
            over(Reliability::Unreliable, timers, &[]),
            [
                "0.000s send OPTIONS",
                "0.500s send OPTIONS",
                "1.500s send OPTIONS",
                "2.000s timed out",
                "2.000s done",
            ]
        );
    }

    #[test]
    fn a_provisional_makes_t2_the_pause_and_ends_no_earlier() {
        assert_eq!(
            udp(&["0.6s 100", "0.7s 182", "14s look"]),
            [
                "0.000s send OPTIONS",
                "0.500s send OPTIONS",
                "0.600s pass 100",
                "0.700s pass 182",
                "1.500s send OPTIONS",
                "5.500s send OPTIONS",
                "9.500s send OPTIONS",
                "13.500s send OPTIONS",
                "14.000s resent 5",
                "17.500s send OPTIONS",
                "21.500s send OPTIONS",
                "25.500s send OPTIONS",
                "29.500s send OPTIONS",
                "32.000s timed out",
                "32.000s done",
            ]
        );
    }

    #[test]
    fn a_late_owner_sends_one_copy_and_the_next_pause_begins_then() {
        assert_eq!(
            udp(&["25s wake"]),
            [
                "0.000s send OPTIONS",
                "25.000s send OPTIONS",
                "26.000s send OPTIONS",
                "28.000s send OPTIONS",
                "32.000s timed out",
                "32.000s done",
            ]
        );
        assert_eq!(
            udp(&["0.1s 100", "25s wake"]),
            [
                "0.000s send OPTIONS",
                "0.100s pass 100",
                "25.000s send OPTIONS",
                "29.000s send OPTIONS",
                "32.000s timed out",
                "32.000s done",
            ]
        );
        assert_eq!(udp(&["40s wake"]), ["0.000s send OPTIONS", "40.000s timed out", "40.000s done"]);
    }

    #[test]
    fn the_first_final_passes_and_all_that_follows_is_absorbed() {
        assert_eq!(
            udp(&["0.1s 200 b", "0.2s 200 b", "0.3s 404 c", "0.4s 100", "0.5s unreachable", "0.6s look"]),
            ["0.000s send OPTIONS", "0.100s pass 200 b", "0.600s resent 0", "5.100s done"]
        );
        assert_eq!(
            udp(&["0.1s 404 b", "0.2s 404 b", "0.3s 200 c"]),
            ["0.000s send OPTIONS", "0.100s pass 404 b", "5.100s done"]
        );
    }

    #[test]
    fn a_final_after_a_provisional_ends_the_copies() {
        assert_eq!(
            udp(&["0.1s 100", "0.6s 200 b"]),
            [
                "0.000s send OPTIONS",
                "0.100s pass 100",
                "0.500s send OPTIONS",
                "0.600s pass 200 b",
                "5.600s done",
            ]
        );
        assert_eq!(
            udp(&["0.1s 100", "0.2s 503 b"]),
            ["0.000s send OPTIONS", "0.100s pass 100", "0.200s pass 503 b", "5.200s done"]
        );
    }

    #[test]
    fn a_final_over_a_stream_ends_it_at_once() {
        assert_eq!(tcp(&["1s 200 b"]), ["0.000s send OPTIONS", "1.000s pass 200 b", "1.000s done"]);
        assert_eq!(
            tcp(&["1s 100", "2s 481 b"]),
            ["0.000s send OPTIONS", "1.000s pass 100", "2.000s pass 481 b", "2.000s done"]
        );
    }

    #[test]
    fn a_dead_port_ends_it_at_once_after_a_provisional_too() {
        assert_eq!(
            udp(&["0.003s unreachable"]),
            ["0.000s send OPTIONS", "0.003s unreachable", "0.003s done"]
        );
        assert_eq!(
            udp(&["0.1s 100", "0.2s unreachable"]),
            ["0.000s send OPTIONS", "0.100s pass 100", "0.200s unreachable", "0.200s done"]
        );
    }

    #[test]
    fn nothing_happens_after_the_end() {
        assert_eq!(
            tcp(&["1s 200 b", "2s 100", "2s 200 b", "2s 404 b", "2s unreachable", "2s wake"]),
            ["0.000s send OPTIONS", "1.000s pass 200 b", "1.000s done"]
        );
    }
}
