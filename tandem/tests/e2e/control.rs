//! A node that is asked while it runs: a plan that has to be confirmed, one that is taken back, and what a start makes of both.

use crate::node::Tandem;
use crate::patience::until;
use crate::phone::{Phone, ack_refusal};
use crate::street::{CALLER, Street};
use nix::sys::signal::Signal;
use std::os::unix::fs::PermissionsExt as _;

const NUMBER: &str = "+15035550100";
const FIRST: u8 = 11;
const SECOND: u8 = 12;

fn plan(street: &Street, steps: &str) -> String {
    let (first, second) = (street.house(FIRST), street.house(SECOND));
    format!(
        "[defaults]\nprobe = \"off\"\nfloor = false\n[sites]\nfirst = \"{first}\"\nsecond = \"{second}\"\n\
        [numbers]\n\"{NUMBER}\" = \"main\"\n[plans]\nmain = {steps}\n"
    )
}

/// Whom a new call rings; he is busy.
fn rings(caller: &mut Phone, callee: &mut Phone) {
    all_ring(caller, [callee]);
}

/// Whom a new call rings, one after the other; all are busy.
fn all_ring<const N: usize>(caller: &mut Phone, callees: [&mut Phone; N]) {
    let invite = caller.invite(NUMBER);
    caller.says(&invite);
    caller.hears("< 100 INVITE");
    for callee in callees {
        let rung = callee.hears("< INVITE");
        callee.replies(&rung, "486 Busy Here", "one");
        callee.hears("< ACK");
    }
    let refusal = caller.hears("< 486 INVITE");
    caller.says(&ack_refusal(&invite, &refusal));
}

/// What it says, with the time of day, and how long it took, as dots: they are others each time.
fn says(node: &Tandem, words: &[&str]) -> String {
    let (text, status) = node.asked(words);
    let mut told: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let bare = word.split('\n').next().unwrap_or_default().trim_end_matches(['.', ',']);
        let is_clock = [5, 8].contains(&bare.len())
            && bare.contains(':')
            && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let is_day = |word: &String| ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&&**word);
        let is_length = bare == "ms" || bare == "ms;";
        if is_clock && told.last().is_some_and(is_day) || is_length {
            told.pop();
        }
        told.push(if is_clock || is_length { word.replacen(bare, "..", 1) } else { word.to_owned() });
    }
    format!("{}exit status {}", told.join(" "), status.unwrap_or(-1))
}

fn status(revision: u64, by: &str) -> String {
    format!(
        "The number reaches somebody.\n  revision {revision}  in force since .., by {by}\n  no call is being put through\nexit status 0"
    )
}

#[test]
fn a_plan_comes_into_force_on_demand_and_is_taken_back_and_stays_so_over_a_start() {
    let street = Street::new();
    let me = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("it is asked").expect("a user").name;
    let mut node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    let mode = std::fs::metadata(node.state("tandem.sock")).expect("it listens").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(says(&node, &["status"]), status(1, "the start of this node"));
    assert_eq!(says(&node, &["rollback"]), "tandem rollback: there is no revision before 1\nexit status 1");
    assert_eq!(
        says(&node, &["apply"]),
        "The plan file says what revision 1 says, which stays in force.\n2 warnings: `tandem check` shows them.\nexit status 0"
    );

    node.write(&plan(&street, "[\"second\"]"));
    assert_eq!(
        says(&node, &["apply", "--why", "the office moves"]),
        "Revision 2 is in force, after ...\n2 warnings: `tandem check` shows them.\nTo undo it: tandem rollback 1\nexit status 0"
    );
    rings(&mut caller, &mut second);
    assert_eq!(says(&node, &["status"]), status(2, &format!("{me}: \"the office moves\"")));

    node.write(&plan(&street, "[\"frist\"]"));
    let (refused, code) = node.asked(&["apply"]);
    assert!(refused.contains("did you mean `first`?"), "{refused}");
    assert!(refused.ends_with("\nRevision 2 stays in force: nothing has changed.\n"), "{refused}");
    assert_eq!(code, Some(1));
    rings(&mut caller, &mut second);

    // Even with a broken file, where the node is asked is found.
    let kept = node.state("revisions").join("1");
    let file = node.file();
    assert_eq!(
        says(&node, &["rollback", "--why", "nobody is there"]),
        format!(
            "Revision 1 is in force, after ...\n{} still says something else: mend it before the next apply; \
            what is in force is kept in {}.\nTo undo it: tandem rollback 2\nexit status 0",
            file.display(),
            kept.display()
        )
    );
    rings(&mut caller, &mut first);
    let text = std::fs::read_to_string(kept.join("plan.toml")).expect("it is kept");
    assert!(text.starts_with(&plan(&street, "[\"first\"]")), "{text}");

    // What was taken back does not come back by a start, though it stands in the file.
    node.write(&plan(&street, "[\"second\"]"));
    node.die_and_come_back();
    node.logs("the plan file is revision 2, which was taken back: revision 1 is in force");
    rings(&mut caller, &mut first);
    assert_eq!(says(&node, &["status"]), status(1, &format!("{me}: \"nobody is there\"")));

    // Somebody who applies it means it.
    assert_eq!(
        says(&node, &["apply"]),
        "Revision 3 is in force, after ...\n2 warnings: `tandem check` shows them.\nTo undo it: tandem rollback 1\nexit status 0"
    );
    node.die_and_come_back();
    rings(&mut caller, &mut second);
    assert_eq!(says(&node, &["status"]), status(3, &me));
}

#[test]
fn a_plan_that_nobody_confirms_goes_back_by_itself_even_over_a_start() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    node.write(&plan(&street, "[\"second\"]"));
    assert_eq!(
        says(&node, &["apply", "--confirm-within", "1s"]),
        "Revision 2 is in force, after ...\n2 warnings: `tandem check` shows them.\nIt goes back to 1 at .. unless you run: tandem confirm 2\nexit status 0"
    );
    node.logs("nobody confirmed revision 2: back to 1");
    until("the plan before", || says(&node, &["status"]).contains("revision 1").then_some(()), || node.log());
    rings(&mut caller, &mut first);
    assert_eq!(says(&node, &["status"]), status(1, "time: \"nobody confirmed the other one\""));

    // Confirmed, it stays; of another revision nothing is confirmed.
    says(&node, &["apply", "--confirm-within", "1h"]);
    rings(&mut caller, &mut second);
    assert_eq!(
        says(&node, &["confirm", "2"]),
        "tandem confirm: revision 3 is in force, not 2: nothing is confirmed\nexit status 1"
    );
    assert_eq!(says(&node, &["confirm"]), "Revision 3 stays in force.\nexit status 0");
    assert_eq!(
        says(&node, &["confirm"]),
        "tandem confirm: revision 3 is in force: nothing has to be confirmed\nexit status 1"
    );

    // A node that dies before anybody has confirmed goes back as one that lives; what is not over yet goes on.
    node.write(&plan(&street, "[\"first\"]"));
    says(&node, &["apply", "--confirm-within", "1h"]);
    node.die_and_come_back();
    rings(&mut caller, &mut first);
    assert!(says(&node, &["status"]).contains("it goes back to 3 at .. unless you run: tandem confirm 4"));
    // Its hour ends while it is dead.
    let state = node.state("control.json");
    let text = std::fs::read_to_string(&state).expect("it is kept");
    let mut values: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    values["unconfirmed"]["until"] = 1_700_000_000.into();
    std::fs::write(&state, values.to_string()).expect("it is ours");
    node.die_and_come_back();
    node.logs("nobody confirmed revision 4: back to 3");
    rings(&mut caller, &mut second);
}

#[test]
fn who_is_drained_gets_no_new_calls_until_it_is_undone_or_over_even_over_a_start() {
    let street = Street::new();
    let me = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("it is asked").expect("a user").name;
    let steps = "[{ ring = \"first\", when = \"not override storm\" }, \"second\"]";
    let mut node = Tandem::start(&street, &plan(&street, steps));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    let mut second = Phone::new(&street, SECOND);
    let why = ["--why", "line work"];
    let drain = |what, lasts| [["drain", what].as_slice(), lasts, &why].concat();

    assert_eq!(
        says(&node, &drain("fist", &["--for", "1h"])),
        "tandem drain: nothing is called `fist`; did you mean `site first`?\nexit status 1"
    );
    assert_eq!(
        says(&node, &["drain", "first", "--for", "1h"]),
        "tandem drain: whoever finds this switched will ask why: --why WORDS\nexit status 1"
    );
    let others = "The one number changes.\n  +15035550100, ..\n    was  first rings at once, second rings after 20 s, NOBODY: a failure after 40 s\n    \
        now  second rings at once, NOBODY: a failure after 20 s\n";
    assert_eq!(
        says(&node, &drain("first", &["--for", "1h"])),
        format!("drain site first until ...\n{others}To undo it: tandem undo 1\nexit status 0")
    );
    rings(&mut caller, &mut second);
    assert_eq!(
        says(&node, &drain("site second", &["--until", "17:00"])),
        "drain site second is refused.\nThe one number changes.\n  +15035550100, ..  loses its last human\n    was  second rings at once, NOBODY: a failure after 20 s\n    \
        now  NOBODY: a failure at once\n\
        Say --even-so if that is meant.\nexit status 1"
    );
    rings(&mut caller, &mut second);
    node.die_and_come_back();
    rings(&mut caller, &mut second);
    assert_eq!(
        says(&node, &["status"]),
        format!(
            "The number reaches somebody. 1 of 1 is on a backup: +15035550100.\n  revision 1  in force since .., by the start of this node\n  \
            drain site first  until .., by {me}: \"line work\". To undo it: tandem undo 1\n  no call is being put through\nexit status 0"
        )
    );
    // Whoever asks what would happen hears what does.
    let (explained, _) = node.asked(&["explain", NUMBER]);
    assert!(
        explained.contains(&format!("  By hand: drain site first, by {me}: \"line work\".\n")),
        "{explained}"
    );
    assert!(explained.contains("drained"), "{explained}");
    let (explained, _) = node.asked(&["explain", NUMBER, "--at", "Tue 10:00"]);
    assert!(!explained.contains("drained"), "{explained}");
    assert_eq!(
        says(&node, &["undo", "1"]),
        "drain site first is over.\nThe one number changes.\n  +15035550100, ..\n    was  second rings at once, NOBODY: a failure after 20 s\n    \
        now  first rings at once, second rings after 20 s, NOBODY: a failure after 40 s\nexit status 0"
    );
    all_ring(&mut caller, [&mut first, &mut second]);
    assert_eq!(
        says(&node, &["undo", "1"]),
        "tandem undo: nothing is switched under 1: `tandem status` lists what is\nexit status 1"
    );

    // An override that a step asks for, by its own time; then a number that rings somebody else.
    says(&node, &["override", "storm", "--for", "1s", "--why", "snow"]);
    node.logs("override storm is in force");
    node.logs("override storm is over: its time, which");
    until("no storm", || (!says(&node, &["status"]).contains("storm")).then_some(()), || node.log());
    all_ring(&mut caller, [&mut first, &mut second]);
    says(&node, &["override", NUMBER, "--to", "second", "--for", "1h", "--why", "snow"]);
    rings(&mut caller, &mut second);

    // Another plan: what is switched holds there too, or is said to mean nothing.
    node.write(&plan(&street, "[\"first\"]").replace("second =", "third ="));
    let applied = says(&node, &["apply"]);
    assert!(applied.contains("means nothing in this plan: nothing is called `second`"), "{applied}");
    rings(&mut caller, &mut first);
}

#[test]
fn a_state_that_cannot_be_read_is_put_aside_and_a_revision_that_is_gone_is_said_to_be() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut first) = (Phone::new(&street, CALLER), Phone::new(&street, FIRST));
    node.write(&plan(&street, "[\"second\", \"first\"]"));
    says(&node, &["apply"]);
    std::fs::write(node.state("control.json"), "{\"in_force\": tr").expect("it is ours");
    node.write(&plan(&street, "[\"first\"]"));
    node.die_and_come_back();
    node.logs("what is known of earlier plans cannot be read");
    assert!(node.state("control.json.unreadable").exists());
    rings(&mut caller, &mut first);
    // Numbers go on where they were: nothing that is kept is written over.
    assert_eq!(says(&node, &["status"]), status(3, "the start of this node"));
    for kept in ["1", "2"] {
        std::fs::remove_dir_all(node.state("revisions").join(kept)).expect("it is there");
    }
    assert_eq!(says(&node, &["rollback"]), "tandem rollback: there is no revision before 3\nexit status 1");
    assert_eq!(says(&node, &["rollback", "2"]), "tandem rollback: there is no revision 2\nexit status 1");
    std::fs::write(node.state("revisions"), "").expect_err("it is a folder");
    rings(&mut caller, &mut first);
}

#[test]
fn a_disk_that_takes_nothing_keeps_no_plan_from_coming_into_force() {
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let (mut caller, mut second) = (Phone::new(&street, CALLER), Phone::new(&street, SECOND));
    let mut first = Phone::new(&street, FIRST);
    // Whoever runs this may write everywhere: a file where a folder has to be stops him all the same.
    std::fs::rename(node.state("revisions"), node.state("elsewhere")).expect("it is there");
    std::fs::write(node.state("revisions"), "").expect("it is ours");
    node.write(&plan(&street, "[\"second\"]"));
    let applied = says(&node, &["apply", "--confirm-within", "1s"]);
    assert!(applied.contains("It cannot be kept on the disk (Not a directory"), "{applied}");
    rings(&mut caller, &mut second);
    node.logs("nobody confirmed revision 2: back to 1");
    until("the plan before", || says(&node, &["status"]).contains("revision 1").then_some(()), || node.log());
    rings(&mut caller, &mut first);
}

#[test]
fn a_node_whose_folder_is_taken_is_not_asked_and_one_that_is_gone_says_so() {
    let street = Street::new();
    let mut node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    node.signal(Signal::SIGTERM);
    node.ended();
    let data = node.state("");
    let data = data.display().to_string();
    assert_eq!(
        says(&node, &["status"]),
        format!(
            "tandem status: no node runs with the data folder {}\nexit status 3",
            data.trim_end_matches('/')
        )
    );
    assert!(!node.state("tandem.sock").exists());
}

#[test]
fn whoever_says_no_request_hears_so_and_nothing_changes() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    let street = Street::new();
    let node = Tandem::start(&street, &plan(&street, "[\"first\"]"));
    let answer = |text: &[u8]| {
        let mut stream = UnixStream::connect(node.state("tandem.sock")).expect("it listens");
        stream.write_all(text).expect("it reads");
        stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        // A request that is too long is not read to its end.
        let _ = stream.read_to_string(&mut answer);
        answer.contains("this is no request")
    };
    assert!(answer(b"GET / HTTP/1.1\r\n\r\n"));
    assert!(answer(b"\n"));
    assert!(answer(b"{\"verb\":\"halt\"}\n"));
    assert!(answer(b"{\"verb\":\"status\",\"more\":1}\n"));
    assert!(answer(&[b'[', b'['].repeat(4_000)));
    let long = [b"{\"verb\":\"status\",\"why\":\"".as_slice(), &b"a".repeat(40_000), b"\"}\n"].concat();
    answer(&long);
    assert_eq!(says(&node, &["status"]), status(1, "the start of this node"));
}
