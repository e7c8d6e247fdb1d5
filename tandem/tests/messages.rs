//! `tandem messages`, as people type it: what it prints, and what it leaves behind.
#![expect(clippy::expect_used, reason = "the tools of a test fail as it does")]

use agent::wav;
use jiff::Timestamp;
use std::path::PathBuf;
use std::process::Command;
use tandem::clock::Clock;
use tandem::messages::folder::Folder;
use tandem::messages::id::MessageId;
use tandem::messages::manifest::{End, Law, Manifest, Why};
use tandem::store::outbox::{State, enqueue, tried};
use tandem::store::{Run, Store, change};

const PLAN: &str = "business = \"a\"\ntimezone = \"America/Los_Angeles\"\n[numbers]\n\"+15035550100\" = \"main\"\n\
    [defaults]\nfloor = false\n[plans]\nmain = [\"desk\"]\n[services]\ndesk = \"192.0.2.40\"\n";

/// A folder with a plan and with data, gone with the test.
struct Desk {
    path: PathBuf,
    folder: Folder,
}

impl Desk {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-desk-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("data")).expect("a folder");
        let data = path.join("data").display().to_string();
        std::fs::write(path.join("tandem.toml"), format!("{PLAN}[node]\ndata = \"{data}\"\n"))
            .expect("a plan");
        let run = Run { node: "pdx-1".into(), plan: "tandem.toml".into() };
        let store = Store::start(&path.join("data"), run, Clock::start()).expect("a thread");
        store.ask(|_| Ok(())).blocking_recv().expect("it answers").expect("it is open");
        let folder = Folder::of(&path.join("data"));
        folder.make().expect("a folder");
        Self { path, folder }
    }

    /// A message that was left at this minute.
    fn keep(&self, minute: i64, caller: &str, sound: &[u8]) -> Manifest {
        let at = Timestamp::from_second(1_795_762_800 + minute * 60).expect("a time");
        let message = Manifest {
            id: MessageId::of(at.as_second(), [7; 10]),
            mailbox: "inbox".into(),
            number: "+15035550100".into(),
            caller: caller.into(),
            name: "Lopez".into(),
            why: Why::Closed,
            call_id: "abc@example".into(),
            node: "pdx-1".into(),
            at,
            law: Law::Mu,
            millis: sound.len() as u64 / 8,
            lost_percent: 0.0,
            jitter_millis: 0.0,
            source_changes: 0,
            end: End::HungUp,
            whole: true,
            urgent: minute == 2,
            sealed: false,
        };
        self.folder.begin(&message).expect("it is written");
        self.folder.segment(&message.id, "000.ul", sound).expect("it is written");
        self.folder.finish(&message).expect("it is written");
        message
    }

    /// What the program prints, and its exit status.
    fn say(&self, words: &[&str]) -> (String, i32) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tandem"));
        let out = program.arg("messages").args(words).current_dir(&self.path).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
        (String::from_utf8(out.stdout).expect("UTF-8"), out.status.code().unwrap_or(-1))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[test]
fn a_list_says_who_called_and_how_far_each_message_has_come() {
    let desk = Desk::new("list");
    assert_eq!(desk.say(&[]), ("No messages.\n".into(), 0));
    let delivered = desk.keep(1, "+15035550999", &[1; 96_100]);
    let dead = desk.keep(2, "", &[1; 8_000]);
    let waits = desk.keep(3, "eve\u{1b}[2J", &[]);
    change(&desk.path.join("data"), |db| {
        for message in [&delivered, &dead, &waits] {
            enqueue(db, message.id.as_str(), "inbox", &["mailto:a@b.example".into()], 1_795_762_800)?;
        }
        let to = "mailto:a@b.example";
        tried(db, delivered.id.as_str(), to, State::Sent, 0, "250 ok")?;
        tried(db, dead.id.as_str(), to, State::Dead, 0, "550 nobody here")?;
        tried(db, waits.id.as_str(), to, State::Due, 1_795_770_000, "450 not now")
    })
    .expect("it is written");
    let (text, _) = desk.say(&[]);
    assert_eq!(
        text,
        "MESSAGE                  LEFT              MAILBOX  FROM             LENGTH  STATE\n\
         1ngjanc0w3ge1r70w3ge1r7  2026-11-26 23:01  inbox    +15035550999     0:13    delivered\n\
         1ngjaq80w3ge1r70w3ge1r7  2026-11-26 23:02  inbox    a hidden number  0:01    urgent, NOT DELIVERED to a@b.example: 550 nobody here\n\
         1ngjas40w3ge1r70w3ge1r7  2026-11-26 23:03  inbox    eve [2J          0:00    waits after 1 tries: 450 not now\n"
    );
    assert_eq!(desk.say(&["--undelivered"]).0.lines().count(), 3);
    assert_eq!(desk.say(&["--mailbox", "other"]).0, "No messages.\n");
    let (json, _) = desk.say(&["--json", "--undelivered"]);
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((&lines[0]["id"], &lines[0]["why"]), (&dead.id.as_str().into(), &"closed".into()));
    assert_eq!(
        lines[1]["letters"],
        serde_json::json!([{ "to": "mailto:a@b.example", "state": "due", "tries": 1, "next": "2026-11-27T09:00:00Z",
            "answer": "450 not now" }])
    );
}

#[test]
fn a_message_is_played_claimed_deleted_and_brought_back() {
    let desk = Desk::new("acts");
    let sound: Vec<u8> = (0..16_000).map(|n| [0x80, 0x10, 0xff][n / 7 % 3]).collect();
    let one = desk.keep(1, "+15035550999", &sound);
    let two = desk.keep(2, "+15035550998", &sound);
    let id = one.id.as_str();
    assert_eq!(desk.say(&["play", "1ngjanc", "--to", "a.wav"]), ("a.wav: 2 s from +15035550999\n".into(), 0));
    let file = std::fs::read(desk.path.join("a.wav")).expect("it is there");
    assert_eq!(wav::read(&file), Ok(sound));
    assert!(desk.say(&[]).0.contains("kept; heard by the command line\n"));
    let (text, status) = desk.say(&["play", id, "--to", "a.wav"]);
    assert_eq!((text.as_str(), status), ("tandem messages: a.wav: File exists (os error 17)\n", 1));

    assert_eq!(desk.say(&["claim", id, "--by", "Ana"]), (format!("Ana takes care of {id}.\n"), 0));
    assert!(desk.say(&[]).0.contains("kept; Ana takes care of it\n"));
    let (text, _) = desk.say(&["delete", id, "--by", "Ben"]);
    assert_eq!(text, format!("{id} is deleted. For 7 days: tandem messages restore {id}\n"));
    assert_eq!(desk.say(&[]).0.lines().count(), 2);
    assert!(desk.say(&["--all"]).0.contains("deleted by Ben\n"));
    assert_eq!(desk.say(&["restore", id]), (format!("{id} is back.\n"), 0));
    assert_eq!(desk.say(&["delete", id, "--yes"]), (format!("{id} is deleted for ever.\n"), 0));
    assert_eq!(desk.folder.list().expect("it is there"), std::slice::from_ref(&two.id));
    let (text, status) = desk.say(&["play", id, "--to", "b.wav"]);
    assert_eq!((text.contains("there is no message"), status), (true, 1));
    let (text, status) = desk.say(&["retry", two.id.as_str()]);
    assert_eq!((text.contains("nothing of"), status), (true, 1));
}

#[test]
fn a_name_that_is_short_or_none_and_a_folder_without_a_store_are_said() {
    let desk = Desk::new("names");
    desk.keep(1, "a", &[]);
    desk.keep(2, "b", &[]);
    let said = |words: &[&str]| desk.say(words).0;
    assert_eq!(said(&["restore", "1ngja"]), "tandem messages: more than one message begins with 1ngja\n");
    assert!(
        said(&["restore", "../../etc"]).starts_with("tandem messages: there is no message ../../etc in ")
    );
    assert!(said(&["claim", "1ngjanc", "--by", " "]).contains("nobody has no name"));
    assert!(said(&["--plan", "none.toml"]).contains("none.toml cannot be used"));
    std::fs::remove_file(desk.path.join("data/tandem.db")).expect("it is there");
    assert!(said(&[]).contains(" kept\n"));
    assert!(said(&["claim", "1ngjanc", "--by", "Ana"]).contains("no node has run with this folder"));
}
