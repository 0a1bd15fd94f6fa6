//! The members of `Accept` and `Accept-Language`.
//!
//! ```text
//! Accept          = [ ( media-range [ weight ] ) *( OWS "," OWS ( media-range [ weight ] ) ) ]
//! Accept-Language = [ ( language-range [ weight ] ) *( OWS "," OWS ( language-range [ weight ] ) ) ]
//! weight          = OWS ";" OWS "q=" qvalue             ; RFC 9110, 12.4.2
//! qvalue          = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
//! ```
//!
//! These fields only choose a representation, so a malformed member is skipped and the others count.
//! Parameters other than the weight are ignored.

/// The weight of a member, in thousandths.
pub(crate) type Weight = u16;

pub(crate) const MAX_WEIGHT: Weight = 1_000;

/// The maximum number of members that are read. Clients send about ten; a field of thousands would
/// take milliseconds, before anybody has logged in.
const MAX_MEMBERS: usize = 64;

/// Returns the first members of a field, each with its weight.
pub(crate) fn weighted(field: &[u8]) -> impl Iterator<Item = (&[u8], Weight)> {
    field.split(|&byte| byte == b',').take(MAX_MEMBERS).filter_map(|member| {
        let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let item = parts.next().filter(|item| !item.is_empty())?;
        let weight = parts.find_map(|part| match part {
            [b'q' | b'Q', b'=', value @ ..] => Some(qvalue(value)),
            _ => None,
        });
        Some((item, weight.unwrap_or(Some(MAX_WEIGHT))?))
    })
}

/// Parses a weight. Java sends `.2` without the leading zero.
fn qvalue(value: &[u8]) -> Option<Weight> {
    let (whole, digits) = match value {
        [b'0', b'.', digits @ ..] | [b'.', digits @ ..] => (0, digits),
        [b'1', b'.', digits @ ..] => (MAX_WEIGHT, digits),
        [b'0'] => (0, &[][..]),
        [b'1'] => (MAX_WEIGHT, &[][..]),
        _ => return None,
    };
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = digits.iter().map(|&digit| Weight::from(digit - b'0'));
    let fraction: Weight = digits.zip([100, 10, 1]).map(|(digit, place)| digit * place).sum();
    Some(whole + fraction).filter(|&weight| weight <= MAX_WEIGHT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn members(field: &str, expected: &[(&str, Weight)]) {
        let found: Vec<_> = weighted(field.as_bytes())
            .map(|(item, weight)| (str::from_utf8(item).unwrap(), weight))
            .collect();
        assert_eq!(found, expected, "{field}");
    }

    #[test]
    fn reads_weights() {
        members("ja", &[("ja", 1_000)]);
        members("ja, en-US;q=0.7,en ; q=0.35", &[("ja", 1_000), ("en-US", 700), ("en", 350)]);
        members(
            "a;q=0, b;q=0.0, c;Q=1.000, d;q=1.",
            &[("a", 0), ("b", 0), ("c", 1000), ("d", 1000)],
        );
        members("text/html;level=1;q=0.123", &[("text/html", 123)]);
        members("*; q=.2, */*; q=.2", &[("*", 200), ("*/*", 200)]);
    }

    #[test]
    fn skips_malformed_members() {
        members("", &[]);
        members(" , ,;q=1", &[]);
        members("a;q=2, b;q=1.001, c;q=NaN, d;q=0.1234, e;q=-1, f;q=, g", &[("g", 1_000)]);
    }

    #[test]
    fn regression_reads_a_limited_number_of_members() {
        let field = "ja,".repeat(1_000);
        assert_eq!(weighted(field.as_bytes()).count(), MAX_MEMBERS);
    }

    proptest! {
        #[test]
        fn reads_any_bytes(field: Vec<u8>) {
            prop_assert!(weighted(&field).all(|(item, weight)| !item.is_empty() && weight <= MAX_WEIGHT));
        }

        #[test]
        fn reads_every_valid_weight(weight in 0..=MAX_WEIGHT) {
            let field = format!("x;q={}.{:03}", weight / MAX_WEIGHT, weight % MAX_WEIGHT);
            prop_assert_eq!(weighted(field.as_bytes()).next(), Some((&b"x"[..], weight)));
        }
    }
}
