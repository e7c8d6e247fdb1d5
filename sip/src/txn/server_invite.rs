//! INVITE server transaction: RFC 3261 §17.2.1 as amended by RFC 6026 §7.1.

use super::resend::Resend;
use super::{Class, Reliability, ServerOutput, Timers};
use crate::message::Bytes;
use crate::time::Time;

/// One INVITE that was received, and what was answered.
///
/// It does not bound the wait for a final response: that is its user's to send.
#[derive(Clone, Debug)]
pub struct ServerInvite {
    state: State,
    reliability: Reliability,
    timers: Timers,
    answered: Option<u16>,
}

#[derive(Clone, Debug)]
enum State {
    /// Provisionals were sent, `last` the latest.
    Proceeding { last: Bytes },
    /// A refusal was sent, and goes out again until its ACK comes.
    Completed { refusal: Bytes, resend: Option<Resend>, give_up_at: Time },
    /// The ACK for the refusal has come; copies of it are absorbed.
    Confirmed { until: Time },
    /// A 2xx was sent; copies of the INVITE are absorbed, for its sender repeats the 2xx.
    Accepted { until: Time },
    /// `Done` was said.
    Terminated,
}

impl ServerInvite {
    /// Begins with the 100 that is sent at once.
    pub fn start(
        trying: Bytes,
        reliability: Reliability,
        timers: Timers,
        out: &mut Vec<ServerOutput>,
    ) -> Self {
        out.push(ServerOutput::Send(trying.clone()));
        Self { state: State::Proceeding { last: trying }, reliability, timers, answered: None }
    }

    /// The same INVITE came again: the last response is repeated, or nothing after a 2xx (RFC 6026 §7.1).
    pub fn on_retransmission(&mut self, out: &mut Vec<ServerOutput>) {
        match &self.state {
            State::Proceeding { last } => out.push(ServerOutput::Send(last.clone())),
            State::Completed { refusal, .. } => out.push(ServerOutput::Send(refusal.clone())),
            // Late copies: the far side has the final response, or will get its repetition.
            State::Confirmed { .. } | State::Accepted { .. } | State::Terminated => (),
        }
    }

    /// Sends a response. A provisional after a final, and a final of 300 and up after any final, are not sent; a
    /// 2xx is always sent, whatever came before, until `Done`: a 2xx that comes after that is its user's to forward.
    /// Of a refusal that a 2xx overtakes nothing more is heard, neither `Acked` nor `AckMissing`.
    pub fn respond(&mut self, status: u16, response: Bytes, now: Time, out: &mut Vec<ServerOutput>) {
        match (&self.state, Class::of(status)) {
            (State::Proceeding { .. }, Class::Provisional) => {
                self.state = State::Proceeding { last: response.clone() };
                out.push(ServerOutput::Send(response));
            }
            (State::Proceeding { .. }, Class::Refusal) => {
                self.answered = Some(status);
                self.state = State::Completed {
                    refusal: response.clone(),
                    resend: Resend::first(self.reliability, self.timers, now),
                    give_up_at: now + self.timers.life,
                };
                out.push(ServerOutput::Send(response));
            }
            (
                State::Proceeding { .. } | State::Completed { .. } | State::Confirmed { .. },
                Class::Success,
            ) => {
                self.answered = Some(status);
                self.state = State::Accepted { until: now + self.timers.life };
                out.push(ServerOutput::Send(response));
            }
            // A copy, or the answer of another fork.
            (State::Accepted { .. }, Class::Success) => out.push(ServerOutput::Send(response)),
            // The caller has its final response.
            (
                State::Completed { .. } | State::Confirmed { .. } | State::Accepted { .. },
                Class::Provisional | Class::Refusal,
            )
            | (State::Terminated, Class::Provisional | Class::Success | Class::Refusal) => (),
        }
    }

    /// An ACK with this transaction's branch came.
    pub fn on_ack(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        match (&self.state, self.reliability) {
            (State::Completed { .. }, Reliability::Unreliable) => {
                self.state = State::Confirmed { until: now + self.timers.t4 };
                out.push(ServerOutput::Acked);
            }
            (State::Completed { .. }, Reliability::Reliable) => {
                out.push(ServerOutput::Acked);
                self.terminate(out);
            }
            // Nothing was refused yet, a copy, or the ACK for a 2xx, which is its user's to forward.
            (
                State::Proceeding { .. }
                | State::Confirmed { .. }
                | State::Accepted { .. }
                | State::Terminated,
                Reliability::Unreliable | Reliability::Reliable,
            ) => (),
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
        match &mut self.state {
            State::Completed { give_up_at, .. } if *give_up_at <= now => {
                out.push(ServerOutput::AckMissing);
                self.terminate(out);
            }
            State::Completed { refusal, resend: Some(resend), .. } if resend.is_due(now) => {
                *resend = resend.doubled(self.timers.t2, now);
                out.push(ServerOutput::Send(refusal.clone()));
            }
            State::Confirmed { until } | State::Accepted { until } if *until <= now => {
                self.terminate(out);
            }
            // Not yet, or no deadline at all.
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Confirmed { .. }
            | State::Accepted { .. }
            | State::Terminated => (),
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Completed { resend, give_up_at, .. } => Some(Resend::or(*resend, *give_up_at)),
            State::Confirmed { until } | State::Accepted { until } => Some(*until),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// The status of the final response that was sent, if one was: of the first 2xx, or else of the refusal.
    #[must_use]
    pub fn answered(&self) -> Option<u16> {
        self.answered
    }

    fn terminate(&mut self, out: &mut Vec<ServerOutput>) {
        self.state = State::Terminated;
        out.push(ServerOutput::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::story::{Machine, story};

    impl Machine for ServerInvite {
        type Output = ServerOutput;

        fn hear(&mut self, event: &str, now: Time, out: &mut Vec<ServerOutput>) {
            match event {
                "INVITE" => self.on_retransmission(out),
                "ACK" => self.on_ack(now, out),
                said => self.respond(said[..3].parse().unwrap(), said.as_bytes().into(), now, out),
            }
        }

        fn wake(&mut self, now: Time, out: &mut Vec<ServerOutput>) {
            self.on_deadline(now, out);
        }

        fn next(&self) -> Option<Time> {
            self.deadline()
        }

        fn look(&self) -> String {
            self.answered().map_or("unanswered".to_owned(), |status| format!("answered {status}"))
        }
    }

    fn over(reliability: Reliability, script: &[&str]) -> Vec<String> {
        let start = |out: &mut Vec<_>| {
            ServerInvite::start(b"100".as_slice().into(), reliability, Timers::default(), out)
        };
        story(start, script)
    }

    fn udp(script: &[&str]) -> Vec<String> {
        over(Reliability::Unreliable, script)
    }

    fn tcp(script: &[&str]) -> Vec<String> {
        over(Reliability::Reliable, script)
    }

    #[test]
    fn copies_of_the_invite_get_the_last_provisional() {
        assert_eq!(
            udp(&["0.5s INVITE", "1s 180", "1.5s INVITE", "2s 183", "3.5s INVITE", "4s look", "900s wake"]),
            [
                "0.000s send 100",
                "0.500s send 100",
                "1.000s send 180",
                "1.500s send 180",
                "2.000s send 183",
                "3.500s send 183",
                "4.000s unanswered",
            ]
        );
    }

    #[test]
    fn an_ack_before_any_final_is_a_stray() {
        assert_eq!(udp(&["1s ACK", "2s INVITE"]), ["0.000s send 100", "2.000s send 100"]);
    }

    #[test]
    fn a_refusal_is_repeated_until_its_ack_comes() {
        assert_eq!(
            udp(&["1s 486", "1.1s look", "1.2s INVITE", "3s ACK", "3.1s ACK", "3.2s INVITE", "3.3s look"]),
            [
                "0.000s send 100",
                "1.000s send 486",
                "1.100s answered 486",
                "1.200s send 486",
                "1.500s send 486",
                "2.500s send 486",
                "3.000s acked",
                "3.300s answered 486",
                "8.000s done",
            ]
        );
    }

    #[test]
    fn a_refusal_that_is_never_acked_is_repeated_with_pauses_up_to_t2_and_given_up() {
        assert_eq!(
            udp(&["1s 503"]),
            [
                "0.000s send 100",
                "1.000s send 503",
                "1.500s send 503",
                "2.500s send 503",
                "4.500s send 503",
                "8.500s send 503",
                "12.500s send 503",
                "16.500s send 503",
                "20.500s send 503",
                "24.500s send 503",
                "28.500s send 503",
                "32.500s send 503",
                "33.000s ack missing",
                "33.000s done",
            ]
        );
    }

    #[test]
    fn a_late_owner_sends_one_copy_and_the_next_pause_begins_then() {
        assert_eq!(
            udp(&["0s 486", "25s wake"]),
            [
                "0.000s send 100",
                "0.000s send 486",
                "25.000s send 486",
                "26.000s send 486",
                "28.000s send 486",
                "32.000s ack missing",
                "32.000s done",
            ]
        );
        assert_eq!(
            udp(&["0s 486", "40s wake"]),
            ["0.000s send 100", "0.000s send 486", "40.000s ack missing", "40.000s done"]
        );
    }

    #[test]
    fn a_stream_is_not_sent_copies_and_ends_with_the_ack() {
        assert_eq!(
            tcp(&["1s 404"]),
            ["0.000s send 100", "1.000s send 404", "33.000s ack missing", "33.000s done"]
        );
        assert_eq!(
            tcp(&["1s 302", "2s ACK"]),
            ["0.000s send 100", "1.000s send 302", "2.000s acked", "2.000s done"]
        );
    }

    #[test]
    fn after_a_refusal_neither_a_provisional_nor_another_refusal_is_sent() {
        assert_eq!(
            udp(&[
                "1s 486",
                "1.1s 180",
                "1.2s 603",
                "1.3s INVITE",
                "1.4s ACK",
                "2s 180",
                "2s 603",
                "2s look"
            ]),
            [
                "0.000s send 100",
                "1.000s send 486",
                "1.300s send 486",
                "1.400s acked",
                "2.000s answered 486",
                "6.400s done",
            ]
        );
    }

    #[test]
    fn after_a_2xx_only_2xx_are_sent_and_copies_of_the_invite_absorbed() {
        assert_eq!(
            udp(&[
                "1s 180",
                "2s 200 b",
                "2.1s look",
                "2.5s INVITE",
                "2.5s ACK",
                "3s 180",
                "3s 486",
                "4s 200 b",
                "5s 202 c",
                "6s look",
            ]),
            [
                "0.000s send 100",
                "1.000s send 180",
                "2.000s send 200 b",
                "2.100s answered 200",
                "4.000s send 200 b",
                "5.000s send 202 c",
                "6.000s answered 200",
                "34.000s done",
            ]
        );
    }

    #[test]
    fn a_stream_waits_for_more_2xx_as_long() {
        assert_eq!(
            tcp(&["2s 200 b", "5s 200 c"]),
            ["0.000s send 100", "2.000s send 200 b", "5.000s send 200 c", "34.000s done"]
        );
    }

    #[test]
    fn a_2xx_is_sent_after_a_refusal_and_ends_its_copies() {
        assert_eq!(
            udp(&["1s 486", "2s 200 b", "2.1s look", "3s ACK", "3s INVITE", "4s 200 b"]),
            [
                "0.000s send 100",
                "1.000s send 486",
                "1.500s send 486",
                "2.000s send 200 b",
                "2.100s answered 200",
                "4.000s send 200 b",
                "34.000s done",
            ]
        );
    }

    #[test]
    fn a_2xx_is_sent_after_an_acked_refusal() {
        assert_eq!(
            udp(&["1s 486", "1.1s ACK", "2s 200 b", "2.1s look"]),
            [
                "0.000s send 100",
                "1.000s send 486",
                "1.100s acked",
                "2.000s send 200 b",
                "2.100s answered 200",
                "34.000s done",
            ]
        );
    }

    #[test]
    fn nothing_happens_after_the_end() {
        assert_eq!(
            tcp(&[
                "1s 486",
                "2s ACK",
                "3s INVITE",
                "3s ACK",
                "3s 180",
                "3s 200",
                "3s 486",
                "3s wake",
                "3s look",
            ]),
            ["0.000s send 100", "1.000s send 486", "2.000s acked", "2.000s done", "3.000s answered 486",]
        );
    }
}
