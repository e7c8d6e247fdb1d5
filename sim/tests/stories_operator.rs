//! Stories: who presses 0 in a mailbox is led to a person, and is never lost on the way.

mod told;

use router::plan::Step;
use sim::floor::{self, MAILBOX_TARGET, ana_says, asking, caller, caller_says};
use sim::manner::Manner;
use sim::town::{ANA_TARGET, BEN_TARGET, step};
use sim::voice::Says::{self, Digit, Nothing, Silence, Speech};
use sim::world::World;
use told::{ms, tells};

/// Somebody who speaks like this calls a mailbox in which 0 leads along these steps, and hangs up so long after its answer.
fn mailbox(says: &[(Says, u64)], talk: u64, steps: Vec<Step>, manners: &[(&str, Manner)]) -> World {
    let plan = floor::floor(vec![step(&[MAILBOX_TARGET], 1)]);
    let plan = asking(floor::with_operator(plan, steps));
    let mut world = floor::stage(plan, manners, &[caller(Some(ms(talk)))]);
    world.add_voice(caller_says(says));
    world
}

#[test]
fn who_presses_0_in_the_greeting_is_led_to_who_presses_1() {
    let says = [(Silence, 2_000), (Digit('0'), 100), (Silence, 8_000), (Speech, 10_000)];
    let mut world =
        mailbox(&says, 25_000, vec![step(&[ANA_TARGET], 9)], &[("ana", Manner::says(100, 1_000))]);
    world.add_voice(ana_says(&[(Nothing, 8_000), (Digit('1'), 100), (Silence, 2_000), (Speech, 5_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "2.000s INVITE <- mailbox",
            "2.000s INVITE -> ana by carrier-a",
            "2.100s 180 <- ana by carrier-a",
            "2.100s 180 -> mailbox",
            "2.120s caller hears hold",
            "3.000s 200 <- ana by carrier-a",
            "3.000s ACK -> carrier-a",
            "3.400s ana hears call",
            "5.200s ana hears accept",
            "8.000s 200 -> mailbox",
            "10.200s caller hears ana",
            "10.200s ana hears caller",
            "25.000s call 1 BYE <- caller",
            "25.000s call 1 BYE -> mailbox",
            "25.000s BYE <- mailbox",
            "25.000s BYE -> carrier-a",
            "caller has heard 490 packets of 1 sources, 0 are missing",
            "ana has heard 855 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_finds_nobody_leaves_a_message_and_what_was_said_before_is_kept() {
    let says = [(Silence, 8_500), (Speech, 4_000), (Digit('0'), 100), (Silence, 30_000)];
    let mut world =
        mailbox(&says, 40_000, vec![step(&[ANA_TARGET], 9)], &[("ana", Manner::says(100, 1_000))]);
    world.add_voice(ana_says(&[(Nothing, 18_000), (Digit('2'), 100), (Silence, 2_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "7.520s caller hears tone",
            "7.900s front records +15035550199",
            "12.500s INVITE <- mailbox",
            "12.500s INVITE -> ana by carrier-a",
            "12.600s 180 <- ana by carrier-a",
            "12.600s caller hears hold",
            "12.600s 180 -> mailbox",
            "13.500s 200 <- ana by carrier-a",
            "13.500s ACK -> carrier-a",
            "13.900s ana hears call",
            "15.700s ana hears accept",
            "18.000s 603 -> mailbox",
            "18.000s BYE -> carrier-a",
            "18.100s caller hears nobody",
            "20.480s caller hears choose",
            "24.640s caller hears person",
            "36.840s front keeps 4600 ms, unconditional, ended by Key",
            "36.940s caller hears kept",
            "38.380s caller hears goodbye",
            "39.040s call 1 BYE <- mailbox",
            "39.040s call 1 BYE -> caller",
            "caller has heard 989 packets of 1 sources, 0 are missing",
            "ana has heard 226 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_has_said_nothing_yet_is_asked_for_a_message_when_nobody_is_there() {
    let says = [(Silence, 2_000), (Digit('0'), 100), (Silence, 4_000), (Speech, 4_000), (Silence, 20_000)];
    let world = mailbox(&says, 12_000, vec![step(&[ANA_TARGET], 9)], &[("ana", Manner::refuses(486))]);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "2.000s INVITE <- mailbox",
            "2.000s INVITE -> ana by carrier-a",
            "2.000s 486 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.000s INVITE -> ana by carrier-b",
            "2.000s 486 <- ana by carrier-b",
            "2.000s ACK -> carrier-b",
            "2.000s 486 -> mailbox",
            "2.120s caller hears nobody",
            "4.420s caller hears tone",
            "4.800s front records +15035550199",
            "12.000s call 1 BYE <- caller",
            "12.000s call 1 BYE -> mailbox",
            "12.000s front keeps 5840 ms, unconditional, ended by HungUp",
            "caller has heard 241 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_hangs_up_while_somebody_is_looked_for_has_left_what_he_said() {
    let says = [(Silence, 8_500), (Speech, 4_000), (Digit('0'), 100), (Silence, 30_000)];
    let ring = Manner::Ring { after: ms(0) };
    let world = mailbox(&says, 26_000, vec![step(&[ANA_TARGET], 9)], &[("ana", ring)]);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "7.520s caller hears tone",
            "7.900s front records +15035550199",
            "12.500s INVITE <- mailbox",
            "12.500s INVITE -> ana by carrier-a",
            "12.500s 180 <- ana by carrier-a",
            "12.500s 180 -> mailbox",
            "12.600s caller hears hold",
            "26.000s call 1 BYE <- caller",
            "26.000s call 1 BYE -> mailbox",
            "26.000s front keeps 4600 ms, unconditional, ended by Key",
            "26.000s CANCEL <- mailbox",
            "26.000s 487 -> mailbox",
            "26.000s CANCEL -> ana by carrier-a",
            "26.000s 487 <- ana by carrier-a",
            "26.000s ACK -> carrier-a",
            "caller has heard 474 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_person_who_presses_3_sends_the_caller_to_leave_a_message_and_nobody_else_is_rung() {
    let steps = vec![step(&[ANA_TARGET], 1), step(&[BEN_TARGET], 2), step(&[MAILBOX_TARGET], 3)];
    let manners = [("ana", Manner::says(100, 1_000)), ("ben", Manner::says(0, 0))];
    let mut world = floor::stage(asking(floor::floor(steps)), &manners, &[caller(Some(ms(6_000)))]);
    world.add_voice(caller_says(&[(Silence, 20_000)]));
    world.add_voice(ana_says(&[(Nothing, 5_000), (Digit('3'), 100), (Silence, 2_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.100s 180 <- ana by carrier-a",
            "0.100s call 1 180 -> caller",
            "1.000s 200 <- ana by carrier-a",
            "1.000s ACK -> carrier-a",
            "1.400s ana hears call",
            "3.200s ana hears accept",
            "5.000s call 1 INVITE -> mailbox",
            "5.000s BYE -> carrier-a",
            "5.000s call 1 200 <- mailbox",
            "5.000s call 1 200 -> caller",
            "5.000s call 1 ACK -> mailbox",
            "5.400s caller hears greeting",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> mailbox",
            "11.000s front tells of a call: Missed, no-answer",
            "caller has heard 301 packets of 1 sources, 0 are missing",
            "ana has heard 201 packets of 1 sources, 0 are missing",
        ],
    );

    // Where it was the mailbox that looked for her, he is back there.
    let says = [(Silence, 2_000), (Digit('0'), 100), (Silence, 30_000)];
    let steps = vec![step(&[ANA_TARGET], 8), step(&[BEN_TARGET], 9)];
    let mut world = mailbox(&says, 14_000, steps, &manners);
    world.add_voice(ana_says(&[(Nothing, 8_000), (Digit('3'), 100), (Silence, 2_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "2.000s INVITE <- mailbox",
            "2.000s INVITE -> ana by carrier-a",
            "2.100s 180 <- ana by carrier-a",
            "2.100s 180 -> mailbox",
            "2.120s caller hears hold",
            "3.000s 200 <- ana by carrier-a",
            "3.000s ACK -> carrier-a",
            "3.400s ana hears call",
            "5.200s ana hears accept",
            "8.000s 480 -> mailbox",
            "8.000s BYE -> carrier-a",
            "8.100s caller hears nobody",
            "10.400s caller hears tone",
            "10.780s front records +15035550199",
            "14.000s call 1 BYE <- caller",
            "14.000s call 1 BYE -> mailbox",
            "14.000s what was recorded is no message",
            "14.000s front tells of a call: Missed, unconditional",
            "caller has heard 280 packets of 1 sources, 0 are missing",
            "ana has heard 251 packets of 1 sources, 0 are missing",
        ],
    );
}
