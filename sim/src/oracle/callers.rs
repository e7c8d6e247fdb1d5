//! Invariant 12, who calls whom: From, To, P-Asserted-Identity, Diversion, History-Info and Identity leave as they came,
//! but for what the plan asks of a leg; and each side of a call is given the caller that it knows.

use super::legs::target_of;
use super::{Homes, Inbound, Leg, Oracle, Sent, Turn};
use crate::glance::{Glance, Head, Packet, uri_of};
use core::net::SocketAddr;
use router::Plan;
use router::plan::Member;
use router::presentation::{Diverts, Form, Presentation, Who};
use router::target::{Peer, PeerHost};
use router::verdict::CodeRule;

impl Oracle {
    /// What is wrong with who an INVITE on a leg says calls, given what came.
    pub(crate) fn fault_of_leg_caller(
        &self,
        turn: &Turn<'_>,
        context: &Inbound,
        sent: &Sent,
        went: &Glance,
    ) -> Option<String> {
        let (invite, came) = (&context.invite, context.invite.glance.as_ref()?);
        let plan = self.plan_of(context)?;
        let peer = peer_of(plan, &sent.packet)?;
        let of_step = from_of_step(plan, &self.homes, sent.to, went.user(&sent.packet.bytes));
        let plain = peer.presentation.is_none() && of_step.is_none();
        let of_peer = peer.presentation.as_deref().unwrap_or(&Presentation::PLAIN);
        let of_step = of_step.map(|who| of_peer.with(who));
        let wanted = of_step.as_ref().unwrap_or(of_peer);
        let nth = context.legs.iter().position(|branch| *branch == went.branch).unwrap_or(context.legs.len());
        let lines = lines_of(&sent.packet, went);
        // Each other INVITE on the same hop counts one more (RFC 3261 §22.2).
        let user = went.user(&sent.packet.bytes);
        let legs = context.legs.iter().take(nth).filter_map(|branch| self.legs.get(branch));
        let is_same = |leg: &&Leg| {
            let user_of = |invite: &Glance| invite.user(&leg.packet.bytes) == user;
            leg.to == sent.to && leg.packet.glance.as_ref().is_some_and(user_of)
        };
        if legs.filter(is_same).fold(came.cseq, |cseq, _| cseq + 1) != went.cseq {
            return Some(format!("has CSeq {}", went.cseq));
        }
        // Who calls for help is shown to whoever helps.
        let plain = plain || plan.emergency.number(user).is_some();
        let fits = |step| {
            let form = wanted.form(step);
            let told = Told { form: &form, wanted, nth, from: sent.from, went: (&sent.packet, went) };
            lines == if plain && step == 0 { lines_of(invite, came) } else { told.lines(invite, came) }
        };
        // A carrier that refused once may be offered another form from then on.
        let fits = fits(0) || (fits(1) || fits(2)) && self.refused_form(turn.life, plan, peer);
        (!fits).then(|| format!("does not say who calls as the plan has it: {}", shown(&lines)))
    }

    /// What is wrong with who calls whom in a message that was passed on inside of a call, or in answer to its INVITE.
    pub(crate) fn fault_of_caller(
        &self,
        came: (&Packet, &Glance),
        went: (&Packet, &Glance),
    ) -> Option<String> {
        let (leg, head) = self.leg_of_tags(came.1).unzip();
        let raised =
            leg.and_then(|leg| Some(leg.packet.glance.as_ref()?.cseq - leg.invite.glance.as_ref()?.cseq));
        let raised = raised.filter(|_| head == Some(Head::From)).unwrap_or(0);
        let (above, below) = if came.1.is_request() { (came.1, went.1) } else { (went.1, came.1) };
        if above.cseq + raised != below.cseq {
            return Some(format!("has CSeq {}, which came as {}", went.1.cseq, came.1.cseq));
        }
        let change = leg.zip(head).and_then(|(leg, head)| {
            let caller = uri_of(leg.invite.glance.as_ref()?.value(&leg.invite.bytes, Head::From));
            let told = uri_of(leg.packet.glance.as_ref()?.value(&leg.packet.bytes, Head::From));
            let to_callee = came.1.is_request() == (head == Head::From);
            Some((head, if to_callee { told } else { caller }))
        });
        let mut expected: Vec<Vec<u8>> = came.1.who(&came.0.bytes).map(<[u8]>::to_vec).collect();
        if let Some((head, uri)) = change {
            let before = came.1.value(&came.0.bytes, head);
            let after = with_uri(before, uri);
            for line in expected.iter_mut().filter(|line| line.ends_with(before)) {
                line.truncate(line.len() - before.len());
                line.extend_from_slice(&after);
            }
        }
        let lines: Vec<Vec<u8>> = went.1.who(&went.0.bytes).map(<[u8]>::to_vec).collect();
        (lines != expected)
            .then(|| format!("does not say who calls as that side knows it: {}", shown(&lines)))
    }

    /// The leg that a message of a call belongs to, and where the caller stands in it.
    fn leg_of_tags(&self, glance: &Glance) -> Option<(&Leg, Head)> {
        let by = |tag| self.by_tag.get(&(glance.call, tag)).and_then(|branch| self.legs.get(branch));
        by(glance.to_tag).map(|leg| (leg, Head::From)).or_else(|| Some((by(glance.from_tag)?, Head::To)))
    }

    /// Takes note of a callee that nothing was heard of before it asked for something itself: it knows the caller as a leg
    /// to it said.
    pub(crate) fn notice_callee(&mut self, packet: &Packet, glance: &Glance) {
        let key = (glance.call, glance.from_tag);
        if self.by_tag.contains_key(&key) || self.by_tag.contains_key(&(glance.call, glance.to_tag)) {
            return;
        }
        let known = uri_of(glance.value(&packet.bytes, Head::To));
        let told = |leg: &Leg| {
            let invite = leg.packet.glance.as_ref();
            invite.is_some_and(|invite| {
                (invite.call, invite.from_tag) == (glance.call, glance.to_tag)
                    && uri_of(invite.value(&leg.packet.bytes, Head::From)) == known
            })
        };
        if let Some((branch, _)) = self.legs.iter().find(|(_, leg)| told(leg)) {
            self.by_tag.insert(key, *branch);
        }
    }

    /// Has any trunk of this peer's carrier refused a call in this life in a way that may be about who calls?
    fn refused_form(&self, life: u32, plan: &Plan, peer: &Peer) -> bool {
        self.legs.values().any(|leg| {
            leg.life == life
                && is_about_caller(plan, leg)
                && peer_of(plan, &leg.packet).is_some_and(|other| other.kind == peer.kind)
        })
    }
}

/// Who a step says is to stand in From of its calls to somebody; no plan here says it twice for one.
fn from_of_step<'a>(plan: &'a Plan, homes: &Homes, to: SocketAddr, user: &[u8]) -> Option<&'a Who> {
    let target = Member::Target(target_of(plan, homes, to, user)?);
    let mut steps = plan.courses.iter().flat_map(|course| &course.steps);
    steps.find(|step| step.from.is_some() && step.members.contains(&target))?.from.as_ref()
}

/// Was a leg refused in a way that may be about who calls: by status, by a cause, or by what the plan says of the status?
pub(crate) fn is_about_caller(plan: &Plan, leg: &Leg) -> bool {
    let Some((_, status)) = leg.last else { return false };
    let rules =
        peer_of(plan, &leg.packet).map(|peer| [peer.codes.get(&status), peer.dialect.codes.get(&status)]);
    let ruled = rules.into_iter().flatten().flatten().any(|rule| *rule == CodeRule::BadCli);
    matches!(status, 403 | 428 | 433 | 436..=438) || leg.identity || ruled
}

/// What a leg is to say of who calls.
struct Told<'a> {
    form: &'a Form,
    wanted: &'a Presentation,
    nth: usize,
    from: SocketAddr,
    went: (&'a Packet, &'a Glance),
}

impl Told<'_> {
    /// The lines that it must have, sorted.
    fn lines(&self, invite: &Packet, came: &Glance) -> Vec<Vec<u8>> {
        let bytes = &invite.bytes;
        let from = came.value(bytes, Head::From);
        let called = came.user(bytes);
        let number = match &self.form.who {
            Who::Caller => None,
            Who::Called => Some(called),
            Who::Number(number) => Some(number.as_bytes()),
        };
        let privacy = came.named(bytes, "Privacy").unwrap_or_default();
        let asks = |word: &[u8]| privacy.split(|byte| *byte == b';').any(|asked| asked.trim_ascii() == word);
        let (trusted, ours) = (self.wanted.trusted, number.is_some());
        let asserted = came.named(bytes, "P-Asserted-Identity").is_some();
        let own = |number: &[u8]| [b"sip:", number, b"@", self.from.ip().to_string().as_bytes()].concat();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for line in came.who(bytes) {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            let names_caller = is(&["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"]);
            let gone = names_caller && !trusted && (ours || asks(b"id"))
                || is(&["Identity", "y"]) && ours && !trusted
                || is(&["History-Info"]) && asks(b"history");
            match number {
                _ if gone => {}
                Some(number) if is(&["From", "f"]) => {
                    lines.push([b"From: ", &with_uri(from, &own(number))[..]].concat())
                }
                _ => lines.push(line.to_vec()),
            }
        }
        if ours && trusted && !asserted {
            lines.push([b"P-Asserted-Identity: <", uri_of(from), b">"].concat());
        }
        if matches!(self.form.diverts, Diverts::Diversion | Diverts::Both) {
            let reason = self.reason((invite, came), b";reason=", &DIVERSIONS);
            lines.push([b"Diversion: <", &own(called)[..], b">;reason=", &reason, b";counter=1"].concat());
        }
        if matches!(self.form.diverts, Diverts::HistoryInfo | Diverts::Both) && !asks(b"history") {
            lines.push(self.history(invite, came));
        }
        lines.sort();
        lines
    }

    /// The entries that go on with those that came; no call here comes with its own number as the last of them.
    fn history(&self, invite: &Packet, came: &Glance) -> Vec<u8> {
        let before = came.named(&invite.bytes, "History-Info").unwrap_or_default();
        let index =
            before.windows(7).rposition(|seven| seven == b";index=").and_then(|at| before.get(at + 7..));
        let index = index.map(|rest| rest.split(|byte| *byte == b';').next().unwrap_or_default());
        let base = index.map_or_else(|| b"1".to_vec(), |index| [index, b".1"].concat());
        let (packet, went) = self.went;
        let cause = self.reason((invite, came), b";cause=", &CAUSES);
        let to = [b"<", went.uri(&packet.bytes), b";cause=", &cause, b">"].concat();
        let nth = (self.nth + 1).to_string();
        let called = [b"History-Info: <", came.uri(&invite.bytes), b">;index=", &base, b", "].concat();
        [&called[..], &to, b";index=", &base, b".", nth.as_bytes(), b";mp=", &base].concat()
    }

    /// The reason that was given in a line that did not come, if it is one of those that there are.
    fn reason(&self, (invite, came): (&Packet, &Glance), before: &[u8], known: &[&str]) -> Vec<u8> {
        let (packet, went) = self.went;
        let is_new = |line: &&[u8]| !came.who(&invite.bytes).any(|old| old == *line);
        let given = went.who(&packet.bytes).filter(is_new).filter_map(|line| {
            let at = line.windows(before.len()).rposition(|piece| piece == before)?;
            line.get(at + before.len()..)?.split(|byte| matches!(byte, b';' | b'>')).next()
        });
        let fits = |given: &&[u8]| known.iter().any(|known| known.as_bytes() == *given);
        given.filter(fits).map(<[u8]>::to_vec).next().unwrap_or_else(|| b"a known reason".to_vec())
    }
}

const DIVERSIONS: [&str; 5] = ["unconditional", "time-of-day", "no-answer", "user-busy", "unavailable"];
const CAUSES: [&str; 5] = ["302", "404", "408", "486", "503"];

/// The peer of a plan that an INVITE is sent to: its host stands in the Request-URI.
fn peer_of<'a>(plan: &'a Plan, packet: &Packet) -> Option<&'a Peer> {
    let uri = packet.glance.as_ref()?.uri(&packet.bytes);
    let host = uri.split(|byte| *byte == b'@').next_back()?;
    let host = host.split(|byte| matches!(byte, b':' | b';')).next()?;
    plan.peers.iter().find(|peer| match &peer.host {
        PeerHost::Ip(ip) => ip.to_string().as_bytes() == host,
        PeerHost::Name(name) => name.as_bytes() == host,
    })
}

/// A From or To value with another URI in its brackets.
fn with_uri(value: &[u8], uri: &[u8]) -> Vec<u8> {
    let before = uri_of(value);
    let at = value.windows(before.len().max(1)).position(|piece| piece == before).unwrap_or(0);
    let rest = value.get(at + before.len()..).unwrap_or_default();
    [value.get(..at).unwrap_or_default(), uri, rest].concat()
}

fn lines_of(packet: &Packet, glance: &Glance) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = glance.who(&packet.bytes).map(<[u8]>::to_vec).collect();
    lines.sort();
    lines
}

fn shown(lines: &[Vec<u8>]) -> String {
    String::from_utf8_lossy(&lines.join(&b" | "[..])).into_owned()
}
