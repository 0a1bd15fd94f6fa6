//! Finds the entry of a user, and reads its name.

use ldap3::{Scope, SearchEntry};

use super::{
    changes::ChangeAttributes,
    connection::Query,
    failure::{Failure, FailureKind},
    groups::Groups,
    name::NameAttribute,
    server::{Bound, Server, ServiceAccount},
    template::{DnTemplate, FilterTemplate},
};
use crate::{backend::UnusableRecord, change_stamp::ChangeStamp};

/// The method of finding the entry of a user.
#[derive(Debug)]
pub(super) enum Lookup {
    /// Its distinguished name contains the user's name.
    Direct(DirectBind),
    Search(UserSearch),
}

/// A bind to an entry whose distinguished name contains the user's name.
#[derive(Debug)]
pub(super) struct DirectBind {
    pub(super) template: DnTemplate,
    pub(super) name: NameAttribute,
}

/// A search for the entry of a user.
#[derive(Debug)]
pub(super) struct UserSearch {
    pub(super) account: ServiceAccount,
    pub(super) base: Box<str>,
    pub(super) scope: Scope,
    pub(super) filter: FilterTemplate,
    pub(super) name: NameAttribute,
    pub(super) changes: ChangeAttributes,
    /// The distinguished name for the bind of an unknown user.
    pub(super) decoy: Box<str>,
}

/// Matches every entry.
const ANYTHING: &str = "(objectClass=*)";

/// Why a look-up finds no usable entry.
#[derive(Debug)]
pub(super) enum LookupError {
    /// The record of this user cannot be used.
    Unusable(String),
    Failure(Failure),
}

impl LookupError {
    /// The answer for a user whose record cannot be used, made by `unusable`.
    pub(super) fn answer<T>(
        self,
        unusable: impl FnOnce(UnusableRecord) -> T,
    ) -> Result<T, Failure> {
        match self {
            Self::Unusable(cause) => Ok(unusable(UnusableRecord::new(cause))),
            Self::Failure(failure) => Err(failure),
        }
    }
}

impl From<Failure> for LookupError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// The entry of a user.
#[derive(Debug)]
pub(super) struct Entry {
    /// The user-id.
    pub(super) user: String,
    pub(super) dn: String,
    /// The values of the attribute for groups.
    pub(super) groups: Vec<String>,
    /// The values of the attributes that show changes.
    pub(super) changes: ChangeStamp,
}

impl UserSearch {
    /// Whether the filter finds an entry by its user-id. A filter for mail addresses does not.
    pub(super) fn finds_user_ids(&self) -> bool {
        !self.name.is_from_directory || self.filter.compares(&self.name.attribute)
    }

    /// Finds the entry of the name that was `sent`, if it exists.
    pub(super) async fn entry(
        &self,
        server: &Server,
        groups: &Groups,
        sent: &str,
    ) -> Result<Option<Entry>, LookupError> {
        let filter = self.filter.fill(sent, "");
        let attributes = attributes(&self.name, groups, &self.changes);
        let query = Query {
            base: &self.base,
            scope: self.scope,
            filter: &filter,
            attributes: &attributes,
            limit: 1,
        };
        let mut entries = server.search(&self.account, &query).await?.into_iter();
        match (entries.next(), entries.next()) {
            (None, _) => Ok(None),
            (Some(entry), None) => Entry::read(entry, &self.name, groups, &self.changes, sent),
            (Some(_), Some(_)) => Err(LookupError::Unusable(
                "the search for the user finds more than one entry: use a narrower base or filter"
                    .to_owned(),
            )),
        }
    }
}

/// Reads the entry of a user with the user's own rights, after a successful bind.
pub(super) async fn own_entry(
    bound: &mut Bound<'_>,
    dn: &str,
    name: &NameAttribute,
    groups: &Groups,
    sent: &str,
) -> Result<Option<Entry>, LookupError> {
    // The user cannot be looked up again, so changes do not matter.
    let changes = ChangeAttributes::none();
    let attributes = attributes(name, groups, &changes);
    let (base, scope, filter) = (dn, Scope::Base, ANYTHING);
    let query = Query { base, scope, filter, attributes: &attributes, limit: 1 };
    let found = bound.search(&query).await;
    match found.map_err(|failure| failure.about("the user's own entry"))?.pop() {
        Some(entry) => Entry::read(entry, name, groups, &changes, sent),
        None => {
            let text = "the user's own entry is not found: allow users to read theirs";
            Err(Failure::new(FailureKind::Final, text).into())
        }
    }
}

impl Entry {
    /// `None` if the entry does not have the name that was sent.
    fn read(
        mut entry: SearchEntry,
        name: &NameAttribute,
        groups: &Groups,
        changes: &ChangeAttributes,
        sent: &str,
    ) -> Result<Option<Self>, LookupError> {
        let changes = changes.take(&mut entry);
        let values = take(&mut entry, &name.attribute)?;
        let Some(user) = name.user_id(values, sent)? else { return Ok(None) };
        // A bind without a name is anonymous, whatever the password is.
        if entry.dn.is_empty() {
            return Err(LookupError::Unusable("the user's entry has no distinguished name".into()));
        }
        let groups = match &groups.attribute {
            Some(attribute) => take(&mut entry, attribute)?,
            None => Vec::new(),
        };
        Ok(Some(Self { user, dn: entry.dn, groups, changes }))
    }
}

fn attributes<'a>(
    name: &'a NameAttribute,
    groups: &'a Groups,
    changes: &'a ChangeAttributes,
) -> Vec<&'a str> {
    let others = groups.attribute.as_deref().into_iter().chain(changes.names());
    others.fold(vec![&*name.attribute], |mut all, one| {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(one)) {
            all.push(one);
        }
        all
    })
}

/// The values of an attribute, whose name a server may write in another case.
pub(super) fn take(entry: &mut SearchEntry, attribute: &str) -> Result<Vec<String>, LookupError> {
    let is_it = |name: &String| name.eq_ignore_ascii_case(attribute);
    // Active Directory sends many values in parts, with a range after the name.
    let is_part = |name: &String| {
        let (base, option) = name.split_once(';').unwrap_or((name, ""));
        base.eq_ignore_ascii_case(attribute)
            && option.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("range="))
    };
    if entry.attrs.keys().any(is_part) {
        let problem = format!("the server sends only a part of the values of {attribute}");
        return Err(LookupError::Unusable(problem));
    }
    if entry.bin_attrs.keys().any(is_it) {
        return Err(LookupError::Unusable(format!("a value of {attribute} is not UTF-8")));
    }
    let name = entry.attrs.keys().find(|name| is_it(name)).cloned();
    Ok(name.and_then(|name| entry.attrs.remove(&name)).unwrap_or_default())
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

    fn read(entry: SearchEntry) -> Result<Option<Entry>, LookupError> {
        let groups = Groups { attribute: Some("memberOf".into()), ..Groups::default() };
        let name = NameAttribute { attribute: "uid".into(), is_from_directory: false };
        Entry::read(entry, &name, &groups, &ChangeAttributes::none(), "alice")
    }

    #[track_caller]
    fn unusable(entry: SearchEntry) -> String {
        match read(entry) {
            Err(LookupError::Unusable(cause)) => cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_server_may_write_attributes_in_another_case() {
        assert!(read(entry(&[("UID", &["alice"])])).unwrap().is_some());
        assert!(read(entry(&[("UID", &["Alice"])])).unwrap().is_none());
    }

    #[test]
    fn an_entry_without_readable_values_is_unusable() {
        for (entry, cause) in [
            (entry(&[]), "the user's entry has no uid"),
            (entry(&[("uid", &[])]), "the user's entry has no uid"),
            (entry(&[("uid;lang-en", &["alice"])]), "the user's entry has no uid"),
            (
                entry(&[("uid", &["alice"]), ("memberOf;range=0-1499", &["a"])]),
                "the server sends only a part of the values of memberOf",
            ),
        ] {
            assert_eq!(unusable(entry), cause);
        }
        let mut binary = entry(&[]);
        binary.bin_attrs.insert("uid".to_owned(), vec![vec![0xe9]]);
        assert_eq!(unusable(binary), "a value of uid is not UTF-8");
    }

    #[test]
    fn an_entry_without_a_distinguished_name_is_unusable() {
        let mut nameless = entry(&[("uid", &["alice"])]);
        nameless.dn.clear();
        assert_eq!(unusable(nameless), "the user's entry has no distinguished name");
    }
}
