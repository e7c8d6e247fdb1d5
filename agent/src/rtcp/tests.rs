use super::*;

fn at(milliseconds: u64) -> Time {
    Time::from_micros(milliseconds * 1_000)
}

fn place(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A packet of sound: its source, its number, and when it was sampled, in frames.
fn packet(ssrc: u32, sequence: u16, frame: u32) -> Heard<'static> {
    let timestamp = frame.wrapping_mul(160);
    Heard { payload_type: 0, marker: false, sequence, timestamp, ssrc, payload: &[0; 160] }
}

const SAID: Said = Said { ssrc: 7, packets: 0, octets: 0, timestamp: 0 };

fn up() -> Reports {
    let mut reports = Reports::new(0xabc);
    reports.begin(Time::ZERO);
    reports
}

/// What a report says.
fn read(report: &[u8]) -> Vec<String> {
    let block = |block: ReportBlock<'_>| {
        let (lost, of) = (block.cumulative_lost(), block.extended_sequence_number());
        let (last, since) =
            (block.last_sender_report_timestamp(), block.delay_since_last_sender_report_timestamp());
        let (ssrc, fraction, jitter) = (block.ssrc(), block.fraction_lost(), block.interarrival_jitter());
        format!("of {ssrc}: {fraction}/256, {lost} lost up to {of}, jitter {jitter}, {since} since {last:x}")
    };
    let told = |packet: Packet<'_>| match packet {
        Packet::Sr(it) => {
            let (ntp, rtp) = (it.ntp_timestamp(), it.rtp_timestamp());
            let sent = format!("{} sent {} with {}", it.ssrc(), it.packet_count(), it.octet_count());
            [format!("{sent}, {ntp:x} is {rtp}")].into_iter().chain(it.report_blocks().map(block)).collect()
        }
        Packet::Rr(it) => {
            [format!("{} hears", it.ssrc())].into_iter().chain(it.report_blocks().map(block)).collect()
        }
        Packet::Sdes(it) => {
            let name = |chunk: &SdesChunk<'_>| {
                let items: Vec<_> = chunk.items().map(|item| item.get_value_string().unwrap()).collect();
                format!("{} is {}", chunk.ssrc(), items.join(" "))
            };
            it.chunks().map(name).collect()
        }
        Packet::Bye(it) => it.ssrcs().map(|ssrc| format!("{ssrc} ends")).collect(),
        other @ (Packet::App(_)
        | Packet::TransportFeedback(_)
        | Packet::PayloadFeedback(_)
        | Packet::Xr(_)
        | Packet::Unknown(_)) => vec![format!("{other:?}")],
    };
    Compound::parse(report).unwrap().flat_map(|packet| -> Vec<String> { told(packet.unwrap()) }).collect()
}

#[test]
fn what_was_sent_and_what_came_is_told_as_rfc_3550_says() {
    let mut reports = up();
    // Each tenth is lost, one comes twice; each second one comes 10 ms late: 80 samples.
    for frame in (0..100_u16).filter(|frame| frame % 10 != 5) {
        let late = u64::from(frame % 2) * 10;
        let number = 65_500_u16.wrapping_add(frame);
        reports.on_packet(&packet(1, number, frame.into()), true, at(u64::from(frame) * 20 + late));
    }
    reports.on_packet(&packet(1, 63, 99), true, at(1_990));
    let theirs = SenderReport::builder(1).ntp_timestamp(0x1111_2222_3333_4444);
    let mut sent = [0; 28];
    theirs.write_into(&mut sent).unwrap();
    reports.hear(&sent, at(2_000));
    assert_eq!(reports.on_deadline(SAID, at(2_499)), None);
    let said = Said { packets: 50, octets: 8_000, timestamp: 4_000, ..SAID };
    assert_eq!(
        read(&reports.on_deadline(said, at(2_500)).unwrap()),
        [
            "7 sent 50 with 8000, 280000000 is 4000",
            // 65,500 to 65,599, of which a hundred less ten and one more came.
            "of 1: 23/256, 9 lost up to 65599, jitter 70, 32768 since 22223333",
            "7 is 0000000000000abc",
        ]
    );
    // Nothing came since, nothing was lost since.
    assert_eq!(reports.deadline(), Some(at(7_500)));
    assert_eq!(
        read(&reports.end(said, at(3_000)).unwrap()),
        [
            "7 sent 50 with 8000, 300000000 is 4000",
            "of 1: 0/256, 9 lost up to 65599, jitter 70, 65536 since 22223333",
            "7 is 0000000000000abc",
            "7 ends",
        ]
    );
    assert_eq!((reports.deadline(), reports.end(said, at(3_000))), (None, None));
}

#[test]
fn who_has_sent_nothing_since_the_report_before_the_last_is_a_receiver() {
    let mut reports = up();
    let mut heads = Vec::new();
    for (packets, milliseconds) in [(0, 2_500), (3, 7_500), (3, 12_500), (3, 17_500), (4, 22_500)] {
        let report = reports.on_deadline(Said { packets, ..SAID }, at(milliseconds)).unwrap();
        heads.push(read(&report)[0].split(',').next().unwrap().to_owned());
    }
    assert_eq!(heads, ["7 hears", "7 sent 3 with 0", "7 sent 3 with 0", "7 hears", "7 sent 4 with 0"]);
}

#[test]
fn another_source_and_a_stream_that_begins_anew_are_counted_anew() {
    for (second, of) in [(packet(2, 5, 0), 2), (packet(1, 40_000, 0), 1)] {
        let mut reports = up();
        reports.on_packet(&packet(1, 100, 0), true, at(0));
        reports.on_packet(&packet(1, 104, 4), true, at(80));
        reports.on_packet(&second, true, at(100));
        let report = read(&reports.on_deadline(SAID, at(2_500)).unwrap());
        let number = second.sequence;
        assert_eq!(report[1], format!("of {of}: 0/256, 0 lost up to {number}, jitter 0, 0 since 0"));
    }
}

#[test]
fn digits_and_a_clock_that_is_set_anew_say_nothing_of_jitter() {
    let mut reports = up();
    for (number, frame, is_sound) in
        [(1, 0, true), (2, 0, false), (3, 0, false), (4, 3, true), (5, 9_000, true)]
    {
        reports.on_packet(&packet(1, number, frame), is_sound, at(u64::from(number) * 20));
    }
    let report = read(&reports.on_deadline(SAID, at(2_500)).unwrap());
    assert_eq!(report[1], "of 1: 0/256, 0 lost up to 5, jitter 0, 0 since 0");
}

#[test]
fn who_stood_still_reports_once_and_goes_on() {
    let mut reports = up();
    assert!(reports.on_deadline(SAID, at(60_000)).is_some());
    assert_eq!((reports.on_deadline(SAID, at(60_000)), reports.deadline()), (None, Some(at(65_000))));
}

#[test]
fn junk_on_the_port_of_reports_is_nothing() {
    let mut reports = up();
    reports.agree(Control::Beside(Some(place("10.0.0.1:4001"))));
    let mut chance = router::chance::Chance::new(5);
    for round in 0..20_000_u64 {
        let length = chance.draw() % 128;
        let mut datagram: Vec<u8> = (0..length).map(|_| chance.draw() as u8).collect();
        // Half of it looks like a report.
        if round % 2 == 0
            && let [first, kind, high, low, ..] = &mut datagram[..]
        {
            (*first, *kind, *high, *low) = (0x80 | *first & 0x3f, 200 + *kind % 8, 0, *low % 32);
        }
        reports.on_report(place("10.0.0.1:4001"), &datagram, at(round));
    }
    assert_eq!(reports.remote(), Some(place("10.0.0.1:4001")));
    assert!(reports.on_deadline(SAID, at(2_500)).is_some());
}
