//! Stories: a person who has pressed 1 and the caller are calls of one carrier, which is asked to join them by itself.

mod told;

use router::Plan;
use sim::caller::Script;
use sim::floor::{self, CALLER, ana_says, asking, caller, then_mailbox};
use sim::manner::Manner;
use sim::refer::Joins;
use sim::town::{ANA, ANA_TARGET, CARRIER_A, CARRIER_A_HOST};
use sim::voice::Says::{Digit, Nothing, Silence, Speech};
use sim::voice::{Says, Voice};
use told::{ms, tells};

/// Ana, who has to press 1, by a carrier that is marked as able.
fn able() -> Plan {
    let mut plan = asking(then_mailbox(&[ANA_TARGET]));
    plan.peers.iter_mut().for_each(|peer| peer.refer = true);
    plan
}

/// What goes over the wire when somebody calls by the same carrier as Ana has and hangs up so long after the answer, and she takes
/// his call after three seconds; from there on. Both speak for so long.
fn told(plan: Plan, joins: Joins, talk: Option<u64>, speak: u64) -> Vec<String> {
    let mut world = floor::stage(plan, &[("ana", Manner::says(0, 2_000))], &[]);
    world.hosts[CARRIER_A_HOST].joins = joins;
    world.add_call(CARRIER_A_HOST, 0, Script { caller: Some(CALLER), ..caller(talk.map(ms)) });
    let (digit, speech) = ((Digit('1'), 100), (Speech, speak));
    world.add_voice(ana_says(&[(Nothing, 2_000), (Silence, 900), digit, speech]));
    world.add_voice(caller_at_a(&[(Silence, 3_000), speech]));
    let lines = floor::tell(world);
    lines.into_iter().skip_while(|line| !line.ends_with("call 1 200 -> carrier-a")).collect()
}

fn caller_at_a(says: &[(Says, u64)]) -> Voice {
    let mut voice = floor::caller_says(says);
    voice.here.set_ip(CARRIER_A.ip());
    voice
}

#[test]
fn a_carrier_that_is_able_joins_both_and_no_sound_comes_here_any_more() {
    let expected = [
        "2.900s call 1 200 -> carrier-a",
        "2.900s call 1 REFER -> carrier-a",
        "2.900s call 1 NOTIFY 100 <- carrier-a",
        "3.100s caller hears ana",
        "3.100s ana hears caller",
        "3.200s BYE <- carrier-a",
        "3.200s call 1 NOTIFY 200 <- carrier-a",
        "3.200s call 1 BYE -> carrier-a",
        "ana has heard 61 packets of 1 sources, 0 are missing",
        "caller has heard 11 packets of 1 sources, 0 are missing",
    ];
    tells(&told(able(), Joins::After(ms(300)), Some(60_000), 300), &expected);
}

const AT_ONCE: &str = "12.900s BYE -> carrier-a";
/// The carrier may not have taken her call over yet.
const LATER: &str = "15.900s BYE -> carrier-a";

/// What nobody notices but the carrier: they hear each other here until the caller hangs up. This is said of it, and then Ana's call ends.
fn goes_on(said: &[&str], end: &str) -> Vec<String> {
    let begun = ["2.900s call 1 200 -> carrier-a", "2.900s call 1 REFER -> carrier-a"];
    let heard = ["3.100s caller hears ana", "3.100s ana hears caller"];
    let ended = ["12.900s call 1 BYE <- carrier-a", end];
    let packets = [
        "ana has heard 546 packets of 1 sources, 0 are missing",
        "caller has heard 496 packets of 1 sources, 0 are missing",
    ];
    let (before, after) = said.split_at(said.len().min(1));
    [&begun[..], before, &heard, after, &ended, &packets].concat().iter().map(ToString::to_string).collect()
}

#[test]
fn who_refuses_is_not_asked_again_and_nobody_notices() {
    for status in [501, 603, 481] {
        let refused = format!("2.900s call 1 {status} for REFER <- carrier-a");
        assert_eq!(told(able(), Joins::Refused(status), Some(10_000), 10_000), goes_on(&[&refused], AT_ONCE));
    }
}

#[test]
fn who_says_nothing_or_never_how_it_went_keeps_nobody_from_hearing_each_other() {
    assert_eq!(told(able(), Joins::Silent, Some(10_000), 10_000), goes_on(&[], LATER));
    let tried = "2.900s call 1 NOTIFY 100 <- carrier-a";
    assert_eq!(told(able(), Joins::Untold, Some(10_000), 10_000), goes_on(&[], LATER));
    assert_eq!(told(able(), Joins::After(ms(100_000)), Some(10_000), 10_000), goes_on(&[tried], LATER));
}

#[test]
fn who_says_that_he_has_joined_them_and_has_not_is_not_believed_while_they_are_heard() {
    let said = ["2.900s call 1 NOTIFY 100 <- carrier-a", "3.200s call 1 NOTIFY 200 <- carrier-a"];
    assert_eq!(told(able(), Joins::Said(ms(300)), Some(10_000), 10_000), goes_on(&said, AT_ONCE));
}

#[test]
fn who_leaves_both_calls_to_us_has_them_ended_once_nothing_is_heard_any_more() {
    let expected = [
        "2.900s call 1 200 -> carrier-a",
        "2.900s call 1 REFER -> carrier-a",
        "2.900s call 1 NOTIFY 100 <- carrier-a",
        "3.100s caller hears ana",
        "3.100s ana hears caller",
        "3.200s call 1 NOTIFY 200 <- carrier-a",
        "8.200s call 1 BYE -> carrier-a",
        "8.200s BYE -> carrier-a",
        "ana has heard 65 packets of 1 sources, 0 are missing",
        "caller has heard 15 packets of 1 sources, 0 are missing",
    ];
    tells(&told(able(), Joins::Said(ms(300)), Some(60_000), 300), &expected);
}

#[test]
fn whose_call_is_ended_while_his_carrier_takes_the_other_over_is_not_lost() {
    let expected = [
        "2.900s call 1 200 -> carrier-a",
        "2.900s call 1 REFER -> carrier-a",
        "2.900s call 1 NOTIFY 100 <- carrier-a",
        "2.900s call 1 BYE <- carrier-a",
        "4.900s BYE <- carrier-a",
        "ana has heard 46 packets of 1 sources, 0 are missing",
        "caller has heard 0 packets of 0 sources, 0 are missing",
    ];
    tells(&told(able(), Joins::Hasty(ms(2_000)), Some(60_000), 300), &expected);
}

#[test]
fn a_caller_who_hangs_up_before_it_is_known_leaves_nobody_behind_for_long() {
    let expected = [
        "2.900s call 1 200 -> carrier-a",
        "2.900s call 1 REFER -> carrier-a",
        "3.100s caller hears ana",
        "3.100s ana hears caller",
        "3.900s call 1 BYE <- carrier-a",
        "6.900s BYE -> carrier-a",
        "ana has heard 96 packets of 1 sources, 0 are missing",
        "caller has heard 46 packets of 1 sources, 0 are missing",
    ];
    tells(&told(able(), Joins::Untold, Some(1_000), 1_000), &expected);
}

#[test]
fn nobody_is_asked_who_is_not_marked_or_has_only_one_of_the_two() {
    let unmarked = asking(then_mailbox(&[ANA_TARGET]));
    let mut elsewhere = able();
    elsewhere.peers[2].refer = false;
    for plan in [unmarked, elsewhere] {
        let lines = told(plan, Joins::After(ms(300)), Some(10_000), 10_000);
        assert!(!lines.iter().any(|line| line.contains("REFER")), "{lines:?}");
    }
    let mut world = floor::stage(able(), &[("ana", Manner::says(0, 2_000))], &[caller(Some(ms(10_000)))]);
    world.hosts[CARRIER_A_HOST].presses.insert(ANA, ms(1_000));
    let lines = floor::tell(world);
    assert!(lines.iter().any(|line| line.ends_with("call 1 200 -> caller")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("REFER")), "{lines:?}");
}
