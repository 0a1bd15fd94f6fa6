//! Checks distinguished names in options ([RFC 4514]).
//!
//! [RFC 4514]: https://www.rfc-editor.org/rfc/rfc4514#section-3

/// The problem of `text` as a distinguished name of one part or more.
pub(super) fn problem_of_dn(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        return Some("is empty: write a distinguished name, such as dc=example,dc=org");
    }
    parts(text).into_iter().find_map(problem_of_part)
}

/// The problem of `text` as the name of an attribute.
pub(super) fn problem_of_attribute(text: &str) -> Option<&'static str> {
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '-');
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_oid = text.contains('.') && text.split('.').all(is_number);
    (!is_name && !is_oid).then_some("is not an attribute: write a name, such as uid, or an OID")
}

/// The parts between unescaped commas and plus signs.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let mut is_escaped = false;
        let end = rest.find(|one: char| {
            let ends = !is_escaped && matches!(one, ',' | '+');
            is_escaped = !is_escaped && one == '\\';
            ends
        });
        match end.and_then(|end| rest.split_at_checked(end)) {
            Some((part, tail)) => {
                parts.push(part);
                rest = tail.get(1..).unwrap_or_default();
            }
            None => {
                parts.push(rest);
                return parts;
            }
        }
    }
}

fn problem_of_part(part: &str) -> Option<&'static str> {
    let Some((attribute, value)) = part.split_once('=') else {
        return Some("has a part without an equals sign: write type=value, with commas between");
    };
    if problem_of_attribute(attribute.trim()).is_some() {
        return Some("has a part that does not start with an attribute: write type=value");
    }
    problem_of_value(value)
}

fn problem_of_value(value: &str) -> Option<&'static str> {
    const ESCAPE: &str = "has an invalid escape: write \\, or two hex digits";
    let mut rest = value.chars();
    while let Some(one) = rest.next() {
        match one {
            '\\' => match rest.next() {
                Some(' ' | '#' | '=' | '"' | '+' | ',' | ';' | '<' | '>' | '\\') => {}
                Some(first) if first.is_ascii_hexdigit() => {
                    if !rest.next().is_some_and(|second| second.is_ascii_hexdigit()) {
                        return Some(ESCAPE);
                    }
                }
                _ => return Some(ESCAPE),
            },
            '"' | ';' | '<' | '>' | '\0' => {
                return Some("contains \" ; < or > without a backslash before it");
            }
            _ => {}
        }
    }
    value.trim().is_empty().then_some("has a part without a value: write type=value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_distinguished_names() {
        for text in [
            "dc=org",
            "dc=example,dc=org",
            "ou=people, dc=example, dc=org",
            "UID=jsmith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
            "CN=Before\\0dAfter,DC=example,DC=net",
            "1.3.6.1.4.1.1466.0=#04024869",
            "CN=Lu\\C4\\8Di\\C4\\87",
            "cn=caf\u{e9},dc=org",
            "cn=a=b,dc=org",
        ] {
            assert_eq!(problem_of_dn(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_invalid_distinguished_names() {
        for (text, problem) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("example.org", "has a part without an equals sign"),
            ("dc=example,,dc=org", "has a part without an equals sign"),
            ("dc=example,dc=org,", "has a part without an equals sign"),
            ("=example,dc=org", "has a part that does not start with an attribute"),
            ("d c=example", "has a part that does not start with an attribute"),
            ("dc=,dc=org", "has a part without a value"),
            ("cn=a\\", "has an invalid escape"),
            ("cn=a\\x", "has an invalid escape"),
            ("cn=a\\0", "has an invalid escape"),
            ("cn=a;b", "contains"),
            ("cn=\"a\"", "contains"),
        ] {
            let found = problem_of_dn(text).unwrap_or_else(|| panic!("{text:?} is accepted"));
            assert!(found.starts_with(problem), "{text:?}: {found}");
        }
    }

    #[test]
    fn checks_names_of_attributes() {
        for text in ["uid", "sAMAccountName", "x-name", "0.9.2342.19200300.100.1.1"] {
            assert_eq!(problem_of_attribute(text), None, "{text}");
        }
        for text in ["", "1a", "-a", "a b", "a=b", "uid;lang-en", "1..2", "caf\u{e9}", "*", "12"] {
            assert!(problem_of_attribute(text).is_some(), "{text}");
        }
    }
}
