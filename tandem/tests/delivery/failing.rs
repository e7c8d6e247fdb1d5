//! Whatever a mail server does, no message is lost.

use crate::office::{HASTY, Office, mailing, sound};
use crate::parts::header;
use crate::sink::At::{Auth, Body, Data, Greeting, Mail, Rcpt};
use crate::sink::Does::{Drop, Hang, Say, Take, TakeAndDrop};
use crate::sink::Sink;
use core::time::Duration;
use std::net::TcpListener;
use tandem::delivery::Manner;
use tandem::delivery::pace::Pace;
use tandem::messages::folder::Folder;
use tandem::store::outbox::{Letter, State, retry};

fn all_sent(letters: &[Letter]) -> bool {
    !letters.is_empty() && letters.iter().all(|letter| letter.state == State::Sent)
}

#[test]
fn a_server_that_is_busy_hangs_or_goes_away_gets_it_again_under_the_same_name() {
    let sink = Sink::start(&[
        Say(Greeting, "421 too busy"),
        Say(Mail, "451 later"),
        Say(Rcpt, "450 4.2.0 greylisted"),
        Hang(Greeting),
        Hang(Data),
        Drop(Rcpt),
        Say(Body, "452 disk full"),
        TakeAndDrop,
        Take,
    ]);
    let office = Office::new("failing", mailing(sink.port, &["office@nguyen.example"]), HASTY);
    let message = office.leave(&sound(1));
    let (first, second) = (sink.mail(), sink.mail());
    assert_eq!(header(&first.text, "Message-ID"), format!("<{}@nguyen.example>", message.id));
    // It was taken, but nobody said so.
    assert_eq!(first, second);
    let sent = office.wait(all_sent);
    assert_eq!((sent[0].tries, &*sent[0].answer), (9, "250 2.0.0 queued as 4711"));
    assert!(sink.is_quiet());
}

#[test]
fn a_recipient_that_is_refused_is_dead_at_once_and_the_others_are_not() {
    let sink =
        Sink::start(&[Say(Rcpt, "550-5.1.1 no such user here\r\n550 5.1.1 see https://mail.example"), Take]);
    let office = Office::new("dead", mailing(sink.port, &["ana@a.example", "ben@b.example"]), HASTY);
    let message = office.leave(&sound(1));
    sink.mail();
    let found =
        office.wait(|letters| letters.iter().all(|letter| letter.state != State::Due) && letters.len() == 2);
    let dead: Vec<&Letter> = found.iter().filter(|letter| letter.state == State::Dead).collect();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].tries, &*dead[0].answer),
        (1, "550 5.1.1 no such user here see https://mail.example")
    );
    assert!(sink.is_quiet());
    // Somebody has mended it.
    tandem::store::change(&office.data, |db| retry(db, message.id.as_str(), 0)).expect("it is written");
    assert_eq!(format!("mailto:{}", sink.mail().to), dead[0].recipient);
    office.wait(all_sent);
}

#[test]
fn a_slip_in_an_address_is_mended_by_the_plan() {
    let sink = Sink::start(&[Say(Rcpt, "450 not now"); 4]);
    let mut office = Office::new("mended", mailing(sink.port, &["offcie@nguyen.example"]), HASTY);
    office.leave(&sound(1));
    office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
    office.renew(mailing(sink.port, &["office@nguyen.example"]));
    assert_eq!(sink.mail().to, "office@nguyen.example");
    let sent = office.wait(all_sent);
    assert_eq!(sent.len(), 1);
    office.close();
}

#[test]
fn a_password_that_is_refused_waits_for_a_better_one() {
    let sink = Sink::start(&[Say(Auth, "535 5.7.8 who are you?"), Say(Auth, "535 5.7.8 who are you?")]);
    let office = Office::new("password", mailing(sink.port, &["office@nguyen.example"]), HASTY);
    office.leave(&sound(1));
    let waits = office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
    assert_eq!((waits[0].state, &*waits[0].answer), (State::Due, "535 5.7.8 who are you?"));
    sink.mail();
    office.wait(all_sent);
}

#[test]
fn nobody_there_now_is_somebody_there_after_a_restart_and_nothing_is_sent_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let plan = || mailing(port, &["office@nguyen.example"]);
    let mut office = Office::new("restart", plan(), HASTY);
    let one = office.leave(&sound(1));
    let waits = office.wait(|letters| letters.iter().any(|letter| letter.tries > 0));
    assert!(waits[0].answer.contains("refused"), "{}", waits[0].answer);
    office.close();
    let sink = Sink::on(TcpListener::bind(("127.0.0.1", port)).expect("the same port"), &[]);
    office.open(plan(), HASTY);
    assert_eq!(header(&sink.mail().text, "Message-ID"), format!("<{}@nguyen.example>", one.id));
    office.wait(all_sent);
    office.close();
    // The store is lost with all that it knew: what was sent is marked beside the sound.
    for file in ["tandem.db", "tandem.db-wal", "tandem.db-shm"] {
        let _ = std::fs::remove_file(office.data.join(file));
    }
    office.open(plan(), HASTY);
    let two = office.leave(&sound(1));
    assert_eq!(header(&sink.mail().text, "Message-ID"), format!("<{}@nguyen.example>", two.id));
    assert!(sink.is_quiet());
}

#[test]
fn what_is_given_up_after_its_time_is_kept() {
    let sink = Sink::start(&[Say(Rcpt, "450 not now"); 20]);
    let pace = Pace { first: &[], later: Duration::from_secs(1), give_up: Duration::from_secs(2) };
    let plan = mailing(sink.port, &["office@nguyen.example"]);
    let office = Office::new("given-up", plan, Manner { pace, ..HASTY });
    let sound = sound(1);
    let message = office.leave(&sound);
    let dead = office.wait(|letters| letters.iter().any(|letter| letter.state == State::Dead));
    assert!((2..=4).contains(&dead[0].tries), "{dead:?}");
    assert_eq!(dead[0].answer, "450 not now");
    let kept = Folder::of(&office.data).sound(&message.id, message.law).expect("it is there");
    assert_eq!(kept, sound);
}

#[test]
fn what_was_taken_a_moment_before_the_node_died_is_not_sent_again() {
    let sink = Sink::start(&[]);
    let plan = || mailing(sink.port, &["office@nguyen.example"]);
    let mut office = Office::new("died", plan(), HASTY);
    let message = office.leave(&sound(1));
    sink.mail();
    office.wait(all_sent);
    office.close();
    // As if the store had not come to know.
    tandem::store::change(&office.data, |db| {
        db.execute("UPDATE outbox SET state = 'due', tries = 0, answer = ''", ()).map(drop)
    })
    .expect("it is written");
    office.open(plan(), HASTY);
    let sent = office.wait(all_sent);
    assert_eq!((&*sent[0].message, sent[0].tries), (message.id.as_str(), 1));
    assert_eq!(sent[0].answer, "it was taken before, as is marked beside it");
    assert!(sink.is_quiet());
}
