//! Turns the options of a directory into look-ups of users and groups.

use super::{
    builder::{LdapBuilder, Search},
    changes::ChangeAttributes,
    config_error::LdapConfigError,
    dn::{problem_of_attribute, problem_of_dn},
    groups::{GroupSearch, Groups},
    lookup::{DirectBind, Lookup, UserSearch},
    name::NameAttribute,
    template::{DnTemplate, FilterTemplate},
};
use crate::error::ConfigError;

impl LdapBuilder {
    pub(super) fn lookup(&self) -> Result<Lookup, LdapConfigError> {
        match (&self.dn_template, &self.search) {
            (None, None) => Err(LdapConfigError::inconsistent(
                "there is no way to find users: use with_dn_template or with_search",
            )),
            (Some(_), Some(_)) => Err(LdapConfigError::inconsistent(
                "with_dn_template and with_search exclude each other: use one of them",
            )),
            (Some(template), None) => {
                for (option, is_set) in [
                    ("with_service_account", self.account.is_some()),
                    ("with_decoy_dn", self.decoy_dn.is_some()),
                    ("with_scope", self.scope.is_some()),
                ] {
                    if is_set {
                        return Err(LdapConfigError::inconsistent(format!(
                            "{option} has no effect without with_search: leave it out, or use \
                             with_search"
                        )));
                    }
                }
                let template = DnTemplate::parse(template)?;
                let name = self.name(template.attribute());
                Ok(Lookup::Direct(DirectBind { template, name }))
            }
            (None, Some(search)) => self.user_search(search).map(Lookup::Search),
        }
    }

    fn name(&self, attribute: &str) -> NameAttribute {
        NameAttribute {
            attribute: attribute.into(),
            is_from_directory: self.is_name_from_directory,
        }
    }

    fn user_search(&self, search: &Search) -> Result<UserSearch, LdapConfigError> {
        const OPTION: &str = "with_search";
        search.check(OPTION)?;
        let filter = FilterTemplate::of_user(OPTION, &search.filter)?;
        let account = self.account.clone().ok_or_else(|| {
            LdapConfigError::inconsistent(
                "with_search needs an account that may search: add with_service_account",
            )
        })?;
        check_dn("with_service_account", &account.dn)?;
        if account.password.expose().is_empty() {
            let problem = "has an empty password: a search would be anonymous";
            let (option, dn) = ("with_service_account", &account.dn);
            return Err(LdapConfigError::invalid(option, dn, problem));
        }
        let decoy = match &self.decoy_dn {
            Some(dn) => check_dn("with_decoy_dn", dn).map(|()| dn.clone())?,
            None => decoy_below(&search.base)?,
        };
        for attribute in &self.change_attributes {
            check_attribute("with_change_attributes", attribute)?;
        }
        Ok(UserSearch {
            account,
            base: search.base.as_str().into(),
            scope: self.scope.unwrap_or_default().into(),
            filter,
            name: self.name(&search.name_attribute),
            changes: ChangeAttributes::new(self.change_attributes.iter().map(String::as_str)),
            decoy: decoy.into(),
        })
    }

    pub(super) fn groups(&self) -> Result<Groups, LdapConfigError> {
        const OPTION: &str = "with_group_search";
        if let Some(attribute) = &self.group_attribute {
            check_attribute("with_group_attribute", attribute)?;
        }
        let search = match &self.group_search {
            Some(search) => {
                search.check(OPTION)?;
                Some(GroupSearch {
                    base: search.base.as_str().into(),
                    filter: FilterTemplate::of_groups(OPTION, &search.filter)?,
                    name_attribute: search.name_attribute.as_str().into(),
                })
            }
            None => None,
        };
        let attribute = self.group_attribute.as_deref().map(Into::into);
        if let (Some(group), None, None) = (&self.required_group, &attribute, &search) {
            return Err(LdapConfigError::inconsistent(format!(
                "the group {group:?} is required, but groups are not looked up: add \
                 with_group_attribute or with_group_search"
            )));
        }
        if self.required_group.as_deref() == Some("") {
            let problem = "is empty: write the name of a group";
            return Err(LdapConfigError::invalid("with_required_group", "", problem));
        }
        let required = self.required_group.as_deref().map(Into::into);
        Ok(Groups { attribute, search, required })
    }
}

impl Search {
    /// Checks all but the filter.
    fn check(&self, option: &'static str) -> Result<(), LdapConfigError> {
        check_dn(option, &self.base)?;
        check_attribute(option, &self.name_attribute)
    }
}

fn check_dn(option: &'static str, dn: &str) -> Result<(), LdapConfigError> {
    match problem_of_dn(dn) {
        Some(problem) => Err(LdapConfigError::invalid(option, dn, problem)),
        None => Ok(()),
    }
}

fn check_attribute(option: &'static str, attribute: &str) -> Result<(), LdapConfigError> {
    match problem_of_attribute(attribute) {
        Some(problem) => Err(LdapConfigError::invalid(option, attribute, problem)),
        None => Ok(()),
    }
}

/// A name with 128 random bits, which no entry has and no client can guess.
fn decoy_below(base: &str) -> Result<String, LdapConfigError> {
    let mut name = [0; 16];
    getrandom::fill(&mut name).map_err(|error| ConfigError::Randomness(error.into()))?;
    Ok(format!("cn={:032x},{base}", u128::from_ne_bytes(name)))
}
