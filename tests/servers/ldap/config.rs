//! Mistakes in the options, which `build` finds.

use std::time::Duration;

use tower_proxy_auth::{
    backend::ldap::{Ldap, LdapBuilder, LdapConfigError, SearchScope},
    secret::Password,
};

const URL: &str = "ldap://localhost";
const BASE: &str = "dc=example,dc=org";

fn plain() -> LdapBuilder {
    Ldap::builder(URL).insecure_plaintext(true)
}

fn direct() -> LdapBuilder {
    plain().with_dn_template("uid={user},dc=example,dc=org")
}

fn service() -> LdapBuilder {
    plain().with_service_account("cn=proxy,dc=example,dc=org", Password::new("service-secret"))
}

fn search() -> LdapBuilder {
    service().with_search(BASE, "(uid={user})", "uid")
}

#[track_caller]
fn refuses(builder: LdapBuilder, message: &str) {
    match builder.build() {
        Ok(_) => panic!("it was built, in spite of: {message}"),
        Err(error) => {
            assert_eq!(error.to_string(), message);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}

#[test]
fn needs_one_way_to_find_users() {
    refuses(plain(), "there is no way to find users: use with_dn_template or with_search");
    refuses(
        search().with_dn_template("uid={user},dc=example,dc=org"),
        "with_dn_template and with_search exclude each other: use one of them",
    );
    assert!(direct().build().is_ok());
    assert!(search().with_scope(SearchScope::OneLevel).build().is_ok());
}

#[test]
fn a_search_needs_an_account_with_a_password() {
    refuses(
        plain().with_search(BASE, "(uid={user})", "uid"),
        "with_search needs an account that may search: add with_service_account",
    );
    let with_account = |dn: &str, password: &str| {
        plain().with_service_account(dn, Password::new(password)).with_search(
            BASE,
            "(uid={user})",
            "uid",
        )
    };
    refuses(
        with_account("cn=proxy", ""),
        "with_service_account: \"cn=proxy\" has an empty password: a search would be anonymous",
    );
    refuses(
        with_account("", "service-secret"),
        "with_service_account: \"\" is empty: write a distinguished name, such as \
         dc=example,dc=org",
    );
    refuses(
        with_account("proxy@example.org", "service-secret"),
        "with_service_account: \"proxy@example.org\" has a part without an equals sign: write \
         type=value, with commas between",
    );
}

#[test]
fn refuses_search_options_with_a_template() {
    let account = Password::new("service-secret");
    for (builder, option) in [
        (direct().with_service_account("cn=proxy", account), "with_service_account"),
        (direct().with_decoy_dn("cn=nobody"), "with_decoy_dn"),
        (direct().with_scope(SearchScope::Subtree), "with_scope"),
    ] {
        let message =
            format!("{option} has no effect without with_search: leave it out, or use with_search");
        refuses(builder, &message);
    }
}

#[test]
fn checks_bases_filters_and_attributes() {
    for (builder, message) in [
        (
            service().with_search("example.org", "(uid={user})", "uid"),
            "with_search: \"example.org\" has a part without an equals sign: write type=value, \
             with commas between",
        ),
        (
            service().with_search(BASE, "(uid=alice)", "uid"),
            "with_search: \"(uid=alice)\" has no {user}: write (uid={user})",
        ),
        (
            service().with_search(BASE, "(uid={user}", "uid"),
            "with_search: \"(uid={user}\" is not a valid filter: write type=value in parentheses, \
             as in (uid={user})",
        ),
        (
            service().with_search(BASE, "(uid={user})", "u id"),
            "with_search: \"u id\" is not an attribute: write a name, such as uid, or an OID",
        ),
        (
            plain().with_dn_template("uid=alice,dc=example"),
            "with_dn_template: \"uid=alice,dc=example\" has no {user}: write \
             uid={user},ou=people,dc=example,dc=org",
        ),
        (
            search().with_decoy_dn("nobody"),
            "with_decoy_dn: \"nobody\" has a part without an equals sign: write type=value, with \
             commas between",
        ),
        (
            search().with_group_attribute(""),
            "with_group_attribute: \"\" is not an attribute: write a name, such as uid, or an OID",
        ),
        (
            search().with_group_search(BASE, "(member=alice)", "cn"),
            "with_group_search: \"(member=alice)\" has neither {dn} nor {user}: write \
             (member={dn}) or (memberUid={user})",
        ),
        (
            search().with_group_search("", "(member={dn})", "cn"),
            "with_group_search: \"\" is empty: write a distinguished name, such as \
             dc=example,dc=org",
        ),
        (
            search().with_group_attribute("memberOf").with_required_group(""),
            "with_required_group: \"\" is empty: write the name of a group",
        ),
        (
            search().with_required_group("staff"),
            "the group \"staff\" is required, but groups are not looked up: add \
             with_group_attribute or with_group_search",
        ),
    ] {
        refuses(builder, message);
    }
}

#[test]
fn requires_tls_unless_plaintext_is_allowed() {
    let builder = |url: &str| Ldap::builder(url).with_dn_template("uid={user},dc=example,dc=org");
    for url in ["ldap://ldap.example.org", "ldap://localhost", "ldap://127.0.0.1:1389"] {
        refuses(
            builder("ldaps://ldap.example.org").with_server(url),
            &format!(
                "the server {url} would receive passwords in plain text: use ldaps://, \
                 with_start_tls or, on a trusted network, insecure_plaintext"
            ),
        );
        assert!(builder(url).insecure_plaintext(true).build().is_ok(), "{url}");
    }
}

#[test]
fn refuses_limits_of_zero() {
    for (builder, name) in [
        (direct().with_max_checks(0), "with_max_checks"),
        (direct().with_timeout(Duration::ZERO), "with_timeout"),
        (direct().with_connect_timeout(Duration::ZERO), "with_connect_timeout"),
        (direct().with_operation_timeout(Duration::ZERO), "with_operation_timeout"),
    ] {
        let message = format!("the limit {name} is 0, which refuses everything: use a larger one");
        refuses(builder, &message);
    }
    refuses(
        direct().with_timeout(Duration::from_secs(2)),
        "with_timeout is 2s, less than with_operation_timeout with 3s: use more",
    );
    let all = direct().with_max_checks(usize::MAX).with_queue(usize::MAX);
    assert!(all.with_timeout(Duration::MAX).build().is_ok());
}

#[test]
fn debug_shows_no_password() {
    let builder = search().with_server("ldap://cn=proxy:url-secret@localhost");
    assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
    let ldap: Result<Ldap, LdapConfigError> = search().build();
    let shown = format!("{:?}", ldap.unwrap());
    assert!(shown.contains("ldap://localhost"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}
