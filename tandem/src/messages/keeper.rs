//! Who keeps messages: obeys one order at a time, and finishes what nobody will finish any more.

use super::folder::{Folder, SEGMENTS_MAX, Stored};
use super::heard::{Heard, Standing};
use super::id::MessageId;
use super::lanes::{self, Part, Segment};
use super::manifest::{End, Manifest};
use super::room::{Figures, Index};
use super::sealing::Seal;
use agent::tape::SEGMENT;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// A message that is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// What is known of it.
    pub manifest: Manifest,
    /// Its sound in the clear, where that is sealed on disk and goes by mail: nothing of it is left after a restart.
    pub plain: Option<Arc<[u8]>>,
}

/// How the sound of a message is kept.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Sealed for somebody.
    pub seal: Option<Seal>,
    /// A copy in the clear, in memory, for a mail.
    pub plain: bool,
}

/// The messages of a node, and those that are being left now.
#[derive(Debug)]
pub struct Keeper {
    folder: Folder,
    index: Index,
    open: BTreeMap<MessageId, Open>,
    /// Deleted by hand a moment ago: the store will say so.
    deleted: BTreeSet<MessageId>,
}

/// A message that is being left.
#[derive(Debug)]
struct Open {
    head: Manifest,
    seal: Option<Seal>,
    plain: Option<Vec<u8>>,
    segments: usize,
    bytes: u64,
    /// Bytes of each segment as it is kept.
    sizes: BTreeMap<usize, u64>,
    whole: bool,
    /// When something was last heard of it.
    last: Timestamp,
}

impl Keeper {
    /// Takes over what is on disk: finishes messages that whoever recorded them could not finish, and gives all that are
    /// complete, oldest first.
    ///
    /// # Errors
    /// There is no folder for messages, and none can be made.
    pub fn open(folder: Folder) -> io::Result<(Self, Vec<Manifest>)> {
        folder.make()?;
        let mut keeper =
            Self { folder, index: Index::default(), open: BTreeMap::new(), deleted: BTreeSet::new() };
        let mut complete = Vec::new();
        for id in keeper.folder.list()? {
            match keeper.take_over(&id) {
                Ok(found) => complete.extend(found),
                // One that cannot be read must not keep the others from being delivered.
                Err(error) => {
                    let place = keeper.folder.place(&id);
                    tracing::error!(
                        "a message cannot be read and stays where it is: {}: {error}",
                        place.display()
                    );
                }
            }
        }
        Ok((keeper, complete))
    }

    fn take_over(&mut self, id: &MessageId) -> io::Result<Option<Manifest>> {
        let manifest = match self.folder.read(id)? {
            Some(Stored::Finished(manifest)) => manifest,
            Some(Stored::Begun(head)) => {
                let segments = self.folder.segments(id)?;
                let bytes = self.folder.size(id)?;
                let manifest = broken_off(head, segments.last().map_or(0, |(last, _)| last + 1), bytes);
                self.folder.finish(&manifest)?;
                tracing::warn!(
                    "the message {id} in mailbox {} broke off when the node ended: {} s of it are there",
                    manifest.mailbox,
                    manifest.millis / 1_000
                );
                manifest
            }
            None => {
                // Whoever made the folder wrote nothing into it.
                self.folder.remove(id)?;
                return Ok(None);
            }
        };
        self.index.put(id, &manifest.mailbox, self.folder.size(id)?);
        self.index.stand(id, Standing::of(manifest.millis, self.folder.is_heard(id)));
        Ok(Some(manifest))
    }

    /// Begins messages.
    pub fn begin(&mut self, begins: Vec<(Manifest, Keep)>, now: Timestamp) {
        let mut copies = self.open.values().filter(|open| open.plain.is_some()).count();
        let opened = |(mut head, keep): (Manifest, Keep)| {
            head.sealed = keep.seal.is_some();
            let plain = (keep.plain && head.sealed && copies < PLAIN_MAX).then(Vec::new);
            copies += usize::from(plain.is_some());
            let (segments, bytes, sizes) = (0, 0, BTreeMap::new());
            Open { head, seal: keep.seal, plain, segments, bytes, sizes, whole: true, last: now }
        };
        let begins: Vec<Open> = begins.into_iter().map(opened).collect();
        let begun = lanes::each(&begins, |open| self.folder.begin(&open.head));
        for (open, begun) in begins.into_iter().zip(begun) {
            match begun {
                Ok(()) => {
                    self.index.put(&open.head.id, &open.head.mailbox, 0);
                    self.open.insert(open.head.id.clone(), open);
                }
                Err(error) => lost(&open.head, "cannot be kept", &error),
            }
        }
    }

    /// Keeps segments, no two of the same message and number. Those that were skipped are silence; of one that comes again the
    /// last word holds.
    pub fn segments(&mut self, segments: &[Segment], now: Timestamp) {
        let taken = |segment: &&Segment| segment.number < SEGMENTS_MAX && self.open.contains_key(&segment.id);
        let of: Vec<&Segment> = segments.iter().filter(taken).collect();
        let parts: Vec<Part<'_>> = of.iter().filter_map(|segment| self.part(segment)).collect();
        let kept = lanes::keep(&self.folder, &parts);
        for (segment, kept) in of.into_iter().zip(kept) {
            self.on_kept(segment, kept, now);
        }
    }

    fn part<'a>(&'a self, segment: &'a Segment) -> Option<Part<'a>> {
        let open = self.open.get(&segment.id)?;
        Some(Part { segment, law: open.head.law, seal: open.seal.as_ref() })
    }

    fn on_kept(&mut self, Segment { id, number, sound }: &Segment, kept: io::Result<usize>, now: Timestamp) {
        let Some(open) = self.open.get_mut(id) else { return };
        open.last = now;
        open.whole &= *number <= open.segments;
        open.segments = open.segments.max(number + 1);
        if let Some(plain) = &mut open.plain {
            plain.resize(number * SEGMENT, open.head.law.g711().silence());
            plain.extend_from_slice(sound);
        }
        match kept {
            Ok(bytes) => {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX / 2);
                let before = open.sizes.insert(*number, bytes).unwrap_or_default();
                open.bytes = open.bytes.saturating_sub(before).saturating_add(bytes);
            }
            Err(error) => {
                open.whole = false;
                lost(&open.head, "has lost five seconds", &error);
            }
        }
        self.index.put(id, &open.head.mailbox, open.bytes);
    }

    /// What was begun is no message: nothing of it stays.
    pub fn forget(&mut self, id: &MessageId) {
        let Some(open) = self.open.remove(id) else { return };
        match self.folder.remove(id) {
            Ok(()) => self.index.remove(id),
            Err(error) => tracing::warn!("what is no message stays as {}: {error}", open.head.id),
        }
    }

    /// Ends messages, and gives them as they are kept; not those that were never begun, or cannot be ended now.
    pub fn finish(&mut self, manifests: Vec<Manifest>) -> Vec<Finished> {
        let ended = |mut manifest: Manifest| {
            let open = self.open.remove(&manifest.id)?;
            manifest.whole &= open.whole;
            manifest.sealed = open.head.sealed;
            Some(Finished { manifest, plain: open.plain.map(Arc::from) })
        };
        let ends: Vec<Finished> = manifests.into_iter().filter_map(ended).collect();
        let done = lanes::each(&ends, |end| self.folder.finish(&end.manifest));
        let kept = |(end, done): (Finished, io::Result<()>)| match done {
            Ok(()) => Some(end),
            Err(error) => {
                lost(&end.manifest, "cannot be ended: it will be when the node starts again", &error);
                None
            }
        };
        let kept: Vec<Finished> = ends.into_iter().zip(done).filter_map(kept).collect();
        for Finished { manifest, .. } in &kept {
            self.index.stand(&manifest.id, Standing::of(manifest.millis, false));
        }
        kept
    }

    /// Marks who has heard a message that is complete; `None`: nobody has.
    pub fn mark_heard(&mut self, id: &MessageId, heard: Option<&Heard>) {
        match self.folder.mark_heard(id, heard) {
            Ok(()) => self.index.hear(id, heard.is_some()),
            Err(error) => tracing::warn!("message {id} cannot be marked as heard or new: {error}"),
        }
    }

    /// A message was deleted by hand: it counts no more.
    pub fn discount(&mut self, id: &MessageId) {
        self.index.remove(id);
        self.deleted.insert(id.clone());
    }

    /// What there is to be heard in a mailbox, the newest first; the newest of each standing.
    #[must_use]
    pub fn list(&self, mailbox: &str) -> Vec<(MessageId, Standing)> {
        self.index.list(mailbox)
    }

    /// Ends what was begun and has not been heard of for minutes: whoever recorded it has forgotten it.
    pub fn finish_forgotten(&mut self, now: Timestamp) -> Vec<Finished> {
        let is_old = |open: &&Open| now.duration_since(open.last) > FORGOTTEN;
        let old = self.open.values().filter(is_old);
        let old = old.map(|open| broken_off(open.head.clone(), open.segments, open.bytes)).collect();
        self.finish(old)
    }

    /// Counts what is on disk and no more, but for messages that this forgets, and looks who of them was heard.
    ///
    /// # Errors
    /// The disk says nothing.
    pub fn look(&mut self, forgotten: impl Fn(&MessageId) -> bool) -> io::Result<()> {
        let there = self.folder.list()?;
        self.deleted.retain(|id| there.binary_search(id).is_ok() && !forgotten(id));
        let open = &self.open;
        self.index.retain(|id| open.contains_key(id) || (there.binary_search(id).is_ok() && !forgotten(id)));
        // What was deleted by hand may be brought back.
        for id in &there {
            if !self.index.has(id)
                && !forgotten(id)
                && !self.deleted.contains(id)
                && let Ok(Some(Stored::Finished(manifest))) = self.folder.read(id)
            {
                self.index.put(id, &manifest.mailbox, self.folder.size(id).unwrap_or_default());
                self.index.stand(id, Standing::of(manifest.millis, false));
            }
        }
        self.index.look(|id| self.folder.is_heard(id));
        Ok(())
    }

    /// What is kept now and counts.
    ///
    /// # Errors
    /// The disk says nothing.
    pub fn figures(&self) -> io::Result<Figures> {
        Ok(Figures { free: self.folder.free()?, used: self.index.used() })
    }

    /// Where messages are kept.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }
}

/// What a message is that nobody came to the end of.
fn broken_off(head: Manifest, segments: usize, bytes: u64) -> Manifest {
    // A sealed segment is longer than its sound.
    let samples = if head.sealed {
        u64::try_from(segments * SEGMENT).unwrap_or(u64::MAX)
    } else {
        let before = segments.saturating_sub(1) * SEGMENT;
        bytes.max(u64::try_from(before).unwrap_or(0))
    };
    Manifest { end: End::Unfinished, whole: false, millis: samples / 8, ..head }
}

fn lost(of: &Manifest, what: &str, error: &io::Error) {
    let Manifest { id, mailbox, .. } = of;
    tracing::error!("the message {id} in mailbox {mailbox} {what}: {error}");
}

/// Messages that are in memory in the clear at once, of some megabytes each. A mail of one more says that it is sealed.
pub const PLAIN_MAX: usize = 32;

/// A part comes every five seconds, and the end a moment after the last.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::manifest::tests::manifest;
    use crate::messages::room::Used;
    use crate::messages::testing::Scratch;
    use std::fs;

    fn at(minute: i64) -> Timestamp {
        manifest(minute).at
    }

    fn segment(keeper: &mut Keeper, id: &MessageId, number: usize, sound: &[u8], now: Timestamp) {
        keeper.segments(&[Segment { id: id.clone(), number, sound: sound.to_vec() }], now);
    }

    fn begin(keeper: &mut Keeper, head: &Manifest, keep: Keep, now: Timestamp) {
        keeper.begin(vec![(head.clone(), keep)], now);
    }

    fn finish(keeper: &mut Keeper, manifest: &Manifest) -> Option<Finished> {
        keeper.finish(vec![manifest.clone()]).pop()
    }

    fn finished(manifest: &Manifest) -> Option<Finished> {
        Some(Finished { manifest: manifest.clone(), plain: None })
    }

    #[test]
    fn a_message_that_is_left_counts_from_its_first_moment_until_it_is_gone() {
        let data = Scratch::new("counts");
        let (mut keeper, found) = Keeper::open(Folder::of(&data.path)).unwrap();
        assert_eq!(found, []);
        let used = |keeper: &mut Keeper, forgotten: &[MessageId]| {
            keeper.look(|id| forgotten.contains(id)).unwrap();
            let figures = keeper.figures().unwrap();
            assert!(figures.free > 0);
            figures
                .used
                .into_iter()
                .map(|(name, used)| (name.to_string(), used.messages, used.bytes))
                .collect::<Vec<_>>()
        };
        let (one, two) = (manifest(1), manifest(2));
        begin(&mut keeper, &one, Keep::default(), at(1));
        assert_eq!(used(&mut keeper, &[]), [("inbox".to_owned(), 1, 0)]);
        segment(&mut keeper, &one.id, 0, &[1; SEGMENT], at(1));
        begin(&mut keeper, &two, Keep::default(), at(2));
        segment(&mut keeper, &two.id, 0, &[1; 100], at(2));
        assert_eq!(finish(&mut keeper, &one), finished(&one));
        assert_eq!(used(&mut keeper, &[]), [("inbox".to_owned(), 2, 40_100)]);
        // Deleted by hand, with and without its files.
        assert_eq!(used(&mut keeper, std::slice::from_ref(&one.id)), [("inbox".to_owned(), 1, 100)]);
        finish(&mut keeper, &two);
        keeper.folder().remove(&two.id).unwrap();
        assert_eq!(used(&mut keeper, std::slice::from_ref(&one.id)), []);
        // Brought back.
        assert_eq!(used(&mut keeper, &[]), [("inbox".to_owned(), 1, 40_000)]);
        assert_eq!(standing(&mut keeper), (1, 0));
    }

    /// Messages that nobody has heard, and those that somebody has.
    fn standing(keeper: &mut Keeper) -> (u32, u32) {
        keeper.look(|_| false).unwrap();
        let used = keeper.figures().unwrap().used.get("inbox").copied().unwrap_or_default();
        (used.new, used.heard)
    }

    #[test]
    fn a_message_is_new_until_somebody_has_heard_it_and_one_without_sound_never_is() {
        let data = Scratch::new("heard");
        let folder = Folder::of(&data.path);
        let (mut keeper, _) = Keeper::open(folder.clone()).unwrap();
        let (one, two, missed) = (manifest(1), manifest(2), Manifest { millis: 0, ..manifest(3) });
        let heard = Heard { by: "the phone".into(), at: at(9) };
        begin(&mut keeper, &one, Keep::default(), at(1));
        segment(&mut keeper, &one.id, 0, &[1; SEGMENT], at(1));
        assert_eq!(standing(&mut keeper), (0, 0));
        finish(&mut keeper, &one);
        for message in [&two, &missed] {
            begin(&mut keeper, message, Keep::default(), at(2));
            finish(&mut keeper, message);
        }
        assert_eq!(standing(&mut keeper), (2, 0));
        for message in [&one, &missed] {
            keeper.mark_heard(&message.id, Some(&heard));
        }
        assert_eq!(standing(&mut keeper), (1, 1));
        let (mut again, _) = Keeper::open(folder.clone()).unwrap();
        assert_eq!((standing(&mut again), folder.heard(&one.id).unwrap()), ((1, 1), Some(heard.clone())));
        keeper.mark_heard(&one.id, None);
        keeper.mark_heard(&one.id, None);
        assert_eq!((standing(&mut keeper), folder.heard(&one.id).unwrap()), ((2, 0), None));
        // Deleted by phone: that the store does not say so yet brings nothing back, but what it says later does.
        assert_eq!(keeper.list("inbox"), [(two.id.clone(), Standing::New), (one.id.clone(), Standing::New)]);
        keeper.discount(&one.id);
        assert_eq!((standing(&mut keeper), keeper.list("inbox").len()), ((1, 0), 1));
        keeper.look(|id| *id == one.id).unwrap();
        assert_eq!(standing(&mut keeper), (2, 0));
        // Others mark beside us, as the command line does.
        folder.mark_heard(&two.id, Some(&heard)).unwrap();
        assert_eq!(standing(&mut keeper), (1, 1));
        keeper.folder().remove(&two.id).unwrap();
        keeper.mark_heard(&two.id, Some(&heard));
        assert_eq!(standing(&mut keeper), (1, 0));
    }

    #[test]
    fn a_node_that_was_killed_between_segments_finishes_what_is_there_when_it_starts_again() {
        let data = Scratch::new("killed");
        let folder = Folder::of(&data.path);
        let (mut keeper, _) = Keeper::open(folder.clone()).unwrap();
        let whole = manifest(1);
        begin(&mut keeper, &whole, Keep::default(), at(1));
        finish(&mut keeper, &whole);
        let killed = manifest(2);
        begin(&mut keeper, &killed, Keep::default(), at(2));
        segment(&mut keeper, &killed.id, 0, &[1; SEGMENT], at(2));
        segment(&mut keeper, &killed.id, 1, &[2; SEGMENT], at(2));
        let silent = manifest(3);
        begin(&mut keeper, &silent, Keep::default(), at(3));
        drop(keeper);
        fs::write(folder.place(&killed.id).join("002.ul.draft"), [3; 77]).unwrap();
        fs::create_dir(folder.place(&manifest(4).id)).unwrap();
        let torn = manifest(5);
        folder.begin(&torn).unwrap();
        fs::write(folder.place(&torn.id).join("message.json"), "{\"id\":").unwrap();

        let ended = Manifest { end: End::Unfinished, whole: false, ..manifest(0) };
        let killed = Manifest { id: killed.id, at: killed.at, millis: 10_000, ..ended.clone() };
        let silent = Manifest { id: silent.id, at: silent.at, millis: 0, ..ended };
        let (_, found) = Keeper::open(folder.clone()).unwrap();
        assert_eq!(found, [whole.clone(), killed.clone(), silent.clone()]);
        assert_eq!(folder.read(&killed.id).unwrap(), Some(Stored::Finished(killed.clone())));
        assert_eq!(folder.sound(&killed.id, killed.law).unwrap(), [[1; SEGMENT], [2; SEGMENT]].concat());
        // What cannot be read is nobody's to throw away.
        assert_eq!(
            folder.list().unwrap(),
            [whole.id.clone(), killed.id.clone(), silent.id.clone(), torn.id.clone()]
        );
        let (_, again) = Keeper::open(folder).unwrap();
        assert_eq!(again, [whole, killed, silent]);
    }

    #[test]
    fn a_message_without_an_end_is_ended_and_one_with_a_gap_is_not_whole() {
        let data = Scratch::new("forgotten");
        let (mut keeper, _) = Keeper::open(Folder::of(&data.path)).unwrap();
        let (forgotten, gap) = (manifest(0), manifest(4));
        begin(&mut keeper, &forgotten, Keep::default(), at(0));
        segment(&mut keeper, &forgotten.id, 0, &[1; SEGMENT], at(1));
        begin(&mut keeper, &gap, Keep::default(), at(4));
        segment(&mut keeper, &gap.id, 1, &[1; SEGMENT], at(4));
        assert_eq!(keeper.finish_forgotten(at(6)), []);
        let ended = Manifest { end: End::Unfinished, whole: false, millis: 5_000, ..forgotten.clone() };
        assert_eq!(keeper.finish_forgotten(at(7)), [Finished { manifest: ended, plain: None }]);
        assert_eq!(finish(&mut keeper, &forgotten), None);
        assert_eq!(finish(&mut keeper, &gap), finished(&Manifest { whole: false, ..gap }));
    }

    #[test]
    fn a_disk_that_takes_nothing_costs_the_message_and_nothing_else() {
        let data = Scratch::new("broken");
        let (mut keeper, _) = Keeper::open(Folder::of(&data.path)).unwrap();
        let (one, two) = (manifest(1), manifest(2));
        begin(&mut keeper, &one, Keep::default(), at(1));
        fs::remove_dir_all(keeper.folder().place(&one.id)).unwrap();
        segment(&mut keeper, &one.id, 0, &[1; 10], at(1));
        assert_eq!(finish(&mut keeper, &one), None);
        begin(&mut keeper, &two, Keep::default(), at(2));
        segment(&mut keeper, &two.id, 0, &[1; 10], at(2));
        assert_eq!(finish(&mut keeper, &two), finished(&two));
    }

    #[test]
    fn a_sealed_message_is_readable_for_its_owner_alone_and_once_for_a_mail() {
        let data = Scratch::new("sealed");
        let folder = Folder::of(&data.path);
        let (mut keeper, _) = Keeper::open(folder.clone()).unwrap();
        let owner = age::x25519::Identity::generate();
        let seal = Seal::of(&[owner.to_public().to_string().into()]).unwrap();
        let (one, two) = (manifest(1), manifest(2));
        let sound = [[1; SEGMENT], [2; SEGMENT]].concat();
        begin(&mut keeper, &one, Keep { seal: seal.clone(), plain: true }, at(1));
        segment(&mut keeper, &one.id, 0, &sound[..SEGMENT], at(1));
        segment(&mut keeper, &one.id, 1, &sound[SEGMENT..], at(1));
        let sealed = Manifest { sealed: true, ..one.clone() };
        let expected = Finished { manifest: sealed, plain: Some(sound[..].into()) };
        assert_eq!(finish(&mut keeper, &one), Some(expected));
        let names: Vec<_> = folder.segments(&one.id).unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["000.ul.age", "001.ul.age"]);
        let second = fs::read(folder.place(&one.id).join(&names[1])).unwrap();
        assert_eq!(age::decrypt(&owner, &second).unwrap(), [2; SEGMENT]);
        assert_eq!(folder.sound(&one.id, one.law).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        // Killed: what was in memory is gone.
        begin(&mut keeper, &two, Keep { seal, plain: true }, at(2));
        segment(&mut keeper, &two.id, 0, &[1; SEGMENT], at(2));
        let (_, found) = Keeper::open(folder).unwrap();
        let broken = &found[1];
        assert_eq!((&broken.id, broken.sealed, broken.millis), (&two.id, true, 5_000));
    }

    #[test]
    fn many_at_once_are_kept_as_one_after_the_other() {
        let data = Scratch::new("many");
        let (mut keeper, _) = Keeper::open(Folder::of(&data.path)).unwrap();
        let all: Vec<Manifest> = (0..9).map(manifest).collect();
        all.iter().for_each(|message| begin(&mut keeper, message, Keep::default(), at(0)));
        let part = |number: usize, (n, message): (usize, &Manifest)| {
            let byte = u8::try_from(n * 10 + number).unwrap();
            Segment { id: message.id.clone(), number, sound: vec![byte; SEGMENT] }
        };
        let batch: Vec<Segment> =
            (0..3).flat_map(|number| all.iter().enumerate().map(move |one| part(number, one))).collect();
        // Of one that was never begun nothing is kept.
        let stray = Segment { id: manifest(9).id, number: 0, sound: vec![1] };
        keeper.segments(&[&batch[..13], &[stray], &batch[13..]].concat(), at(0));
        for (n, message) in all.into_iter().enumerate() {
            assert_eq!(finish(&mut keeper, &message), finished(&message), "{n}");
            let sound = keeper.folder().sound(&message.id, message.law).unwrap();
            let runs: Vec<_> = sound.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
            let first = u8::try_from(n * 10).unwrap();
            assert_eq!(runs, [(first, SEGMENT), (first + 1, SEGMENT), (first + 2, SEGMENT)]);
        }
    }

    #[test]
    fn a_segment_that_comes_again_is_what_it_was_last_and_what_is_no_message_leaves_nothing() {
        let data = Scratch::new("again");
        let folder = Folder::of(&data.path);
        let (mut keeper, _) = Keeper::open(folder.clone()).unwrap();
        let (one, two) = (manifest(1), manifest(2));
        begin(&mut keeper, &one, Keep::default(), at(1));
        segment(&mut keeper, &one.id, 0, &[1; SEGMENT], at(1));
        segment(&mut keeper, &one.id, 1, &[2; SEGMENT], at(1));
        segment(&mut keeper, &one.id, 1, &[2; 80], at(1));
        begin(&mut keeper, &two, Keep::default(), at(2));
        segment(&mut keeper, &two.id, 0, &[1; SEGMENT], at(2));
        keeper.forget(&two.id);
        assert_eq!(finish(&mut keeper, &two), None);
        assert_eq!(finish(&mut keeper, &one), finished(&one));
        let used = keeper.figures().unwrap().used;
        assert_eq!(used["inbox"], Used { messages: 1, bytes: SEGMENT as u64 + 80, new: 1, heard: 0 });
        assert_eq!(folder.sound(&one.id, one.law).unwrap().len(), SEGMENT + 80);
        assert_eq!(folder.list().unwrap(), [one.id]);
    }
}
