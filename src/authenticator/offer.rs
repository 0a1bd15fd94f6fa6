//! The schemes that are offered for a request.

/// The schemes that are offered for a request, one or more: see [`with_offer_of`].
///
/// The case of their names is ignored.
///
/// [`with_offer_of`]: super::AuthenticatorBuilder::with_offer_of
#[derive(Clone, Debug)]
pub struct Offer(Option<Vec<&'static str>>);

impl Offer {
    /// Offers all schemes of the authenticator.
    #[must_use]
    pub const fn all() -> Self {
        Self(None)
    }

    /// Offers one scheme, such as `"Basic"` or `"Digest"`.
    #[must_use]
    pub fn only(scheme: &'static str) -> Self {
        Self(Some(vec![scheme]))
    }

    /// Offers one more scheme. Does nothing if all schemes are offered.
    #[must_use]
    pub fn and(mut self, scheme: &'static str) -> Self {
        if let Some(schemes) = &mut self.0 {
            schemes.push(scheme);
        }
        self
    }

    pub(super) fn includes(&self, scheme: &str) -> bool {
        match &self.0 {
            Some(schemes) => schemes.iter().any(|name| name.eq_ignore_ascii_case(scheme)),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_the_schemes_that_it_names() {
        for (offer, expected) in [
            (Offer::all(), [true, true, true]),
            (Offer::all().and("Basic"), [true, true, true]),
            (Offer::only("Basic"), [true, false, false]),
            (Offer::only("bASIC").and("digest"), [true, true, false]),
            (Offer::only("Token").and("Basic"), [true, false, true]),
            (Offer::only(""), [false, false, false]),
        ] {
            let includes = ["Basic", "Digest", "Token"].map(|scheme| offer.includes(scheme));
            assert_eq!(includes, expected, "{offer:?}");
        }
    }
}
