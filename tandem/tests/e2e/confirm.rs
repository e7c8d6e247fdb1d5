//! Who is rung by phone number presses 1, and then both hear each other: with SIPp as the caller and as the mobile, and Wireshark
//! between them.

use crate::folder::Folder;
use crate::node::Tandem;
use crate::sipp::{By, Sipp, is_here};
use crate::street::{CALLER, Street, TANDEM};
use crate::tshark::{self, Capture};
use core::time::Duration;

const NUMBER: &str = "+15035550100";
const CARRIER: u8 = 11;
const OFFICE: u8 = 12;

fn plan(street: &Street) -> String {
    let (carrier, office) = (street.house(CARRIER), street.house(OFFICE));
    format!(
        "business = \"Nguyen Dental\"\n[defaults]\nprobe = \"off\"\n[carriers]\nacme = \"{carrier}\"\n\
        [sites]\noffice = \"{office}\"\n[people]\nana = \"+15035550111\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\nsteps = [\"ana\", \"office\"]\nfloor = false\n"
    )
}

/// What one side says, in a file that SIPp plays: 8 s of one byte, and perhaps 1 pressed after so many packets.
fn sound(folder: &Folder, byte: u8, presses: Option<u32>) -> String {
    let mut file = Vec::new();
    file.extend([0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, ETHERNET].map(u32::to_le_bytes).concat());
    for number in 0..400_u32 {
        let stamp = number * 160;
        let (marker, kind, stamp, payload) = match presses.map(|first| number.wrapping_sub(first)) {
            // RFC 4733 §2.5.1.4: the last packet comes three times; a press has the timestamp of its beginning.
            Some(nth @ 0..=5) => {
                let (marker, end) = (if nth == 0 { 0x80 } else { 0 }, if nth < 3 { 0 } else { 0x80 });
                let length = u8::try_from(nth.min(3) + 1).expect("it is short");
                (marker, 101, stamp - nth * 160, vec![1, end | 10, 0, length * 50])
            }
            Some(_) | None => (0, 0, stamp, vec![byte; 160]),
        };
        let mut packet = vec![0x80, marker | kind];
        packet.extend(u16::try_from(number).expect("it is short").to_be_bytes());
        packet.extend([stamp, byte.into()].map(u32::to_be_bytes).concat());
        packet.extend(payload);
        let frame = frame(&packet);
        let (length, millis) = (u32::try_from(frame.len()).expect("it is short"), number * 20);
        file.extend([millis / 1_000, millis % 1_000 * 1_000, length, length].map(u32::to_le_bytes).concat());
        file.extend(frame);
    }
    let place = folder.file(&format!("{byte}.pcap"));
    std::fs::write(&place, file).expect("the folder is ours");
    place.to_string_lossy().into_owned()
}

/// A frame with a datagram in it. SIPp reads its lengths and its payload.
fn frame(payload: &[u8]) -> Vec<u8> {
    let length = |heads: usize| u16::try_from(heads + payload.len()).expect("it is short").to_be_bytes();
    let ip = [&[0x45, 0][..], &length(28), &[0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]].concat();
    [&[0; 12][..], &[8, 0], &ip, &[0x17, 0x70, 0x17, 0x70], &length(8), &[0, 0], payload].concat()
}

const ETHERNET: u32 = 1; // What the frames of the file are.

#[test]
fn who_presses_1_on_a_mobile_has_the_call_and_nothing_of_the_sound_is_lost() {
    if !is_here() || !tshark::is_here() {
        return;
    }
    let (street, folder) = (Street::new(), Folder::new());
    let node = Tandem::start(&street, &plan(&street));
    let mut capture = Capture::start(&street);
    let (of_mobile, of_caller) = (sound(&folder, 0x44, Some(100)), sound(&folder, 0x55, None));
    let mobile = Sipp::callee(&street, CARRIER, By::Udp, "mobile", &[("ring", "200"), ("sound", &of_mobile)]);
    let words = [("talk", "3000"), ("sound", &*of_caller)];
    let caller = Sipp::caller(&street, By::Udp, "speaking_caller", NUMBER, &words).played();
    assert_eq!(
        caller.short(),
        ["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE"]
    );
    // SIPp is some milliseconds early.
    let pressed = Duration::from_millis(100 + 100 * 20);
    assert!(caller.between("> INVITE", "< 200 INVITE") >= pressed, "{caller:?}");
    assert_eq!(
        mobile.played().short(),
        ["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "< BYE", "> 200 BYE"]
    );
    let call = node.call();
    assert_eq!((call.end(), call.legs()), ("answered by ana".to_owned(), vec!["ana: answered".to_owned()]));

    capture.finish();
    let house = |number| street.house(number).ip();
    let mut streams = capture.streams();
    streams.sort_by_key(|stream| (stream.from, stream.to));
    // One SSRC each way, from the first word to the last.
    assert_eq!(
        streams.iter().map(|stream| (stream.from, stream.to, stream.lost)).collect::<Vec<_>>(),
        [
            (house(TANDEM), house(CALLER), 0),
            (house(TANDEM), house(CARRIER), 0),
            (house(CALLER), house(TANDEM), 0),
            (house(CARRIER), house(TANDEM), 0),
        ],
        "{streams:?}"
    );
    let said: Vec<usize> = streams.iter().map(|stream| stream.packets).collect();
    // The last one of each may have come after the end.
    assert!(capture.heard(0x55, house(CARRIER)) + 1 >= said[2], "{streams:?}");
    assert!(capture.heard(0x44, house(CALLER)) + 1 >= said[3] - 106, "{streams:?}");
    assert!(said[2] > 100 && said[3] > 200, "{streams:?}");
}

#[test]
fn a_mobile_where_nobody_presses_1_is_hung_up_and_the_next_step_has_the_call() {
    if !is_here() {
        return;
    }
    let (street, folder) = (Street::new(), Folder::new());
    let node = Tandem::start(&street, &plan(&street));
    let voicemail = sound(&folder, 0x44, None);
    let mobile = Sipp::callee(&street, CARRIER, By::Udp, "mobile", &[("ring", "200"), ("sound", &voicemail)]);
    let office = Sipp::callee(&street, OFFICE, By::Udp, "callee", &[("ring", "50")]);
    let caller = Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]);
    assert_eq!(
        mobile.played().short(),
        ["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "< BYE", "> 200 BYE"]
    );
    assert_eq!(
        office.played().short(),
        ["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "< BYE", "> 200 BYE"]
    );
    let caller = caller.played();
    assert_eq!(caller.short().last().map(String::as_str), Some("< 200 BYE"));
    let call = node.call();
    assert_eq!(
        (call.end(), call.legs()),
        (
            "answered by office".to_owned(),
            vec!["ana: nobody pressed 1".to_owned(), "office: answered".to_owned()]
        )
    );
}
