//! A PBX whose process stops: its port is open and nobody answers. How soon that is noticed, what it costs a caller
//! before and after, and how soon it has its calls again.

use crate::crowd::{Crowd, Tally};
use crate::desk::{Desk, Manner};
use crate::node::{Node, since};
use crate::pbx::Pbx;
use crate::street::{CALLER, Street};
use crate::{long, pass, passed_over};
use core::time::Duration;
use tandem::clock::Clock;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

/// A node, the PBX that has the calls, and the office that has them if it cannot.
struct Town {
    street: Street,
    node: Node,
    pbx: Pbx,
    _second: Desk,
    /// Calls so far.
    calls: usize,
}

impl Town {
    /// `probe` is the plan's for the first; empty for the defaults.
    fn new(probe: &str) -> Option<Self> {
        let street = Street::new();
        let (first, second) = (street.house(FIRST), street.house(SECOND));
        let Some(pbx) = Pbx::start(first) else {
            passed_over("there is no `sipp`; Debian has it in sip-tester");
            return None;
        };
        let plan = format!(
            "[sites]\nfirst = {{ sip = \"{first}\"{probe} }}\nsecond = \"{second}\"\n\
            [numbers]\n\"{NUMBER}\" = \"main\"\n[defaults]\nfloor = false\n[plans]\nmain = [\"first\", \"second\"]\n"
        );
        let second = Desk::open(second, Manner::Answers(Duration::ZERO));
        // It has no port yet when it has just been started, and would be down at once.
        pass(Duration::from_millis(500));
        let node = Node::start(&street, &plan);
        node.logs("first is up");
        Some(Self { street, node, pbx, _second: second, calls: 0 })
    }

    /// One call: how long until it was answered, and how the node tells it.
    fn call(&mut self) -> (Duration, String) {
        let calls = Tally::of(&Crowd::new(&self.street, CALLER).call(NUMBER, 1, Duration::ZERO));
        assert_eq!(calls.answered, 1, "{calls}");
        self.calls += 1;
        (calls.answer.1, self.node.calls_over(self.calls).remove(self.calls - 1))
    }

    /// A call that the second has at once.
    fn second_has_it_at_once(&mut self) {
        let (took, call) = self.call();
        println!("a call after that: {took:?}, {call}");
        assert_eq!(call.split(" at ").next(), Some("answered by second [second: answered"));
        assert!(took <= Duration::from_millis(50), "{took:?}");
    }

    fn first_has_it(&mut self) {
        let (took, call) = self.call();
        println!("a call to the first: {took:?}, {call}");
        assert!(call.starts_with("answered by first [first: answered"), "{call}");
    }
}

#[test]
fn an_idle_pbx_that_stops_is_down_within_13_s_and_has_its_calls_again_after_its_hold() {
    let hold = if long() { 30 } else { 2 };
    let Some(mut town) = Town::new(&format!(", probe = {{ hold = \"{hold}s\" }}")) else { return };
    town.first_has_it();
    town.pbx.stop();
    let clock = Clock::start();
    town.node.logs("first is suspect");
    let suspect = since(clock);
    town.node.logs("first is down");
    let down = since(clock);
    println!("a PBX that stops: suspect after {suspect:.1?}, down after {down:.1?}");
    assert!(down <= Duration::from_secs(13) + SLACK, "{down:?}");
    town.second_has_it_at_once();

    town.pbx.go_on();
    let clock = Clock::start();
    // Answers to probes that waited for it in its socket come too late to count.
    while !town.node.log().contains("first is on probation") {
        pass(Duration::from_millis(10));
        assert!(since(clock) < RETURN_MAX + Duration::from_secs(hold), "{}", town.node.log());
    }
    println!("it goes on: on probation after {:.1?} at a hold of {hold} s", since(clock));
    for _ in 0..3 {
        town.first_has_it();
    }
    town.node.logs("first is up, was on probation");
    town.first_has_it();
}

#[test]
fn calls_to_a_pbx_that_has_stopped_are_answered_elsewhere_within_2_2_s_and_after_three_at_once() {
    let Some(mut town) = Town::new("") else { return };
    town.first_has_it();
    town.pbx.stop();
    let clock = Clock::start();
    let mut late = 0;
    while !town.node.log().contains("first is down") {
        let (took, call) = town.call();
        late += 1;
        println!("call {late} after a PBX stops: {took:?}, {call}");
        assert!(call.starts_with("answered by second"), "{call}");
        assert!(took <= Duration::from_millis(2_200), "{took:?}");
    }
    println!("down {:.1?} after it stopped", since(clock));
    assert!(late <= 3, "{late} calls had to wait");
    town.second_has_it_at_once();
}

#[test]
fn at_the_shortest_settings_a_pbx_that_stops_is_down_within_4_5_s() {
    let Some(mut town) = Town::new(", probe = { every = \"1s\", timeout = \"500ms\" }") else { return };
    town.pbx.stop();
    let clock = Clock::start();
    town.node.logs("first is down");
    let down = since(clock);
    println!("at every 1 s, timeout 500 ms: down after {down:.2?}");
    assert!(down <= Duration::from_millis(4_500) + SLACK, "{down:?}");
    town.second_has_it_at_once();
}

/// Of a machine that is busy with other things too.
const SLACK: Duration = Duration::from_millis(200);

/// Three probes of five seconds each, and a little.
const RETURN_MAX: Duration = Duration::from_secs(17);
