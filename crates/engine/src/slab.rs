//! A growing array whose freed places are used again, so that an index is a stable, cheap name.

/// A place in a [`Slab`].
pub type Index = u32;

/// No place: the end of a list.
pub const NONE: Index = Index::MAX;

/// Above this many places an emptied slab gives its memory back.
const KEEP_CAPACITY: usize = 1024;

#[derive(Debug)]
enum Place<T> {
    Taken(T),
    Free { next: Index },
}

/// Values with stable indexes.
///
/// Invariant: the free places form one chain that starts at `first_free`, and `taken` counts the others.
#[derive(Debug)]
pub struct Slab<T> {
    places: Vec<Place<T>>,
    first_free: Index,
    taken: usize,
}

impl<T> Slab<T> {
    pub fn new() -> Self {
        Self { places: Vec::new(), first_free: NONE, taken: 0 }
    }

    pub fn insert(&mut self, value: T) -> Index {
        self.taken += 1;
        let index = self.first_free;
        if index == NONE {
            let index = Index::try_from(self.places.len()).unwrap_or(NONE);
            assert!(index < NONE, "a space holds at most 2^32 - 1 requests");
            self.places.push(Place::Taken(value));
            return index;
        }
        match std::mem::replace(&mut self.places[index as usize], Place::Taken(value)) {
            Place::Free { next } => self.first_free = next,
            Place::Taken(_) => unreachable!("a place in the free chain was taken"),
        }
        index
    }

    /// Takes out the value at `index`, which must be taken.
    pub fn remove(&mut self, index: Index) -> T {
        let next = self.first_free;
        let place = std::mem::replace(&mut self.places[index as usize], Place::Free { next });
        let Place::Taken(value) = place else { unreachable!("a free place was removed") };
        self.first_free = index;
        self.taken -= 1;
        if self.taken == 0 && self.places.capacity() > KEEP_CAPACITY {
            *self = Self::new();
        }
        value
    }

    pub fn get(&self, index: Index) -> Option<&T> {
        match self.places.get(index as usize) {
            Some(Place::Taken(value)) => Some(value),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, index: Index) -> Option<&mut T> {
        match self.places.get_mut(index as usize) {
            Some(Place::Taken(value)) => Some(value),
            _ => None,
        }
    }
}

impl<T> std::ops::Index<Index> for Slab<T> {
    type Output = T;

    fn index(&self, index: Index) -> &T {
        self.get(index).expect("a free place was read")
    }
}

impl<T> std::ops::IndexMut<Index> for Slab<T> {
    fn index_mut(&mut self, index: Index) -> &mut T {
        self.get_mut(index).expect("a free place was written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_places_are_used_again() {
        let mut slab = Slab::new();
        let [a, b] = ["a", "b"].map(|value| slab.insert(value));
        assert_eq!(slab.remove(a), "a");
        assert_eq!(slab.get(a), None);
        assert_eq!(slab.insert("c"), a);
        assert_eq!((slab[a], slab[b]), ("c", "b"));
    }

    #[test]
    fn a_large_slab_that_empties_gives_its_memory_back() {
        let mut slab = Slab::new();
        let indexes: Vec<_> = (0..10_000).map(|n| slab.insert(n)).collect();
        for (n, index) in indexes.into_iter().enumerate() {
            assert_eq!(slab.remove(index), n);
        }
        assert_eq!((slab.taken, slab.places.capacity()), (0, 0));
    }
}
