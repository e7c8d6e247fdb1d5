//! Each row of the code table (TRIGGERS, sections 2 and 3) end to end: a call whose first way answers so, and who is
//! rung next.

use core::time::Duration;
use router::Plan;
use router::plan::Declined;
use router::target::{PeerId, PeerKind};
use sim::manner::Manner;
use sim::story::{alarming, caller, story};
use sim::town::{ana_then_answering, office_then_answering};

/// Ana, by two trunks of the first carrier and then one of the second; then the answering service.
fn ana_by_three_trunks() -> Plan {
    let mut plan = ana_then_answering();
    plan.peers[0].kind = PeerKind::Trunk(router::target::CarrierId(0));
    plan.carriers[0].trunks.push(PeerId(0));
    plan
}

const WELL: Manner = Manner::says(0, 500);

/// Who is invited, in order.
fn invited(lines: &[String]) -> Vec<&str> {
    let invited: Vec<&str> = lines
        .iter()
        .filter_map(|line| Some(line.split_once("INVITE -> ")?.1.trim_end_matches(" over TCP")))
        .collect();
    assert!(!lines.iter().any(|line| line.contains("invariant")), "{lines:#?}");
    invited
}

/// Who is rung after a trunk of the first carrier has answered so.
fn after_trunk(manner: Manner) -> String {
    let manners = [("carrier-a", manner), ("office", WELL), ("ana", WELL), ("answering", WELL)];
    next_of(&story(ana_by_three_trunks(), &manners, &[caller()]), "ana by carrier-a")
}

/// Who is rung after the first address of the office has answered so.
fn after_site(manner: Manner) -> String {
    let manners = [("office", manner), ("office-2", WELL), ("answering", WELL)];
    next_of(&story(office_then_answering(), &manners, &[caller()]), "office")
}

/// Who is rung after the first hop, which may have been tried again with another INVITE.
fn next_of(lines: &[String], first: &str) -> String {
    let all = invited(lines);
    let tries = all.iter().take_while(|who| **who == first).count();
    assert!((1..=3).contains(&tries) && all.len() <= tries + 1, "{all:?}");
    all.get(tries).copied().unwrap_or("nobody").to_owned()
}

/// It refuses after a second, when nobody takes it for a machine's word.
const fn later(status: u16, extra: &'static str) -> Manner {
    Manner::Refuse { after: Duration::from_secs(1), status, extra }
}

const TRUNK: &str = "ana by office";
const CARRIER: &str = "ana by carrier-b";
const ANSWERING: &str = "answering";
const ADDRESS: &str = "office-2";

#[test]
fn each_status_at_a_trunk_and_at_a_site() {
    #[rustfmt::skip]
    let rows: &[(&[u16], &str, &str)] = &[
        // statuses, after a trunk, after a site
        (&[300, 301, 302, 305, 380, 399], CARRIER, ANSWERING),
        (&[400, 405, 406, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 469, 488, 493, 494, 499], CARRIER, ANSWERING),
        (&[401, 407], CARRIER, ANSWERING),
        (&[402], CARRIER, ANSWERING),
        (&[403], CARRIER, ANSWERING),
        (&[404, 410, 484, 485, 604], CARRIER, ANSWERING),
        (&[408], TRUNK, ANSWERING),
        (&[428, 436, 437, 438], CARRIER, ANSWERING),
        (&[430], TRUNK, ANSWERING),
        (&[433], ANSWERING, ANSWERING),
        (&[480], ANSWERING, ANSWERING),
        (&[481], TRUNK, ANSWERING),
        (&[482, 483], ANSWERING, ANSWERING),
        (&[486, 600], ANSWERING, ANSWERING),
        (&[487], ANSWERING, ANSWERING),
        (&[500, 501, 502, 580, 599], TRUNK, ANSWERING),
        (&[503], TRUNK, ADDRESS),
        (&[504], CARRIER, ANSWERING),
        (&[505, 513, 606], CARRIER, ANSWERING),
        (&[603, 699], ANSWERING, ANSWERING),
        (&[607, 608], ANSWERING, ANSWERING),
    ];
    for (statuses, trunk, site) in rows {
        for &status in *statuses {
            assert_eq!(after_trunk(later(status, "")), *trunk, "{status} at a trunk");
            assert_eq!(after_site(later(status, "")), *site, "{status} at a site");
        }
    }
}

#[test]
fn each_silence_at_a_trunk_and_at_a_site() {
    #[rustfmt::skip]
    let rows = [
        // A trunk that falls silent seldom falls alone: what shares no failure domain with it comes first.
        (Manner::Dead, CARRIER, ADDRESS),
        (Manner::Icmp, TRUNK, ADDRESS),
        (Manner::Trying, CARRIER, ANSWERING),
        (Manner::Ring { after: Duration::ZERO }, ANSWERING, ANSWERING),
        (Manner::LostVia { answer: Duration::ZERO }, ANSWERING, ANSWERING),
    ];
    for (manner, trunk, site) in rows {
        assert_eq!(after_trunk(manner), trunk, "{manner:?} at a trunk");
        assert_eq!(after_site(manner), site, "{manner:?} at a site");
    }
}

/// Declares the rows of section 3, and a Reason line for each.
macro_rules! causes {
    ($($value:literal $(at $location:literal)? => $trunk:ident, $site:ident;)*) => {
        &[$((
            concat!("Reason: Q.850;cause=", $value, $(";location=", $location,)? "\r\n"),
            $trunk,
            $site,
        ),)*]
    };
}

#[test]
fn each_cause_beats_the_status_beside_it() {
    let rows: &[(&str, &str, &str)] = causes! {
        "1" => CARRIER, ANSWERING;
        "2" => CARRIER, ANSWERING;
        "3" => CARRIER, ANSWERING;
        "16" => ANSWERING, ANSWERING;
        "17" => ANSWERING, ANSWERING;
        "18" => ANSWERING, ANSWERING;
        "19" => ANSWERING, ANSWERING;
        "20" => ANSWERING, ANSWERING;
        "21" => ANSWERING, ANSWERING;
        "22" => CARRIER, ANSWERING;
        "26" => CARRIER, ANSWERING;
        "27" => CARRIER, ANSWERING;
        "28" => CARRIER, ANSWERING;
        "29" => CARRIER, ANSWERING;
        "31" => ANSWERING, ANSWERING;
        "34" => CARRIER, ANSWERING;
        "38" => CARRIER, ANSWERING;
        "41" => CARRIER, ANSWERING;
        "42" => CARRIER, ANSWERING;
        "43" => CARRIER, ANSWERING;
        "44" => CARRIER, ANSWERING;
        "46" => CARRIER, ANSWERING;
        "47" => CARRIER, ANSWERING;
        "50" => CARRIER, ANSWERING;
        "57" => CARRIER, ANSWERING;
        "58" => CARRIER, ANSWERING;
        "63" => CARRIER, ANSWERING;
        "65" => CARRIER, ANSWERING;
        "79" => CARRIER, ANSWERING;
        "88" => CARRIER, ANSWERING;
        "102" => CARRIER, ANSWERING;
        "111" => ANSWERING, ANSWERING;
        "127" => ANSWERING, ANSWERING;
        "17" at "LN" => CARRIER, ANSWERING;
        "19" at "TN" => CARRIER, ANSWERING;
        "17" at "RLN" => ANSWERING, ANSWERING;
        "27" at "U" => ANSWERING, ANSWERING;
        "34" at "RPN" => ANSWERING, ANSWERING;
    };
    for (reason, trunk, site) in rows {
        // Beside a 480, which alone goes on to the next destination; and beside a 503, which alone does not.
        assert_eq!(after_trunk(later(480, reason)), *trunk, "{reason} at a trunk");
        assert_eq!(after_site(later(480, reason)), *site, "{reason} at a site");
    }
    let busy = "Reason: Q.850;cause=17\r\n";
    assert_eq!(
        (after_trunk(later(503, busy)), after_site(later(503, busy))),
        (ANSWERING.into(), ANSWERING.into())
    );
}

#[test]
fn a_number_that_two_carriers_do_not_know_is_done() {
    let manners = [
        ("carrier-a", Manner::refuses(404)),
        ("office", WELL),
        ("carrier-b", Manner::refuses(604)),
        ("answering", WELL),
    ];
    let lines = story(ana_by_three_trunks(), &manners, &[caller()]);
    assert_eq!(invited(&lines), ["ana by carrier-a", CARRIER, ANSWERING]);
}

#[test]
fn a_fast_busy_is_asked_about_once_and_a_busy_after_ringing_never() {
    assert_eq!(after_trunk(Manner::refuses(486)), CARRIER);
    assert_eq!(after_trunk(Manner::refuses(600)), CARRIER);
    assert_eq!(after_trunk(Manner::RingRefuse { after: Duration::ZERO, status: 486 }), ANSWERING);
    let known = Manner::Refuse { after: Duration::ZERO, status: 486, extra: "Reason: Q.850;cause=17\r\n" };
    assert_eq!(after_trunk(known), ANSWERING);
    assert_eq!(after_site(Manner::refuses(486)), ANSWERING);
    let manners =
        [("carrier-a", Manner::refuses(486)), ("carrier-b", Manner::refuses(486)), ("answering", WELL)];
    let lines = story(ana_then_answering(), &manners, &[caller()]);
    assert_eq!(invited(&lines), ["ana by carrier-a", CARRIER, ANSWERING]);
}

#[test]
fn a_decline_ends_the_call_where_the_plan_says_so() {
    let mut plan = ana_then_answering();
    plan.courses[0].steps[0].declined = Declined::Stop;
    for status in [603, 607, 608, 699] {
        let manners = [("ana", Manner::RingRefuse { after: Duration::ZERO, status }), ("answering", WELL)];
        let lines = story(plan.clone(), &manners, &[caller()]);
        assert_eq!(invited(&lines), ["ana by carrier-a"]);
        assert!(lines.last().is_some_and(|line| line.ends_with(&format!("{status} -> caller"))), "{lines:?}");
    }
    let manners = [("ana", Manner::refuses(480)), ("answering", WELL)];
    assert_eq!(invited(&story(plan, &manners, &[caller()])), ["ana by carrier-a", ANSWERING]);
}

#[test]
fn what_is_to_be_looked_at_is_said_with_who_and_which_number() {
    let said = |plan: Plan, manners: &[(&str, Manner)]| -> Vec<String> {
        let lines = alarming(plan, manners, &[caller()], &[]);
        let is_wire = |line: &&String| ["<-", "->"].iter().any(|arrow| line.contains(arrow));
        lines.iter().filter(|line| !is_wire(line)).cloned().collect()
    };
    let trunk = |status| said(ana_then_answering(), &[("carrier-a", later(status, "")), ("answering", WELL)]);
    let site = |status| said(office_then_answering(), &[("office", later(status, "")), ("answering", WELL)]);
    assert_eq!(trunk(404), ["1.000s carrier-a does not know a number of the plan (+15035550111)"]);
    assert_eq!(site(404), ["1.000s office does not know a number that the plan sends there (+15035550100)"]);
    assert_eq!(trunk(482), ["1.000s carrier-a sends calls round in a circle: 482 (+15035550111)"]);
    assert_eq!(site(483), ["1.000s office sends calls round in a circle: 483 (+15035550100)"]);
    assert_eq!(trunk(402), ["1.000s carrier-a is Out"]);
    let elsewhere = "sends calls elsewhere (302), which the plan does not follow";
    assert_eq!(trunk(302), [format!("1.000s carrier-a {elsewhere} (+15035550111)")]);
    assert_eq!(trunk(403), [""; 0]);
    let full = said(
        ana_then_answering(),
        &[("carrier-a", later(503, "Reason: Q.850;cause=34\r\nRetry-After: 5\r\n")), ("answering", WELL)],
    );
    assert_eq!(
        full,
        [
            "1.000s carrier-a has no room for more calls than 1 (+15035550111)",
            "1.000s carrier-a is Full",
            "6.000s carrier-a is no longer Full"
        ]
    );
}
