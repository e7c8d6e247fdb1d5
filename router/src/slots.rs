//! A table whose places are named by number and generation: found in O(1), never mistaken for a later tenant.

/// Names a place and the tenant it was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The place.
    pub place: u32,
    /// Which tenant of it.
    pub generation: u32,
}

/// The table. Places are used again; it never shrinks.
#[derive(Debug)]
pub struct Slots<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
    generation: u32,
}

impl<T> Slots<T> {
    /// An empty table whose generations begin at `generation`: drawn at random, so that what was named before a
    /// restart names nothing after it.
    #[must_use]
    pub const fn new(generation: u32) -> Self {
        Self { places: Vec::new(), free: Vec::new(), generation }
    }

    /// The name the next tenant will have.
    #[must_use]
    pub fn next_slot(&self) -> Slot {
        let place = self.free.last().copied().unwrap_or(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        Slot { place, generation: self.generation }
    }

    /// Takes a tenant in.
    pub fn insert(&mut self, tenant: T) -> Slot {
        let slot = self.next_slot();
        self.generation = self.generation.wrapping_add(1);
        let held = (slot.generation, Some(tenant));
        match self.free.pop() {
            Some(place) => self.places[place as usize] = held,
            None => self.places.push(held),
        }
        slot
    }

    /// The tenant of that name, if it is still there.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&T> {
        self.places.get(slot.place as usize).filter(|held| held.0 == slot.generation)?.1.as_ref()
    }

    /// The tenant of that name, if it is still there.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.places.get_mut(slot.place as usize).filter(|held| held.0 == slot.generation)?.1.as_mut()
    }

    /// Lets a tenant go.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let held = self.places.get_mut(slot.place as usize).filter(|held| held.0 == slot.generation)?;
        let tenant = held.1.take()?;
        self.free.push(slot.place);
        Some(tenant)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_outlives_its_tenant_and_then_names_nobody() {
        let mut slots = Slots::new(7);
        let first = slots.insert('a');
        assert_eq!((first, slots.get(first)), (Slot { place: 0, generation: 7 }, Some(&'a')));
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('b');
        assert_eq!(second, Slot { place: 0, generation: 8 });
        assert_eq!((slots.get(first), slots.len()), (None, 1));
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
    }
}
