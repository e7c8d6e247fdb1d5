//! The owner of a mailbox, who hears the messages in it by phone.

use super::*;

/// An owner whose PIN was right at 1.2 s, with these messages: a plus stands before a new one.
fn owner(mailbox: Mailbox, messages: &[&str]) -> Story {
    let mut story = Story::of(mailbox);
    story.press("*4711#");
    story.check(true);
    let entry =
        |name: &&str| Entry { name: name.trim_start_matches('+').into(), is_new: name.starts_with('+') };
    assert_eq!(story.heard().split_off(7), ["1.000 check 4711", "1.200 list"]);
    story.hears(Told::Listed(messages.iter().map(entry).collect()));
    assert_eq!(story.told.remove(0), "1.200 hush");
    story
}

/// What was asked for is of this length in samples, and of this caller.
fn fetched(story: &mut Story, caller: &str, samples: usize) {
    let clip = vec![0x80; samples].into();
    story.hears(Told::Fetched(Fetched::Sound { caller: caller.to_owned(), clip }));
}

/// Without the times.
fn said(story: &mut Story) -> Vec<String> {
    story.heard().iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn new_messages_are_heard_before_old_ones_and_what_is_said_gets_shorter() {
    let mut story = owner(with_pin(), &["+c", "b", "+a"]);
    fetched(&mut story, "+120", 8_000);
    story.nothing(15_000);
    assert_eq!(
        story.heard(),
        [
            "1.200 play have",
            "1.200 play n2",
            "1.200 play new",
            "1.200 fetch c",
            "1.200 play from",
            "1.200 play n1",
            "1.200 play n2",
            "1.200 play n0",
            "1.200 play clip of 8000",
            "6.974 heard c",
            "6.974 play keys"
        ]
    );
    story.press("2");
    fetched(&mut story, "", 8_000);
    story.nothing(500);
    // Once more from its beginning, and on before it was heard to its end.
    story.press("1");
    story.press("2");
    fetched(&mut story, "reception", 8_000);
    story.nothing(3_000);
    assert_eq!(
        said(&mut story),
        [
            "hush",
            "fetch a",
            "play hidden",
            "play clip of 8000",
            "hush",
            "play clip of 8000",
            "hush",
            "heard a",
            "play old",
            "fetch b",
            "play clip of 8000",
            "play keys"
        ]
    );
    story.press("2");
    // Not before what is said is over.
    story.press("19");
    fetched(&mut story, "+1", 8_000);
    story.nothing(8_000);
    story.press("*");
    story.over(Why::Here);
    assert_eq!(
        said(&mut story),
        ["hush", "play last", "play inbox", "hush", "fetch c", "hush", "play owner", "hush", "play inbox"]
    );
}

#[test]
fn a_message_is_deleted_kept_as_new_or_heard_again() {
    let mut story = owner(with_pin(), &["+d", "+c", "b", "a"]);
    assert_eq!(said(&mut story), ["play have", "play n2", "play new", "fetch d"]);
    fetched(&mut story, "x", 8_000);
    story.press("4");
    fetched(&mut story, "x", 8_000);
    story.nothing(4_000);
    story.press("3");
    fetched(&mut story, "x", 8_000);
    story.nothing(30_000);
    assert_eq!(
        said(&mut story),
        [
            "play clip of 8000",
            "hush",
            "play stays",
            "stays d",
            "fetch c",
            "play clip of 8000",
            "heard c",
            "play keys",
            "hush",
            "play deleted",
            "delete c",
            "play old",
            "fetch b",
            "play clip of 8000",
            "play keys",
            "hush",
            "play goodbye",
            "hang up"
        ]
    );
}

#[test]
fn the_last_one_can_be_deleted_and_then_there_are_only_settings() {
    let mut story = owner(with_pin(), &["+a"]);
    fetched(&mut story, "x", 80);
    story.nothing(1_700);
    story.press("7");
    // Nothing is left that these could be for.
    story.press("1237");
    story.nothing(30_000);
    assert_eq!(
        said(&mut story),
        [
            "play one-new",
            "fetch a",
            "play clip of 80",
            "heard a",
            "play keys",
            "hush",
            "play deleted",
            "delete a",
            "play last",
            "play settings",
            "hush",
            "play goodbye",
            "hang up"
        ]
    );
}

#[test]
fn who_hangs_up_in_the_middle_of_a_message_has_not_heard_it() {
    let mut story = owner(with_pin(), &["+a"]);
    fetched(&mut story, "", 80_000);
    story.nothing(6_000);
    story.over(Why::There);
    assert_eq!(said(&mut story), ["play one-new", "fetch a", "play hidden", "play clip of 80000"]);
}

#[test]
fn what_is_sealed_or_gone_is_said_and_was_not_heard() {
    let mut story = owner(with_pin(), &["+d", "+c", "+b", "+a"]);
    story.hears(Told::Fetched(Fetched::Sealed { caller: "+44".into() }));
    story.nothing(9_000);
    story.press("2");
    story.hears(Told::Fetched(Fetched::Gone));
    fetched(&mut story, "x", 0);
    story.hears(Told::Fetched(Fetched::Sealed { caller: String::new() }));
    // What comes late is not played over what is said now.
    fetched(&mut story, "x", 80);
    story.press("1");
    story.nothing(30_000);
    assert_eq!(
        said(&mut story),
        [
            "play have",
            "play n4",
            "play new",
            "fetch d",
            "play from",
            "play n4",
            "play n4",
            "play sealed",
            "play keys",
            "hush",
            "fetch c",
            "play gone",
            "fetch b",
            "play gone",
            "fetch a",
            "play hidden",
            "play sealed",
            "play keys",
            "hush",
            "fetch a",
            "hush",
            "play goodbye",
            "hang up"
        ]
    );
}

#[test]
fn of_a_mailbox_that_is_on_hold_nothing_is_deleted() {
    let mut story = owner(Mailbox { hold: true, ..with_pin() }, &["b", "a"]);
    story.press("1");
    fetched(&mut story, "x", 80);
    story.nothing(100);
    story.press("3");
    // From one old message to the next.
    story.press("2");
    story.press("*");
    assert_eq!(
        said(&mut story),
        [
            "play no-new",
            "play inbox",
            "hush",
            "fetch b",
            "play clip of 80",
            "play keys",
            "hush",
            "play held",
            "play keys",
            "hush",
            "fetch a",
            "hush",
            "play goodbye"
        ]
    );
}

#[test]
fn how_many_are_new_is_said_up_to_twenty() {
    let counted =
        [(0, "play no-new"), (1, "play one-new"), (2, "play n2"), (20, "play n20"), (21, "play many-new")];
    for (count, words) in counted {
        let names: Vec<String> = (0..count).map(|number| format!("+{number}")).collect();
        let mut story = owner(with_pin(), &names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said(&mut story).contains(&words.to_owned()), "{count}");
    }
}

#[test]
fn nobody_plays_messages_without_end_and_nobody_waits_for_ever() {
    let mut endless = owner(with_pin(), &["+a"]);
    fetched(&mut endless, "x", 80);
    let mut keys = 0;
    while !said(&mut endless).contains(&"play goodbye".to_owned()) {
        endless.press("1");
        keys += 1;
    }
    assert_eq!(keys, 301);
    let mut unanswered = Story::of(with_pin());
    unanswered.press("*1#");
    unanswered.check(true);
    unanswered.nothing(20_000);
    unanswered.over(Why::Here);
    assert_eq!(
        unanswered.heard().split_off(8),
        ["0.600 list", "10.600 hush", "10.600 play goodbye", "11.361 hang up"]
    );
}
