//! Datagrams of strangers that mean harm, or nothing.

use core::net::SocketAddr;

/// Datagrams for a node at this address, each kind as often as it stands in [`KINDS`].
pub(crate) fn datagrams(node: SocketAddr) -> Vec<Vec<u8>> {
    let mut chance = Chance(SEED);
    let mut bank = Vec::new();
    for (kind, times) in KINDS {
        bank.extend((0..*times).map(|_| kind(node, &mut chance)));
    }
    // In no order.
    for n in (1..bank.len()).rev() {
        bank.swap(n, chance.below(n + 1));
    }
    bank
}

type Kind = fn(SocketAddr, &mut Chance) -> Vec<u8>;

/// Kinds of datagrams and how many of each there are among a thousand.
const KINDS: &[(Kind, usize)] = &[
    (noise, 150),
    (text_that_is_no_sip, 100),
    (cut_invite, 250),
    (header_bomb, 20),
    (nested_quotes, 40),
    (many_vias, 40),
    (forged_response, 150),
    (forged_bye, 120),
    (stray_cancel, 50),
    (unlisted, 78),
    (oversized, 2),
];

const SEED: u64 = 0x7A4D_E301;

/// The largest that fits into IP.
const DATAGRAM_MAX: usize = 65_507;

struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end).unwrap_or(1)).unwrap_or_default()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.draw().to_le_bytes()[0]).collect()
    }
}

fn noise(_: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(1_400);
    chance.bytes(length)
}

fn text_that_is_no_sip(_: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(1_000);
    chance.bytes(length).iter().map(|byte| b'!' + byte % 90).collect()
}

/// A request with these lines among its headers.
fn request(method: &str, number: &str, node: SocketAddr, chance: &mut Chance, lines: &str) -> String {
    let n = chance.draw();
    format!(
        "{method} sip:{number}@{node} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{n:x}\r\n\
        Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag={n:x}\r\nTo: <sip:{number}@{node}>\r\n{lines}\
        Call-ID: {n:x}\r\nCSeq: 1 {method}\r\nContact: <sip:127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n"
    )
}

fn cut_invite(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let mut invite = request("INVITE", "+15035550100", node, chance, "").into_bytes();
    // Before the end of the CSeq: what is whole but for its length would be a call.
    invite.truncate(1 + chance.below(250));
    invite
}

fn header_bomb(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let lines: String = (0..1_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    request("INVITE", "+15035550100", node, chance, &lines).into_bytes()
}

fn nested_quotes(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let quotes = "\"\\\"<;,".repeat(700);
    let lines = format!("Contact: {quotes}\r\nRoute: <sip:{quotes}\r\nReason: SIP;text={quotes}\r\n");
    request("INVITE", "+15035550100", node, chance, &lines)
        .replace("From: <", &format!("From: {quotes}<"))
        .into_bytes()
}

fn many_vias(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let vias = ["SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1"; 300].join(",");
    request("INVITE", "+15035550777", node, chance, &format!("Via: {vias}\r\n")).into_bytes()
}

/// Looks like an answer to one of the node's first calls, but for the seal.
fn forged_response(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let (slot, mac, status) = (chance.below(50), chance.draw(), [200, 180, 503, 603][chance.below(4)]);
    let kind = ["l", "p", "s"][chance.below(3)];
    format!(
        "SIP/2.0 {status} Forged\r\nVia: SIP/2.0/UDP {node};branch=z9hG4bKt{kind}{slot:x}.1.0.00000000.00000000.{mac:016x}\r\n\
        Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
        Call-ID: {slot}@127.0.0.1\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// Wants to be sent on to a stranger, or to end somebody's call.
fn forged_bye(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let route = format!("Route: <sip:{node};lr;t=ffffffff.{:016x}>\r\n", chance.draw());
    request("BYE", "+15035550100", node, chance, &route)
        .replace("\r\nCall-ID", ";tag=2\r\nCall-ID")
        .into_bytes()
}

fn stray_cancel(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    request("CANCEL", "+15035550100", node, chance, "").into_bytes()
}

fn unlisted(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    request("INVITE", "+15035550777", node, chance, "").into_bytes()
}

fn oversized(node: SocketAddr, chance: &mut Chance) -> Vec<u8> {
    let mut bytes = request("INVITE", "+15035550777", node, chance, "").into_bytes();
    bytes.resize(DATAGRAM_MAX, b'x');
    bytes
}
