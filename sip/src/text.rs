//! Numbers and addresses as text, without the formatting machinery: they are written into every forwarded message.

use core::net::IpAddr;
use std::io::Write;

/// Pushes a number in decimal.
pub fn push_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; DECIMAL_MAX];
    let mut rest = number;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        // A digit is below 10.
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(DECIMAL_MAX - used..).unwrap_or_default());
}

/// Pushes a number in lower-case hexadecimal, with zeros in front up to `width` digits (at most 16).
pub fn push_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [0; HEX_MAX];
    let mut rest = number;
    for place in digits.iter_mut().rev() {
        *place = HEX[(rest & 15) as usize];
        rest >>= 4;
    }
    let needed = HEX_MAX - number.leading_zeros() as usize / 4;
    out.extend_from_slice(digits.get(HEX_MAX - needed.max(width).min(HEX_MAX)..).unwrap_or_default());
}

/// Reads a number of 1 to 16 hexadecimal digits.
#[must_use]
pub fn read_hex(digits: &[u8]) -> Option<u64> {
    let is_number = (1..=HEX_MAX).contains(&digits.len());
    let read =
        || digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | u64::from(char::from(*byte).to_digit(16)?)));
    is_number.then(read).flatten()
}

/// Pushes an address; IPv6 without brackets (RFC 5952).
pub fn push_ip(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (place, octet) in ip.octets().into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                push_decimal(out, u64::from(octet));
            }
        }
        // Writing to a Vec cannot fail.
        IpAddr::V6(ip) => drop(write!(out, "{ip}")),
    }
}

/// `u64::MAX` has 20 decimal digits.
const DECIMAL_MAX: usize = 20;

/// `u64::MAX` has 16 hexadecimal digits.
const HEX_MAX: usize = 16;

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_read_as_the_formatting_machinery_writes_them() {
        for number in [0, 1, 9, 10, 99, 255, 256, 65_535, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(text(|out| push_decimal(out, number)), number.to_string());
            assert_eq!(text(|out| push_hex(out, number, 1)), format!("{number:x}"));
            assert_eq!(text(|out| push_hex(out, number, 16)), format!("{number:016x}"));
        }
    }

    #[test]
    fn hexadecimal_digits_are_read_and_nothing_else() {
        let read = |text: &str| read_hex(text.as_bytes());
        assert_eq!([read("0"), read("00fF"), read("ffffffffffffffff")], [Some(0), Some(255), Some(u64::MAX)]);
        assert_eq!([read(""), read("+1"), read("g"), read("1 "), read("00000000000000000")], [None; 5]);
    }

    #[test]
    fn addresses_read_as_usual() {
        for ip in ["0.0.0.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(text(|out| push_ip(out, ip.parse().unwrap())), ip);
        }
    }
}
