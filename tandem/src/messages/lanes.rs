//! Several parts on their way to the disk at once: a disk takes as long to flush one as to flush eight.

use super::folder::{Folder, segment_name};
use super::id::MessageId;
use super::manifest::Law;
use super::sealing::Seal;
use std::io;
use std::thread;

/// Five seconds of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Of which.
    pub id: MessageId,
    /// Its number in the message, from 0.
    pub number: usize,
    /// Its sound.
    pub sound: Vec<u8>,
}

/// How one is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) segment: &'a Segment,
    pub(super) law: Law,
    pub(super) seal: Option<&'a Seal>,
}

impl Segment {
    /// Whether another would be kept in its place.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.id, self.number) == (&other.id, other.number)
    }
}

/// Keeps all of them, no two in the same place; gives the bytes of each on disk, in their order.
pub(super) fn keep(folder: &Folder, parts: &[Part<'_>]) -> Vec<io::Result<usize>> {
    each(parts, |part| part.keep(folder))
}

/// Does something that waits for the disk with each of these; gives what came of it, in their order.
pub(super) fn each<T: Sync, D: Send>(
    all: &[T],
    one: impl Fn(&T) -> io::Result<D> + Sync,
) -> Vec<io::Result<D>> {
    let one = &one;
    let lane = all.len().div_ceil(LANES).max(1);
    let mut chunks = all.chunks(lane);
    // The last lane is this thread's own.
    let own = chunks.next_back().unwrap_or_default();
    thread::scope(|scope| {
        let lanes: Vec<_> = chunks
            .map(|chunk| (chunk.len(), scope.spawn(move || chunk.iter().map(one).collect::<Vec<_>>())))
            .collect();
        let last: Vec<_> = own.iter().map(one).collect();
        let mut done = Vec::with_capacity(all.len());
        for (length, lane) in lanes {
            match lane.join() {
                Ok(results) => done.extend(results),
                // The hook has printed where it was.
                Err(_) => done.extend((0..length).map(|_| Err(io::Error::other("a bug")))),
            }
        }
        done.extend(last);
        done
    })
}

impl Part<'_> {
    fn keep(&self, folder: &Folder) -> io::Result<usize> {
        let Segment { id, number, sound } = self.segment;
        let name = segment_name(*number, self.law);
        match self.seal {
            Some(seal) => {
                let sealed = seal.close(sound)?;
                folder.segment(id, &format!("{name}.{SEALED}"), &sealed).map(|()| sealed.len())
            }
            None => folder.segment(id, &name, sound).map(|()| sound.len()),
        }
    }
}

/// Flushes that a disk is given at once.
const LANES: usize = 8;

const SEALED: &str = "age";
