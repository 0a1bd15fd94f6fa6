//! What is worth keeping for one realm.

use std::sync::OnceLock;

use super::Realm;

/// Something made from a realm, kept for the realm that came first: most proxies have one.
#[derive(Clone)]
pub(crate) struct OfFirstRealm<T>(OnceLock<(Realm, T)>);

impl<T: Clone> OfFirstRealm<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// A copy of what was kept, or, for another realm, what `make` makes.
    pub(crate) fn get(&self, realm: &Realm, make: impl Fn() -> T) -> T {
        let (first, made) = self.0.get_or_init(|| (realm.clone(), make()));
        if first == realm { made.clone() } else { make() }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn only_what_the_first_realm_got_is_kept() {
        let (one, two) = (Realm::new("one").unwrap(), Realm::new("two").unwrap());
        let made = Cell::new(0);
        let kept = OfFirstRealm::new();
        let get = |realm: &Realm| {
            kept.get(realm, || {
                made.set(made.get() + 1);
                realm.to_string()
            })
        };
        assert_eq!([get(&one), get(&two), get(&one), get(&two)], ["one", "two", "one", "two"]);
        assert_eq!(made.get(), 3);
    }
}
