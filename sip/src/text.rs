//! Numbers and addresses as text, without the formatting machinery: they are written into every forwarded message.

use core::net::IpAddr;
use std::io::Write;

/// Pushes a number in decimal.
pub fn push_decimal(out: &mut Vec<u8>, number: u64) {
    // A digit is below 10.
    let digit = |place: u64| b'0' + (number / place % 10) as u8;
    match number {
        0..10 => out.push(digit(1)),
        10..100 => out.extend_from_slice(&[digit(10), digit(1)]),
        100.. => {
            if number >= 1000 {
                push_decimal(out, number / 1000);
            }
            out.extend_from_slice(&[digit(100), digit(10), digit(1)]);
        }
    }
}

/// Pushes a number in lower-case hexadecimal, with zeros in front up to `width` digits (at most 16).
pub fn push_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    let needed = HEX_MAX - number.leading_zeros() as usize / 4;
    let mut digits = [0; HEX_MAX];
    let used = digits.get_mut(..needed.max(width).min(HEX_MAX)).unwrap_or_default();
    let mut rest = number;
    for place in used.iter_mut().rev() {
        *place = HEX[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(used);
}

/// Reads a number of 1 to 16 hexadecimal digits.
#[must_use]
pub fn read_hex(digits: &[u8]) -> Option<u64> {
    let is_number = (1..=HEX_MAX).contains(&digits.len());
    let read =
        || digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | u64::from(char::from(*byte).to_digit(16)?)));
    is_number.then(read).flatten()
}

/// The decimal number that a value begins with, whatever follows: a comment, parameters. `None` if it begins with none, or with
/// one beyond 64 bits.
#[must_use]
pub fn leading_decimal(value: &[u8]) -> Option<u64> {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    core::str::from_utf8(value.get(..digits)?).ok()?.parse().ok()
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
        for number in
            [0, 1, 9, 10, 99, 100, 255, 999, 1_000, 65_535, 1_000_203, u64::from(u32::MAX), u64::MAX]
        {
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
    fn a_value_is_read_as_far_as_its_number_goes() {
        let read = |text: &str| leading_decimal(text.as_bytes());
        assert_eq!([read("0"), read("120 (soon)"), read("90;refresher=uac")], [Some(0), Some(120), Some(90)]);
        assert_eq!([read(""), read(" 1"), read("-1"), read("18446744073709551616")], [None; 4]);
    }

    #[test]
    fn addresses_read_as_usual() {
        for ip in ["0.0.0.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(text(|out| push_ip(out, ip.parse().unwrap())), ip);
        }
    }
}
