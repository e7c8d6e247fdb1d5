//! How long messages are kept: as long as their mailbox says, but not before they were delivered.

use super::folder::{Folder, Stored};
use super::id::MessageId;
use crate::config::{Mailbox, Mailboxes};
use core::time::Duration;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// What the store knows of messages: those that somebody has not got who should have, and those that were deleted by hand, with
/// the time of that.
pub type Known = (BTreeSet<String>, Vec<(String, i64)>);

/// The messages that are to go off the disk now, and why.
#[must_use]
pub fn expired(
    folder: &Folder,
    mailboxes: &Mailboxes,
    known: &Known,
    now: Timestamp,
) -> Vec<(MessageId, &'static str)> {
    let all = folder.list().unwrap_or_else(|error| {
        tracing::error!("messages cannot be listed: {error}");
        Vec::new()
    });
    all.into_iter().filter_map(|id| why(&id, folder, mailboxes, known, now).map(|why| (id, why))).collect()
}

fn why(
    id: &MessageId,
    folder: &Folder,
    mailboxes: &Mailboxes,
    (undelivered, deleted): &Known,
    now: Timestamp,
) -> Option<&'static str> {
    // What cannot be read, or is being left now, is nobody's to throw away.
    let Ok(Some(Stored::Finished(manifest))) = folder.read(id) else { return None };
    // What was in a mailbox that the plan does not have any more is kept as long as in any other.
    let nobody = Mailbox::default();
    let mailbox = mailboxes.by_name.get(manifest.mailbox.as_str()).unwrap_or(&nobody);
    if mailbox.hold {
        return None;
    }
    let is_over = |since: Timestamp, time: Duration| {
        now.duration_since(since) > SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
    };
    let by_hand = deleted.iter().find(|(message, _)| message == id.as_str());
    if let Some((_, at)) = by_hand {
        return is_over(Timestamp::from_second(*at).ok()?, REGRET).then_some("deleted by hand");
    }
    let is_old = is_over(manifest.at, mailbox.keep);
    (is_old && !undelivered.contains(id.as_str())).then_some("its time is over")
}

/// For how long what was deleted by hand can be brought back.
pub const REGRET: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::manifest::Manifest;
    use crate::messages::manifest::tests::manifest;
    use crate::messages::testing::Scratch;

    #[test]
    fn what_was_delivered_goes_after_its_time_and_what_is_held_never() {
        let data = Scratch::new("retention");
        let folder = Folder::of(&data.path);
        folder.make().unwrap();
        let day = 24 * 60;
        let keep = |minute: i64, mailbox: &str| {
            let message = Manifest { mailbox: mailbox.into(), ..manifest(minute) };
            folder.begin(&message).unwrap();
            folder.finish(&message).unwrap();
            message
        };
        let old = keep(0, "inbox");
        let undelivered = keep(1, "inbox");
        let held = keep(2, "held");
        let homeless = keep(3, "taken out of the plan");
        let regretted = keep(33 * day, "inbox");
        let deleted = keep(33 * day + 1, "inbox");
        let young = keep(33 * day + 2, "inbox");
        let being_left = manifest(4);
        folder.begin(&being_left).unwrap();

        let mailbox = |hold| Mailbox { hold, ..Mailbox::default() };
        let by_name = [("inbox".into(), mailbox(false)), ("held".into(), mailbox(true))].into();
        let mailboxes = Mailboxes { by_name, ..Mailboxes::default() };
        let at = |minute: i64| manifest(minute).at;
        let known = (
            BTreeSet::from([undelivered.id.to_string()]),
            vec![
                (deleted.id.to_string(), at(34 * day).as_second()),
                (regretted.id.to_string(), at(40 * day).as_second()),
                (held.id.to_string(), at(34 * day).as_second()),
            ],
        );
        let found = expired(&folder, &mailboxes, &known, at(41 * day + 1));
        let expected = [
            (old.id, "its time is over"),
            (homeless.id, "its time is over"),
            (deleted.id, "deleted by hand"),
        ];
        assert_eq!(found, expected);
        assert_eq!(young.mailbox, "inbox");
        assert_eq!(expired(&folder, &mailboxes, &known, at(30 * day)), []);
    }
}
