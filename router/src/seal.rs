//! What we sign, so that any node can trust it without state: our Via branch, our Record-Route, the tag of a refusal.

use core::hash::Hasher as _;
use core::net::IpAddr;
use sip::text::{push_hex, read_hex};
use sip::{Host, Message, Method, Name, Stamp, Via};
use siphasher::sip::SipHasher24;

/// Signs and verifies with the key of the cluster. SipHash-2-4 under a secret key is a MAC; a wrong guess at its 64
/// bits costs a datagram each.
#[derive(Clone, Debug)]
pub struct Seal {
    key: [u8; 16],
}

/// What our Via branch says: whose transaction it is, an index without a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What kind of request it was put on.
    pub kind: Kind,
    /// Slot of the call or the probe; a hash of the branch below for a request that was passed on without state.
    pub slot: u32,
    /// Generation of the slot.
    pub generation: u32,
    /// Leg of the call.
    pub leg: u32,
    /// Hash of what routing depends on: the same again is a loop (RFC 3261 §16.6 step 8, RFC 5393 §4.2.1).
    pub routing: u32,
    /// By how much the CSeq of this request is above the one it came with: what its responses are lowered by.
    pub shift: u32,
    /// Is the URI of the caller another than the one it came with? Then our Via says which, hidden.
    pub veiled: bool,
    /// The connection that the request came by: its responses go back along it (RFC 3261 §18.2.2). 0 for datagrams.
    pub connection: u64,
}

/// What the token in our Record-Route tells of a call to whatever node its later requests come to. The token is
/// `until[.field]*.mac`: each field a letter that names it and its value, left out where it has its default; the MAC
/// covers all before it, the Call-ID and the caller's tag. The element stays short: values are of a few bytes, or of
/// what may stand in a URI's parameter as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried<'a> {
    /// `s`: by how much the CSeq of the caller's requests is raised on their way to the callee, since the INVITE had
    /// to be sent more than once. The callee's own requests have a count of their own and need nothing.
    pub shift: u32,
    /// `f`: the two URIs that the caller is known by, one on each side, if they differ; hidden, since the callee reads it.
    pub veil: Option<&'a [u8]>,
    /// `c`: the connection that the INVITE came by, for what the callee sends (the flow token of RFC 5626 §5.2): many a
    /// caller's address can be reached by nobody else. 0 for datagrams.
    pub connection: u64,
}

/// Who of a call sends a request inside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Whoever sent the INVITE.
    Caller,
    /// Whoever answered it.
    Callee,
}

/// What kind of request a branch was put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An INVITE of a walk.
    Leg,
    /// One of our OPTIONS.
    Probe,
    /// One of our REGISTERs.
    Registration,
    /// A request that was passed on without state.
    Passing,
}

/// What a response's top Via proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// We wrote it, and the Via below is the one we received: the response may be forwarded.
    Whole(Branch),
    /// We wrote it, but the Via below is missing or another: the leg failed.
    WrongBelow(Branch),
}

/// How long a Record-Route is good for, in seconds: no call lasts a week.
pub const ROUTE_LIFE: i64 = 7 * 24 * 3_600;

/// How long a call that was sent out may take to come back, in seconds: its walk is over by then.
pub const WALK_LIFE: i64 = 180;

impl Seal {
    /// Signs with this key.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// Pushes the `branch` value to write over the Via element that hashes to `below`; 0 for a request of our own.
    pub fn push_branch(&self, text: &mut Vec<u8>, branch: Branch, below: u32, call_id: &[u8]) {
        let start = text.len();
        text.extend_from_slice(PREFIX);
        let letter = branch.kind.letter();
        text.push(if branch.veiled { letter.to_ascii_uppercase() } else { letter });
        push_hex(text, u64::from(branch.slot), 1);
        for (number, width) in [(branch.generation, 1), (branch.leg, 1), (branch.routing, 8), (below, 8)] {
            text.push(b'.');
            push_hex(text, u64::from(number), width);
        }
        if branch.shift > 0 || branch.connection > 0 {
            text.push(b'.');
            push_hex(text, u64::from(branch.shift), 1);
        }
        if branch.connection > 0 {
            text.push(b'.');
            push_hex(text, branch.connection, 1);
        }
        let mac = self.mac(b'v', &[text.get(start..).unwrap_or_default(), call_id]);
        text.push(b'.');
        push_hex(text, mac, 16);
    }

    /// What of the Via below ours comes back unchanged in a response, as a hash; `stamp` is what we add to it.
    #[must_use]
    pub fn below(&self, via: &Via<'_>, stamp: &Stamp) -> u32 {
        self.below_hash(via, stamp.received, stamp.rport)
    }

    /// Reads the top one of a response's Vias; `None` if we did not write it.
    #[must_use]
    pub fn read_branch(&self, response: &Message, vias: &[Via<'_>]) -> Option<Proof> {
        let (branch, below) = self.read(vias.first()?.branch(), response.call_id())?;
        let intact = match vias.get(1) {
            None => below == 0,
            Some(via) => {
                let (received, rport) = via.stamps();
                below == self.below_hash(via, received, rport)
            }
        };
        Some(if intact { Proof::Whole(branch) } else { Proof::WrongBelow(branch) })
    }

    /// The routing hash in a branch of ours; `None` if we did not write it.
    #[must_use]
    pub fn routing_of(&self, branch: &[u8], call_id: &[u8]) -> Option<u32> {
        self.read(branch, call_id).map(|(branch, _)| branch.routing)
    }

    /// Hash of everything that routing depends on (RFC 3261 §16.6 step 8, RFC 5393 §4.2.1), but for what makes it this call:
    /// that is proven by the branch that it stands in. Without Proxy-Authorization: a CANCEL and the ACK of a refusal do not have
    /// that of their INVITE, and new credentials come with a new CSeq.
    #[must_use]
    pub fn routing(&self, request: &Message) -> u32 {
        let uri = request.request_uri().map(|span| request.at(span)).unwrap_or_default();
        let cseq = request.cseq().map_or(0, |(number, _)| number).to_be_bytes();
        let mut hash = self.hash(b'l');
        for part in [uri, request.to_tag(), &cseq] {
            hash.feed(part);
        }
        for name in [Name::Route, Name::ProxyRequire] {
            for field in request.fields_of(name) {
                hash.feed(request.at(field.value));
            }
        }
        low(hash.finish())
    }

    /// What a request's transaction is known by (RFC 3261 §17.2.3): branch and sent-by, or for a branch without
    /// the magic cookie what RFC 2543 compared. CANCEL and ACK have the key of their INVITE.
    #[must_use]
    pub fn transaction(&self, request: &Message, via: &Via<'_>) -> u64 {
        let is_invites = matches!(request.method(), Method::Invite | Method::Ack | Method::Cancel);
        if is_invites && let Some(key) = self.invite_transaction(via) {
            return key;
        }
        let mut hash = self.hash(b't');
        let uri = request.request_uri().map(|span| request.at(span)).unwrap_or_default();
        let cseq = request.cseq().map_or(0, |(number, _)| number).to_be_bytes();
        let method = if is_invites { b"" } else { request.method_name() };
        let legacy = !is_rfc3261(via);
        let parts = [uri, request.call_id(), request.from_tag(), &cseq];
        for part in parts.into_iter().filter(|_| legacy).chain([via.branch(), method]) {
            hash.feed(part);
        }
        hash.feed_host(via);
        hash.finish()
    }

    /// The key of an INVITE's transaction by its topmost Via alone; `None` for a branch of RFC 2543.
    #[must_use]
    pub fn invite_transaction(&self, via: &Via<'_>) -> Option<u64> {
        let mut hash = self.hash(b'i');
        hash.feed(via.branch());
        hash.feed_host(via);
        is_rfc3261(via).then(|| hash.finish())
    }

    /// The value of the `t` parameter in our Record-Route: good for this call, until `unix` plus [`ROUTE_LIFE`]
    /// seconds, on every node of the cluster.
    #[must_use]
    pub fn route(&self, call_id: &[u8], caller_tag: &[u8], unix: i64, carried: Carried<'_>) -> Vec<u8> {
        let until = low(u64::try_from(unix.saturating_add(ROUTE_LIFE)).unwrap_or_default());
        let mut token = Vec::with_capacity(32);
        push_hex(&mut token, u64::from(until), 1);
        carried.push(&mut token);
        let mac = self.mac(b'r', &[call_id, caller_tag, &token]);
        token.push(b'.');
        push_hex(&mut token, mac, 16);
        token
    }

    /// What this `t` parameter carries, and who sends; `None` if it does not belong to this request's call. The
    /// caller's tag is in From or in To, depending on who sends.
    #[must_use]
    pub fn read_route<'a>(
        &self,
        token: &'a [u8],
        request: &Message,
        unix: i64,
    ) -> Option<(Carried<'a>, Sender)> {
        let (signed, said) = token.split_at(token.iter().rposition(|byte| *byte == b'.')?);
        let fits = |tag: &[u8]| {
            let mut mac = Vec::with_capacity(16);
            push_hex(&mut mac, self.mac(b'r', &[request.call_id(), tag, signed]), 16);
            said.strip_prefix(b".") == Some(&mac)
        };
        let sender = match (fits(request.from_tag()), fits(request.to_tag())) {
            (true, _) => Sender::Caller,
            (false, true) => Sender::Callee,
            (false, false) => return None,
        };
        let mut fields = signed.split(|byte| *byte == b'.');
        let until = read_hex(fields.next()?)?;
        let carried = Carried::read(fields)?;
        (u64::try_from(unix).unwrap_or_default() <= until).then_some((carried, sender))
    }

    /// The mark of a call for this number that leaves for a phone number: good for [`WALK_LIFE`] seconds, on every node of
    /// the cluster.
    #[must_use]
    pub fn walk(&self, number: &[u8], unix: i64) -> Vec<u8> {
        let until = low(u64::try_from(unix.saturating_add(WALK_LIFE)).unwrap_or_default());
        let mut token = Vec::with_capacity(40);
        push_hex(&mut token, u64::from(until), 1);
        token.push(b'.');
        push_hex(&mut token, self.mac(b'n', &[number]), 16);
        let mac = self.mac(b'w', &[&token]);
        token.push(b'.');
        push_hex(&mut token, mac, 16);
        token
    }

    /// Is this the mark of a call for that number? `None` if it is none of ours, or too old.
    #[must_use]
    pub fn read_walk(&self, token: &[u8], number: &[u8], unix: i64) -> Option<bool> {
        let (signed, mac) = token.split_at(token.iter().rposition(|byte| *byte == b'.')?);
        if read_hex(mac.get(1..)?)? != self.mac(b'w', &[signed]) {
            return None;
        }
        let (until, of) = signed.split_at(signed.iter().position(|byte| *byte == b'.')?);
        let is_good = u64::try_from(unix).unwrap_or_default() <= read_hex(until)?;
        is_good.then_some(read_hex(of.get(1..)?)? == self.mac(b'n', &[number]))
    }

    /// A hash of what a dialog is known by: Call-ID and both tags (RFC 3261 §12), whoever of the two sends.
    #[must_use]
    pub fn dialog(&self, message: &Message) -> u64 {
        let (one, other) = (message.from_tag(), message.to_tag());
        self.mac(b'd', &[message.call_id(), one.min(other), one.max(other)])
    }

    /// The To tag of a refusal that keeps no state: the ACK for it is known by it again.
    #[must_use]
    pub fn refusal_tag(&self, request: &Message) -> Vec<u8> {
        let cseq = request.cseq().map_or(0, |(number, _)| number).to_be_bytes();
        let mac = self.mac(b'x', &[request.call_id(), request.from_tag(), &cseq]);
        let mut tag = vec![b'r'];
        push_hex(&mut tag, mac, 16);
        tag
    }

    /// Is this the ACK of a refusal that kept no state?
    #[must_use]
    pub fn is_refusals(&self, ack: &Message) -> bool {
        let tag = ack.to_tag();
        tag.first() == Some(&b'r') && tag == self.refusal_tag(ack)
    }

    fn read(&self, branch: &[u8], call_id: &[u8]) -> Option<(Branch, u32)> {
        let (signed, mac) = branch.split_at(branch.iter().rposition(|byte| *byte == b'.')?);
        let (letter, numbers) = signed.strip_prefix(PREFIX)?.split_first()?;
        let (kind, veiled) = (Kind::of(letter.to_ascii_lowercase())?, letter.is_ascii_uppercase());
        if read_hex(mac.get(1..)?)? != self.mac(b'v', &[signed, call_id]) {
            return None;
        }
        let mut numbers = numbers.split(|byte| *byte == b'.').map(read_hex);
        let mut wide = || numbers.next().flatten();
        let mut number = || u32::try_from(wide()?).ok();
        let (slot, generation, leg, routing) = (number()?, number()?, number()?, number()?);
        let below = number()?;
        let shift = number().unwrap_or(0);
        let connection = wide().unwrap_or(0);
        Some((Branch { kind, slot, generation, leg, routing, shift, veiled, connection }, below))
    }

    fn below_hash(&self, via: &Via<'_>, received: Option<IpAddr>, rport: Option<u16>) -> u32 {
        let mut hash = self.hash(b'b');
        hash.feed(via.branch());
        via.transport.iter().for_each(|byte| hash.put(&[byte.to_ascii_uppercase()]));
        hash.feed_host(via);
        if let Some(ip) = received {
            hash.feed_ip(ip);
        }
        hash.put(&rport.unwrap_or(0).to_be_bytes());
        // 0 stands for "nothing below".
        low(hash.finish()).max(1)
    }

    pub(crate) fn mac(&self, domain: u8, parts: &[&[u8]]) -> u64 {
        let mut hash = self.hash(domain);
        for part in parts {
            hash.feed(part);
        }
        hash.finish()
    }

    fn hash(&self, domain: u8) -> Hash {
        let mut hash = Hash { hasher: SipHasher24::new_with_key(&self.key), pad: [0; PAD], used: 0 };
        hash.put(&[domain]);
        hash
    }
}

/// What all branches of ours begin with.
const PREFIX: &[u8] = b"z9hG4bKt";

/// A bare magic cookie names nothing: all such calls would be one.
fn is_rfc3261(via: &Via<'_>) -> bool {
    via.branch().starts_with(Via::MAGIC) && via.branch().len() > Via::MAGIC.len()
}

/// A hash of many parts. They are gathered first: each call of the hasher costs more than the few bytes of a part.
struct Hash {
    hasher: SipHasher24,
    pad: [u8; PAD],
    used: usize,
}

/// Most of what is hashed fits.
const PAD: usize = 192;

impl Hash {
    /// Parts are fed with their length, so that no two lists of parts read alike.
    fn feed(&mut self, part: &[u8]) {
        // No part is longer than a message.
        self.put(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.put(part);
    }

    fn feed_host(&mut self, via: &Via<'_>) {
        match via.host {
            Host::Ip(ip) => self.feed_ip(ip),
            Host::Name(name) => self.feed(&name.to_ascii_lowercase()),
        }
        self.put(&via.port.unwrap_or(0).to_be_bytes());
    }

    fn feed_ip(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(ip) => self.put(&ip.octets()),
            IpAddr::V6(ip) => self.put(&ip.octets()),
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.used + bytes.len();
        if let Some(place) = self.pad.get_mut(self.used..end) {
            place.copy_from_slice(bytes);
            self.used = end;
        } else {
            self.flush();
            self.hasher.write(bytes);
        }
    }

    fn flush(&mut self) {
        self.hasher.write(self.pad.get(..self.used).unwrap_or_default());
        self.used = 0;
    }

    fn finish(mut self) -> u64 {
        self.flush();
        self.hasher.finish()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(hash: u64) -> u32 {
    hash as u32
}

impl<'a> Carried<'a> {
    fn push(self, token: &mut Vec<u8>) {
        if self.shift > 0 {
            token.extend_from_slice(b".s");
            push_hex(token, u64::from(self.shift), 1);
        }
        if let Some(veil) = self.veil {
            token.extend_from_slice(b".f");
            token.extend_from_slice(veil);
        }
        if self.connection > 0 {
            token.extend_from_slice(b".c");
            push_hex(token, self.connection, 1);
        }
    }

    /// `None` for a field that is not known here: what it asks for would be left undone.
    fn read(fields: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut carried = Self::default();
        for field in fields {
            match field.split_first()? {
                (b's', shift) => carried.shift = u32::try_from(read_hex(shift)?).ok()?,
                (b'f', veil) => carried.veil = Some(veil),
                (b'c', connection) => carried.connection = read_hex(connection)?,
                _ => return None,
            }
        }
        Some(carried)
    }
}

impl Kind {
    const fn letter(self) -> u8 {
        match self {
            Self::Leg => b'l',
            Self::Probe => b'p',
            Self::Registration => b'r',
            Self::Passing => b's',
        }
    }

    const fn of(letter: u8) -> Option<Self> {
        match letter {
            b'l' => Some(Self::Leg),
            b'p' => Some(Self::Probe),
            b'r' => Some(Self::Registration),
            b's' => Some(Self::Passing),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "BYE sip:b SIP/2.0\r\nFrom: <sip:a>;tag=FROM\r\nTo: <sip:b>;tag=TO\r\n\
        Call-ID: i\r\nCSeq: 2 BYE\r\n\r\n";

    fn request(from: &str, to: &str) -> Message {
        Message::parse(CALL.replace("FROM", from).replace("TO", to).into_bytes().into()).unwrap()
    }

    fn seal() -> Seal {
        Seal::new([7; 16])
    }

    #[test]
    fn a_route_says_what_it_carries_and_who_sends_on_every_node() {
        let (caller, callee) = (request("a", "b"), request("b", "a"));
        for shift in [0, 1, 2, 19] {
            let carried = Carried { shift, ..Carried::default() };
            let token = seal().route(b"i", b"a", 1_000, carried);
            assert!(token.len() <= 32, "{}", String::from_utf8_lossy(&token));
            let another_node = seal();
            assert_eq!(another_node.read_route(&token, &caller, 1_000), Some((carried, Sender::Caller)));
            assert_eq!(another_node.read_route(&token, &callee, 1_000), Some((carried, Sender::Callee)));
            let last = 1_000 + ROUTE_LIFE;
            assert!(another_node.read_route(&token, &caller, last).is_some());
            assert_eq!(another_node.read_route(&token, &caller, last + 1), None);
            assert_eq!(another_node.read_route(&token, &request("c", "d"), 1_000), None);
            assert_eq!(Seal::new([8; 16]).read_route(&token, &caller, 1_000), None);
        }
    }

    #[test]
    fn a_route_with_any_bit_changed_is_refused() {
        let token = seal().route(b"i", b"a", 1_000, Carried { shift: 1, ..Carried::default() });
        let caller = request("a", "b");
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal().read_route(&forged, &caller, 1_000), None, "bit {bit}");
        }
        for cut in 0..token.len() {
            assert_eq!(seal().read_route(&token[..cut], &caller, 1_000), None, "cut at {cut}");
        }
        let without = seal().route(b"i", b"a", 1_000, Carried::default());
        let moved = [&without[..8], b".s1", &without[8..]].concat();
        assert_eq!(seal().read_route(&moved, &caller, 1_000), None);
    }

    #[test]
    fn a_route_names_the_connection_that_the_caller_came_by() {
        let carried = Carried { connection: 0xdead_beef1, ..Carried::default() };
        let token = seal().route(b"i", b"a", 1_000, carried);
        assert_eq!(seal().read_route(&token, &request("b", "a"), 1_000), Some((carried, Sender::Callee)));
    }

    #[test]
    fn a_field_that_is_not_known_is_not_left_undone() {
        let signed = b"ffffffff.s1.zz";
        let mac = seal().mac(b'r', &[b"i", b"a", signed]);
        let token = format!("{}.{mac:016x}", String::from_utf8_lossy(signed));
        assert_eq!(seal().read_route(token.as_bytes(), &request("a", "b"), 0), None);
    }

    #[test]
    fn a_branch_carries_its_shift_and_is_refused_with_any_digit_changed() {
        let branch = Branch {
            kind: Kind::Leg,
            slot: 3,
            generation: 0xffff_ffff,
            leg: 1,
            routing: 9,
            shift: 0,
            veiled: false,
            connection: 0,
        };
        let cases = [(0, false, 0), (1, true, 0), (19, false, 7), (0, true, 1 << 40)];
        for (shift, veiled, connection) in cases {
            let branch = Branch { shift, veiled, connection, ..branch };
            let mut text = Vec::new();
            seal().push_branch(&mut text, branch, 5, b"i");
            assert_eq!(seal().read(&text, b"i"), Some((branch, 5)));
            assert_eq!(seal().read(&text, b"j"), None);
            for place in 0..text.len() {
                let mut forged = text.clone();
                forged[place] = if forged[place] == b'0' { b'1' } else { b'0' };
                assert_eq!(seal().read(&forged, b"i"), None, "{}", String::from_utf8_lossy(&forged));
            }
        }
    }
}
