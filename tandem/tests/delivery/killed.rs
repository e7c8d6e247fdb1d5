//! A node that is killed while a caller speaks.

use crate::office::{HASTY, Office, mailing, manifest, sound};
use crate::parts::{header, part, samples};
use crate::sink::Sink;
use agent::g711::Law;
use core::time::Duration;
use std::path::PathBuf;
use std::process::{Command, Stdio};

#[test]
fn who_is_killed_loses_no_more_than_the_last_five_seconds() {
    let data = std::env::temp_dir().join(format!("tandem-delivery-killed-{}", std::process::id()));
    std::fs::create_dir_all(&data).expect("a folder");
    let mut office = Office::closed(data.clone());
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", "killed::records_until_it_is_killed"]).env("TANDEM_KILLED", &data);
    let mut child = child.stdout(Stdio::null()).spawn().expect("it runs");
    let has_two = || {
        let folders = std::fs::read_dir(data.join("messages")).into_iter().flatten().flatten();
        folders.map(|folder| folder.path().join("001.ul")).find(|second| second.exists())
    };
    let second = loop {
        match has_two() {
            Some(second) => break second,
            None => std::thread::park_timeout(Duration::from_millis(10)),
        }
        assert_eq!(child.try_wait().expect("it is ours").map(|status| status.code()), None);
    };
    child.kill().and_then(|()| child.wait()).expect("it is ours");
    assert!(!second.with_file_name("message.json").exists());

    let sink = Sink::start(&[]);
    office.open(mailing(sink.port, &["office@nguyen.example"]), HASTY);
    let mail = sink.mail().text;
    assert_eq!(header(&mail, "Subject"), "Voicemail from +15035550999 for Nguyen Dental");
    let words = String::from_utf8(part(&mail, "text/plain").expect("words")).expect("UTF-8");
    assert!(words.contains("Length:   10 seconds\r\n"), "{words}");
    assert!(
        words.contains("The recording broke off: this system failed while the caller was speaking.\r\n"),
        "{words}"
    );
    let spoken: Vec<i16> = sound(10).into_iter().map(|byte| Law::Mu.decode(byte)).collect();
    assert!(samples(&part(&mail, "audio/wav").expect("the sound")) == spoken);
    assert!(sink.is_quiet());
}

#[test]
fn records_until_it_is_killed() {
    let Some(data) = std::env::var_os("TANDEM_KILLED") else { return };
    let mut office = Office::closed(PathBuf::from(data));
    // Nobody is there to take a mail.
    office.open(mailing(9, &["office@nguyen.example"]), HASTY);
    let message = manifest();
    office.spool().begin(message.clone()).expect("it is taken");
    for (number, part) in sound(10).chunks(40_000).enumerate() {
        office.spool().segment(&message.id, number, part.to_vec()).expect("it is taken");
    }
    loop {
        std::thread::park();
    }
}
