//! Stories: which caller each side of a call sees, where the plan has carriers see another than the one who calls. The
//! network takes no time here.

mod told;

use core::time::Duration;
use router::Plan;
use router::plan::Step;
use router::presentation::{Diverts, Form, Presentation, Who};
use sim::caller::Script;
use sim::manner::Manner;
use sim::story::{caller, impatient, stage, tell};
use sim::town::{
    self, ANA_TARGET, ANSWERING_TARGET, BEN_TARGET, CARRIER_A_HOST, OFFICE_TARGET, ana_then_answering, step,
    town_with,
};
use sim::world::Move;
use sip::Time;
use std::sync::Arc;
use told::{ms, tells};

/// A number of ours that nobody called.
const OTHER: &str = "+15035550199";

/// The plan with calls presented so to the first carrier.
fn shown(mut plan: Plan, who: Who, diverts: Diverts, trusted: bool) -> Plan {
    let presentation = Some(Arc::new(Presentation { form: Form { who, diverts }, trusted }));
    for peer in plan.peers.iter_mut().filter(|peer| &*peer.name == "carrier-a") {
        peer.presentation.clone_from(&presentation);
    }
    plan
}

/// What went over the wire, with who calls whom.
fn story(
    plan: Plan,
    manners: &[(&str, Manner)],
    calls: &[Script],
    moves: &[(Duration, Move)],
) -> Vec<String> {
    story_of(plan, manners, calls, moves, None)
}

fn story_of(
    plan: Plan,
    manners: &[(&str, Manner)],
    calls: &[Script],
    moves: &[(Duration, Move)],
    hang_up: Option<Duration>,
) -> Vec<String> {
    let mut world = stage(plan, manners, calls);
    for (at, what) in moves {
        world.plan_move(Time::ZERO + *at, what.clone());
    }
    for place in world.hosts.get_mut(CARRIER_A_HOST).into_iter().flat_map(|host| &mut host.places) {
        place.hang_up = hang_up;
    }
    if let Some(diary) = &mut world.diary {
        diary.who = true;
    }
    world.run(Time::ZERO + Duration::from_secs(600));
    tell(world)
}

#[test]
fn a_mobile_sees_the_number_that_was_called_and_the_caller_what_it_sent() {
    let plan = shown(ana_then_answering(), Who::Called, Diverts::Diversion, true);
    let script = Script { reinvite: Some(ms(2000)), ..caller() };
    tells(
        &story(plan, &[("ana", Manner::says(0, 1000))], &[script], &[]),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550100 calls +15035550100\n  P-Asserted-Identity: <sip:+15550001000@10.0.9.1:5060>\n  Diversion: <sip:+15035550100@10.0.0.1>;reason=unconditional;counter=1",
            "0.000s call 1 180 <- ana by carrier-a, +15035550100 calls +15035550100",
            "0.000s call 1 180 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 200 <- ana by carrier-a, +15035550100 calls +15035550100",
            "1.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 ACK -> carrier-a, +15035550100 calls +15035550100",
            "3.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "3.000s call 1 INVITE -> carrier-a, +15035550100 calls +15035550100",
            "3.000s call 1 200 <- carrier-a, +15035550100 calls +15035550100",
            "3.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "3.000s call 1 ACK -> carrier-a, +15035550100 calls +15035550100",
            "11.000s call 1 BYE <- caller, +15550001000 calls +15035550100",
            "11.000s call 1 BYE -> carrier-a, +15035550100 calls +15035550100",
        ],
    );
}

#[test]
fn a_step_says_who_stands_in_from_whatever_the_carrier_is_told_else() {
    let from = |who, members: &[_], line| Step { from: Some(who), ..step(members, line) };
    let mut plan = shown(ana_then_answering(), Who::Called, Diverts::Nothing, false);
    plan.courses = town_with(vec![
        from(Who::Number(OTHER.into()), &[ANA_TARGET], 1),
        from(Who::Caller, &[BEN_TARGET], 2),
        from(Who::Called, &[ANSWERING_TARGET], 3),
    ])
    .courses;
    let manners =
        [("ana", Manner::refuses(480)), ("ben", Manner::refuses(480)), ("answering", Manner::says(0, 1000))];
    let lines = story(plan, &manners, &[caller()], &[]);
    tells(
        &lines.into_iter().filter(|line| line.contains("INVITE ->")).collect::<Vec<_>>(),
        &[
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 INVITE -> ben by carrier-a, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> answering, +15035550100 calls +15035550100\n  Diversion: <sip:+15035550100@10.0.0.1>;reason=no-answer;counter=1",
        ],
    );
}

#[test]
fn whoever_was_called_hangs_up_on_the_caller_it_sees() {
    let plan = shown(ana_then_answering(), Who::Number(OTHER.into()), Diverts::Nothing, false);
    let script = Script { talk: None, ..caller() };
    tells(
        &story_of(plan, &[("ana", Manner::says(0, 1000))], &[script], &[], Some(ms(3000))),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 <- ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 200 <- ana by carrier-a, +15035550199 calls +15035550100",
            "1.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 ACK -> carrier-a, +15035550199 calls +15035550100",
            "4.000s call 1 BYE <- carrier-a, +15035550100 calls +15035550199",
            "4.000s call 1 BYE -> caller, +15035550100 calls +15550001000",
        ],
    );
}

#[test]
fn a_node_that_restarts_in_mid_call_knows_both_callers() {
    let plan = shown(ana_then_answering(), Who::Number(OTHER.into()), Diverts::Nothing, false);
    let moves = [
        (ms(500), Move::Crash(0)),
        (ms(600), Move::Restart(0)),
        (ms(3000), Move::Crash(0)),
        (ms(4000), Move::Restart(0)),
    ];
    let script = Script { reinvite: Some(ms(2500)), talk: None, ..caller() };
    tells(
        &story_of(plan, &[("ana", Manner::says(0, 1000))], &[script], &moves, Some(ms(6000))),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 <- ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 200 <- ana by carrier-a, +15035550199 calls +15035550100",
            "1.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 ACK -> carrier-a, +15035550199 calls +15035550100",
            "3.500s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "4.000s call 1 INVITE -> carrier-a, +15035550199 calls +15035550100",
            "4.000s call 1 200 <- carrier-a, +15035550199 calls +15035550100",
            "4.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "4.000s call 1 ACK -> carrier-a, +15035550199 calls +15035550100",
            "7.000s call 1 BYE <- carrier-a, +15035550100 calls +15035550199",
            "7.000s call 1 BYE -> caller, +15035550100 calls +15550001000",
        ],
    );
}

#[test]
fn cancel_and_acks_bear_the_from_of_their_leg() {
    let plan = shown(ana_then_answering(), Who::Number(OTHER.into()), Diverts::Nothing, false);
    tells(
        &story(plan, &[("ana", Manner::Ring { after: ms(0) })], &[impatient(ms(3000))], &[]),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 <- ana by carrier-a, +15035550199 calls +15035550100",
            "0.000s call 1 180 -> caller, +15550001000 calls +15035550100",
            "3.000s call 1 CANCEL <- caller, +15550001000 calls +15035550100",
            "3.000s call 1 CANCEL -> ana by carrier-a, +15035550199 calls +15035550100",
            "3.000s call 1 487 <- ana by carrier-a, +15035550199 calls +15035550100",
            "3.000s call 1 487 -> caller, +15550001000 calls +15035550100",
        ],
    );
}

#[test]
fn the_reason_for_forwarding_is_how_the_step_before_ended() {
    let plan =
        || town_with(vec![step(&[OFFICE_TARGET], 1), step(&[ANA_TARGET], 2), step(&[ANSWERING_TARGET], 3)]);
    let told = |office| {
        let plan = shown(plan(), Who::Caller, Diverts::Both, false);
        let manners = [("office", office), ("office-2", office), ("ana", Manner::says(0, 1000))];
        let lines = story(plan, &manners, &[caller()], &[]);
        let leg = lines.iter().find(|line| line.contains("INVITE -> ana")).cloned();
        leg.map(|leg| leg.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default()
    };
    let lines = |reason: &str, cause: u16, leg: u8| {
        vec![
            format!("  Diversion: <sip:+15035550100@10.0.0.1>;reason={reason};counter=1"),
            format!(
                "  History-Info: <sip:+15035550100@10.0.0.1:5060>;index=1, \
                 <sip:+15035550111@10.0.1.1:5060;cause={cause}>;index=1.{leg};mp=1"
            ),
        ]
    };
    assert_eq!(told(Manner::refuses(486)), lines("user-busy", 486, 2));
    assert_eq!(told(Manner::refuses(603)), lines("user-busy", 486, 2));
    assert_eq!(told(Manner::Ring { after: ms(0) }), lines("no-answer", 408, 2));
    assert_eq!(told(Manner::refuses(503)), lines("unavailable", 503, 3));
    assert_eq!(told(Manner::Dead), lines("unavailable", 503, 3));
}

#[test]
fn whoever_asks_for_privacy_has_it() {
    let plan = shown(ana_then_answering(), Who::Called, Diverts::HistoryInfo, false);
    let extra = "P-Asserted-Identity: <tel:+15550001000>\r\nPrivacy: id;history\r\n\
                 History-Info: <sip:+15550002000@a.example>;index=1\r\n";
    let script = Script { extra, ..caller() };
    let lines = story(plan, &[("ana", Manner::says(0, 1000))], &[script], &[]);
    assert_eq!(
        lines.get(1).map(String::as_str),
        Some("0.000s call 1 INVITE -> ana by carrier-a, +15035550100 calls +15035550100")
    );
}

#[test]
fn passports_pass_byte_for_byte() {
    let extra: &'static str = concat!(
        "Identity: eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUifQ.",
        "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNTAzNTU1MDEwMCJdfSwiaWF0IjoxNzY3NjkzNjAwLCJvcmlnIjp7InRuIjoiMTU1NTAwMDEwMDAifX0.",
        "c2lnbmF0dXJl;info=<https://cert.example/1.crt>;alg=ES256;ppt=\"shaken\"\r\n",
        "y:eyJ0eXAi.eyJkaXYi.c2ln ; info=<https://cert.example/2.crt>;ppt=div\r\n",
    );
    let carried = |plan: Plan| {
        let script = Script { extra, ..caller() };
        let lines = story(plan, &[("ana", Manner::says(0, 1000))], &[script], &[]);
        let leg = lines.get(1).cloned().unwrap_or_default();
        leg.lines().skip(1).map(|line| format!("{}\r\n", line.trim_start())).collect::<String>()
    };
    assert_eq!(carried(ana_then_answering()), extra);
    assert_eq!(carried(shown(ana_then_answering(), Who::Caller, Diverts::Nothing, false)), extra);
    assert_eq!(carried(shown(ana_then_answering(), Who::Called, Diverts::Nothing, false)), "");
}

#[test]
fn a_carrier_that_refuses_foreign_callers_is_offered_ours_and_remembered() {
    let calls = [caller(), Script::patient(Duration::from_secs(20), town::NUMBER, town::NODE)];
    let picky = Manner::Picky { from: town::NUMBER, status: 403 };
    tells(
        &story(ana_then_answering(), &[("carrier-a", picky)], &calls, &[]),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15550001000 calls +15035550100",
            "0.000s call 1 403 <- ana by carrier-a, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550100 calls +15035550100\n  Diversion: <sip:+15035550100@10.0.0.1>;reason=unconditional;counter=1",
            "0.000s call 1 180 <- ana by carrier-a, +15035550100 calls +15035550100",
            "0.000s carrier-a accepts the number called in From, with Diversion (to +1)",
            "0.000s call 1 180 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 200 <- ana by carrier-a, +15035550100 calls +15035550100",
            "1.000s call 1 200 -> caller, +15550001000 calls +15035550100",
            "1.000s call 1 ACK -> carrier-a, +15035550100 calls +15035550100",
            "11.000s call 1 BYE <- caller, +15550001000 calls +15035550100",
            "11.000s call 1 BYE -> carrier-a, +15035550100 calls +15035550100",
            "20.000s call 2 INVITE <- caller, +15550001001 calls +15035550100",
            "20.000s call 2 INVITE -> ana by carrier-a, +15035550100 calls +15035550100\n  Diversion: <sip:+15035550100@10.0.0.1>;reason=unconditional;counter=1",
            "20.000s call 2 180 <- ana by carrier-a, +15035550100 calls +15035550100",
            "20.000s call 2 180 -> caller, +15550001001 calls +15035550100",
            "21.000s call 2 200 <- ana by carrier-a, +15035550100 calls +15035550100",
            "21.000s call 2 200 -> caller, +15550001001 calls +15035550100",
            "21.000s call 2 ACK -> carrier-a, +15035550100 calls +15035550100",
            "31.000s call 2 BYE <- caller, +15550001001 calls +15035550100",
            "31.000s call 2 BYE -> carrier-a, +15035550100 calls +15035550100",
        ],
    );
}

#[test]
fn a_carrier_that_refuses_all_forms_is_left_for_the_next() {
    let picky = Manner::Picky { from: "nobody", status: 433 };
    let manners = [("carrier-a", picky), ("ana", Manner::says(0, 1000))];
    tells(
        &story(ana_then_answering(), &manners, &[caller()], &[]),
        &[
            "0.000s call 1 INVITE <- caller, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15550001000 calls +15035550100",
            "0.000s call 1 433 <- ana by carrier-a, +15550001000 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550100 calls +15035550100\n  Diversion: <sip:+15035550100@10.0.0.1>;reason=unconditional;counter=1",
            "0.000s call 1 433 <- ana by carrier-a, +15035550100 calls +15035550100",
            "0.000s call 1 INVITE -> ana by carrier-a, +15035550100 calls +15035550100\n  History-Info: <sip:+15035550100@10.0.0.1:5060>;index=1, <sip:+15035550111@10.0.1.1:5060;cause=302>;index=1.3;mp=1",
            "0.000s call 1 433 <- ana by carrier-a, +15035550100 calls +15035550100",
            "0.000s call 1 INVITE -> answering, +15550001000 calls +15035550100",
            "2.000s call 1 433 -> caller, +15550001000 calls +15035550100",
        ],
    );
}

#[test]
fn what_a_carrier_accepted_is_forgotten_with_the_plan() {
    let calls = [caller(), Script::patient(Duration::from_secs(20), town::NUMBER, town::NODE)];
    let picky = Manner::Picky { from: town::NUMBER, status: 428 };
    let moves = [(ms(15_000), Move::Apply(0, Arc::new(ana_then_answering())))];
    let lines = story(ana_then_answering(), &[("carrier-a", picky)], &calls, &moves);
    let tries = |second: &str| {
        lines.iter().filter(|line| line.starts_with(second) && line.contains("INVITE -> ana")).count()
    };
    assert_eq!((tries("0.000s"), tries("20.000s")), (2, 2));
}
