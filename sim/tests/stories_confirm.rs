//! Stories: a person who is called by phone number has a call once a person has pressed 1, and not before.

mod told;

use router::Plan;
use router::target::Login;
use sim::caller::Script;
use sim::floor::{self, ana_says, asking, ben_says, caller, caller_says, then_mailbox};
use sim::glance::Verb;
use sim::guard::Guard;
use sim::manner::Manner;
use sim::town::{ANA_TARGET, BEN_TARGET, CARRIER_A, CARRIER_A_HOST};
use sim::voice::Says::{Digit, Nothing, Silence, Speech};
use sim::world::{Beside, Move};
use sip::Time;
use told::{ms, tells};

/// Ana, who has to press 1; then the mailbox.
fn to_ana() -> Plan {
    asking(then_mailbox(&[ANA_TARGET]))
}

/// Ana and Ben together, who have to press 1; then the mailbox.
fn to_both() -> Plan {
    asking(then_mailbox(&[ANA_TARGET, BEN_TARGET]))
}

#[test]
fn a_mobiles_own_voicemail_does_not_get_the_call() {
    let manners = [("ana", Manner::says(0, 2_000))];
    let mut world = floor::stage(to_ana(), &manners, &[caller(Some(ms(14_000)))]);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Speech, 20_000)]));
    world.add_voice(caller_says(&[(Silence, 22_500), (Speech, 5_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "4.200s ana hears accept",
            "8.820s ana hears options",
            "14.000s call 1 INVITE -> mailbox",
            "14.000s BYE -> carrier-a",
            "14.000s call 1 200 <- mailbox",
            "14.000s call 1 200 -> caller",
            "14.000s call 1 ACK -> mailbox",
            "14.400s caller hears greeting",
            "21.520s caller hears tone",
            "21.900s front records +15035550199",
            "28.000s call 1 BYE <- caller",
            "28.000s call 1 BYE -> mailbox",
            "28.000s front keeps 6100 ms, no-answer, ended by HungUp",
            "ana has heard 577 packets of 1 sources, 0 are missing",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_cannot_be_reached_by_one_carrier_is_not_asked_by_it_again_while_he_rings_by_the_other() {
    let manners = [("ana", Manner::says(1_000, 3_000)), ("carrier-a", Manner::Icmp)];
    let mut world = floor::stage(to_ana(), &manners, &[caller(Some(ms(14_000)))]);
    // It listens again before an INVITE that was sent again would come.
    world.plan_move(Time::ZERO + ms(200), Move::Place { host: CARRIER_A_HOST, place: 0, manner: None });
    world.add_voice(ana_says(&[(Nothing, 3_000), (Silence, 2_000), (Digit('1'), 100), (Speech, 9_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s INVITE -> ana by carrier-b",
            "1.000s 180 <- ana by carrier-b",
            "1.000s call 1 180 -> caller",
            "3.000s 200 <- ana by carrier-b",
            "3.000s ACK -> carrier-b",
            "3.400s ana hears call",
            "5.000s call 1 200 -> caller",
            "19.000s call 1 BYE <- caller",
            "19.000s BYE -> carrier-b",
            "ana has heard 101 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_presses_1_has_the_call_and_both_hear_each_other() {
    let manners = [("ana", Manner::says(0, 2_000))];
    let mut world = floor::stage(to_ana(), &manners, &[caller(Some(ms(10_000)))]);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 9_900)]));
    world.add_voice(caller_says(&[(Silence, 5_000), (Speech, 10_000)]));
    world.run(Time::ZERO + ms(20_000));
    // Each side hears how its own way goes, from 2.5 s after its answer on.
    let told = world.voices.iter().map(|voice| voice.heard);
    let told = told.map(|heard| (heard.reports, heard.report.map(|report| report.lost), heard.is_ended));
    assert_eq!(told.collect::<Vec<_>>(), [(4, Some(0), true), (3, Some(0), true)]);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "4.200s ana hears accept",
            "5.000s call 1 200 -> caller",
            "5.120s ana hears caller",
            "5.200s caller hears ana",
            "15.000s call 1 BYE <- caller",
            "15.000s BYE -> carrier-a",
            "ana has heard 650 packets of 1 sources, 0 are missing",
            "caller has heard 495 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn of_two_who_press_1_at_once_one_has_the_call() {
    let manners = [("ana", Manner::says(0, 2_000)), ("ben", Manner::says(0, 2_000))];
    let mut world = floor::stage(to_both(), &manners, &[caller(Some(ms(5_000)))]);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 4_900)]));
    world.add_voice(ben_says(&[(Nothing, 2_010), (Silence, 3_000), (Digit('1'), 100), (Speech, 4_890)]));
    world.add_voice(caller_says(&[(Silence, 5_000), (Speech, 5_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s INVITE -> ben by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s 180 <- ben by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s 200 <- ben by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "2.400s ben hears call",
            "4.200s ana hears accept",
            "4.200s ben hears accept",
            "5.000s call 1 200 -> caller",
            "5.120s ben hears taken",
            "5.120s ana hears caller",
            "5.200s caller hears ana",
            "7.340s BYE -> carrier-a",
            "10.000s call 1 BYE <- caller",
            "10.000s BYE -> carrier-a",
            "ana has heard 400 packets of 1 sources, 0 are missing",
            "ben has heard 268 packets of 1 sources, 0 are missing",
            "caller has heard 245 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_caller_who_gives_up_while_ana_is_asked_leaves_nobody_behind() {
    let manners = [("ana", Manner::says(0, 2_000))];
    let script = Script { cancel: Some(ms(4_000)), ..caller(None) };
    let mut world = floor::stage(to_ana(), &manners, &[script]);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "4.000s call 1 CANCEL <- caller",
            "4.000s call 1 487 -> caller",
            "4.000s BYE -> carrier-a",
            "ana has heard 101 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_503_of_one_carrier_has_the_other_ring_the_same_mobile() {
    let manners = [("carrier-a", Manner::refuses(503)), ("ana", Manner::says(0, 2_000))];
    let mut world = floor::stage(to_ana(), &manners, &[caller(Some(ms(2_000)))]);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 1_900)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 503 <- ana by carrier-a",
            "0.000s ACK -> carrier-a",
            "0.000s INVITE -> ana by carrier-b",
            "0.000s 180 <- ana by carrier-b",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-b",
            "2.000s ACK -> carrier-b",
            "2.400s ana hears call",
            "4.200s ana hears accept",
            "5.000s call 1 200 -> caller",
            "7.000s call 1 BYE <- caller",
            "7.000s BYE -> carrier-b",
            "ana has heard 151 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_silent_carrier_is_left_and_its_straggler_is_cancelled() {
    let manners = [("carrier-a", Manner::Slow(ms(5_000))), ("ana", Manner::says(0, 4_000))];
    let mut world = floor::stage(to_ana(), &manners, &[caller(Some(ms(2_000)))]);
    world.add_voice(ana_says(&[(Nothing, 6_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 1_900)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "1.500s INVITE -> ana by carrier-a",
            "2.000s INVITE -> ana by carrier-b",
            "2.000s 180 <- ana by carrier-b",
            "2.000s call 1 180 -> caller",
            "5.000s 180 <- ana by carrier-a",
            "5.000s CANCEL -> ana by carrier-a",
            "5.000s 487 <- ana by carrier-a",
            "5.000s ACK -> carrier-a",
            "6.000s 200 <- ana by carrier-b",
            "6.000s ACK -> carrier-b",
            "6.400s ana hears call",
            "8.200s ana hears accept",
            "9.000s call 1 200 -> caller",
            "11.000s call 1 BYE <- caller",
            "11.000s BYE -> carrier-b",
            "ana has heard 151 packets of 1 sources, 0 are missing",
        ],
    );
}

/// To Ana by a carrier that asks who we are.
fn with_login() -> Plan {
    let mut plan = to_ana();
    plan.peers[2].login =
        Some(Login { user: "town".into(), password: "right".into(), realm: None, register: None, line: 7 });
    plan
}

#[test]
fn a_phone_that_rings_by_a_carrier_that_asks_who_we_are_is_cancelled() {
    let script = Script { cancel: Some(ms(1_500)), ..caller(None) };
    let mut world = floor::stage(with_login(), &[("ana", Manner::says(0, 5_000))], &[script]);
    world.hosts[CARRIER_A_HOST].places[0].guard =
        Some(Guard { asks: &[Verb::Invite], ..Guard::new("town", "right") });
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 407 <- ana by carrier-a",
            "0.000s ACK -> carrier-a",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "1.500s call 1 CANCEL <- caller",
            "1.500s call 1 487 -> caller",
            "1.500s CANCEL -> ana by carrier-a",
            "1.500s 487 <- ana by carrier-a",
            "1.500s ACK -> carrier-a",
        ],
    );
}

#[test]
fn a_carrier_that_asks_who_we_are_is_told_and_ana_is_asked() {
    let plan = with_login();
    let mut world = floor::stage(plan, &[("ana", Manner::says(0, 2_000))], &[caller(Some(ms(2_000)))]);
    world.hosts[CARRIER_A_HOST].places[0].guard =
        Some(Guard { asks: &[Verb::Invite], ..Guard::new("town", "right") });
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 1_900)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 407 <- ana by carrier-a",
            "0.000s ACK -> carrier-a",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "4.200s ana hears accept",
            "5.000s call 1 200 -> caller",
            "7.000s call 1 BYE <- caller",
            "7.000s BYE -> carrier-a",
            "ana has heard 151 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_caller_who_cannot_be_heard_here_has_ana_rung_unasked() {
    let mut script = caller(Some(ms(2_000)));
    script.extra = "Require: precondition\r\n";
    let world = floor::stage(to_ana(), &[("ana", Manner::says(0, 2_000))], &[script]);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s call 1 200 <- ana by carrier-a",
            "2.000s call 1 200 -> caller",
            "2.000s call 1 ACK -> carrier-a",
            "4.000s call 1 BYE <- caller",
            "4.000s call 1 BYE -> carrier-a",
        ],
    );
}

#[test]
fn an_invite_that_is_too_long_for_a_datagram_has_ana_asked_all_the_same() {
    let mut script = caller(Some(ms(2_000)));
    let long = format!("X-A: {}\r\n", "x".repeat(1_200));
    script.extra = Box::leak(long.into_boxed_str());
    let mut world = floor::stage(to_ana(), &[("ana", Manner::says(0, 2_000))], &[script]);
    world.beside.insert(CARRIER_A, Beside::Taken);
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 3_000), (Digit('1'), 100), (Speech, 1_900)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s INVITE -> ana by carrier-a",
            "0.000s 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "2.000s 200 <- ana by carrier-a",
            "2.000s ACK -> carrier-a",
            "2.400s ana hears call",
            "4.200s ana hears accept",
            "5.000s call 1 200 -> caller",
            "7.000s call 1 BYE <- caller",
            "7.000s BYE -> carrier-a",
            "ana has heard 151 packets of 1 sources, 0 are missing",
        ],
    );
}
