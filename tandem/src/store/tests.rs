//! The store in a folder of its own, with its thread.

use super::*;
use core::net::SocketAddr;
use history::When;
use router::record::{Begun, CallRecord, End, LegRecord, Passed, Why};
use router::{Path as Way, Transport};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A data folder that is gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tandem-store-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> Store {
        let run = Run { node: "a".into(), plan: "tandem.toml".into() };
        Store::start(&self.0, run, Clock::start()).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// A row of text for each row of the answer.
    fn rows(&self, question: &str) -> Vec<String> {
        let db = read(&self.0).unwrap();
        let mut asked = db.prepare(question).unwrap();
        let rows = asked.query_map((), |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn call(id: u64) -> Kept {
    let at = |millis: u64| Time::from_micros(millis * 1000);
    let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 5060));
    let leg = |target: &str, last, rang, outcome: &str| LegRecord {
        target: target.into(),
        peer: target.into(),
        path: Way { transport: Transport::Udp, local: 0, remote: address(last) },
        file: None,
        line: 30,
        fix: None,
        began: at(1_001),
        rang,
        asked: None,
        ended: Some(at(1_020)),
        outcome: outcome.into(),
    };
    let begun = Arc::new(Begun {
        id,
        call_id: "abc@example".into(),
        caller: "+15035550999".into(),
        number: "+15035550100".into(),
        course: "main".into(),
        confined: None,
        urgent: None,
        closed: false,
        from: (address(1), Some("telnyx".into())),
        began: at(1_000),
    });
    let record = CallRecord {
        begun,
        rang: Some(at(1_010)),
        ended: at(1_020),
        end: End::Answered { target: "ana".into() },
        legs: vec![leg("office", 2, None, "503"), leg("ana", 3, Some(at(1_010)), "answered")],
        passed: vec![Passed {
            target: "ben".into(),
            file: None,
            line: 31,
            at: at(1_001),
            why: Why::Down { since: Some(at(400)) },
        }],
    };
    Kept::Over(Box::new(record), When { epoch: 1_767_323_045_500_000, offset: -28_800 })
}

/// A call that nobody was rung for.
fn refused(id: u64) -> Kept {
    let Kept::Over(record, when) = call(id) else { unreachable!("it is over") };
    let end = End::Refused { status: 503, why: "this node is being drained" };
    Kept::Over(
        Box::new(CallRecord { rang: None, end, legs: Vec::new(), passed: Vec::new(), ..*record }),
        when,
    )
}

fn now(store: &Store) {
    store.ask(|_| Ok(())).blocking_recv().unwrap().unwrap();
}

#[test]
fn a_step_of_an_included_file_is_kept_with_its_file() {
    let folder = Folder::new("files");
    let store = folder.store();
    let Kept::Over(mut record, when) = call(1) else { unreachable!("it is over") };
    record.legs[1].file = Some("customers/acme.toml".into());
    record.passed[0].file = Some("customers/acme.toml".into());
    store.keep(Kept::Over(record, when));
    now(&store);
    let which = past::Which { limit: 9, ..past::Which::default() };
    let kept = past::calls(&read(&folder.0).unwrap(), &which).unwrap();
    let files: Vec<Option<&str>> = kept[0].legs.iter().map(|leg| leg.file.as_deref()).collect();
    assert_eq!(files, [None, Some("customers/acme.toml")]);
    assert_eq!(kept[0].passed[0].file.as_deref(), Some("customers/acme.toml"));
}

#[test]
fn a_call_that_was_refused_before_anybody_was_rung_is_kept_with_the_reason() {
    let folder = Folder::new("refused");
    let store = folder.store();
    store.keep(refused(1));
    store.keep(call(2));
    now(&store);
    assert_eq!(
        folder.rows("SELECT concat_ws(' ', name, end, status, refused) FROM calls ORDER BY id"),
        ["c-4a7c15 failed 503 this node is being drained", "c-94f82a answered"]
    );
    let which = past::Which { end: Some("failed".into()), limit: 9, ..past::Which::default() };
    let found = past::calls(&read(&folder.0).unwrap(), &which).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].end, past::End::Refused(503, "this node is being drained".into()));
    assert_eq!((found[0].legs.len(), found[0].tries()), (0, 0));
}

#[test]
fn a_call_is_kept_with_its_legs_for_its_owner_alone() {
    let folder = Folder::new("kept");
    let store = folder.store();
    store.keep(call(1));
    now(&store);
    assert_eq!(
        folder.rows(
            "SELECT concat_ws(' ', name, number, file, course, began, ahead, rang, ended, end, answered_by) FROM calls"
        ),
        ["c-4a7c15 +15035550100 tandem.toml main 1767323046500000 -28800 10000 20000 answered ana"]
    );
    assert_eq!(
        folder
            .rows("SELECT concat_ws(' ', nth, target, address, line, began, rang, ended, outcome) FROM legs"),
        ["1 office 192.0.2.2:5060 30 1000 20000 503", "2 ana 192.0.2.3:5060 30 1000 10000 20000 answered"]
    );
    assert_eq!(
        folder.rows("SELECT concat_ws(' ', nth, target, line, at, why, since) FROM passed"),
        ["1 ben 31 1000 down -600000"]
    );
    for name in folder.names() {
        let mode = fs::metadata(folder.0.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(store.is_open() && store.lost() == 0);
}

#[test]
fn the_next_run_goes_on_counting() {
    let folder = Folder::new("runs");
    for _ in 0..2 {
        let store = folder.store();
        store.keep(call(1));
        store.keep(call(2));
        now(&store);
    }
    assert_eq!(folder.rows("SELECT concat_ws(' ', run, id) FROM calls"), ["1 1", "1 2", "2 3", "2 4"]);
}

#[test]
fn a_call_that_a_node_has_begun_and_never_ended_is_closed_by_the_next_run_and_only_once() {
    let folder = Folder::new("orphan");
    let store = folder.store();
    let (Kept::Over(ended, when), Kept::Over(open, _)) = (call(1), call(2)) else {
        unreachable!("see `call`")
    };
    store.keep(Kept::Begun(Arc::clone(&ended.begun), when));
    store.keep(Kept::Begun(Arc::clone(&open.begun), when));
    store.keep(Kept::Over(ended, when));
    now(&store);
    let ends = "SELECT concat_ws(' ', run, id, coalesce(end, 'under way')) FROM calls";
    assert_eq!(folder.rows(ends), ["1 1 answered", "1 2 under way"]);
    let next = folder.store();
    now(&next);
    assert_eq!(folder.rows(ends), ["1 1 answered", "1 2 unknown"]);
    // The first node was not dead at all: its word counts.
    store.keep(Kept::Over(open, when));
    now(&store);
    assert_eq!(folder.rows(ends), ["1 1 answered", "1 2 answered"]);
}

#[test]
fn who_asks_has_the_answer_once_it_is_done_and_an_error_of_his_own_costs_nobody_else() {
    let folder = Folder::new("ask");
    let store = folder.store();
    let made = store.ask(|db| db.execute("CREATE TABLE mine (a UNIQUE)", ())).blocking_recv().unwrap();
    assert_eq!(made, Ok(0));
    let twice = store.ask(|db| db.execute("INSERT INTO mine VALUES (1), (1)", ())).blocking_recv().unwrap();
    assert_eq!(twice, Err(StoreError::Unusable("UNIQUE constraint failed: mine.a".into())));
    let sync = |db: &Connection| db.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
    assert_eq!(store.ask(sync).blocking_recv().unwrap(), Ok(2), "FULL");
    store.ask(|_| -> rusqlite::Result<()> { unreachable!("a bug") }).blocking_recv().unwrap_err();
    assert!(matches!(store.ask(sync).blocking_recv().unwrap(), Err(StoreError::Unusable(_))));
    assert_eq!(folder.rows("SELECT cast(count(*) AS text) FROM mine"), ["0"]);
}

#[test]
fn a_broken_file_is_moved_aside_and_a_new_one_begun() {
    let folder = Folder::new("broken");
    fs::write(folder.file(), "no database at all, but long enough to be taken for one".repeat(100)).unwrap();
    let store = folder.store();
    store.keep(call(1));
    now(&store);
    assert_eq!(folder.rows("SELECT name FROM calls"), ["c-4a7c15"]);
    assert_eq!(folder.names().iter().filter(|name| name.contains(".corrupt-")).count(), 1);
}

#[test]
fn a_file_that_is_deleted_is_begun_anew_and_the_names_of_calls_go_on() {
    let folder = Folder::new("deleted");
    let store = folder.store();
    store.keep(call(1));
    now(&store);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", folder.file().display()));
    }
    store.keep(call(2));
    now(&store);
    assert_eq!(folder.rows("SELECT name FROM calls"), [history::name(2)]);
}

#[test]
fn a_full_disk_holds_calls_back_and_a_newer_file_is_left_alone() {
    let folder = Folder::new("full");
    let store = folder.store();
    now(&store);
    // As many pages as there are: what SQLite says is what it says of a full disk.
    store
        .ask(|db| db.pragma_update_and_check(None, "max_page_count", 1, |_| Ok(())))
        .blocking_recv()
        .unwrap()
        .unwrap();
    (1..=100).for_each(|id| store.keep(call(id)));
    let told = store.ask(|_| Ok(())).blocking_recv().unwrap();
    assert_eq!(told, Err(StoreError::Unusable("database or disk is full".into())));
    assert_eq!((store.is_open(), store.lost()), (false, 0), "they are held for now");
    drop(store);

    let folder = Folder::new("newer");
    Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let store = folder.store();
    assert!(matches!(
        store.ask(|_| Ok(())).blocking_recv().unwrap(),
        Err(StoreError::Newer { found: 1_000, .. })
    ));
    assert!(matches!(read(&folder.0), Err(StoreError::Newer { .. })));
}

#[test]
fn with_a_folder_where_the_file_should_be_nothing_waits_and_what_is_too_much_is_counted() {
    let folder = Folder::new("folder");
    fs::create_dir(folder.file()).unwrap();
    let store = folder.store();
    let why = store.ask(|_| Ok(())).blocking_recv().unwrap().unwrap_err();
    assert!(why.to_string().contains("Is a directory"), "{why}");
    (0..2 * ORDERS_MAX as u64 + 600).for_each(|id| {
        // Not faster than the thread takes them: only what it cannot hold is lost.
        if id % 512 == 0 {
            let _ = store.ask(|_| Ok(())).blocking_recv();
        }
        store.keep(call(id));
    });
    let _ = store.ask(|_| Ok(())).blocking_recv();
    assert_eq!(store.lost(), ORDERS_MAX as u64 + 600);
}

#[test]
fn old_calls_are_taken_out_with_their_legs_and_young_ones_stay() {
    let folder = Folder::new("old");
    let store = folder.store();
    (1..=300).for_each(|id| store.keep(call(id)));
    now(&store);
    let young = "UPDATE calls SET began = began + 1 WHERE id > 250";
    store.ask(move |db| db.execute(young, ())).blocking_recv().unwrap().unwrap();
    let clean = |db: &Connection| history::clean(db, 1_767_323_046_500_001);
    let answers: Vec<_> = (0..3).map(|_| store.ask(clean).blocking_recv().unwrap()).collect();
    assert_eq!(answers, [Ok(true), Ok(false), Ok(false)]);
    let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM calls), (SELECT count(*) FROM legs), (SELECT count(*) FROM passed))";
    assert_eq!(folder.rows(counts), ["50 100 50"]);
}
