//! The readings of a user's name.

use tower_proxy_auth::{Authenticator, Realm, Users};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Answer, Proxy, Waiting, realm},
};

/// A proxy that knows one user.
fn proxy(user: &str) -> Proxy {
    let users = Users::new(&realm()).with_user(user, "wonder").unwrap();
    Proxy::of(Authenticator::builder(realm()).with_digest(users))
}

/// Hashes one name and prints another.
fn login(proxy: &Proxy, hashed: &str, printed: &str) -> Answer {
    let digest = Digest { user: hashed.into(), ..proxy.fresh() };
    proxy.get(digest.params().with("username", printed).field())
}

#[test]
fn a_name_with_backslash_or_quote_passes_escaped() {
    for name in [r"corp\alice", r#"al"ice"#, r#"a\"b"#, r"trailing\"] {
        login(&proxy(name), name, &quoted(name)).passes(name, name);
    }
}

#[test]
fn a_name_with_backslash_passes_as_it_is_when_it_was_hashed_as_it_is() {
    for name in [r"corp\alice", r"a\b\c"] {
        login(&proxy(name), name, &format!("\"{name}\"")).passes(name, name);
    }
}

#[test]
fn a_quote_that_was_not_escaped_leaves_no_list_of_parameters() {
    for name in [r#"al"ice"#, r"trailing\"] {
        login(&proxy(name), name, &format!("\"{name}\"")).is(name, 400, "malformed");
    }
}

#[test]
fn where_both_readings_are_users_the_digest_decides() {
    let users = Users::new(&realm()).with_user(r"corp\alice", "wonder").unwrap();
    let users = users.with_user("corpalice", "other").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users));
    let printed = r#""corp\alice""#;
    login(&proxy, r"corp\alice", printed).passes("the raw one", r"corp\alice");
    let digest = Digest { user: "corpalice".into(), password: "other".into(), ..proxy.fresh() };
    let sent = digest.params().with("username", printed);
    proxy.get(sent.field()).passes("the unescaped one", "corpalice");
    login(&proxy, "neither", printed).is("neither", 407, "wrong-password");
}

#[test]
fn a_name_that_was_percent_encoded_but_hashed_raw_passes() {
    let name = "J\u{e4}son Doe";
    for printed in ["\"J%C3%A4son%20Doe\"", "\"J%c3%a4son Doe\""] {
        login(&proxy(name), name, printed).passes(printed, name);
    }
    for printed in ["\"J%E4son%20Doe\"", "\"J%C3son\"", "\"J%\""] {
        login(&proxy(name), name, printed).is(printed, 407, "unknown-user");
    }
}

#[test]
fn a_percent_sign_in_a_name_is_one_first() {
    for name in ["100%", "a%41", "%C3%A4"] {
        login(&proxy(name), name, &quoted(name)).passes(name, name);
    }
}

#[test]
fn the_readings_are_tried_where_the_back_end_has_to_be_waited_for_too() {
    let name = r"corp\alice";
    let users = Users::new(&realm()).with_user(name, "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(Waiting(users)));
    login(&proxy, name, r#""corp\alice""#).passes("raw", name);
    login(&proxy, name, &quoted(name)).passes("escaped", name);
    login(&proxy, "other", r#""corp\alice""#).is("neither", 407, "wrong-password");
}

#[test]
fn a_realm_that_was_percent_encoded_is_another_realm() {
    // The configured realm is hashed, and needs no escapes: it is printable ASCII.
    let realm = Realm::new("corp proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm).with_digest(users));
    let digest = Digest { realm: "corp proxy".into(), ..proxy.fresh() };
    proxy.login(&digest).passes("as it is", "alice");
    let encoded = Digest { realm: "corp%20proxy".into(), ..proxy.fresh() };
    proxy.login(&encoded).is("percent-encoded", 407, "other-realm");
}

#[test]
fn names_in_another_case_or_normalisation_are_other_names() {
    let proxy = proxy("J\u{e4}son");
    for name in ["j\u{e4}son", "J\u{61}\u{308}son", "J\u{e4}s\u{3bf}n", "J\u{e4}son "] {
        login(&proxy, name, &quoted(name)).is(name, 407, "unknown-user");
    }
}
