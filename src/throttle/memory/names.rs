//! Which user a name led to, in a table of fixed size.

/// The number of names. Two names at one place replace each other, and the forgotten one is treated
/// like a new one.
const PLACES: usize = 16_384;

/// Remembers the user of each name that differs from the user's canonical one, so that all names of
/// a user share one limit. Names and users are keyed hashes.
#[derive(Debug)]
pub(super) struct Names(Box<[Option<(u64, u64)>]>);

impl Names {
    pub(super) fn new() -> Self {
        Self(vec![None; PLACES].into())
    }

    /// The user that the name led to, or else the name itself.
    pub(super) fn resolve(&self, name: u64) -> u64 {
        let known = self.0.get(place(name)).copied().flatten();
        known.filter(|&(known, _)| known == name).map_or(name, |(_, user)| user)
    }

    pub(super) fn learn(&mut self, name: u64, user: u64) {
        // The canonical name itself needs no place, unless it led to another user before.
        if self.resolve(name) != user
            && let Some(known) = self.0.get_mut(place(name))
        {
            *known = Some((name, user));
        }
    }
}

const fn place(name: u64) -> usize {
    (name % PLACES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_user_of_a_name_until_it_is_replaced() {
        let mut names = Names::new();
        assert_eq!(names.resolve(5), 5);
        names.learn(5, 5);
        names.learn(5, 9);
        assert_eq!((names.resolve(5), names.resolve(9)), (9, 9));
        let same_place = 5 + PLACES as u64;
        assert_eq!(names.resolve(same_place), same_place);
        names.learn(same_place, same_place);
        assert_eq!(names.resolve(5), 9);
        names.learn(same_place, 8);
        assert_eq!((names.resolve(5), names.resolve(same_place)), (5, 8));
        names.learn(same_place, 7);
        assert_eq!(names.resolve(same_place), 7);
    }
}
