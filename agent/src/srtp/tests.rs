use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The key of RFC 3711 appendix B.3.
fn key() -> Key {
    let bytes = bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    Key::new(bytes.try_into().unwrap())
}

fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let [a, b] = sequence.to_be_bytes();
    [&[0x80, 0, a, b, 0, 0, 0, 0, 0, 0, 0, 7][..], payload].concat()
}

fn sealed(seal: &mut Seal, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = packet(sequence, payload);
    let tag = seal.seal(&mut packet).unwrap();
    packet.extend_from_slice(&tag);
    packet
}

#[test]
fn keys_are_derived_as_the_rfc_shows() {
    assert_eq!(key().derive::<16>(0).to_vec(), bytes("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(key().derive::<14>(2).to_vec(), bytes("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(key().derive::<20>(1).to_vec(), bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn the_key_stream_is_that_of_the_rfc() {
    // RFC 3711 appendix B.2.
    let mut out = [0; 48];
    let mut salt = [0; 14];
    salt.copy_from_slice(&bytes("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    stream(&aes(&bytes("2B7E151628AED2A6ABF7158809CF4F3C")), block(salt), &mut out);
    let expected =
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(out.to_vec(), bytes(expected));
}

#[test]
fn a_packet_is_sealed_as_others_seal_it() {
    // What libsrtp's own tests expect of this key.
    let mut packet = bytes("800f1234decafbadcafebabe abababababababababababababababab");
    let mut seal = Seal::new(&key(), Suite::Long);
    let tag = seal.seal(&mut packet).unwrap();
    packet.extend_from_slice(&tag);
    let expected = "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb";
    assert_eq!(packet, bytes(expected));
    let mut opened = Seal::new(&key(), Suite::Long);
    assert_eq!(opened.open(&mut packet), Some(()));
    assert_eq!(packet, bytes("800f1234decafbadcafebabe abababababababababababababababab"));
}

#[test]
fn a_report_is_sealed_as_others_seal_it() {
    let plain = bytes("81c8000bcafebabe abababababababababababababababab");
    let mut packet = plain.clone();
    let mut seal = Seal::new(&key(), Suite::Short);
    // The first of those tests has the number 1.
    seal.report = 1;
    let tag = seal.seal_report(&mut packet).unwrap();
    packet.extend_from_slice(&tag);
    let expected = "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798";
    assert_eq!(packet, bytes(expected));
    let mut other = Seal::new(&key(), Suite::Short);
    let mut again = packet.clone();
    assert_eq!((other.open_report(&mut packet), packet), (Some(()), plain));
    assert_eq!(other.open_report(&mut again), None, "it comes a second time");
}

#[test]
fn what_comes_again_too_late_or_changed_is_not_opened() {
    let (mut ours, mut theirs) = (Seal::new(&key(), Suite::Short), Seal::new(&key(), Suite::Short));
    let packets: Vec<Vec<u8>> =
        (0..100).map(|number| sealed(&mut ours, 65_500_u16.wrapping_add(number), &[9; 160])).collect();
    let mut open = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        theirs.open(&mut packet).map(|()| packet.get(12..).unwrap().to_vec())
    };
    assert_eq!(packets[0].len(), 12 + 160 + 4);
    assert_eq!(open(&packets[0]), Some(vec![9; 160]));
    assert_eq!(open(&packets[0]), None);
    // Out of order, and round the end of the sequence numbers.
    for place in [99, 40, 36, 60] {
        assert_eq!(open(&packets[place]), Some(vec![9; 160]), "{place}");
        assert_eq!(open(&packets[place]), None, "{place}");
    }
    assert_eq!(open(&packets[35]), None, "64 before the newest nobody knows any more");
    for place in 0..packets[50].len() {
        let mut changed = packets[50].clone();
        changed[place] ^= 0x80;
        assert_eq!(open(&changed), None, "{place}");
    }
    assert_eq!(open(&packets[50]), Some(vec![9; 160]));
}

#[test]
fn what_is_no_packet_is_not_opened() {
    let mut seal = Seal::new(&key(), Suite::Long);
    let good = sealed(&mut seal, 1, &[]);
    for junk in
        [vec![], vec![0x80; 11], vec![0x8f; 30], vec![0x90; 15], good[..21].to_vec(), vec![0xff; 65_535]]
    {
        let mut own = junk.clone();
        assert_eq!((seal.open(&mut own), &own), (None, &junk));
        assert_eq!((seal.open_report(&mut own), &own), (None, &junk));
    }
    assert!(seal.seal(&mut [0x80; 11]).is_none() && seal.seal_report(&mut [0x80; 7]).is_none());
}

#[test]
fn a_fifth_source_takes_the_place_of_the_first_and_a_header_with_an_extension_stays_in_the_clear() {
    let (mut ours, mut theirs) = (Seal::new(&key(), Suite::Long), Seal::new(&key(), Suite::Long));
    for source in 0..6_u8 {
        let mut packet =
            vec![0x91, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, source, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 42];
        let head = packet[..24].to_vec();
        let tag = ours.seal(&mut packet).unwrap();
        packet.extend_from_slice(&tag);
        assert_eq!(packet[..24], head);
        assert_ne!(packet[24], 42);
        assert_eq!(theirs.open(&mut packet), Some(()));
        assert_eq!((packet.len(), packet[24]), (25, 42));
    }
    let known: Vec<u32> = theirs.streams.iter().flatten().map(|stream| stream.source).collect();
    assert_eq!(known, [2, 3, 4, 5]);
}

#[test]
fn a_key_branches_into_others_and_is_never_shown() {
    let branches = [key().branch(1), key().branch(2), key().branch(1)];
    assert_eq!(branches[0], branches[2]);
    assert!(branches[0] != branches[1] && branches[0] != key());
    assert_eq!(format!("{:?} {:?}", key(), Seal::new(&key(), Suite::Long)), "Key(…) Seal(…)");
}
