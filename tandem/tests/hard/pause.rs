//! The node's process stands still for ten seconds while calls ring: what came in the meantime counts before what did
//! not come.

use crate::node::Node;
use crate::pass;
use crate::phone::{Phone, cancel, in_dialog};
use crate::street::Street;
use core::time::Duration;

const PAUSE: Duration = Duration::from_secs(10);

/// Long enough for what must not come to come, on a loopback.
const A_WHILE: Duration = Duration::from_millis(300);

/// Whoever has the calls of all plans in the end.
const LAST: u8 = 19;

/// Datagrams that wait before those that matter, as at a busy node.
const CROWD: usize = 2_500;

/// A caller and the office that his number rings first.
struct Pair {
    number: String,
    caller: Phone,
    office: Phone,
    invite: String,
    rung: String,
}

fn pairs(street: &Street) -> [Pair; 5] {
    [0, 1, 2, 3, 4].map(|n| Pair {
        number: number(n),
        caller: Phone::new(street, 2 + n),
        office: Phone::new(street, 11 + n),
        invite: String::new(),
        rung: String::new(),
    })
}

fn number(n: u8) -> String {
    format!("+1503555010{n}")
}

fn plan(street: &Street) -> String {
    let sites: String = (0..5).map(|n| format!("office{n} = \"{}\"\n", street.house(11 + n))).collect();
    let numbers: String = (0..5).map(|n| format!("\"{}\" = \"plan{n}\"\n", number(n))).collect();
    let plans: String = (0..5).map(|n| format!("plan{n} = [\"office{n}\", \"last\"]\n")).collect();
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\nring = \"5s\"\n[sites]\n{sites}last = \"{}\"\n[numbers]\n{numbers}[plans]\n{plans}",
        street.house(LAST)
    )
}

impl Pair {
    fn rings(mut self) -> Self {
        self.invite = self.caller.invite(&self.number);
        self.caller.says(&self.invite);
        self.caller.hears("< 100 INVITE");
        self.rung = self.office.hears("< INVITE");
        self.office.replies(&self.rung, "180 Ringing", "one");
        self.caller.hears("< 180 INVITE");
        self
    }

    fn answers(&mut self) {
        self.office.replies(&self.rung, "200 OK", "one");
    }

    fn is_up_and_ends(&mut self) {
        let answer = self.caller.hears("< 200 INVITE");
        self.caller.says(&in_dialog(&self.invite, &answer, "ACK", 1));
        self.office.hears("< ACK");
    }

    fn hangs_up(&mut self) {
        let answer = self.caller.messages().first("< 200 INVITE").text.clone();
        self.caller.says(&in_dialog(&self.invite, &answer, "BYE", 2));
        let bye = self.office.hears("< BYE");
        self.office.replies(&bye, "200 OK", "");
        self.caller.hears("< 200 BYE");
        self.caller.hears_nothing(A_WHILE);
        self.office.hears_nothing(A_WHILE);
    }
}

#[test]
fn after_ten_seconds_of_standing_still_no_call_has_two_ends_and_nobody_who_answered_is_cancelled() {
    let street = Street::new();
    let node = Node::start(&street, &plan(&street));
    let [answered, cancelled, both, silent, new] = pairs(&street);
    let [mut answered, mut cancelled] = [answered, cancelled].map(Pair::rings);
    let [mut both, mut silent] = [both, silent].map(Pair::rings);
    let (mut new, mut last) = (new, Phone::new(&street, LAST));
    let mut stranger = Phone::new(&street, 8);

    node.stop();
    let options = stranger.request("OPTIONS", "tandem");
    for _ in 0..CROWD {
        stranger.says(&options);
    }
    answered.answers();
    both.answers();
    both.caller.says(&cancel(&both.invite));
    cancelled.caller.says(&cancel(&cancelled.invite));
    new.invite = new.caller.invite(&new.number);
    for _ in 0..4 {
        new.caller.says(&new.invite);
        answered.answers();
        cancelled.caller.says(&cancel(&cancelled.invite));
        pass(PAUSE / 4);
    }
    node.go_on();

    answered.is_up_and_ends();
    both.is_up_and_ends();
    both.caller.hears("< 200 CANCEL");
    cancelled.caller.hears("< 200 CANCEL");
    let late = cancelled.office.hears("< CANCEL");
    cancelled.office.replies(&late, "200 OK", "one");
    cancelled.office.replies(&cancelled.rung, "487 Request Terminated", "one");
    cancelled.office.hears("< ACK");
    cancelled.caller.hears("< 487 INVITE");
    new.caller.hears("< 100 INVITE");
    new.rung = new.office.hears("< INVITE");
    new.office.replies(&new.rung, "180 Ringing", "one");
    new.caller.hears("< 180 INVITE");
    // Five seconds of ringing are over for the one that nobody has answered.
    silent.office.hears("< CANCEL");
    let rung = last.hears("< INVITE");
    last.replies(&rung, "180 Ringing", "two");

    answered.hangs_up();
    both.hangs_up();
    new.answers();
    new.is_up_and_ends();
    new.hangs_up();
    for phone in [&mut answered.office, &mut both.office, &mut new.office] {
        phone.hears_nothing(A_WHILE);
        assert_eq!(phone.count("< CANCEL"), 0);
        assert_eq!(phone.count("< INVITE"), 1);
    }
    assert_eq!(answered.caller.count("< 487 INVITE") + both.caller.count("< 487 INVITE"), 0);
    let ends: Vec<String> =
        node.calls_over(4).iter().filter_map(|call| call.split(" [").next().map(str::to_owned)).collect();
    assert_eq!(ends, ["answered by office0", "answered by office2", "cancelled", "answered by office4"]);
}
