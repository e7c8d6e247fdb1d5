//! `tandem capacity`, as people type it: a history, a plan, and what is printed.
#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

use core::net::SocketAddr;
use router::record::{Begun, CallRecord, End, LegRecord};
use router::{Path, Transport};
use sip::Time;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tandem::clock::Clock;
use tandem::store::history::{Kept, When};
use tandem::store::{Run, Store};

/// Monday, 2026-11-23 00:00:00 in Los Angeles, where a run began.
const EPOCH: When = When { epoch: 1_795_420_800_000_000, offset: -28_800 };

const PLAN: &str = r#"
business = "Nguyen Dental"
timezone = "America/Los_Angeles"
carriers.telnyx    = { sip = "192.0.2.1", channels = 30 }
carriers.bandwidth = { sip = "198.51.100.1", channels = 5 }
sites.office = "203.0.113.7"
people = { ana = "+15035550111" }
services.answering = { number = "+18005550199", channels = 4 }
mailboxes.inbox = "office@nguyen.example"
mail     = { smtp = "smtp.nguyen.example", from = "voicemail@nguyen.example" }
numbers  = { "+15035550100" = "main" }
[plans]
main = ["office", "answering", "inbox"]
"#;

/// A folder with a plan and a history, gone with the test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, kept: Vec<Kept>) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-capacity-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("data")).expect("a folder");
        std::fs::write(path.join("tandem.toml"), PLAN).expect("a plan");
        let run = Run { node: "a".into(), plan: "tandem.toml".into() };
        let store = Store::start(&path.join("data"), run, Clock::start()).expect("a thread");
        kept.into_iter().for_each(|kept| store.keep(kept));
        store.ask(|_| Ok(())).blocking_recv().expect("it answers").expect("it is open");
        Self(path)
    }

    /// What the program prints of all calls, and its exit status.
    fn say(&self, words: &[&str]) -> (String, i32) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let out = program.arg("capacity").args(words).args(["--data", "data", "--since", "99999d"]);
        let out = out.current_dir(&self.0).output().expect("it runs");
        (
            String::from_utf8([out.stdout, out.stderr].concat()).expect("UTF-8"),
            out.status.code().unwrap_or(-1),
        )
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A call that the office takes after four seconds, and that lasts for so many minutes, if that was kept.
fn call(id: u64, second: u64, minutes: Option<u64>) -> Vec<Kept> {
    let at = |after: u64| Time::from_micros((second + after) * 1_000_000);
    let address = |address: [u8; 4]| SocketAddr::from((address, 5060));
    let call_id = format!("{id}@example");
    let begun = Begun {
        id,
        call_id: call_id.clone(),
        caller: "+15035550999".into(),
        number: "+15035550100".into(),
        course: "main".into(),
        closed: false,
        confined: None,
        urgent: None,
        from: (address([192, 0, 2, 1]), Some("telnyx".into())),
        began: at(0),
    };
    let leg = LegRecord {
        target: "office".into(),
        peer: "office".into(),
        path: Path { transport: Transport::Udp, local: 0, remote: address([203, 0, 113, 7]) },
        file: None,
        line: 20,
        fix: None,
        began: at(0),
        rang: Some(at(0)),
        asked: None,
        ended: Some(at(4)),
        outcome: "answered".into(),
    };
    let record = CallRecord {
        begun: Arc::new(begun),
        rang: Some(at(0)),
        ended: at(4),
        end: End::Answered { target: "office".into() },
        legs: vec![leg],
        passed: Vec::new(),
    };
    let hung_up = minutes.map(|minutes| Kept::HungUp(call_id, at(4 + minutes * 60), EPOCH));
    core::iter::once(Kept::Over(Box::new(record), EPOCH)).chain(hung_up).collect()
}

/// Ten calls of six minutes from ten o'clock on each working day, but on Monday forty; of every tenth it was not kept how long it lasted.
fn week() -> Vec<Kept> {
    let calls = (0..5_u64).flat_map(|day| {
        let many = if day == 0 { 40 } else { 10 };
        (0..many).map(move |nth| day * 86_400 + 36_000 + nth * 80)
    });
    let calls = (1..).zip(calls);
    calls.flat_map(|(id, second)| call(id, second, (id % 10 != 0).then_some(6))).collect()
}

#[track_caller]
fn says(desk: &Desk, words: &[&str], expected: &[&str], status: i32) {
    let (said, found) = desk.say(words);
    assert_eq!((said.lines().collect::<Vec<_>>(), found), (expected.to_vec(), status));
}

#[test]
fn it_says_where_calls_do_not_fit_when_something_fails() {
    let desk = Desk::new("week", week());
    says(
        &desk,
        &[],
        &[
            "From 80 calls on 5 days, by tandem.toml.",
            "  How long 8 answered calls lasted was not kept: 360 s each are taken.",
            "  Calls that a failed carrier brings are taken to come by the first other one; limits that were learned are not counted.",
            "",
            "IF THIS FAILS   IT GOES BY         BUSIEST    ERLANGS  HAS  NEEDS  BLOCKED",
            "nothing         carrier telnyx     Mon 10:00  4.04     30   10     0.0 %",
            "nothing         site office        Mon 10:00  4.04     ?    10     ?",
            "carrier telnyx  carrier bandwidth  Mon 10:00  4.04     5    10     20 %",
            "site office     carrier telnyx     Mon 10:00  8.04     30   15     0.0 %",
            "site office     service answering  Mon 10:00  4.00     4    10     31 %",
            "",
            "  If carrier telnyx fails on Mon 10:00 you need 10 channels, carrier bandwidth has 5: 20 % of callers are blocked (Erlang B).",
            "  If site office fails on Mon 10:00 you need 10 channels, service answering has 4: 31 % of callers are blocked (Erlang B).",
            "",
            "  site office has no `channels`: nothing is known of the room there.",
        ],
        1,
    );
}

#[test]
fn twice_as_many_calls_need_more_than_a_little_more() {
    let desk = Desk::new("grow", week());
    says(
        &desk,
        &["--grow", "2", "-o", "tsv"],
        &[
            "IF THIS FAILS\tIT GOES BY\tBUSIEST\tERLANGS\tHAS\tNEEDS\tBLOCKED",
            "nothing\tcarrier telnyx\tMon 10:00\t8.09\t30\t15\t0.0 %",
            "nothing\tsite office\tMon 10:00\t8.09\t?\t15\t?",
            "carrier telnyx\tcarrier bandwidth\tMon 10:00\t8.09\t5\t15\t48 %",
            "site office\tcarrier telnyx\tMon 10:00\t16.09\t30\t25\t0.1 %",
            "site office\tservice answering\tMon 10:00\t8.00\t4\t15\t57 %",
        ],
        1,
    );
}

#[test]
fn of_too_few_calls_nothing_is_said() {
    let few: Vec<Kept> = week().into_iter().take(60).collect();
    says(
        &Desk::new("few", few),
        &[],
        &[
            "tandem capacity: 32 calls on 1 day are too few to say anything by: at least 50 on 5 days are asked for",
        ],
        1,
    );
    let untimed: Vec<Kept> = week().into_iter().filter(|kept| matches!(kept, Kept::Over(..))).collect();
    let desk = Desk::new("untimed", untimed);
    says(
        &desk,
        &[],
        &[
            "tandem capacity: of none of these calls it is known how long it lasted; say how long with `--talk 3m`",
        ],
        1,
    );
    let (said, _) = desk.say(&["--talk", "6m", "-o", "json"]);
    assert!(said.contains("\"talk_seconds\": 360.0") && said.contains("\"timed\": 0"), "{said}");
}
