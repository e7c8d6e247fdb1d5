//! Stories: INVITEs that are too long for a datagram, at an office that is spoken to by datagrams. The network takes no
//! time here.

mod told;

use core::net::SocketAddr;
use router::{Plan, Transport};
use sim::caller::Script;
use sim::floor;
use sim::manner::Manner;
use sim::story::{caller, caller_at, story, story_beside};
use sim::town::{ANA_TARGET, CARRIER_A, OFFICE, one_address_then_answering};
use sim::world::Beside;
use told::{ms, tells};

/// A caller whose INVITE has so many headers that it is longer than 1,300 bytes.
fn wordy(script: Script) -> Script {
    let extra = format!("X-Story: {}\r\n", "once upon a time ".repeat(50));
    Script { extra: extra.leak(), ..script }
}

/// What follows when the office, rung at the beginning, has rung at once and answers after a second.
const ANSWERED: [&str; 7] = [
    "0.000s call 1 180 <- office",
    "0.000s call 1 180 -> caller",
    "1.000s call 1 200 <- office",
    "1.000s call 1 200 -> caller",
    "1.000s call 1 ACK -> office",
    "11.000s call 1 BYE <- caller",
    "11.000s call 1 BYE -> office",
];

#[test]
fn it_goes_over_tcp_where_that_is_taken() {
    let manners = [("office", Manner::says(0, 1000))];
    let beside = [(OFFICE, Beside::Taken)];
    let lines = story_beside(one_address_then_answering(), &manners, &[wordy(caller())], &beside);
    let begun = ["0.000s call 1 INVITE <- caller", "0.000s call 1 INVITE -> office over TCP"];
    tells(&lines, &[&begun[..], &ANSWERED].concat());
}

#[test]
fn where_tcp_is_refused_it_goes_as_a_datagram_at_once_and_the_next_call_does_not_ask_again() {
    let manners = [("office", Manner::says(0, 1000))];
    let callers = [wordy(caller()), wordy(caller_at(ms(20_000)))];
    let lines = story(one_address_then_answering(), &manners, &callers);
    let first = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office over TCP",
        "0.000s call 1 INVITE -> office",
    ];
    let second = [
        "20.000s call 2 INVITE <- caller",
        "20.000s call 2 INVITE -> office",
        "20.000s call 2 180 <- office",
        "20.000s call 2 180 -> caller",
        "21.000s call 2 200 <- office",
        "21.000s call 2 200 -> caller",
        "21.000s call 2 ACK -> office",
        "31.000s call 2 BYE <- caller",
        "31.000s call 2 BYE -> office",
    ];
    tells(&lines, &[&first[..], &ANSWERED, &second].concat());
}

#[test]
fn behind_a_firewall_that_swallows_tcp_the_office_still_rings_within_its_patience() {
    let manners = [("office", Manner::says(0, 1000)), ("answering", Manner::says(0, 1000))];
    let beside = [(OFFICE, Beside::Swallowed)];
    let lines = story_beside(one_address_then_answering(), &manners, &[wordy(caller())], &beside);
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office over TCP",
        "1.000s call 1 INVITE -> office",
        "1.000s call 1 180 <- office",
        "1.000s call 1 180 -> caller",
        "2.000s call 1 200 <- office",
        "2.000s call 1 200 -> caller",
        "2.000s call 1 ACK -> office",
        "12.000s call 1 BYE <- caller",
        "12.000s call 1 BYE -> office",
    ];
    tells(&lines, &expected);
}

#[test]
fn a_peer_that_the_plan_has_by_udp_gets_datagrams_whatever_their_length() {
    let mut plan = one_address_then_answering();
    plan.peers[0].transport = Some(Transport::Udp);
    let manners = [("office", Manner::says(0, 1000))];
    let lines = story_beside(plan, &manners, &[wordy(caller())], &[(OFFICE, Beside::Taken)]);
    let begun = ["0.000s call 1 INVITE <- caller", "0.000s call 1 INVITE -> office"];
    tells(&lines, &[&begun[..], &ANSWERED].concat());
}

#[test]
fn whoever_finds_it_too_long_is_asked_once_over_tcp() {
    let manners = [("office", Manner::refuses(513)), ("answering", Manner::says(0, 1000))];
    let beside = [(OFFICE, Beside::Taken)];
    let lines = story_beside(one_address_then_answering(), &manners, &[caller()], &beside);
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s call 1 INVITE -> office",
        "0.000s call 1 513 <- office",
        "0.000s call 1 INVITE -> office over TCP",
        "0.000s call 1 513 <- office",
        "0.000s call 1 INVITE -> answering",
        "0.000s call 1 180 <- answering",
        "0.000s call 1 180 -> caller",
        "1.000s call 1 200 <- answering",
        "1.000s call 1 200 -> caller",
        "1.000s call 1 ACK -> answering",
        "11.000s call 1 BYE <- caller",
        "11.000s call 1 BYE -> answering",
    ];
    tells(&lines, &expected);
}

#[test]
fn whoever_finds_it_too_long_and_takes_no_stream_is_not_asked_again() {
    let manners = [("office", Manner::refuses(513)), ("answering", Manner::says(0, 1000))];
    let callers = [caller(), caller_at(ms(20_000))];
    let lines = story(one_address_then_answering(), &manners, &callers);
    let second: Vec<String> = lines.into_iter().filter(|line| line.contains(" call 2 ")).collect();
    let expected = [
        "20.000s call 2 INVITE <- caller",
        "20.000s call 2 INVITE -> office",
        "20.000s call 2 513 <- office",
        "20.000s call 2 INVITE -> answering",
        "20.000s call 2 180 <- answering",
        "20.000s call 2 180 -> caller",
        "21.000s call 2 200 <- answering",
        "21.000s call 2 200 -> caller",
        "21.000s call 2 ACK -> answering",
        "31.000s call 2 BYE <- caller",
        "31.000s call 2 BYE -> answering",
    ];
    tells(&second, &expected);
}

/// What goes over the wire when Ana has to press 1, her INVITE is too long for a datagram, and the caller gives up after three seconds.
fn asked(plan: Plan, beside: &[(SocketAddr, Beside)]) -> Vec<String> {
    let extra = format!("Subject: {}\r\n", "once upon a time ".repeat(60));
    let script = Script { extra: extra.leak(), ..floor::caller(Some(ms(1_000))) };
    let manners = [("ana", Manner::Ring { after: ms(0) })];
    let mut world = floor::stage(plan, &manners, &[Script { cancel: Some(ms(3_000)), ..script }]);
    world.beside.extend(beside.iter().copied());
    floor::tell(world)
}

#[test]
fn who_has_to_press_1_is_called_over_tcp_where_that_is_taken_and_cancelled_there() {
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s INVITE -> ana by carrier-a over TCP",
        "0.000s 180 <- ana by carrier-a",
        "0.000s call 1 180 -> caller",
        "3.000s call 1 CANCEL <- caller",
        "3.000s call 1 487 -> caller",
        "3.000s CANCEL -> ana by carrier-a over TCP",
        "3.000s 487 <- ana by carrier-a",
        "3.000s ACK -> carrier-a over TCP",
    ];
    let plan = floor::asking(floor::then_mailbox(&[ANA_TARGET]));
    tells(&asked(plan, &[(CARRIER_A, Beside::Taken)]), &expected);
}

#[test]
fn where_tcp_is_refused_or_swallowed_he_is_called_by_a_datagram_half_a_second_later() {
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s INVITE -> ana by carrier-a over TCP",
        "0.500s INVITE -> ana by carrier-a",
        "0.500s 180 <- ana by carrier-a",
        "0.500s call 1 180 -> caller",
        "3.000s call 1 CANCEL <- caller",
        "3.000s call 1 487 -> caller",
        "3.000s CANCEL -> ana by carrier-a",
        "3.000s 487 <- ana by carrier-a",
        "3.000s ACK -> carrier-a",
    ];
    for beside in [&[][..], &[(CARRIER_A, Beside::Swallowed)]] {
        let plan = floor::asking(floor::then_mailbox(&[ANA_TARGET]));
        tells(&asked(plan, beside), &expected);
    }
}

#[test]
fn where_the_plan_says_udp_he_is_called_by_a_datagram_at_once() {
    let mut plan = floor::asking(floor::then_mailbox(&[ANA_TARGET]));
    plan.peers.iter_mut().for_each(|peer| peer.transport = peer.transport.or(Some(Transport::Udp)));
    let expected = [
        "0.000s call 1 INVITE <- caller",
        "0.000s INVITE -> ana by carrier-a",
        "0.000s 180 <- ana by carrier-a",
        "0.000s call 1 180 -> caller",
        "3.000s call 1 CANCEL <- caller",
        "3.000s call 1 487 -> caller",
        "3.000s CANCEL -> ana by carrier-a",
        "3.000s 487 <- ana by carrier-a",
        "3.000s ACK -> carrier-a",
    ];
    tells(&asked(plan, &[(CARRIER_A, Beside::Taken)]), &expected);
}
