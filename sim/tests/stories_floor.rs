//! Stories: what always answers. A call that nobody takes ends in a mailbox or an announcement of the node itself, and is heard.

mod told;

use agent::guide::Room;
use agent::prompts;
use router::plan::{Course, Step};
use router::target::{Reach, TargetId, TargetKind};
use sim::floor::{self, CLOSED_TARGET, MAILBOX_TARGET, caller, caller_says, then_mailbox};
use sim::manner::Manner;
use sim::town::{ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, OFFICE_TARGET, step, target};
use sim::voice::Report;
use sim::voice::Says::{Digit, Nothing, Silence, Speech};
use sim::world::{Move, World};
use sip::Time;
use told::{ms, tells};

/// The mailbox alone, for who speaks like this and hangs up so many milliseconds after the answer.
fn mailbox_alone(says: &[(sim::voice::Says, u64)], talk: Option<u64>) -> World {
    let plan = floor::floor(vec![step(&[MAILBOX_TARGET], 1)]);
    let mut world = floor::stage(plan, &[], &[caller(talk.map(ms))]);
    world.add_voice(caller_says(says));
    world
}

fn change_room(world: &mut World, change: impl FnMut(&mut Room)) {
    world.indoors_mut(0).into_iter().flat_map(|indoors| indoors.rooms.values_mut()).for_each(change);
}

#[test]
fn who_speaks_and_hangs_up_has_left_a_message() {
    let says = [(Silence, 8_500), (Speech, 6_500)];
    let mut world = mailbox_alone(&says, Some(15_000));
    world.run(Time::ZERO + ms(20_000));
    let left = world.indoors(0).expect("this node has agents").shelf.messages.clone();
    let sound: Vec<Vec<u8>> = left.iter().map(|left| left.sound.parts.concat()).collect();
    // Reports at 2.5 s, 7.5 s, 12.5 s and at the end; the caller's own have come to the mailbox.
    let heard = world.voices[0].heard;
    let report = Report { lost: 0, newest: 749, clock: 0x1234_5678 };
    assert_eq!((heard.reports, heard.report, heard.is_ended), (4, Some(report), true));
    // The recording began at 7.9 s.
    assert!(sound.len() == 1 && sound[0][600 * 8..].starts_with(&prompts::RECORD));
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
            "15.000s call 1 BYE <- caller",
            "15.000s call 1 BYE -> mailbox",
            "15.000s front keeps 7100 ms, unconditional, ended by HungUp",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_says_nothing_is_let_go_after_eight_seconds_and_has_missed_somebody() {
    tells(
        &floor::tell(mailbox_alone(&[(Silence, 30_000)], None)),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "7.520s caller hears tone",
            "7.900s front records +15035550199",
            "15.900s what was recorded is no message",
            "15.900s front tells of a call: Missed, unconditional",
            "16.000s caller hears nothing",
            "17.680s caller hears goodbye",
            "18.340s call 1 BYE <- mailbox",
            "18.340s call 1 BYE -> caller",
            "caller has heard 519 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_message_that_ends_with_a_key_stands_when_the_caller_hangs_up() {
    let says = [(Silence, 8_500), (Speech, 6_500), (Digit('#'), 100), (Silence, 2_000)];
    tells(
        &floor::tell(mailbox_alone(&says, Some(17_000))),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears greeting",
            "7.520s caller hears tone",
            "7.900s front records +15035550199",
            "15.100s caller hears choose",
            "17.000s call 1 BYE <- caller",
            "17.000s call 1 BYE -> mailbox",
            "17.000s front keeps 7100 ms, unconditional, ended by Key",
            "caller has heard 497 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_node_that_dies_in_a_message_loses_no_more_than_five_seconds_of_it() {
    let mut world = mailbox_alone(&[(Silence, 8_500), (Speech, 20_000)], None);
    world.plan_move(Time::ZERO + ms(22_000), Move::Crash(0));
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
            "10000 ms are left of a recording",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn who_calls_a_full_mailbox_is_told_so_if_nobody_else_is_left() {
    let mut world = mailbox_alone(&[(Silence, 30_000)], None);
    change_room(&mut world, |room| room.messages = 100);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s front tells of a call: Full, unconditional",
            "0.000s call 1 200 <- mailbox",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> mailbox",
            "0.400s caller hears full",
            "3.280s caller hears goodbye",
            "3.960s call 1 BYE <- mailbox",
            "3.960s call 1 BYE -> caller",
            "caller has heard 199 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_full_mailbox_leaves_the_call_to_who_comes_after_it() {
    let plan = floor::floor(vec![step(&[MAILBOX_TARGET], 1), step(&[ANSWERING_TARGET], 2)]);
    let mut world = floor::stage(plan, &[("answering", Manner::says(0, 1_000))], &[caller(Some(ms(10_000)))]);
    change_room(&mut world, |room| room.messages = 100);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 503 <- mailbox",
            "0.000s call 1 INVITE -> answering",
            "0.000s call 1 180 <- answering",
            "0.000s call 1 180 -> caller",
            "1.000s call 1 200 <- answering",
            "1.000s call 1 200 -> caller",
            "1.000s call 1 ACK -> answering",
            "11.000s call 1 BYE <- caller",
            "11.000s call 1 BYE -> answering",
        ],
    );
}

#[test]
fn a_disk_that_is_nearly_full_takes_no_message() {
    let plan = floor::floor(vec![step(&[MAILBOX_TARGET], 1), step(&[CLOSED_TARGET], 2)]);
    let mut world = floor::stage(plan, &[], &[caller(None)]);
    world.add_voice(caller_says(&[(Silence, 30_000)]));
    change_room(&mut world, |room| room.disk_free = 200 << 20);
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> mailbox",
            "0.000s call 1 503 <- mailbox",
            "0.000s call 1 INVITE -> announcement",
            "0.000s call 1 200 <- announcement",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> announcement",
            "0.400s caller hears closed",
            "7.380s call 1 BYE <- announcement",
            "7.380s call 1 BYE -> caller",
            "caller has heard 370 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn an_office_that_is_down_is_tried_before_the_mailbox_answers() {
    let mut world = floor::stage(then_mailbox(&[OFFICE_TARGET]), &[], &[caller(Some(ms(15_000)))]);
    world.add_voice(caller_says(&[(Silence, 12_500), (Speech, 7_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "2.000s call 1 INVITE -> office-2",
            "2.500s call 1 180 -> caller",
            "4.000s call 1 INVITE -> mailbox",
            "4.000s call 1 200 <- mailbox",
            "4.000s call 1 200 -> caller",
            "4.000s call 1 ACK -> mailbox",
            "4.400s caller hears greeting",
            "11.520s caller hears tone",
            "11.900s front records +15035550199",
            "19.000s call 1 BYE <- caller",
            "19.000s call 1 BYE -> mailbox",
            "19.000s front keeps 7120 ms, unavailable, ended by HungUp",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_call_that_must_be_live_by_then_is_led_to_the_mailbox() {
    let mut plan = then_mailbox(&[ANA_TARGET, BEN_TARGET]);
    let within = |course: &mut Course| course.live_within = ms(12_000);
    plan.courses.iter_mut().for_each(within);
    let manners = [("ana", Manner::Ring { after: ms(0) }), ("ben", Manner::Ring { after: ms(0) })];
    let mut world = floor::stage(plan, &manners, &[caller(Some(ms(12_000)))]);
    world.add_voice(caller_says(&[(Silence, 20_500), (Speech, 4_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 INVITE -> ben by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 <- ben by carrier-a",
            "0.000s call 1 180 -> caller",
            "0.000s call 1 180 -> caller",
            "12.000s call 1 CANCEL -> ana by carrier-a",
            "12.000s call 1 CANCEL -> ben by carrier-a",
            "12.000s call 1 INVITE -> mailbox",
            "12.000s call 1 487 <- ana by carrier-a",
            "12.000s call 1 487 <- ben by carrier-a",
            "12.000s call 1 200 <- mailbox",
            "12.000s call 1 200 -> caller",
            "12.000s call 1 ACK -> mailbox",
            "12.400s caller hears greeting",
            "19.520s caller hears tone",
            "19.900s front records +15035550199",
            "24.000s call 1 BYE <- caller",
            "24.000s call 1 BYE -> mailbox",
            "24.000s front keeps 4120 ms, no-answer, ended by HungUp",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn a_walk_of_three_minutes_still_ends_in_the_mailbox() {
    let long = |line| Step { ring: Some(ms(70_000)), ..step(&[ANA_TARGET], line) };
    let plan = floor::floor(vec![
        long(1),
        Step { ring: Some(ms(70_000)), ..step(&[OFFICE_TARGET], 2) },
        Step { ring: Some(ms(70_000)), ..step(&[ANSWERING_TARGET], 3) },
        step(&[MAILBOX_TARGET], 4),
    ]);
    let ring = Manner::Ring { after: ms(0) };
    let manners = [("ana", ring), ("office", ring), ("answering", ring)];
    let mut world = floor::stage(plan, &manners, &[caller(Some(ms(12_000)))]);
    world.add_voice(caller_says(&[(Nothing, 180_000), (Silence, 8_500), (Speech, 4_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> ana by carrier-a",
            "0.000s call 1 180 <- ana by carrier-a",
            "0.000s call 1 180 -> caller",
            "70.000s call 1 CANCEL -> ana by carrier-a",
            "70.000s call 1 INVITE -> office",
            "70.000s call 1 487 <- ana by carrier-a",
            "70.000s call 1 180 <- office",
            "70.000s call 1 180 -> caller",
            "140.000s call 1 CANCEL -> office",
            "140.000s call 1 INVITE -> answering",
            "140.000s call 1 487 <- office",
            "140.000s call 1 180 <- answering",
            "140.000s call 1 180 -> caller",
            "180.000s call 1 CANCEL -> answering",
            "180.000s call 1 INVITE -> mailbox",
            "180.000s call 1 487 <- answering",
            "180.000s call 1 200 <- mailbox",
            "180.000s call 1 200 -> caller",
            "180.000s call 1 ACK -> mailbox",
            "180.400s caller hears greeting",
            "187.520s caller hears tone",
            "187.900s front records +15035550199",
            "192.000s call 1 BYE <- caller",
            "192.000s call 1 BYE -> mailbox",
            "192.000s front keeps 4120 ms, no-answer, ended by HungUp",
            "caller has heard 396 packets of 1 sources, 0 are missing",
        ],
    );
}

#[test]
fn an_announcement_says_twice_what_it_says_and_hangs_up() {
    let plan = floor::floor(vec![step(&[OFFICE_TARGET], 1), step(&[CLOSED_TARGET], 2)]);
    let mut world = floor::stage(plan, &[("office", Manner::refuses(486))], &[caller(None)]);
    world.add_voice(caller_says(&[(Silence, 20_000)]));
    tells(
        &floor::tell(world),
        &[
            "0.000s call 1 INVITE <- caller",
            "0.000s call 1 INVITE -> office",
            "0.000s call 1 486 <- office",
            "0.000s call 1 INVITE -> announcement",
            "0.000s call 1 200 <- announcement",
            "0.000s call 1 200 -> caller",
            "0.000s call 1 ACK -> announcement",
            "0.400s caller hears closed",
            "7.380s call 1 BYE <- announcement",
            "7.380s call 1 BYE -> caller",
            "caller has heard 370 packets of 1 sources, 0 are missing",
        ],
    );
}

/// A call that has come to the mailbox at 0 s.
const MAILBOX: [&str; 11] = [
    "0.000s call 1 INVITE -> mailbox",
    "0.000s call 1 200 <- mailbox",
    "0.000s call 1 200 -> caller",
    "0.000s call 1 ACK -> mailbox",
    "0.400s caller hears greeting",
    "7.520s caller hears tone",
    "7.900s front records +15035550199",
    "12.000s call 1 BYE <- caller",
    "12.000s call 1 BYE -> mailbox",
    "12.000s front keeps 4120 ms, unavailable, ended by HungUp",
    "caller has heard 396 packets of 1 sources, 0 are missing",
];

#[test]
fn a_walk_of_twenty_invites_still_ends_in_the_mailbox() {
    let mut plan = floor::floor(Vec::new());
    let first = plan.targets.len();
    let ids: Vec<TargetId> =
        (first..first + 21).map(|id| TargetId(u32::try_from(id).unwrap_or_default())).collect();
    for id in &ids {
        let reach = Reach::Number(format!("+150355502{:02}", id.0).into());
        plan.targets.push(target("somebody", TargetKind::Person, reach));
    }
    let people = (1..).zip(&ids).map(|(line, id)| step(&[*id], line));
    plan.courses[0].steps = people.chain([step(&[MAILBOX_TARGET], 22)]).collect();
    let mut world = floor::stage(plan, &[("carrier-a", Manner::refuses(486))], &[caller(Some(ms(12_000)))]);
    world.add_voice(caller_says(&[(Silence, 8_500), (Speech, 4_000)]));
    let by_a = ["0.000s call 1 INVITE -> carrier-a", "0.000s call 1 486 <- carrier-a"];
    let by_b = ["0.000s call 1 INVITE -> carrier-b", "0.000s call 1 404 <- carrier-b"];
    // Whoever is busy at once three times in a row is not believed.
    let walk = [by_a, by_b, by_a, by_b, by_a, by_b].into_iter().chain([by_b; 14]).flatten();
    let expected: Vec<&str> =
        ["0.000s call 1 INVITE <- caller"].into_iter().chain(walk).chain(MAILBOX).collect();
    tells(&floor::tell(world), &expected);
}
