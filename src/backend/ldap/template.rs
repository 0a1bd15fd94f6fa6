//! Templates with a placeholder for the user's name, which is inserted escaped.

use std::borrow::Cow;

use ldap3::{dn_escape, ldap_escape, parse_filter};

use super::{
    config_error::LdapConfigError,
    dn::{problem_of_attribute, problem_of_dn},
};

const USER: &str = "{user}";
const DN: &str = "{dn}";

/// A distinguished name whose first part is `attribute={user}`.
#[derive(Clone, Debug)]
pub(super) struct DnTemplate {
    attribute: Box<str>,
    /// The text after the user's name, beginning with the comma.
    parent: Box<str>,
}

impl DnTemplate {
    /// The builder's method that takes it.
    const OPTION: &str = "with_dn_template";

    pub(super) fn parse(text: &str) -> Result<Self, LdapConfigError> {
        let refuse = |problem| Err(LdapConfigError::invalid(Self::OPTION, text, problem));
        let Some((start, parent)) = text.split_once(USER) else {
            return refuse("has no {user}: write uid={user},ou=people,dc=example,dc=org");
        };
        let Some(attribute) = start.strip_suffix('=') else {
            return refuse("does not start with type={user}: write uid={user},ou=people,...");
        };
        if problem_of_attribute(attribute).is_some() {
            return refuse("does not start with type={user}: write uid={user},ou=people,...");
        }
        if parent.contains(['{', '}']) {
            return refuse("has braces other than those of {user}");
        }
        let Some(base) = parent.trim_start().strip_prefix(',') else {
            return refuse(
                "continues after {user} without a comma: write uid={user},ou=people,...",
            );
        };
        if let Some(problem) = problem_of_dn(base) {
            return refuse(problem);
        }
        Ok(Self { attribute: attribute.into(), parent: parent.into() })
    }

    /// The attribute whose value is the user's name.
    pub(super) fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The distinguished name of a user.
    pub(super) fn fill(&self, user: &str) -> String {
        format!("{}={}{}", self.attribute, dn_escape(user), self.parent)
    }
}

/// A filter with placeholders for values.
#[derive(Clone, Debug)]
pub(super) struct FilterTemplate(Box<str>);

impl FilterTemplate {
    /// A filter with `{user}`.
    pub(super) fn of_user(option: &'static str, text: &str) -> Result<Self, LdapConfigError> {
        Self::parse(option, text, &[USER], "has no {user}: write (uid={user})")
    }

    /// A filter with `{dn}`, `{user}` or both.
    pub(super) fn of_groups(option: &'static str, text: &str) -> Result<Self, LdapConfigError> {
        let problem = "has neither {dn} nor {user}: write (member={dn}) or (memberUid={user})";
        Self::parse(option, text, &[USER, DN], problem)
    }

    fn parse(
        option: &'static str,
        text: &str,
        placeholders: &[&str],
        without_placeholder: &'static str,
    ) -> Result<Self, LdapConfigError> {
        let refuse = |problem| Err(LdapConfigError::invalid(option, text, problem));
        let rest = placeholders.iter().fold(text.to_owned(), |rest, name| rest.replace(name, ""));
        if rest.len() == text.len() {
            return refuse(without_placeholder);
        }
        if rest.contains(['{', '}']) {
            return refuse("has a brace that is not part of a placeholder: write \\7b or \\7d");
        }
        let template = Self(text.into());
        // A placeholder for an attribute or a matching rule makes the filter invalid.
        let filled = template.fill("*)(\\\0 ", "cn=*)(\\\0 ");
        if !text.starts_with('(') || parse_filter(&filled).is_err() {
            return refuse(
                "is not a valid filter: write type=value in parentheses, as in (uid={user})",
            );
        }
        Ok(template)
    }

    /// Whether it compares this attribute with the user's name.
    pub(super) fn compares(&self, attribute: &str) -> bool {
        let part = format!("({attribute}={USER})").to_ascii_lowercase();
        self.0.to_ascii_lowercase().contains(&part)
    }

    /// The filter for a user, whose distinguished name is `dn`.
    pub(super) fn fill(&self, user: &str, dn: &str) -> String {
        // Part by part, so that a placeholder in a name is not replaced.
        let mut filled = String::with_capacity(self.0.len() + user.len() + dn.len());
        let mut rest = &*self.0;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (value, tail): (Cow<'_, str>, _) = match after.strip_prefix("user}") {
                Some(tail) => (ldap_escape(user), tail),
                None => (ldap_escape(dn), after.strip_prefix("dn}").unwrap_or_default()),
            };
            filled.push_str(&value);
            rest = tail;
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn dn_of(user: &str) -> String {
        let template = DnTemplate::parse("uid={user},ou=people,dc=example,dc=org").unwrap();
        template.fill(user)
    }

    #[track_caller]
    fn filter_of(user: &str) -> String {
        FilterTemplate::of_user("with_search", "(&(uid={user})(objectClass=person))")
            .unwrap()
            .fill(user, "")
    }

    #[test]
    fn escapes_names_in_distinguished_names() {
        for (user, value) in [
            ("alice", "alice"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("a b", "a b"),
            (" a", "\\20a"),
            ("a ", "a\\20"),
            (" ", "\\20"),
            ("#a", "\\23a"),
            ("a#", "a#"),
            ("a,ou=admins", "a\\2cou\\3dadmins"),
            ("a+cn=b", "a\\2bcn\\3db"),
            ("\"a\"", "\\22a\\22"),
            ("a\\,b", "a\\5c\\2cb"),
            ("<a>", "\\3ca\\3e"),
            ("a;b", "a\\3bb"),
            ("a=b", "a\\3db"),
            ("a\0b", "a\\00b"),
            ("{user}", "{user}"),
        ] {
            assert_eq!(dn_of(user), format!("uid={value},ou=people,dc=example,dc=org"));
        }
    }

    #[test]
    fn escapes_names_in_filters() {
        for (user, value) in [
            ("alice", "alice"),
            ("*", "\\2a"),
            (")(uid=*", "\\29\\28uid=\\2a"),
            ("a)(|(uid=*))", "a\\29\\28|\\28uid=\\2a\\29\\29"),
            ("a\\2a", "a\\5c2a"),
            ("a\0b", "a\\00b"),
            ("{user}", "{user}"),
            ("{dn}", "{dn}"),
        ] {
            assert_eq!(filter_of(user), format!("(&(uid={value})(objectClass=person))"));
            assert!(parse_filter(filter_of(user)).is_ok(), "{user}");
        }
    }

    #[test]
    fn escapes_distinguished_names_in_filters() {
        let both = "(|(member={dn})(memberUid={user}))";
        let template = FilterTemplate::of_groups("with_group_search", both).unwrap();
        assert_eq!(
            template.fill("*", "uid=\\2a,dc=org"),
            "(|(member=uid=\\5c2a,dc=org)(memberUid=\\2a))"
        );
        assert_eq!(template.fill("{dn}", "{user}"), "(|(member={user})(memberUid={dn}))");
    }

    #[test]
    fn refuses_a_dn_template_without_one_placeholder() {
        for (text, problem) in [
            ("", "has no {user}: write uid={user},ou=people,dc=example,dc=org"),
            ("uid=%s,dc=org", "has no {user}: write uid={user},ou=people,dc=example,dc=org"),
            ("{user}", "does not start with type={user}: write uid={user},ou=people,..."),
            (
                "{user}@example.org",
                "does not start with type={user}: write uid={user},ou=people,...",
            ),
            (
                "uid=x{user},dc=org",
                "does not start with type={user}: write uid={user},ou=people,...",
            ),
            (
                "cn=a,uid={user},dc=org",
                "does not start with type={user}: write uid={user},ou=people,...",
            ),
            (
                "uid={user}",
                "continues after {user} without a comma: write uid={user},ou=people,...",
            ),
            (
                "uid={user}x,dc=org",
                "continues after {user} without a comma: write uid={user},ou=people,...",
            ),
            (
                "uid={user}+cn=a,dc=org",
                "continues after {user} without a comma: write uid={user},ou=people,...",
            ),
            ("uid={user},cn={user},dc=org", "has braces other than those of {user}"),
            ("uid={user},dc={realm}", "has braces other than those of {user}"),
            ("uid={user},", "is empty: write a distinguished name, such as dc=example,dc=org"),
            (
                "uid={user},people",
                "has a part without an equals sign: write type=value, with commas between",
            ),
        ] {
            let error = DnTemplate::parse(text).unwrap_err();
            assert_eq!(error.to_string(), format!("with_dn_template: {text:?} {problem}"));
        }
    }

    #[test]
    fn refuses_invalid_filters() {
        const NO_FILTER: &str =
            "is not a valid filter: write type=value in parentheses, as in (uid={user})";
        for (text, problem) in [
            ("(uid=alice)", "has no {user}: write (uid={user})"),
            ("(uid=%s)", "has no {user}: write (uid={user})"),
            ("uid={user}", NO_FILTER),
            ("(uid={user}", NO_FILTER),
            ("(uid={user}))", NO_FILTER),
            ("({user}=alice)", NO_FILTER),
            ("(&(uid={user})(cn))", NO_FILTER),
            (
                "(&(uid={user})(cn={dn}))",
                "has a brace that is not part of a placeholder: write \\7b or \\7d",
            ),
        ] {
            let error = FilterTemplate::of_user("with_search", text).unwrap_err();
            assert_eq!(error.to_string(), format!("with_search: {text:?} {problem}"));
        }
        let error = FilterTemplate::of_groups("with_group_search", "(cn=a)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "with_group_search: \"(cn=a)\" has neither {dn} nor {user}: write (member={dn}) or \
             (memberUid={user})"
        );
    }
}
