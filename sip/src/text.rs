//! Numbers and addresses as text, without the formatting machinery: they are written into every forwarded message.

use core::net::IpAddr;
use std::io::Write;

/// Pushes a number in decimal.
pub fn push_decimal(out: &mut Vec<u8>, number: u64) {
    push_digits::<10>(out, number, 1);
}

/// Pushes a number in lower-case hexadecimal, with zeros in front up to `width` digits (at most 16).
pub fn push_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    push_digits::<16>(out, number, width);
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

fn push_digits<const BASE: u64>(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; DIGITS_MAX];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        if number == 0 && used >= width {
            break;
        }
        let digit = u8::try_from(number % BASE).unwrap_or(0);
        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        number /= BASE;
        used += 1;
    }
    out.extend_from_slice(digits.get(DIGITS_MAX - used..).unwrap_or_default());
}

/// `u64::MAX` has 20 decimal digits.
const DIGITS_MAX: usize = 20;

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
    fn addresses_read_as_usual() {
        for ip in ["0.0.0.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(text(|out| push_ip(out, ip.parse().unwrap())), ip);
        }
    }
}
