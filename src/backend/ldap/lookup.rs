//! Who a user is: the entry, the name in it, and the groups.

use ldap3::{Scope, SearchEntry};

use super::{
    connection::Query,
    failure::{Failure, FailureKind},
    server::{Bound, Server, ServiceAccount},
    template::{DnTemplate, FilterTemplate},
};

/// How the entry of a user is found.
#[derive(Debug)]
pub(super) enum Lookup {
    /// It has a place that the name tells.
    Direct(DnTemplate),
    /// It is searched for.
    Search(UserSearch),
}

/// How the entry of a user is searched for.
#[derive(Debug)]
pub(super) struct UserSearch {
    pub(super) account: ServiceAccount,
    pub(super) base: Box<str>,
    pub(super) scope: Scope,
    pub(super) filter: FilterTemplate,
    pub(super) name_attribute: Box<str>,
    /// Where nobody is, for the bind that an unknown user costs.
    pub(super) decoy: Box<str>,
}

/// Where the groups of a user are found.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Attribute of the user's entry.
    pub(super) attribute: Option<Box<str>>,
    pub(super) search: Option<GroupSearch>,
    /// The user must be a member of it.
    pub(super) required: Option<Box<str>>,
}

/// How entries of groups are searched for.
#[derive(Debug)]
pub(super) struct GroupSearch {
    pub(super) base: Box<str>,
    pub(super) filter: FilterTemplate,
    /// The attribute that names a group.
    pub(super) name_attribute: Box<str>,
}

/// More groups than this are a failure, since a rule may be about any of them.
const MOST_GROUPS: usize = 1_000;

/// Matches everything.
const ANYTHING: &str = "(objectClass=*)";

/// With whose rights a search is made.
pub(super) enum Reader<'a, 'b> {
    Service(&'a Server, &'a ServiceAccount),
    User(&'a mut Bound<'b>),
}

impl Reader<'_, '_> {
    async fn search(&mut self, query: &Query<'_>) -> Result<Vec<SearchEntry>, Failure> {
        match self {
            Self::Service(server, account) => server.search(account, query).await,
            Self::User(bound) => bound.search(query).await,
        }
    }
}

/// An entry that was found for a user.
pub(super) struct Entry {
    pub(super) dn: String,
    /// Its name for the user is the one that was asked for, byte for byte.
    pub(super) is_namesake: bool,
    /// The values of the attribute for groups.
    groups: Vec<String>,
}

impl UserSearch {
    /// Finds the entry of `user`, if there is one.
    pub(super) async fn entry(
        &self,
        server: &Server,
        groups: &Groups,
        user: &str,
    ) -> Result<Option<Entry>, Failure> {
        let filter = self.filter.fill(user, "");
        let attributes = attributes(&self.name_attribute, groups);
        let query = Query {
            base: &self.base,
            scope: self.scope,
            filter: &filter,
            attributes: &attributes,
            limit: 1,
        };
        let found = server.search(&self.account, &query).await?;
        let mut entries = found.into_iter();
        match (entries.next(), entries.next()) {
            (None, _) => Ok(None),
            (Some(entry), None) => Entry::read(entry, &self.name_attribute, groups, user).map(Some),
            (Some(_), Some(_)) => Err(refusal(
                "the search for the user finds more than one entry: narrow base or filter down",
            )),
        }
    }
}

/// Reads the entry of a user with that user's rights, after a right bind.
pub(super) async fn own_entry(
    bound: &mut Bound<'_>,
    dn: &str,
    name_attribute: &str,
    groups: &Groups,
    user: &str,
) -> Result<Entry, Failure> {
    let attributes = attributes(name_attribute, groups);
    let (base, scope, filter) = (dn, Scope::Base, ANYTHING);
    let query = Query { base, scope, filter, attributes: &attributes, limit: 1 };
    let found = bound.search(&query).await;
    match found.map_err(|failure| failure.about("the user's own entry"))?.pop() {
        Some(entry) => Entry::read(entry, name_attribute, groups, user),
        None => Err(refusal("the user's own entry is not found: let the user read it")),
    }
}

impl Entry {
    fn read(
        mut entry: SearchEntry,
        name_attribute: &str,
        groups: &Groups,
        user: &str,
    ) -> Result<Self, Failure> {
        // Two names for one user would be two users to whatever goes by names.
        let is_namesake = match take(&mut entry, name_attribute)?.as_slice() {
            [name] => name == user,
            [] => return Err(refusal(&format!("the user's entry shows no {name_attribute}"))),
            _ => {
                return Err(refusal(&format!(
                    "the user's entry has more than one {name_attribute}"
                )));
            }
        };
        let groups = match &groups.attribute {
            Some(attribute) => take(&mut entry, attribute)?,
            None => Vec::new(),
        };
        Ok(Self { dn: entry.dn, is_namesake, groups })
    }

    /// All groups of the user, and whether the one that is required is among them.
    pub(super) async fn groups(
        self,
        mut reader: Reader<'_, '_>,
        groups: &Groups,
        user: &str,
    ) -> Result<(Vec<String>, bool), Failure> {
        let mut names = self.groups;
        if let Some(search) = &groups.search {
            let filter = search.filter.fill(user, &self.dn);
            let query = Query {
                base: &search.base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: &[&search.name_attribute],
                limit: MOST_GROUPS,
            };
            for mut entry in reader.search(&query).await? {
                names.append(&mut take(&mut entry, &search.name_attribute)?);
            }
        }
        if names.len() > MOST_GROUPS {
            return Err(refusal(&format!("the user has more than {MOST_GROUPS} groups")));
        }
        let is_member = match &groups.required {
            Some(required) => names.iter().any(|name| **name == **required),
            None => true,
        };
        Ok((names, is_member))
    }
}

fn attributes<'a>(name_attribute: &'a str, groups: &'a Groups) -> Vec<&'a str> {
    [name_attribute].into_iter().chain(groups.attribute.as_deref()).collect()
}

/// The values of an attribute, whose name a server may write in another case.
fn take(entry: &mut SearchEntry, attribute: &str) -> Result<Vec<String>, Failure> {
    let is_it = |name: &String| name.eq_ignore_ascii_case(attribute);
    // Active Directory hands out many values in parts, under a name with a range.
    let is_part = |name: &String| {
        let (base, option) = name.split_once(';').unwrap_or((name, ""));
        base.eq_ignore_ascii_case(attribute)
            && option.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("range="))
    };
    if entry.attrs.keys().any(is_part) {
        return Err(refusal(&format!("the server tells the values of {attribute} in parts only")));
    }
    if entry.bin_attrs.keys().any(is_it) {
        return Err(refusal(&format!("a value of {attribute} is not UTF-8")));
    }
    let name = entry.attrs.keys().find(|name| is_it(name)).cloned();
    Ok(name.and_then(|name| entry.attrs.remove(&name)).unwrap_or_default())
}

/// An answer that is no verdict.
fn refusal(text: &str) -> Failure {
    Failure::new(FailureKind::Final, text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> SearchEntry {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        SearchEntry {
            dn: "uid=alice,dc=org".to_owned(),
            attrs: attributes.iter().map(|&(name, all)| (name.to_owned(), values(all))).collect(),
            bin_attrs: HashMap::new(),
        }
    }

    fn read(entry: SearchEntry) -> Result<Entry, String> {
        let groups = Groups { attribute: Some("memberOf".into()), ..Groups::default() };
        Entry::read(entry, "uid", &groups, "alice").map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_name_in_the_entry_has_to_be_the_one_asked_for() {
        for (name, is_namesake) in [
            ("alice", true),
            ("Alice", false),
            ("alice ", false),
            ("\u{e0}lice", false),
            ("al\u{ad}ice", false),
            ("", false),
        ] {
            assert_eq!(read(entry(&[("uid", &[name])])).unwrap().is_namesake, is_namesake);
        }
        assert!(read(entry(&[("UID", &["alice"])])).unwrap().is_namesake);
    }

    #[test]
    fn an_entry_without_a_single_name_is_a_failure() {
        for (entry, message) in [
            (entry(&[]), "the user's entry shows no uid"),
            (entry(&[("uid", &[])]), "the user's entry shows no uid"),
            (entry(&[("uid;lang-en", &["alice"])]), "the user's entry shows no uid"),
            (entry(&[("uid", &["alice", "al"])]), "the user's entry has more than one uid"),
            (
                entry(&[("uid", &["alice"]), ("memberOf;range=0-1499", &["a"])]),
                "the server tells the values of memberOf in parts only",
            ),
        ] {
            assert_eq!(read(entry).err().as_deref(), Some(message));
        }
        let mut binary = entry(&[]);
        binary.bin_attrs.insert("uid".to_owned(), vec![vec![0xe9]]);
        assert_eq!(read(binary).err().as_deref(), Some("a value of uid is not UTF-8"));
    }
}
