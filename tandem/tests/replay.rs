//! `tandem replay`, as people type it: a history, another plan, and what is printed.
#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

use core::net::SocketAddr;
use router::health::{Recalled, Source, Standing};
use router::record::{Begun, CallRecord, End, LegRecord, Passed, Why};
use router::replay::Believed;
use router::{Path, Transport};
use sip::Time;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tandem::clock::Clock;
use tandem::store::history::{Kept, When};
use tandem::store::{Run, Store};

/// Tuesday, 2026-11-24 14:00:00 in Los Angeles, where a run began.
const EPOCH: When = When { epoch: 1_795_557_600_000_000, offset: -28_800 };

const TOP: &str = r#"
business = "Nguyen Dental"
timezone = "America/Los_Angeles"
carriers = { telnyx = "192.0.2.1", bandwidth = "198.51.100.1" }
sites    = { office = "pbx.nguyen.example" }
people   = { ana = "+15035550111", ben = "+15035550112" }
services = { answering = "+18005550199" }
mailboxes.inbox = "office@nguyen.example"
mail     = { smtp = "smtp.nguyen.example", from = "voicemail@nguyen.example" }
numbers  = { "+15035550100" = "main" }
"#;

/// A folder with plans and a history, gone with the test.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str, kept: Vec<Kept>) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-replay-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("data")).expect("a folder");
        let run = Run { node: "a".into(), plan: "tandem.toml".into() };
        let store = Store::start(&path.join("data"), run, Clock::start()).expect("a thread");
        kept.into_iter().for_each(|kept| store.keep(kept));
        store.ask(|_| Ok(())).blocking_recv().expect("it answers").expect("it is open");
        Self(path)
    }

    /// A plan with these lines under `[plans]`.
    fn plan(&self, name: &str, courses: &str) {
        std::fs::write(self.0.join(name), format!("{TOP}[plans]\n{courses}\n")).expect("a plan");
    }

    /// What the program prints, and its exit status.
    fn say(&self, words: &[&str]) -> (String, i32) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let out = program.arg("replay").args(words).args(["--data", "data"]).current_dir(&self.0).output();
        let out = out.expect("it runs");
        let said = [out.stdout, out.stderr].concat();
        (String::from_utf8(said).expect("UTF-8"), out.status.code().unwrap_or(-1))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn at(began: u64, millis: u64) -> Time {
    Time::from_micros((began * 1_000 + millis) * 1_000)
}

fn path(address: [u8; 4]) -> Path {
    Path { transport: Transport::Udp, local: 0, remote: SocketAddr::from((address, 5060)) }
}

/// A leg of the call that began in this second: who by whom, from when, when it rang, until when, how it ended.
fn leg(
    second: u64,
    (target, peer): (&str, &str),
    (began, rang, ended): (u64, Option<u64>, u64),
    outcome: &str,
) -> LegRecord {
    let (transport, last) = match peer {
        "telnyx" => (Transport::Udp, [192, 0, 2, 1]),
        "bandwidth" => (Transport::Udp, [198, 51, 100, 1]),
        "inbox" => (Transport::Inside, [0, 0, 0, 0]),
        _ => (Transport::Udp, [203, 0, 113, 7]),
    };
    LegRecord {
        target: target.into(),
        peer: peer.into(),
        path: Path { transport, ..path(last) },
        file: None,
        line: 20,
        fix: None,
        began: at(second, began),
        rang: rang.map(|rang| at(second, rang)),
        asked: None,
        ended: Some(at(second, ended)),
        outcome: outcome.into(),
    }
}

fn call(id: u64, second: u64, ended: u64, end: End, legs: Vec<LegRecord>) -> Kept {
    let begun = Begun {
        id,
        call_id: format!("{id}@example"),
        caller: "+15035550999".into(),
        number: "+15035550100".into(),
        course: "main".into(),
        closed: false,
        confined: None,
        urgent: None,
        from: (SocketAddr::from(([192, 0, 2, 1], 5060)), Some("telnyx".into())),
        began: at(second, 0),
    };
    let rang = legs.iter().filter_map(|leg| leg.rang).min();
    let ended = at(second, ended);
    let record = CallRecord { begun: Arc::new(begun), rang, ended, end, legs, passed: Vec::new() };
    Kept::Over(Box::new(record), EPOCH)
}

fn answered(target: &str) -> End {
    End::Answered { target: target.into() }
}

/// The office had died a moment ago; Ana did not hear her mobile, and the caller gave up while the answering service rang.
fn lost(id: u64, second: u64) -> Kept {
    let legs = vec![
        leg(second, ("office", "office"), (0, None, 2_000), "silent for 2 s"),
        leg(second, ("ana", "telnyx"), (2_000, Some(2_300), 20_300), "rang for 18 s without an answer"),
        leg(second, ("answering", "telnyx"), (20_300, Some(21_000), 31_000), "cancelled: caller hung up"),
    ];
    call(id, second, 31_000, End::Cancelled, legs)
}

/// The office had been down for a while, and Ana answered.
fn saved_by_ana(id: u64, second: u64) -> Kept {
    let mobile = leg(second, ("ana", "bandwidth"), (0, Some(400), 5_900), "answered");
    let legs = vec![LegRecord { asked: Some(at(second, 4_000)), ..mobile }];
    let kept = call(id, second, 5_900, answered("ana"), legs);
    let Kept::Over(mut record, when) = kept else { unreachable!("it is over") };
    let why = Why::Down { since: Some(at(second - 20, 0)) };
    record.passed = vec![Passed { target: "office".into(), file: None, line: 20, at: at(second, 0), why }];
    Kept::Over(record, when)
}

/// What was believed of a peer from this second on.
fn believed(second: u64, peer: &str, address: [u8; 4], to: Standing) -> Kept {
    let what = Recalled::Standing { to, by: Source::Probe, away: false };
    Kept::Believed(vec![Believed { at: at(second, 0), peer: peer.into(), path: path(address), what }], EPOCH)
}

/// A call that the office took, one that was lost when it died, and one that Ana took once it was known and her carrier down too.
fn history() -> Vec<Kept> {
    let office = [203, 0, 113, 7];
    let by_office = vec![leg(100, ("office", "office"), (0, Some(200), 4_000), "answered")];
    vec![
        believed(0, "telnyx", [192, 0, 2, 1], Standing::Up),
        believed(0, "bandwidth", [198, 51, 100, 1], Standing::Up),
        believed(0, "office", office, Standing::Up),
        call(1, 100, 4_000, answered("office"), by_office),
        lost(2, 391),
        believed(425, "office", office, Standing::Down),
        believed(426, "telnyx", [192, 0, 2, 1], Standing::Down),
        saved_by_ana(3, 440),
    ]
}

#[track_caller]
fn says(desk: &Desk, words: &[&str], expected: &[&str], status: i32) {
    let (said, found) = desk.say(words);
    assert_eq!((said.lines().collect::<Vec<_>>(), found), (expected.to_vec(), status));
}

#[test]
fn it_says_who_would_have_got_the_call_and_what_nobody_knows() {
    let desk = Desk::new("one", history());
    desk.plan("new.toml", r#"main = ["office", ["ana", "ben"], "inbox"]"#);
    says(
        &desk,
        &["c-94f82a", "--plan", "new.toml"],
        &[
            "c-94f82a: +15035550999 called +15035550100 on Tue 2026-11-24, 14:06:31",
            "  then         office: silent for 2 s, ana by telnyx rang after 2.3 s, answering by telnyx rang after 21.0 s; nobody: \
             the caller hung up after 31.0 s",
            "  by new.toml  office is tried in vain at once, ana and ben ring after 2.0 s, inbox answers after 20.3 s",
            "  Not known: ben was not rung then. Here nobody answers there.",
            "  Better: inbox answers; and ben would have rung after 2.0 s.",
        ],
        0,
    );
    says(
        &desk,
        &["c-df743f", "--plan", "new.toml"],
        &[
            "c-df743f: +15035550999 called +15035550100 on Tue 2026-11-24, 14:07:20",
            "  then         office was passed over: down; answered by ana after 5.9 s",
            "  by new.toml  ana and ben ring at once, ana answers after 5.9 s",
            "  Not known: ben was not rung then. Here nobody answers there.",
            "  No better and no worse.",
        ],
        0,
    );
}

#[test]
fn a_plan_that_costs_somebody_his_answer_is_a_problem() {
    let desk = Desk::new("worse", history());
    desk.plan("inbox.toml", r#"main = ["inbox"]"#);
    says(
        &desk,
        &["c-4a7c15", "--plan", "inbox.toml"],
        &[
            "c-4a7c15: +15035550999 called +15035550100 on Tue 2026-11-24, 14:01:40",
            "  then           answered by office after 4.0 s",
            "  by inbox.toml  inbox answers at once",
            "  Worse: office answered then.",
        ],
        1,
    );
    says(
        &desk,
        &["--failed", "--plan", "inbox.toml"],
        &[
            "TIME                 CALL      TO                    THEN                                     BY inbox.toml",
            "2026-11-24 14:06:31  c-94f82a  +15035550100  better  nobody: the caller hung up after 31.0 s  inbox answers at once",
            "",
            "Of 1 call 1 reached nobody; by inbox.toml it would be answered. 1 would go otherwise, none of them worse.",
        ],
        0,
    );
    says(
        &desk,
        &["--since", "99999d", "--plan", "inbox.toml"],
        &[
            "TIME                 CALL      TO                    THEN                                     BY inbox.toml",
            "2026-11-24 14:07:20  c-df743f  +15035550100  WORSE   answered by ana after 5.9 s              inbox answers at once",
            "2026-11-24 14:06:31  c-94f82a  +15035550100  better  nobody: the caller hung up after 31.0 s  inbox answers at once",
            "2026-11-24 14:01:40  c-4a7c15  +15035550100  WORSE   answered by office after 4.0 s           inbox answers at once",
            "",
            "Of 3 calls 1 reached nobody; by inbox.toml it would be answered. 3 would go otherwise, 2 of them worse.",
        ],
        1,
    );
}

#[test]
fn the_same_plan_changes_nothing() {
    let desk = Desk::new("same", history());
    desk.plan("tandem.toml", r#"main = ["office", "ana", "answering", "inbox"]"#);
    says(
        &desk,
        &["--since", "99999d"],
        &[
            "Of 3 calls 1 reached nobody; by tandem.toml neither does it reach anybody. None would go otherwise.",
        ],
        0,
    );
    says(
        &desk,
        &["c-94f82a", "-o", "json"],
        &[
            r#"{"#,
            r#"  "at": "2026-11-24T22:06:31.000Z","#,
            r#"  "id": "c-94f82a","#,
            r#"  "now": {"#,
            r#"    "answered_by": null,"#,
            r#"    "end": "cancelled","#,
            r#"    "ended_after_ms": 31000,"#,
            r#"    "first_unknown": null,"#,
            r#"    "tries": ["#,
            r#"      {"#,
            r#"        "after_ms": 0,"#,
            r#"        "by": "office","#,
            r#"        "known_ms": null,"#,
            r#"        "line": 12,"#,
            r#"        "rings": false,"#,
            r#"        "target": "office""#,
            r#"      },"#,
            r#"      {"#,
            r#"        "after_ms": 2000,"#,
            r#"        "by": "telnyx","#,
            r#"        "known_ms": 18300,"#,
            r#"        "line": 12,"#,
            r#"        "rings": true,"#,
            r#"        "target": "ana""#,
            r#"      },"#,
            r#"      {"#,
            r#"        "after_ms": 20300,"#,
            r#"        "by": "telnyx","#,
            r#"        "known_ms": 10700,"#,
            r#"        "line": 12,"#,
            r#"        "rings": true,"#,
            r#"        "target": "answering""#,
            r#"      }"#,
            r#"    ]"#,
            r#"  },"#,
            r#"  "number": "+15035550100","#,
            r#"  "then": {"#,
            r#"    "answered_by": null,"#,
            r#"    "end": "cancelled","#,
            r#"    "ended_after_ms": 31000"#,
            r#"  },"#,
            r#"  "verdict": "same""#,
            r#"}"#,
        ],
        0,
    );
}

#[test]
fn what_was_believed_while_the_call_went_on_decides_by_whom_somebody_is_rung() {
    let mut kept = history();
    kept.insert(5, believed(401, "telnyx", [192, 0, 2, 1], Standing::Down));
    let desk = Desk::new("meanwhile", kept);
    desk.plan("tandem.toml", r#"main = ["office", "ana", "answering", "inbox"]"#);
    let (said, _) = desk.say(&["c-94f82a", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let by = |nth: usize| said["now"]["tries"][nth]["by"].clone();
    assert_eq!([by(0), by(1), by(2)], ["office", "telnyx", "bandwidth"]);
    assert_eq!(said["verdict"], "other");
}

#[test]
fn who_asks_for_nothing_or_in_vain_is_told() {
    let desk = Desk::new("vain", history());
    desk.plan("new.toml", r#"main = ["nobody"]"#);
    let (said, status) = desk.say(&["c-94f82a", "--plan", "new.toml"]);
    assert!(said.contains("plan `main` rings `nobody`, which is not defined"), "{said}");
    assert_eq!(status, 1);
    let (_, status) = desk.say(&["--plan", "new.toml"]);
    assert_eq!(status, 2);
    desk.plan("new.toml", r#"main = ["office", "inbox"]"#);
    let (said, status) = desk.say(&["c-000000", "--plan", "new.toml"]);
    assert!(said.starts_with("tandem replay: no call is called c-000000\n"), "{said}");
    assert_eq!(status, 1);
}
