//! Stories: lamps on phones. A phone asks a mailbox what waits in it, and is told whenever that changes.

mod told;

use agent::guide::Room;
use core::net::SocketAddr;
use router::Plan;
use router::plan::Step;
use router::target::Probe;
use sim::floor::{self, MAILBOX_TARGET, caller, caller_says};
use sim::lamp::Does::{Ask, Reboot};
use sim::lamp::{Does, LampPhone};
use sim::town::{CARRIER_A, OFFICE, STRANGER, step};
use sim::voice::Says::{Silence, Speech};
use sim::world::{Move, World};
use sip::Time;
use told::{ms, tells};

fn steps() -> Vec<Step> {
    vec![step(&[MAILBOX_TARGET], 1)]
}

/// A phone in the office.
fn desk(does: &[(u64, Does)]) -> LampPhone {
    LampPhone::new("desk", at(OFFICE), "mailbox", does)
}

/// Somebody beside the phone, the carrier or the stranger of this address.
fn at(other: SocketAddr) -> SocketAddr {
    SocketAddr::new(other.ip(), 5070)
}

const fn desk_at(port: u16) -> SocketAddr {
    SocketAddr::new(OFFICE.ip(), port)
}

/// The mailbox and these phones.
fn lit(plan: Plan, phones: &[LampPhone]) -> World {
    let mut world = floor::stage(plan, &[], &[]);
    phones.iter().for_each(|phone| world.add_lamp(phone.clone()));
    world
}

fn alone(phones: &[LampPhone]) -> World {
    lit(floor::floor(steps()), phones)
}

const SUMMARY: &str = "message-summary";

/// One message that nobody has heard.
const fn one(room: &mut Room) {
    (room.new, room.heard) = (1, 0);
}

/// One that somebody has.
const fn heard(room: &mut Room) {
    (room.new, room.heard) = (0, 1);
}

#[test]
fn a_message_lights_the_lamp_and_who_hears_it_puts_it_out() {
    let mut world = floor::stage(floor::floor(steps()), &[], &[caller(Some(ms(15_000)))]);
    world.add_voice(caller_says(&[(Silence, 8_500), (Speech, 6_500)]));
    world.add_lamp(desk(&[(1, Ask(500))]));
    world.run(Time::ZERO + ms(90_000));
    world.change_rooms(0, heard);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "1.000s SUBSCRIBE <- desk",
            "1.000s SUBSCRIBE -> mailbox",
            "1.000s NOTIFY <- mailbox",
            "1.000s NOTIFY -> desk",
            "1.000s desk has its lamp off: front 0/0 (0/0), active;expires=500",
            "7.520s caller hears tone",
            "7.900s front records +15035550199",
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> mailbox",
            "15.000s front keeps 7100 ms, unconditional, ended by HungUp",
            "15.000s NOTIFY <- mailbox",
            "15.000s NOTIFY -> desk",
            "15.000s desk has its lamp on: front 1/0 (0/0), active;expires=486",
            "90.000s NOTIFY <- mailbox",
            "90.000s NOTIFY -> desk",
            "90.000s desk has its lamp off: front 0/1 (0/0), active;expires=411",
            "501.000s NOTIFY <- mailbox",
            "501.000s NOTIFY -> desk",
            "501.000s desk has its lamp off: front 0/1 (0/0), terminated;reason=timeout",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_phone_that_goes_on_asking_is_told_until_it_asks_no_more() {
    let mut world = alone(&[desk(&[(0, Ask(60)), (50, Ask(60)), (100, Ask(0))])]);
    world.run(Time::ZERO + ms(105_000));
    world.change_rooms(0, one);
    tells(
        &floor::tell(world),
        &[
            "0.000s SUBSCRIBE <- desk",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), active;expires=60",
            "50.000s SUBSCRIBE <- desk",
            "50.000s SUBSCRIBE -> mailbox",
            "50.000s NOTIFY <- mailbox",
            "50.000s NOTIFY -> desk",
            "50.000s desk has its lamp off: front 0/0 (0/0), active;expires=60",
            "100.000s SUBSCRIBE <- desk",
            "100.000s SUBSCRIBE -> mailbox",
            "100.000s NOTIFY <- mailbox",
            "100.000s NOTIFY -> desk",
            "100.000s desk has its lamp off: front 0/0 (0/0), terminated;reason=timeout",
        ],
    );
}

#[test]
fn who_is_not_of_the_office_and_what_is_no_mailbox_get_no_lamp() {
    let phone =
        |name, here, mailbox, event| LampPhone::new(name, here, mailbox, &[(0, Ask(600))]).asking(event);
    tells(
        &floor::tell(alone(&[
            phone("carrier", at(CARRIER_A), "mailbox", SUMMARY),
            phone("stranger", at(STRANGER), "mailbox", SUMMARY),
            phone("nobody", desk_at(5071), "nobody", SUMMARY),
            phone("announced", desk_at(5072), "closed", SUMMARY),
            phone("curious", desk_at(5073), "mailbox", "presence"),
            phone("lost", desk_at(5074), "nobody", "presence"),
            LampPhone::new("hasty", desk_at(5075), "mailbox", &[(0, Ask(59))]),
        ])),
        &[
            "0.000s SUBSCRIBE <- carrier",
            "0.000s SUBSCRIBE <- stranger",
            "0.000s SUBSCRIBE <- nobody",
            "0.000s SUBSCRIBE <- announced",
            "0.000s SUBSCRIBE <- curious",
            "0.000s SUBSCRIBE <- lost",
            "0.000s SUBSCRIBE <- hasty",
            "0.000s 405 for SUBSCRIBE -> carrier",
            "0.000s 405 for SUBSCRIBE -> stranger",
            "0.000s 404 for SUBSCRIBE -> nobody",
            "0.000s SUBSCRIBE -> announcement",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s 405 for SUBSCRIBE -> lost",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s carrier is refused: 405",
            "0.000s stranger is refused: 405",
            "0.000s nobody is refused: 404",
            "0.000s lost is refused: 405",
            "0.000s 404 for SUBSCRIBE <- announcement",
            "0.000s 404 for SUBSCRIBE -> announced",
            "0.000s 489 for SUBSCRIBE <- mailbox",
            "0.000s 489 for SUBSCRIBE -> curious",
            "0.000s 423 for SUBSCRIBE <- mailbox",
            "0.000s 423 for SUBSCRIBE -> hasty",
            "0.000s announced is refused: 404",
            "0.000s curious is refused: 489",
            "0.000s hasty is refused: 423, at least 60 s",
        ],
    );
}

#[test]
fn a_node_that_died_lets_phones_ask_anew_and_knows_what_waits() {
    let mut world = alone(&[desk(&[(0, Ask(600)), (300, Ask(600))])]);
    world.plan_move(Time::ZERO + ms(100_000), Move::Crash(0));
    world.plan_move(Time::ZERO + ms(101_000), Move::Restart(0));
    world.run(Time::ZERO + ms(50_000));
    world.change_rooms(0, one);
    tells(
        &floor::tell(world),
        &[
            "0.000s SUBSCRIBE <- desk",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), active;expires=600",
            "50.000s NOTIFY <- mailbox",
            "50.000s NOTIFY -> desk",
            "50.000s desk has its lamp on: front 1/0 (0/0), active;expires=550",
            "300.000s SUBSCRIBE <- desk",
            "300.000s SUBSCRIBE -> mailbox",
            "300.000s 481 for SUBSCRIBE <- mailbox",
            "300.000s 481 for SUBSCRIBE -> desk",
            "300.000s desk has to ask anew",
            "300.000s SUBSCRIBE <- desk",
            "300.000s SUBSCRIBE -> mailbox",
            "300.000s NOTIFY <- mailbox",
            "300.000s NOTIFY -> desk",
            "300.000s desk has its lamp on: front 1/0 (0/0), active;expires=600",
        ],
    );
}

#[test]
fn a_phone_that_was_switched_off_and_on_has_one_lamp() {
    let mut world = alone(&[desk(&[(0, Ask(600)), (20, Reboot), (21, Ask(600))])]);
    world.run(Time::ZERO + ms(30_000));
    world.change_rooms(0, one);
    tells(
        &floor::tell(world),
        &[
            "0.000s SUBSCRIBE <- desk",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), active;expires=600",
            "21.000s SUBSCRIBE <- desk",
            "21.000s SUBSCRIBE -> mailbox",
            "21.000s NOTIFY <- mailbox",
            "21.000s NOTIFY -> desk",
            "21.000s desk has its lamp off: front 0/0 (0/0), active;expires=600",
            "30.000s NOTIFY <- mailbox",
            "30.000s NOTIFY -> desk",
            "30.000s NOTIFY <- mailbox",
            "30.000s NOTIFY -> desk",
            "30.000s 481 for NOTIFY <- desk",
            "30.000s desk has its lamp on: front 1/0 (0/0), active;expires=591",
            "30.000s 481 for NOTIFY -> mailbox",
        ],
    );
}

#[test]
fn a_phone_that_hears_nothing_is_told_again_and_then_no_more() {
    let mut world = alone(&[desk(&[(0, Ask(600))])]);
    world.plan_move(Time::ZERO + ms(5_000), Move::Hole(at(OFFICE)));
    world.plan_move(Time::ZERO + ms(12_000), Move::Fill(at(OFFICE)));
    world.plan_move(Time::ZERO + ms(20_000), Move::Hole(at(OFFICE)));
    world.run(Time::ZERO + ms(10_000));
    world.change_rooms(0, one);
    world.run(Time::ZERO + ms(30_000));
    world.change_rooms(0, heard);
    tells(
        &floor::tell(world),
        &[
            "0.000s SUBSCRIBE <- desk",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), active;expires=600",
            "10.000s NOTIFY <- mailbox",
            "10.000s NOTIFY -> desk",
            "13.500s desk has its lamp on: front 1/0 (0/0), active;expires=590",
            "30.000s NOTIFY <- mailbox",
            "30.000s NOTIFY -> desk",
        ],
    );
}

#[test]
fn a_node_that_is_draining_takes_no_more_phones_and_tells_those_it_has() {
    let late = LampPhone::new("late", desk_at(5071), "mailbox", &[(20, Ask(600))]);
    let mut world = alone(&[desk(&[(0, Ask(600))]), late]);
    world.plan_move(Time::ZERO + ms(10_000), Move::Drain(0));
    world.run(Time::ZERO + ms(30_000));
    world.change_rooms(0, one);
    tells(
        &floor::tell(world),
        &[
            "0.000s SUBSCRIBE <- desk",
            "0.000s SUBSCRIBE -> mailbox",
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), active;expires=600",
            "20.000s SUBSCRIBE <- late",
            "20.000s 503 for SUBSCRIBE -> late",
            "20.000s late is refused: 503",
            "30.000s NOTIFY <- mailbox",
            "30.000s NOTIFY -> desk",
            "30.000s desk has its lamp on: front 1/0 (0/0), active;expires=570",
            "600.000s NOTIFY <- mailbox",
            "600.000s NOTIFY -> desk",
            "600.000s desk has its lamp on: front 1/0 (0/0), terminated;reason=timeout",
        ],
    );
}

#[test]
fn more_phones_than_a_mailbox_has_places_for_are_told_to_come_later() {
    let phone = |n: u16| LampPhone::new("desk", desk_at(6_000 + n), "mailbox", &[(0, Ask(600))]);
    let phones: Vec<LampPhone> = (0..501).map(phone).collect();
    let mut world = alone(&phones);
    world.run(Time::ZERO + ms(1_000));
    let lines = floor::tell(world);
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!((count("has its lamp off"), count("is refused: 480, again after 600 s")), (1_000, 1));
}

#[test]
fn a_town_without_mailboxes_knows_no_lamps() {
    let mut world = sim::story::stage(sim::town::town(), &[], &[]);
    world.add_lamp(desk(&[(0, Ask(600))]));
    world.run(Time::ZERO + ms(1_000));
    tells(
        &sim::story::tell(world),
        &["0.000s SUBSCRIBE <- desk", "0.000s 405 for SUBSCRIBE -> desk", "0.000s desk is refused: 405"],
    );
}

#[test]
fn a_phone_that_never_asks_is_told_all_the_same_and_again_once_it_is_back() {
    let plan = floor::with_lamp(floor::floor(steps()), at(OFFICE));
    let mut world = lit(plan.clone(), &[desk(&[])]);
    world.change_rooms(0, |_| ());
    world.plan_move(Time::ZERO + ms(10_000), Move::Hole(at(OFFICE)));
    world.plan_move(Time::ZERO + ms(100_000), Move::Fill(at(OFFICE)));
    world.run(Time::ZERO + ms(5_000));
    world.change_rooms(0, one);
    world.run(Time::ZERO + ms(20_000));
    world.change_rooms(0, heard);
    world.run(Time::ZERO + ms(2_400_000));
    tells(
        &floor::tell(world),
        &[
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), terminated",
            "5.000s NOTIFY <- mailbox",
            "5.000s NOTIFY -> desk",
            "5.000s desk has its lamp on: front 1/0 (0/0), terminated",
            "20.000s NOTIFY <- mailbox",
            "20.000s NOTIFY -> desk",
            "352.000s NOTIFY <- mailbox",
            "352.000s NOTIFY -> desk",
            "352.000s desk has its lamp off: front 0/1 (0/0), terminated",
            "2152.000s NOTIFY <- mailbox",
            "2152.000s NOTIFY -> desk",
            "2152.000s desk has its lamp off: front 0/1 (0/0), terminated",
        ],
    );
}

#[test]
fn a_phone_that_the_plan_does_not_have_any_more_is_told_nothing() {
    let plan = floor::with_lamp(floor::floor(steps()), at(OFFICE));
    let mut world = lit(plan, &[desk(&[])]);
    world.change_rooms(0, |_| ());
    world.run(Time::ZERO + ms(5_000));
    world.plan_move(Time::ZERO + ms(6_000), Move::Apply(0, std::sync::Arc::new(floor::floor(steps()))));
    world.run(Time::ZERO + ms(7_000));
    world.change_rooms(0, one);
    tells(
        &floor::tell(world),
        &[
            "0.000s NOTIFY <- mailbox",
            "0.000s NOTIFY -> desk",
            "0.000s desk has its lamp off: front 0/0 (0/0), terminated",
            "7.000s NOTIFY <- mailbox",
            "7.000s 404 for NOTIFY -> mailbox",
        ],
    );
}

#[test]
fn a_phone_that_is_known_to_be_away_is_told_once_it_has_come_back() {
    let mut plan = floor::with_lamp(floor::floor(steps()), at(OFFICE));
    let probe = Some(Probe::every(ms(5_000)));
    plan.peers.last_mut().into_iter().for_each(|desk| desk.probe = probe);
    let mut world = lit(floor::with_lamp(floor::floor(steps()), at(OFFICE)), &[desk(&[])]);
    world.plan_move(Time::ZERO + ms(1_000), Move::Apply(0, std::sync::Arc::new(plan)));
    world.plan_move(Time::ZERO + ms(10_000), Move::Hole(at(OFFICE)));
    world.plan_move(Time::ZERO + ms(100_000), Move::Fill(at(OFFICE)));
    world.run(Time::ZERO + ms(5_000));
    world.change_rooms(0, |_| ());
    world.run(Time::ZERO + ms(60_000));
    world.change_rooms(0, one);
    world.run(Time::ZERO + ms(600_000));
    tells(
        &floor::tell(world),
        &[
            "5.000s NOTIFY <- mailbox",
            "5.000s NOTIFY -> desk",
            "5.000s desk has its lamp off: front 0/0 (0/0), terminated",
            "60.000s NOTIFY <- mailbox",
            "60.000s 503 for NOTIFY -> mailbox",
            "120.000s NOTIFY <- mailbox",
            "120.000s 503 for NOTIFY -> mailbox",
            "180.000s NOTIFY <- mailbox",
            "180.000s NOTIFY -> desk",
            "180.000s desk has its lamp on: front 1/0 (0/0), terminated",
        ],
    );
}
