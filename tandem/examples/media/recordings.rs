//! Callers who all speak at once into the mailbox of a node.

use crate::process::{Measured, pause};
use crate::side::{Side, settle, talk};
use crate::words::{AT, PORT, Phone, inside, port};
use core::time::Duration;
use sip::Message;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

const NODE: &str = "127.0.0.1:15066";

/// Measures, and says what was found.
pub(crate) fn measure(program: &str, calls: usize, seconds: u32) -> String {
    let folder = std::env::temp_dir().join(format!("tandem-media-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let measured = start(program, &folder);
    let phone = Phone::new(PORT, NODE.parse().expect("an address"));
    let mut callers = Side::new(15_068);
    let answers: Vec<Message> = (0..calls).map(|call| set_up(&phone, call, &mut callers)).collect();
    talk(&mut [&mut callers], WARM);
    let times = || [Some("media"), None].map(|thread| measured.time(thread));
    let before = times();
    let late = talk(&mut [&mut callers], seconds);
    let after = times();
    settle(&mut [&mut callers]);
    hang_up(&phone, &answers);
    let found = messages(&folder.join("state/messages"), calls);
    drop(measured);
    let _ = std::fs::remove_dir_all(&folder);
    let lossy = found.iter().filter(|message| message.0 > 0.0).count();
    let shortest = found.iter().map(|message| message.1).min().unwrap_or_default();
    let broken = found.iter().filter(|message| !message.2).count();
    let [thread, process] = [0, 1].map(|n| (after[n] - before[n]).as_secs_f64() / f64::from(seconds));
    format!(
        "{calls} recordings: {} messages, {lossy} with lost packets, {broken} not whole, the shortest of {shortest} ms; {:.0} % of a core \
        by the thread, {:.0} % by the process: {:.0} recordings a core, {:.0} of the whole process (sent late by {} ms at most)",
        found.len(),
        thread * 100.0,
        process * 100.0,
        calls as f64 / thread,
        calls as f64 / process,
        late.as_millis()
    )
}

/// Until the tone is over.
const WARM: u32 = 3;

fn start(program: &str, folder: &Path) -> Measured {
    let plan = format!(
        "[carriers]\nbench = {{ sip = \"{AT}\", probe = \"off\" }}\n[numbers]\n\"+15035550100\" = \"main\"\n\
        [mailboxes.inbox]\nemail = \"office@nguyen.example\"\nmessages = 100000\n[plans]\nmain = [\"inbox\"]\n\
        [mail]\nsmtp = \"127.0.0.1:9\"\ntls = \"none\"\nfrom = \"voicemail@nguyen.example\"\n\
        [node]\nlisten = [\"udp:{NODE}\"]\ndata = \"state\"\nlog = \"warn\"\n"
    );
    std::fs::write(folder.join("plan.toml"), plan).expect("the folder is ours");
    let program = std::fs::canonicalize(program).expect("the program");
    let mut command = Measured::on_first_core(program.to_str().expect("a name"));
    let command = command.args(["run", "plan.toml"]).current_dir(folder).stderr(Stdio::piped());
    let mut child = command.spawn().expect("taskset is there");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line.contains("ready on")).expect("it becomes ready");
    // What it says later is read and thrown away.
    std::thread::spawn(move || lines.count());
    // What the mailbox holds is asked for each second, and until then nothing can be kept.
    pause(Duration::from_secs(2));
    Measured(child)
}

/// One call, until the tone begins.
fn set_up(phone: &Phone, number: usize, callers: &mut Side) -> Message {
    let (call, sdp) = (format!("record{number}"), callers.sdp());
    phone.send(&format!(
        "INVITE sip:+15035550100@{NODE} SIP/2.0\r\nVia: SIP/2.0/UDP {AT};branch=z9hG4bK{call}\r\n\
        From: <sip:+1503556{number:04}@127.0.0.1>;tag={number}\r\nTo: <sip:+15035550100@{NODE}>\r\nCall-ID: {call}\r\n\
        CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:{AT}>\r\nContent-Type: application/sdp\r\n\
        Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    ));
    let answer = phone.answer(&call, 200);
    callers.add(port(answer.body()));
    phone.send(&inside(&answer, "ACK", 1, &format!("{call}ack")));
    // The ACK has a longer way than the sound.
    pause(Duration::from_millis(4));
    callers.press(HASH);
    answer
}

/// All callers hang up in one moment; who is not answered says it again (RFC 3261 §17.1.2).
fn hang_up(phone: &Phone, answers: &[Message]) {
    let mut left: BTreeMap<&[u8], String> = answers
        .iter()
        .enumerate()
        .map(|(number, answer)| (answer.call_id(), inside(answer, "BYE", 2, &format!("{number}bye"))))
        .collect();
    while !left.is_empty() {
        left.values().for_each(|bye| phone.send(bye));
        while let Some(message) = phone.hear(T1) {
            left.remove(message.call_id());
        }
    }
}

const T1: Duration = Duration::from_millis(500);

/// `#` (RFC 4733 §3.2).
const HASH: u8 = 11;

/// Of each message that is complete how many of a hundred packets were lost, how long it is in milliseconds, and whether it is whole.
fn messages(spool: &Path, wanted: usize) -> Vec<(f64, u64, bool)> {
    let read = || -> Vec<(f64, u64, bool)> {
        let folders = std::fs::read_dir(spool).into_iter().flatten().map_while(Result::ok);
        let texts = folders.filter_map(|folder| std::fs::read(folder.path().join("message.json")).ok());
        let values = texts.filter_map(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        let facts = values.filter_map(|value| {
            Some((value["lost_percent"].as_f64()?, value["millis"].as_u64()?, value["whole"].as_bool()?))
        });
        facts.collect()
    };
    for _ in 0..60 {
        if read().len() >= wanted {
            break;
        }
        pause(Duration::from_secs(1));
    }
    read()
}
