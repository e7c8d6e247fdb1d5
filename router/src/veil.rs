//! What only this cluster may read in what others carry: bytes that are encrypted and bound to one call.

use crate::seal::Seal;

impl Seal {
    /// Hides bytes so that only the cluster reads them again, and only for this call. The same bytes of the same call are
    /// hidden alike on every node: the MAC over both is what the key stream begins with, as SIV has it (RFC 5297 §1), so
    /// that no node must remember or draw anything. Letters, digits, `-` and `_`.
    #[must_use]
    pub fn veil(&self, plain: &[u8], call_id: &[u8], caller_tag: &[u8]) -> Vec<u8> {
        let mac = self.mac(b'h', &[call_id, caller_tag, plain]);
        let mut bytes = Vec::with_capacity(8 + plain.len());
        bytes.extend_from_slice(&mac.to_be_bytes());
        bytes.extend_from_slice(plain);
        self.stream(mac, bytes.get_mut(8..).unwrap_or_default());
        to_letters(&bytes)
    }

    /// Reads what [`veil`](Self::veil) hid; `None` if it was not hidden here, or for another call.
    #[must_use]
    pub fn unveil(&self, veil: &[u8], call_id: &[u8], caller_tag: &[u8]) -> Option<Vec<u8>> {
        let bytes = of_letters(veil)?;
        let (mac, hidden) = bytes.split_first_chunk()?;
        let (mac, mut plain) = (u64::from_be_bytes(*mac), hidden.to_vec());
        self.stream(mac, &mut plain);
        (self.mac(b'h', &[call_id, caller_tag, &plain]) == mac).then_some(plain)
    }

    /// Adds the key stream that begins with this number, which also takes it away again.
    fn stream(&self, start: u64, bytes: &mut [u8]) {
        for (place, block) in (0_u64..).zip(bytes.chunks_mut(8)) {
            let pad = self.mac(b'k', &[&start.to_be_bytes(), &place.to_be_bytes()]).to_be_bytes();
            block.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
        }
    }
}

/// The letters of RFC 4648 §5, all of them allowed in a parameter of a URI and of a Via.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
fn to_letters(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 2);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        let letter = |place: usize| LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
        text.extend((0..=group.len()).map(letter));
    }
    text
}

fn of_letters(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        let mut bits = 0;
        for at in 0..4 {
            let six = match group.get(at) {
                Some(letter) => six_of(*letter)?,
                None => 0,
            };
            bits = bits << 6 | six;
        }
        let [_, octets @ ..] = bits.to_be_bytes();
        bytes.extend(octets.iter().take(group.len() - 1));
    }
    Some(bytes)
}

fn six_of(letter: u8) -> Option<u32> {
    let six = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(six))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: Seal = Seal::new([7; 16]);

    #[test]
    fn letters_are_those_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            assert_eq!(to_letters(bytes.as_bytes()), text.as_bytes());
            assert_eq!(of_letters(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(to_letters(&[0xfb, 0xff]), b"-_8");
        assert_eq!(of_letters(b"a+b="), None);
    }

    #[test]
    fn what_is_hidden_is_read_by_the_same_key_for_the_same_call_alone() {
        for length in [0, 1, 7, 8, 9, 40, 257] {
            let plain: Vec<u8> = (0_u8..=255).cycle().take(length).collect();
            let veil = SEAL.veil(&plain, b"call", b"tag");
            assert_eq!(SEAL.unveil(&veil, b"call", b"tag"), Some(plain.clone()));
            assert_eq!(SEAL.unveil(&veil, b"other", b"tag"), None);
            assert_eq!(SEAL.unveil(&veil, b"call", b"other"), None);
            assert_eq!(Seal::new([8; 16]).unveil(&veil, b"call", b"tag"), None);
        }
    }

    #[test]
    fn nothing_shines_through_and_no_letter_may_change() {
        let plain = b"sip:+15035559999@192.0.2.1";
        let veil = SEAL.veil(plain, b"call", b"tag");
        let bytes = of_letters(&veil).expect("its own letters");
        assert!(!bytes.windows(4).any(|four| plain.windows(4).any(|other| other == four)));
        for at in 0..veil.len() - 1 {
            let mut torn = veil.clone();
            torn[at] = if torn[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(SEAL.unveil(&torn, b"call", b"tag"), None, "letter {at}");
        }
        for junk in [&b""[..], b"A", b"AAAAAAAAAA", b"....", &[0xff; 40]] {
            assert_eq!(SEAL.unveil(junk, b"call", b"tag"), None);
        }
    }
}
