//! SRTP (RFC 3711): AES-128 in counter mode, and a tag of HMAC-SHA-1 behind each packet. One [`Seal`] is one direction of a call.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128, Block};
use core::fmt;
use core::ops::Deref;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// A master key of 16 bytes and its salt of 14. It is never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; KEY_LENGTH]);

/// Bytes of a master key with its salt.
pub const KEY_LENGTH: usize = 30;

/// How packets are sealed (RFC 4568 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`: tags of ten bytes.
    Long,
    /// `AES_CM_128_HMAC_SHA1_32`: tags of four, but for RTCP.
    Short,
}

/// What seals the packets of one side, or opens those of the other.
#[derive(Clone)]
pub struct Seal {
    sound: Cipher,
    reports: Cipher,
    streams: [Option<Stream>; STREAMS_MAX],
    /// The next of our own reports.
    report: u32,
    /// The newest report of the other side, and which before it have come.
    heard: Window<u32>,
}

/// What stands behind a sealed packet.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    bytes: [u8; TAG_MAX],
    length: usize,
}

/// Bytes that a packet of sound or a report grows by at most.
pub const TAG_MAX: usize = 14;

#[derive(Clone)]
struct Cipher {
    aes: Aes128,
    salt: [u8; 14],
    mac: Hmac<Sha1>,
    tag: usize,
}

/// One source of sound: how often its sequence numbers have gone round, and which have come.
#[derive(Clone, Copy)]
struct Stream {
    source: u32,
    window: Window<u64>,
}

/// The newest number, and the 63 before it: what has come once does not count again (RFC 3711 §3.3.2).
#[derive(Clone, Copy, Default)]
struct Window<N> {
    newest: Option<N>,
    seen: u64,
}

/// Sources of one side that are known at once: a further one takes the place of the first.
const STREAMS_MAX: usize = 4;

/// Bytes of the tag of RTCP, and of the longer one of RTP.
const LONG: usize = 10;

/// In front of the number of a report: it is encrypted.
const ENCRYPTED: u32 = 1 << 31;

impl Suite {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Long, Self::Short];

    /// This suite and no other.
    #[must_use]
    pub const fn only(self) -> &'static [Self] {
        match self {
            Self::Long => &[Self::Long],
            Self::Short => &[Self::Short],
        }
    }
}

impl Key {
    /// These bytes are a master key and its salt.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes, for whoever tells the other side.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// Another key, which nobody can tell who does not know this one: the same for the same number.
    #[must_use]
    pub fn branch(&self, number: u64) -> Self {
        let mut bytes = [0; KEY_LENGTH];
        for (part, place) in bytes.chunks_mut(20).zip(0_u8..) {
            let mut mac = keyed(&self.0);
            mac.update(&[place]);
            mac.update(&number.to_be_bytes());
            part.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(byte, made)| *byte = made);
        }
        Self(bytes)
    }

    /// RFC 3711 §4.3: what is made of it for this label.
    fn derive<const N: usize>(&self, label: u8) -> [u8; N] {
        let mut salt = [0; 14];
        salt.copy_from_slice(&self.0[16..]);
        salt[7] ^= label;
        let mut out = [0; N];
        stream(&aes(&self.0[..16]), block(salt), &mut out);
        out
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Key(…)")
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Seal(…)")
    }
}

impl Seal {
    /// What this key seals or opens, from its first packet on.
    #[must_use]
    pub fn new(key: &Key, suite: Suite) -> Self {
        let tag = match suite {
            Suite::Long => LONG,
            Suite::Short => 4,
        };
        Self {
            sound: Cipher::new(key, 0, tag),
            reports: Cipher::new(key, 3, LONG),
            streams: [None; STREAMS_MAX],
            report: 0,
            heard: Window::default(),
        }
    }

    /// Encrypts a packet of RTP in its place; what is returned belongs behind it. `None` if it is none.
    pub fn seal(&mut self, packet: &mut [u8]) -> Option<Tag> {
        let (source, sequence, head) = head(packet)?;
        let mut stream = self.stream(source);
        let index = stream.index(sequence);
        stream.window.take(index);
        self.keep(stream);
        self.sound.crypt(source, index, packet.get_mut(head..)?);
        Some(self.sound.tag(packet, &rounds(index)))
    }

    /// Decrypts a packet of RTP in its place, and takes its tag off. `None` if it is not of the other side, or comes again: it is
    /// dropped as it came.
    pub fn open(&mut self, packet: &mut Vec<u8>) -> Option<()> {
        let (source, sequence, head) = head(packet)?;
        let length = packet.len().checked_sub(self.sound.tag).filter(|length| *length >= head)?;
        let mut stream = self.stream(source);
        let index = stream.index(sequence);
        let (sealed, tag) = packet.split_at_checked(length)?;
        if stream.window.has(index) || !self.sound.is_tag(sealed, &rounds(index), tag) {
            return None;
        }
        stream.window.take(index);
        self.keep(stream);
        packet.truncate(length);
        self.sound.crypt(source, index, packet.get_mut(head..)?);
        Some(())
    }

    /// Encrypts a report (RTCP) in its place; what is returned belongs behind it. `None` if it is none.
    pub fn seal_report(&mut self, packet: &mut [u8]) -> Option<Tag> {
        let source = report_of(packet)?;
        let index = self.report;
        self.report = index.wrapping_add(1) & !ENCRYPTED;
        self.reports.crypt(source, u64::from(index), packet.get_mut(REPORT_HEAD..)?);
        let number = (index | ENCRYPTED).to_be_bytes();
        let tag = self.reports.tag(packet, &number);
        let mut bytes = [0; TAG_MAX];
        bytes.iter_mut().zip(number.iter().chain(tag.iter())).for_each(|(byte, own)| *byte = *own);
        Some(Tag { bytes, length: 4 + tag.length })
    }

    /// Decrypts a report in its place, and takes off what stands behind it. `None` as for [`open`](Self::open).
    pub fn open_report(&mut self, packet: &mut Vec<u8>) -> Option<()> {
        let source = report_of(packet)?;
        let length = packet.len().checked_sub(4 + LONG).filter(|length| *length >= REPORT_HEAD)?;
        let (sealed, tail) = packet.split_at_checked(length)?;
        let (number, tag) = tail.split_first_chunk::<4>()?;
        let index = u32::from_be_bytes(*number);
        let (is_encrypted, index) = (index & ENCRYPTED != 0, index & !ENCRYPTED);
        if self.heard.has(index) || !self.reports.is_tag(sealed, number, tag) {
            return None;
        }
        self.heard.take(index);
        packet.truncate(length);
        if is_encrypted {
            self.reports.crypt(source, u64::from(index), packet.get_mut(REPORT_HEAD..)?);
        }
        Some(())
    }

    fn stream(&self, source: u32) -> Stream {
        let known = self.streams.iter().flatten().find(|stream| stream.source == source);
        known.copied().unwrap_or(Stream { source, window: Window::default() })
    }

    /// Whoever is proven to be a source is kept; the first of too many goes.
    fn keep(&mut self, stream: Stream) {
        let place = self.streams.iter().position(|own| own.is_none_or(|own| own.source == stream.source));
        if place.is_none() {
            self.streams.rotate_left(1);
        }
        let place = place.unwrap_or(STREAMS_MAX - 1);
        self.streams.iter_mut().skip(place).take(1).for_each(|own| *own = Some(stream));
    }
}

impl Deref for Tag {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Cipher {
    /// The keys of these three labels.
    fn new(key: &Key, label: u8, tag: usize) -> Self {
        Self {
            aes: aes(&key.derive::<16>(label)),
            mac: keyed(&key.derive::<20>(label + 1)),
            salt: key.derive(label + 2),
            tag,
        }
    }

    /// RFC 3711 §4.1.1, in both directions.
    fn crypt(&self, source: u32, index: u64, payload: &mut [u8]) {
        let mut start = block(self.salt);
        let place = (u128::from(source) << 64) | (u128::from(index) << 16);
        start.iter_mut().zip(place.to_be_bytes()).for_each(|(byte, own)| *byte ^= own);
        stream(&self.aes, start, payload);
    }

    /// RFC 3711 §4.2: over the packet and what the other side knows without being told.
    fn tag(&self, packet: &[u8], behind: &[u8; 4]) -> Tag {
        let made = self.mac.clone().chain_update(packet).chain_update(behind).finalize().into_bytes();
        let mut bytes = [0; TAG_MAX];
        bytes.iter_mut().zip(made).for_each(|(byte, own)| *byte = own);
        Tag { bytes, length: self.tag }
    }

    fn is_tag(&self, packet: &[u8], behind: &[u8; 4], tag: &[u8]) -> bool {
        self.mac.clone().chain_update(packet).chain_update(behind).verify_truncated_left(tag).is_ok()
    }
}

impl Stream {
    /// RFC 3711 §3.3.1: the number that a sequence number stands for is the one nearest to the newest.
    fn index(&self, sequence: u16) -> u64 {
        let Some(newest) = self.window.newest else { return u64::from(sequence) };
        // How far it is ahead: sequence numbers wrap, and so does their newest part.
        let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        newest.checked_add_signed(ahead).unwrap_or_else(|| u64::from(sequence))
    }
}

impl<N: Copy + Into<u64>> Window<N> {
    /// Has this number come, or is it too old to tell?
    fn has(&self, number: N) -> bool {
        let (number, Some(newest)) = (number.into(), self.newest.map(Into::into)) else { return false };
        let before = newest.saturating_sub(number);
        number <= newest && (before >= 64 || self.seen >> before & 1 == 1)
    }

    fn take(&mut self, number: N) {
        let wide = number.into();
        match self.newest.map(Into::into) {
            Some(newest) if wide <= newest => {
                self.seen |= 1_u64.checked_shl(u32::try_from(newest - wide).unwrap_or(64)).unwrap_or(0);
            }
            before => {
                let ahead = before.map_or(64, |before| wide - before);
                let shifted = self.seen.checked_shl(u32::try_from(ahead).unwrap_or(64)).unwrap_or(0);
                (self.newest, self.seen) = (Some(number), shifted | 1);
            }
        }
    }
}

/// The source and sequence number of a packet of RTP, and how long its header is.
fn head(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let [first, _, a, b, _, _, _, _, rest @ ..] = packet.first_chunk::<12>()?;
    let sources = 12 + 4 * usize::from(first & 0x0f);
    let extension = match first & 0x10 {
        0 => 0,
        _ => {
            let [_, _, high, low] = packet.get(sources..)?.first_chunk::<4>()?;
            4 + 4 * usize::from(u16::from_be_bytes([*high, *low]))
        }
    };
    let is_rtp = first >> 6 == 2 && packet.len() >= sources + extension;
    is_rtp.then_some((u32::from_be_bytes(*rest), u16::from_be_bytes([*a, *b]), sources + extension))
}

/// Bytes of a report that stay in the clear.
const REPORT_HEAD: usize = 8;

/// The source of a report.
fn report_of(packet: &[u8]) -> Option<u32> {
    let [first, _, _, _, source @ ..] = packet.first_chunk::<REPORT_HEAD>()?;
    (first >> 6 == 2).then_some(u32::from_be_bytes(*source))
}

/// How often sequence numbers have gone round: RFC 3711's ROC.
fn rounds(index: u64) -> [u8; 4] {
    // After 2^48 packets nobody calls any more.
    ((index >> 16) as u32).to_be_bytes()
}

/// A salt as a block of the counter.
fn block(salt: [u8; 14]) -> [u8; 16] {
    let mut block = [0; 16];
    block.iter_mut().zip(salt).for_each(|(byte, own)| *byte = own);
    block
}

/// Blocks that are encrypted at once: processors do as many beside each other.
const BLOCKS: usize = 8;

/// AES in counter mode: the last two bytes of `start` are zero, and count.
fn stream(aes: &Aes128, start: [u8; 16], bytes: &mut [u8]) {
    let start = u128::from_be_bytes(start);
    let mut counter = 0_u128;
    for part in bytes.chunks_mut(16 * BLOCKS) {
        let mut blocks = [Block::default(); BLOCKS];
        for block in &mut blocks {
            *block = (start | counter & 0xffff).to_be_bytes().into();
            counter += 1;
        }
        aes.encrypt_blocks(&mut blocks);
        part.iter_mut().zip(blocks.iter().flatten()).for_each(|(byte, key)| *byte ^= key);
    }
}

fn aes(key: &[u8]) -> Aes128 {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(key).for_each(|(byte, own)| *byte = *own);
    Aes128::new(&bytes.into())
}

/// HMAC takes keys of every length; RFC 2104 §2 fills short ones with zeros, as is done here.
fn keyed(key: &[u8]) -> Hmac<Sha1> {
    let mut bytes = [0; 64];
    bytes.iter_mut().zip(key).for_each(|(byte, own)| *byte = *own);
    <Hmac<Sha1> as KeyInit>::new(&bytes.into())
}

#[cfg(test)]
mod tests;
