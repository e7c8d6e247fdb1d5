//! Whoever cannot take a call is left behind, in the time that was promised.

use crate::node::Tandem;
use crate::phone::Phone;
use crate::sipp::{By, Sipp, is_here};
use crate::street::{CALLER, Street};
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

/// Two offices, and a plan that one number has.
fn plan(street: &Street, plan: &str) -> String {
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans.main]\n{plan}\n"
    )
}

/// Who a caller meets first, in this house; nobody plays there if there is nobody.
type First = fn(&Street, u8) -> Option<Sipp>;

/// Three calls, each to a destination that no call has met yet, followed by one that answers. The second leg begins
/// within 50 ms; of the three times the middle one counts, since this machine does other things too.
fn moves_on_at_once(transport: &str, first: First, outcome: &str) {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let (mut sites, mut numbers, mut plans) = (String::new(), String::new(), String::new());
    for n in 0..3 {
        let (one, two) = (street.house(FIRST + n), street.house(FIRST + 3 + n));
        sites += &format!("first{n} = \"{one}{transport}\"\nsecond{n} = \"{two}\"\n");
        numbers += &format!("\"+1503555010{n}\" = \"plan{n}\"\n");
        plans += &format!("plan{n} = [\"first{n}\", \"second{n}\"]\n");
    }
    let text = format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\n{sites}[numbers]\n{numbers}[plans]\n{plans}"
    );
    let node = Tandem::start(&street, &text);
    for n in 0..3 {
        let refuses = first(&street, FIRST + n);
        let answers = Sipp::callee(&street, FIRST + 3 + n, By::Udp, "callee", &[("ring", "0")]);
        let number = format!("+1503555010{n}");
        let caller = Sipp::caller(&street, By::Udp, "caller", &number, &[]).played();
        assert_eq!(
            caller.short(),
            ["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE"]
        );
        answers.played();
        refuses.map(Sipp::played);
    }
    let calls = node.calls(3);
    for (n, call) in calls.iter().enumerate() {
        assert_eq!(call.legs(), [format!("first{n}: {outcome}"), format!("second{n}: answered")]);
    }
    let mut times: Vec<u64> = calls.iter().map(|call| call.began(1)).collect();
    times.sort_unstable();
    assert!(times[1] <= 50, "the second leg began after {times:?} ms");
}

#[test]
fn a_503_moves_on_at_once() {
    let refuses: First =
        |street, house| Some(Sipp::callee(street, house, By::Udp, "refusing_callee", &[("status", "503")]));
    moves_on_at_once("", refuses, "503");
}

#[test]
fn a_port_with_nobody_behind_it_moves_on_at_once() {
    moves_on_at_once("", |_, _| None, "nobody listens there");
}

#[test]
fn a_refused_tcp_connection_moves_on_at_once() {
    moves_on_at_once(";transport=tcp", |_, _| None, "nobody listens there");
}

#[test]
fn a_silent_office_is_left_after_two_seconds_and_cancelled_if_it_rings_at_last() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "steps = [\"first\", \"second\"]"));
    let mut silent = Phone::new(&street, FIRST);
    let answers = Sipp::callee(&street, SECOND, By::Udp, "callee", &[("ring", "0")]);
    let caller = Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    answers.played();
    let took = caller.between("> INVITE", "< 200 INVITE").as_millis();
    assert!((1_900..=2_200).contains(&took), "answered after {took} ms");
    let legs = node.call().legs();
    assert!(legs[0].starts_with("first: silent for 2") && legs[1..] == ["second: answered"], "{legs:?}");

    let invite = silent.hears("< INVITE");
    silent.replies(&invite, "180 Ringing", "late");
    let cancel = silent.hears("< CANCEL");
    silent.replies(&cancel, "200 OK", "late");
    silent.replies(&invite, "487 Request Terminated", "late");
    silent.hears("< ACK");
    assert!(silent.count("< INVITE") <= 3, "at 0, 0.5 and 1.5 s, and never after it was given up");
}

#[test]
fn an_office_that_rang_and_then_failed_is_followed_by_the_next() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "steps = [\"first\", \"second\"]"));
    let words = [("status", "503"), ("ring", "100")];
    let rings = Sipp::callee(&street, FIRST, By::Udp, "ringing_then_refusing_callee", &words);
    let answers = Sipp::callee(&street, SECOND, By::Udp, "callee", &[("ring", "0")]);
    let caller = Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    assert_eq!(
        caller.short(),
        [
            "> INVITE",
            "< 100 INVITE",
            "< 180 INVITE",
            "< 180 INVITE",
            "< 200 INVITE",
            "> ACK",
            "> BYE",
            "< 200 BYE"
        ]
    );
    assert_eq!(rings.played().short(), ["< INVITE", "> 180 INVITE", "> 503 INVITE", "< ACK"]);
    answers.played();
    assert_eq!(node.call().legs(), ["first: 503", "second: answered"]);
}

#[test]
fn a_busy_office_is_followed_by_the_busy_list() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let third = street.house(SECOND + 1);
    let text = plan(&street, "steps = [\"first\", \"third\"]\nbusy = [\"second\"]")
        .replace("[numbers]", &format!("third = \"{third}\"\n[numbers]"));
    let node = Tandem::start(&street, &text);
    let busy = Sipp::callee(&street, FIRST, By::Udp, "refusing_callee", &[("status", "486")]);
    let answers = Sipp::callee(&street, SECOND, By::Udp, "callee", &[("ring", "0")]);
    Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    busy.played();
    answers.played();
    assert_eq!(node.call().legs(), ["first: 486", "second: answered"]);
}

#[test]
fn a_caller_hears_busy_when_everybody_is() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "steps = [\"first\", \"second\"]"));
    let busy = Sipp::callee(&street, FIRST, By::Udp, "refusing_callee", &[("status", "486")]);
    let fails = Sipp::callee(&street, SECOND, By::Udp, "refusing_callee", &[("status", "503")]);
    let caller = Sipp::caller(&street, By::Udp, "refused_caller", NUMBER, &[("status", "486")]).played();
    assert_eq!(caller.short(), ["> INVITE", "< 100 INVITE", "< 486 INVITE", "> ACK"]);
    busy.played();
    fails.played();
    let call = node.call();
    assert_eq!(call.legs(), ["first: 486", "second: 503"]);
    assert_eq!(call.end(), "failed with 486");
}

#[test]
fn an_office_that_only_rings_is_cancelled_when_its_time_is_over() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let steps = "steps = [{ ring = \"first\", for = \"5s\" }, \"second\"]";
    let node = Tandem::start(&street, &plan(&street, steps));
    let rings = Sipp::callee(&street, FIRST, By::Udp, "unanswered_callee", &[]);
    let answers = Sipp::callee(&street, SECOND, By::Udp, "callee", &[("ring", "0")]);
    let caller = Sipp::caller(&street, By::Udp, "caller", NUMBER, &[]).played();
    answers.played();
    let rings = rings.played();
    assert_eq!(
        rings.short(),
        ["< INVITE", "> 180 INVITE", "< CANCEL", "> 200 CANCEL", "> 487 INVITE", "< ACK"]
    );
    let took = caller.between("> INVITE", "< 200 INVITE").as_millis();
    assert!((5_000..=5_500).contains(&took), "answered after {took} ms");
    assert_eq!(node.call().legs(), ["first: rang for 5 s without an answer", "second: answered"]);
}

#[test]
fn outside_the_hours_the_closed_list_is_rung() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    // Three days away from today, it is closed now whatever the time.
    let today = Clock::start().today().to_zoned(jiff::tz::TimeZone::UTC).weekday();
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let other =
        days[usize::try_from(today.wrapping_add(3).to_sunday_zero_offset()).expect("a day of the week")];
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    let text = format!(
        "timezone = \"UTC\"\n[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
        [hours]\nshut = \"{other} 00:00-24:00\"\nalways = \"mon-sun 00:00-24:00\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n\"+15035550101\" = \"open\"\n\
        [plans.main]\nsteps = [\"first\"]\nclosed = [\"second\"]\nhours = \"shut\"\n\
        [plans.open]\nsteps = [\"first\"]\nclosed = [\"second\"]\nhours = \"always\"\n"
    );
    let node = Tandem::start(&street, &text);
    for (number, house) in [(NUMBER, SECOND), ("+15035550101", FIRST)] {
        let answers = Sipp::callee(&street, house, By::Udp, "callee", &[("ring", "0")]);
        Sipp::caller(&street, By::Udp, "caller", number, &[]).played();
        answers.played();
    }
    let [shut, open] = &node.calls(2)[..] else { unreachable!("two calls") };
    assert_eq!((shut.field("closed"), shut.end()), (&true.into(), "answered by second".to_owned()));
    assert_eq!((open.field("closed"), open.end()), (&false.into(), "answered by first".to_owned()));
}

#[test]
fn a_number_that_nobody_listed_is_404_unless_there_is_a_plan_for_all_others() {
    if !is_here() {
        return;
    }
    let street = Street::new();
    let own = format!("[sites.callers]\nsip = \"{}\"\n[numbers]", street.house(CALLER));
    let listed = plan(&street, "steps = [\"first\"]").replace("[numbers]", &own);
    let node = Tandem::start(&street, &listed);
    let caller = Sipp::caller(&street, By::Udp, "refused_caller", "+15035550777", &[("status", "404")]);
    assert_eq!(caller.played().short(), ["> INVITE", "< 404 INVITE", "> ACK"]);
    node.logs("a number was called that the plan does not list");
    drop(node);

    let node = Tandem::start(&street, &listed.replace("[numbers]", "[numbers]\n\"*\" = \"main\""));
    let answers = Sipp::callee(&street, FIRST, By::Udp, "callee", &[("ring", "0")]);
    Sipp::caller(&street, By::Udp, "caller", "+15035550777", &[]).played();
    answers.played();
    let call = node.call();
    assert_eq!((call.end(), call.field("number")), ("answered by first".to_owned(), &"+15035550777".into()));
}
