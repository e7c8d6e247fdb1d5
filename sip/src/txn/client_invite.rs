//! INVITE client transaction: RFC 3261 §17.1.1 as amended by RFC 6026 §7.2.

use super::resend::Resend;
use super::{Class, ClientOutput, Reliability, Timers};
use crate::build;
use crate::message::{Bytes, Message};
use crate::time::Time;
use core::time::Duration;

/// One INVITE that was sent, and its responses.
///
/// It does not bound the wait after a provisional response: that is its user's timer C (RFC 3261 §16.8), and after a
/// CANCEL its user's bound on the final response (RFC 3261 §9.1). Its user ends it then by dropping it.
#[derive(Clone, Debug)]
pub struct ClientInvite {
    state: State,
    reliability: Reliability,
    timers: Timers,
    resent: u32,
    stream: Stream,
}

/// What became of the stream that the INVITE went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// It is the first one.
    First,
    /// It was closed; the INVITE went out again over a new one, and nothing has come back since.
    Renewed,
    /// Something has.
    Proven,
}

/// Each state keeps only what it needs: a transaction lingers for `life`, and an INVITE is long.
#[derive(Clone, Debug)]
enum State {
    /// The INVITE was sent and nothing has come back.
    Calling { request: Bytes, resend: Option<Resend>, give_up_at: Time },
    /// A provisional has come; the INVITE is kept for the CANCEL and the ACK.
    Proceeding { request: Bytes },
    /// A refusal has come and was ACKed; copies of it are ACKed as they come.
    Completed { ack: Bytes, until: Time },
    /// A 2xx has come; copies of it and those of other forks may follow.
    Accepted { until: Time },
    /// `Done` was said.
    Terminated,
}

impl ClientInvite {
    /// Sends the INVITE.
    pub fn start(
        request: Bytes,
        reliability: Reliability,
        timers: Timers,
        now: Time,
        out: &mut Vec<ClientOutput>,
    ) -> Self {
        out.push(ClientOutput::Send(request.clone()));
        let resend = Resend::first(reliability, timers, now);
        let state = State::Calling { request, resend, give_up_at: now + timers.life };
        Self { state, reliability, timers, resent: 0, stream: Stream::First }
    }

    /// Takes a response whose branch and CSeq method matched this transaction.
    ///
    /// A 2xx is passed whatever came before it: a fork further down may answer after another one refused.
    pub fn on_response(&mut self, response: Message, now: Time, out: &mut Vec<ClientOutput>) {
        let Some(status) = response.status() else { return };
        if self.stream == Stream::Renewed {
            self.stream = Stream::Proven;
        }
        match (&self.state, Class::of(status)) {
            (State::Calling { request, .. } | State::Proceeding { request }, Class::Provisional) => {
                self.state = State::Proceeding { request: request.clone() };
                out.push(ClientOutput::Pass(response));
            }
            (State::Calling { .. } | State::Proceeding { .. }, Class::Success) => {
                self.state = State::Accepted { until: now + self.timers.life };
                out.push(ClientOutput::Pass(response));
            }
            (State::Calling { request, .. } | State::Proceeding { request }, Class::Refusal) => {
                let ack = acknowledge(request, &response, out);
                out.push(ClientOutput::Pass(response));
                self.complete(ack, now, out);
            }
            // Not always a copy: a fork further down may have refused with another To tag.
            (State::Completed { ack, until }, Class::Refusal) => {
                let (ack, until) = (acknowledge(ack, &response, out), *until);
                self.state = State::Completed { ack, until };
            }
            (State::Completed { .. } | State::Accepted { .. }, Class::Success) => {
                out.push(ClientOutput::Pass(response));
            }
            // Too late to matter.
            (State::Completed { .. }, Class::Provisional)
            | (State::Accepted { .. }, Class::Provisional | Class::Refusal)
            | (State::Terminated, Class::Provisional | Class::Success | Class::Refusal) => (),
        }
    }

    /// The transport says that the request cannot be delivered (ICMP, reset).
    ///
    /// Ends the transaction only while nothing has come back. After a provisional the far side is known to have the
    /// INVITE, and the report may be about a CANCEL or an ACK; if it is about a lost stream, the final may still come
    /// over a new one (RFC 3261 §18.2.2). A call that rings is left to its user's patience, unless its stream is gone
    /// and no new one can be had.
    pub fn on_unreachable(&mut self, _now: Time, out: &mut Vec<ClientOutput>) {
        match &self.state {
            State::Calling { .. } => self.fail(out),
            State::Proceeding { .. } if self.stream == Stream::Renewed => self.fail(out),
            // The far side has the INVITE, or its answer is here.
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => (),
        }
    }

    /// The other side has closed the stream that the INVITE went over: sends it once more, over a new one, until a final
    /// has come. Whoever still has it takes this for a copy, repeats what it said last, and answers over the new stream
    /// (RFC 3261 §17.2.1); whoever lost it in a restart rings anew; whoever is gone refuses the stream, which
    /// [`on_unreachable`](Self::on_unreachable) then hears of. A second closing ends it.
    pub fn on_closed(&mut self, out: &mut Vec<ClientOutput>) {
        match (&self.state, self.stream) {
            (State::Calling { request, .. } | State::Proceeding { request }, Stream::First) => {
                self.stream = Stream::Renewed;
                self.resent += 1;
                out.push(ClientOutput::Send(request.clone()));
            }
            (State::Calling { .. } | State::Proceeding { .. }, Stream::Renewed | Stream::Proven) => {
                self.fail(out);
            }
            // Its answer is here.
            (State::Completed { .. } | State::Accepted { .. } | State::Terminated, _) => (),
        }
    }

    /// Stops sending the INVITE again, but listens on for `timers.life` since the start: for a user that has given up
    /// before anything came back. The first provisional can then be cancelled at once, and a late 2xx still passes.
    /// Changes nothing once something has come back.
    pub fn hush(&mut self) {
        match &mut self.state {
            State::Calling { resend, .. } => *resend = None,
            // Nothing is being sent again.
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => (),
        }
    }

    /// Acts if a deadline has come.
    pub fn on_deadline(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
        match &mut self.state {
            State::Calling { give_up_at, .. } if *give_up_at <= now => {
                out.push(ClientOutput::TimedOut);
                self.terminate(out);
            }
            State::Calling { request, resend: Some(resend), .. } if resend.is_due(now) => {
                *resend = resend.doubled(Duration::MAX, now);
                self.resent += 1;
                out.push(ClientOutput::Send(request.clone()));
            }
            State::Completed { until, .. } | State::Accepted { until } if *until <= now => {
                self.terminate(out);
            }
            // Not yet, or no deadline at all.
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Terminated => (),
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called; `None` for not at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Calling { resend, give_up_at, .. } => Some(Resend::or(*resend, *give_up_at)),
            State::Completed { until, .. } | State::Accepted { until } => Some(*until),
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// Has a provisional come, and no final yet? Only then may a CANCEL be sent (RFC 3261 §9.1).
    #[must_use]
    pub fn may_cancel(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// The INVITE as it was sent; `None` once a final has come or the transaction is over, for it is let go then.
    #[must_use]
    pub fn request(&self) -> Option<&Bytes> {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request } => Some(request),
            State::Completed { .. } | State::Accepted { .. } | State::Terminated => None,
        }
    }

    /// How often the INVITE was sent again so far: a sign of loss, not of death.
    #[must_use]
    pub fn resent(&self) -> u32 {
        self.resent
    }

    /// Waits for copies of the refusal (timer D) where there can be any.
    fn complete(&mut self, ack: Bytes, now: Time, out: &mut Vec<ClientOutput>) {
        match self.reliability {
            Reliability::Unreliable => {
                self.state = State::Completed { ack, until: now + self.timers.life };
            }
            Reliability::Reliable => self.terminate(out),
        }
    }

    fn fail(&mut self, out: &mut Vec<ClientOutput>) {
        out.push(ClientOutput::Unreachable);
        self.terminate(out);
    }

    fn terminate(&mut self, out: &mut Vec<ClientOutput>) {
        self.state = State::Terminated;
        out.push(ClientOutput::Done);
    }
}

/// Sends the ACK for a refusal and gives it back. `basis` is the INVITE or an earlier ACK for it: the ACK has all that
/// another one takes from the INVITE (RFC 3261 §17.1.1.3).
fn acknowledge(basis: &Bytes, response: &Message, out: &mut Vec<ClientOutput>) -> Bytes {
    // Only a user that sent something other than SIP comes here without a message; there is nothing to ACK then.
    let Ok(basis) = Message::parse(basis.clone()) else { return basis.clone() };
    let ack = build::ack(&basis, response);
    out.push(ClientOutput::Send(ack.clone()));
    ack
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::story::{Machine, request, response, story};

    impl Machine for ClientInvite {
        type Output = ClientOutput;

        fn hear(&mut self, event: &str, now: Time, out: &mut Vec<ClientOutput>) {
            match event {
                "unreachable" => self.on_unreachable(now, out),
                "closed" => self.on_closed(out),
                "hush" => self.hush(),
                event => self.on_response(response(event, "INVITE"), now, out),
            }
        }

        fn wake(&mut self, now: Time, out: &mut Vec<ClientOutput>) {
            self.on_deadline(now, out);
        }

        fn next(&self) -> Option<Time> {
            self.deadline()
        }

        fn look(&self) -> String {
            let cancel = if self.may_cancel() { "may cancel" } else { "may not cancel" };
            let request = if self.request().is_some() { "keeps INVITE" } else { "has let go" };
            format!("resent {}, {cancel}, {request}", self.resent())
        }
    }

    fn over(reliability: Reliability, script: &[&str]) -> Vec<String> {
        let invite = request("INVITE");
        let start =
            |out: &mut Vec<_>| ClientInvite::start(invite, reliability, Timers::default(), Time::ZERO, out);
        story(start, script)
    }

    fn udp(script: &[&str]) -> Vec<String> {
        over(Reliability::Unreliable, script)
    }

    fn tcp(script: &[&str]) -> Vec<String> {
        over(Reliability::Reliable, script)
    }

    #[test]
    fn a_stream_that_closes_is_renewed_once_and_then_counts_as_gone() {
        assert_eq!(
            tcp(&["1s closed", "2s look", "3s closed"]),
            [
                "0.000s send INVITE",
                "1.000s send INVITE",
                "2.000s resent 1, may not cancel, keeps INVITE",
                "3.000s unreachable",
                "3.000s done",
            ]
        );
        assert_eq!(
            tcp(&["1s 180 b", "2s closed", "3s unreachable"]),
            [
                "0.000s send INVITE",
                "1.000s pass 180 b",
                "2.000s send INVITE",
                "3.000s unreachable",
                "3.000s done"
            ]
        );
        assert_eq!(
            tcp(&["1s 180 b", "2s closed", "3s 180 b", "4s unreachable", "5s 200 b", "6s closed"]),
            [
                "0.000s send INVITE",
                "1.000s pass 180 b",
                "2.000s send INVITE",
                "3.000s pass 180 b",
                "5.000s pass 200 b",
                "37.000s done",
            ]
        );
    }

    #[test]
    fn silence_is_met_with_doubling_pauses_and_then_given_up() {
        assert_eq!(
            udp(&["31.6s look"]),
            [
                "0.000s send INVITE",
                "0.500s send INVITE",
                "1.500s send INVITE",
                "3.500s send INVITE",
                "7.500s send INVITE",
                "15.500s send INVITE",
                "31.500s send INVITE",
                "31.600s resent 6, may not cancel, keeps INVITE",
                "32.000s timed out",
                "32.000s done",
            ]
        );
    }

    #[test]
    fn a_stream_is_not_sent_copies() {
        assert_eq!(tcp(&[]), ["0.000s send INVITE", "32.000s timed out", "32.000s done"]);
    }

    #[test]
    fn a_late_owner_sends_one_copy_and_the_next_pause_begins_then() {
        assert_eq!(
            udp(&["9s wake"]),
            [
                "0.000s send INVITE",
                "9.000s send INVITE",
                "10.000s send INVITE",
                "12.000s send INVITE",
                "16.000s send INVITE",
                "24.000s send INVITE",
                "32.000s timed out",
                "32.000s done",
            ]
        );
    }

    #[test]
    fn an_owner_that_slept_past_the_end_hears_of_the_end_only() {
        assert_eq!(udp(&["40s wake"]), ["0.000s send INVITE", "40.000s timed out", "40.000s done"]);
    }

    #[test]
    fn a_provisional_stops_copies_and_gives_up_no_more() {
        assert_eq!(
            udp(&["0.6s 100", "0.7s look", "0.8s 180 b", "0.9s 180 b", "500s wake", "500s look"]),
            [
                "0.000s send INVITE",
                "0.500s send INVITE",
                "0.600s pass 100",
                "0.700s resent 1, may cancel, keeps INVITE",
                "0.800s pass 180 b",
                "0.900s pass 180 b",
                "500.000s resent 1, may cancel, keeps INVITE",
            ]
        );
    }

    #[test]
    fn every_2xx_passes_for_the_life_of_the_transaction() {
        assert_eq!(
            udp(&["0.1s 200 b", "0.2s look", "0.6s 200 b", "1s 200 c", "32s 200 b", "33s look"]),
            [
                "0.000s send INVITE",
                "0.100s pass 200 b",
                "0.200s resent 0, may not cancel, has let go",
                "0.600s pass 200 b",
                "1.000s pass 200 c",
                "32.000s pass 200 b",
                "32.100s done",
                "33.000s resent 0, may not cancel, has let go",
            ]
        );
    }

    #[test]
    fn a_2xx_over_a_stream_is_waited_on_as_long() {
        assert_eq!(
            tcp(&["1s 180 b", "2s 200 b", "3s 200 c"]),
            [
                "0.000s send INVITE",
                "1.000s pass 180 b",
                "2.000s pass 200 b",
                "3.000s pass 200 c",
                "34.000s done",
            ]
        );
    }

    #[test]
    fn after_a_2xx_all_else_is_too_late() {
        assert_eq!(
            udp(&["1s 180 b", "2s 200 b", "3s 180 c", "3s 486 c", "3s 302 b", "3s unreachable", "3s hush"]),
            [
                "0.000s send INVITE",
                "0.500s send INVITE",
                "1.000s pass 180 b",
                "2.000s pass 200 b",
                "34.000s done",
            ]
        );
    }

    #[test]
    fn a_refusal_passes_once_and_each_copy_is_acked() {
        assert_eq!(
            udp(&["0.1s 503 b", "0.2s look", "0.6s 503 b", "1.6s 503 b", "32.05s 503 b"]),
            [
                "0.000s send INVITE",
                "0.100s send ACK b",
                "0.100s pass 503 b",
                "0.200s resent 0, may not cancel, has let go",
                "0.600s send ACK b",
                "1.600s send ACK b",
                "32.050s send ACK b",
                "32.100s done",
            ]
        );
    }

    #[test]
    fn a_refusal_after_ringing_is_acked_and_passed() {
        assert_eq!(
            udp(&["0.1s 180 b", "5s 486 b", "6s 486 b"]),
            [
                "0.000s send INVITE",
                "0.100s pass 180 b",
                "5.000s send ACK b",
                "5.000s pass 486 b",
                "6.000s send ACK b",
                "37.000s done",
            ]
        );
    }

    #[test]
    fn a_refusal_over_a_stream_ends_it_at_once() {
        assert_eq!(
            tcp(&["0.1s 180 b", "5s 302 b"]),
            [
                "0.000s send INVITE",
                "0.100s pass 180 b",
                "5.000s send ACK b",
                "5.000s pass 302 b",
                "5.000s done",
            ]
        );
        assert_eq!(
            tcp(&["5s 604 b"]),
            ["0.000s send INVITE", "5.000s send ACK b", "5.000s pass 604 b", "5.000s done"]
        );
    }

    #[test]
    fn the_refusal_of_another_fork_gets_an_ack_of_its_own() {
        assert_eq!(
            udp(&["0.1s 486 b", "0.2s 480 c", "0.6s 486 b"]),
            [
                "0.000s send INVITE",
                "0.100s send ACK b",
                "0.100s pass 486 b",
                "0.200s send ACK c",
                "0.600s send ACK b",
                "32.100s done",
            ]
        );
    }

    #[test]
    fn a_2xx_after_a_refusal_still_passes() {
        assert_eq!(
            udp(&["0.1s 486 b", "2s 200 c", "3s 200 c", "4s 486 b"]),
            [
                "0.000s send INVITE",
                "0.100s send ACK b",
                "0.100s pass 486 b",
                "2.000s pass 200 c",
                "3.000s pass 200 c",
                "4.000s send ACK b",
                "32.100s done",
            ]
        );
    }

    #[test]
    fn after_a_refusal_a_provisional_and_a_transport_error_are_too_late() {
        assert_eq!(
            udp(&["0.1s 486 b", "1s 180 c", "1s unreachable", "1s hush"]),
            ["0.000s send INVITE", "0.100s send ACK b", "0.100s pass 486 b", "32.100s done"]
        );
    }

    #[test]
    fn a_dead_port_ends_it_at_once() {
        assert_eq!(
            udp(&["0.003s unreachable", "1s look"]),
            [
                "0.000s send INVITE",
                "0.003s unreachable",
                "0.003s done",
                "1.000s resent 0, may not cancel, has let go",
            ]
        );
    }

    #[test]
    fn a_call_that_rings_survives_a_transport_error() {
        assert_eq!(
            udp(&["0.1s 180 b", "0.2s unreachable", "0.3s hush", "5s 200 b"]),
            ["0.000s send INVITE", "0.100s pass 180 b", "5.000s pass 200 b", "37.000s done"]
        );
    }

    #[test]
    fn a_hushed_invite_is_not_sent_again_but_listened_for() {
        assert_eq!(
            udp(&["0.6s hush", "9s look"]),
            [
                "0.000s send INVITE",
                "0.500s send INVITE",
                "9.000s resent 1, may not cancel, keeps INVITE",
                "32.000s timed out",
                "32.000s done",
            ]
        );
        assert_eq!(
            udp(&["0.1s hush", "5s 100", "5s look"]),
            ["0.000s send INVITE", "5.000s pass 100", "5.000s resent 0, may cancel, keeps INVITE"]
        );
        assert_eq!(
            udp(&["0.1s hush", "5s 200 b"]),
            ["0.000s send INVITE", "5.000s pass 200 b", "37.000s done"]
        );
        assert_eq!(
            udp(&["0.1s hush", "5s unreachable"]),
            ["0.000s send INVITE", "5.000s unreachable", "5.000s done"]
        );
    }

    #[test]
    fn nothing_happens_after_the_end() {
        assert_eq!(
            tcp(&["1s 486 b", "2s 180 b", "2s 200 b", "2s 486 b", "2s unreachable", "2s hush", "2s wake"]),
            ["0.000s send INVITE", "1.000s send ACK b", "1.000s pass 486 b", "1.000s done"]
        );
    }

    #[test]
    fn a_short_t1_repeats_sooner_and_gives_up_no_earlier() {
        let timers = Timers { t1: Duration::from_millis(50), ..Timers::default() };
        let start = |out: &mut Vec<_>| {
            ClientInvite::start(request("INVITE"), Reliability::Unreliable, timers, Time::ZERO, out)
        };
        assert_eq!(
            story(start, &[]),
            [
                "0.000s send INVITE",
                "0.050s send INVITE",
                "0.150s send INVITE",
                "0.350s send INVITE",
                "0.750s send INVITE",
                "1.550s send INVITE",
                "3.150s send INVITE",
                "6.350s send INVITE",
                "12.750s send INVITE",
                "25.550s send INVITE",
                "32.000s timed out",
                "32.000s done",
            ]
        );
    }
}
