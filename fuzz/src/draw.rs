//! Choices out of bytes: the fuzzer's bytes are the dice.

/// Bytes that are taken one by one; zeros when there are none left.
pub struct Draw<'a> {
    rest: &'a [u8],
}

impl<'a> Draw<'a> {
    /// From these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// None left?
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// The next two.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// So many, or what is left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// One of a list.
    pub fn one_of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let at = usize::from(self.byte());
        list.get(at.checked_rem(list.len())?).copied()
    }

    /// One of a list, 0 for the latest.
    pub fn latest<'b, T>(&mut self, list: &'b [T]) -> Option<&'b T> {
        let back = usize::from(self.byte()).checked_rem(list.len())?;
        list.get(list.len() - 1 - back)
    }

    /// Changes a message in up to three places.
    pub fn mutate(&mut self, message: &mut Vec<u8>) {
        for _ in 0..self.byte() % 4 {
            let (kind, place, byte) = (self.byte(), usize::from(self.word()), self.byte());
            let Some(place) = place.checked_rem(message.len()) else { return };
            match kind % 5 {
                0 => message[place] = byte,
                1 => message.insert(place, byte),
                2 => drop(message.remove(place)),
                3 => message.truncate(place),
                _ => {
                    let end = (place + usize::from(byte)).min(message.len());
                    let piece = message[place..end].to_vec();
                    message.splice(place..place, piece);
                }
            }
        }
    }
}
