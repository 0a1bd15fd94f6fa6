//! The forms and the readings of the user name in Digest credentials.

use tower_proxy_auth::{Authenticator, Realm, Users};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Answer, Proxy, basic, realm},
};

const NAME: &str = "J\u{e4}s\u{f8}n Doe";

/// A proxy that knows one user.
fn proxy(user: &str) -> Proxy {
    let users = Users::new(&realm()).with_user(user, "wonder").unwrap();
    Proxy::of(Authenticator::builder(realm()).with_digest(users))
}

fn credentials(proxy: &Proxy) -> Digest {
    Digest { user: NAME.into(), ..proxy.fresh() }
}

/// Hashes one name and sends another.
fn login(proxy: &Proxy, hashed: &str, sent: &str) -> Answer {
    let digest = Digest { user: hashed.into(), ..proxy.fresh() };
    proxy.get(digest.params().with("username", sent).field())
}

#[test]
fn accepts_raw_utf_8() {
    let proxy = proxy(NAME);
    proxy.get(credentials(&proxy).field()).passes("UTF-8", NAME);
    let wrong = Digest { password: "other".into(), ..credentials(&proxy) };
    proxy.get(wrong.field()).is("a wrong response", 407, "wrong-password");
}

#[test]
fn refuses_invalid_utf_8() {
    let proxy = proxy(NAME);
    for (name, value) in [
        ("Latin-1", b"\"J\xe4s\xf8n Doe\"".as_slice()),
        ("a lone 0xE9", b"\"\xe9\""),
        ("overlong", b"\"a\xc0\xafb\""),
        ("a surrogate", b"\"\xed\xa0\x80\""),
        ("an escaped half", b"\"\\\xc3\""),
    ] {
        let sent = credentials(&proxy).params().with("username", value);
        proxy.get(sent.field()).is(name, 407, "undecodable");
    }
}

#[test]
fn reads_latin_1_if_allowed() {
    let users = Users::new(&realm()).with_user(NAME, "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users).with_latin1(true));
    for (name, value) in [
        ("UTF-8", "\"J\u{e4}s\u{f8}n Doe\"".as_bytes()),
        ("Latin-1", b"\"J\xe4s\xf8n Doe\""),
        ("Latin-1 with escapes", b"\"J\\\xe4s\\\xf8n Doe\""),
    ] {
        let sent = credentials(&proxy).params().with("username", value);
        proxy.get(sent.field()).passes(name, NAME);
    }
    for (name, value, status, reason) in [
        ("U+0085", b"\"a\x85b\"".as_slice(), 407, "control-character"),
        ("no percent-decoding to Latin-1", b"\"J%E4s%F8n Doe\"", 407, "unknown-user"),
    ] {
        let sent = credentials(&proxy).params().with("username", value);
        proxy.get(sent.field()).is(name, status, reason);
    }
    let extended = credentials(&proxy).params().without("username");
    let extended = extended.and("username*", "UTF-8''J%E4s%F8n%20Doe");
    proxy.get(extended.field()).is("an extended value", 400, "malformed");
}

#[test]
fn one_option_allows_latin_1_in_both_schemes() {
    let users = Users::new(&realm()).with_user(NAME, "wonder").unwrap();
    for allowed in [false, true] {
        let builder = Authenticator::builder(realm());
        let builder = builder.with_digest(users.clone()).with_basic(users.clone());
        let proxy = Proxy::of(builder.with_latin1(allowed));
        let digest = credentials(&proxy).params().with("username", b"\"J\xe4s\xf8n Doe\"");
        for field in [digest.field(), basic(b"J\xe4s\xf8n Doe:wonder")] {
            let answer = proxy.get(field);
            match allowed {
                true => answer.passes("allowed", NAME),
                false => answer.is("by default", 407, "undecodable"),
            }
        }
    }
}

#[test]
fn tries_latin_1_with_and_without_backslashes() {
    let name = "corp\\J\u{e4}son";
    let users = Users::new(&realm()).with_user(name, "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users).with_latin1(true));
    let digest = Digest { user: name.into(), ..proxy.fresh() };
    let sent = digest.params().with("username", b"\"corp\\J\xe4son\"");
    proxy.get(sent.field()).passes("the raw reading", name);
}

#[test]
fn accepts_an_extended_value() {
    let proxy = proxy(NAME);
    for value in [
        "UTF-8''J%C3%A4s%C3%B8n%20Doe",
        "utf-8''J%c3%a4s%c3%b8n%20Doe",
        "UTF-8'en'%4A%C3%A4s%C3%B8n%20Doe",
        "\"UTF-8''J%C3%A4s%C3%B8n%20Doe\"",
    ] {
        let sent = credentials(&proxy).params().without("username").and("username*", value);
        proxy.get(sent.field()).passes(value, NAME);
    }
}

#[test]
fn refuses_a_broken_extended_value() {
    let proxy = proxy(NAME);
    for (name, value, reason) in [
        ("another charset", "ISO-8859-1''J%E4s%F8n%20Doe", "malformed"),
        ("no charset", "J%C3%A4s%C3%B8n%20Doe", "malformed"),
        ("one quote", "UTF-8'J%C3%A4s%C3%B8n", "malformed"),
        ("no hex digits", "UTF-8''J%zz", "malformed"),
        ("half an escape", "UTF-8''J%C", "malformed"),
        ("a lone percent sign", "UTF-8''100%", "malformed"),
        ("NUL", "UTF-8''J%00", "malformed"),
        ("a line break", "UTF-8''J%0D%0A", "malformed"),
        ("overlong", "UTF-8''%C0%AF", "malformed"),
        ("Latin-1", "UTF-8''J%E4s%F8n", "malformed"),
        ("a space", "\"UTF-8''J%C3%A4s%C3%B8n Doe\"", "malformed"),
        ("no name", "UTF-8''", "improper-parameter"),
    ] {
        let sent = credentials(&proxy).params().without("username").and("username*", value);
        proxy.get(sent.field()).is(name, 400, reason);
    }
}

#[test]
fn refuses_two_forms_at_once() {
    let extended = "UTF-8''J%C3%A4s%C3%B8n%20Doe";
    for proxy in [proxy(NAME), Proxy::with_digest(|digest| digest.with_userhash(true))] {
        let both = credentials(&proxy).params().and("username*", extended);
        proxy.get(both.field()).is("both", 400, "improper-parameter");
        let hashed = both.without("username").and("userhash", "true");
        proxy.get(hashed.field()).is("username* and userhash", 400, "improper-parameter");
        let text = credentials(&proxy).params().and("userhash", "true");
        proxy.get(text.field()).is("userhash of no hash", 400, "improper-parameter");
    }
}

#[test]
fn refuses_an_empty_or_control_character_name() {
    let proxy = proxy(NAME);
    for (name, reason) in [
        ("", "empty-user-id"),
        ("\t", "control-character"),
        ("a\tb", "control-character"),
        ("a\u{85}b", "control-character"),
    ] {
        let sent = credentials(&proxy).params().with("username", quoted(name));
        proxy.get(sent.field()).is(name, 407, reason);
    }
    let encoded = Digest { user: "a\0b".into(), ..proxy.fresh() };
    let sent = encoded.params().with("username", "\"a%00b\"");
    proxy.get(sent.field()).is("a reading with NUL does not count", 407, "unknown-user");
}

#[test]
fn refuses_impossible_names_as_basic_does() {
    let proxy = Proxy::new();
    for name in [b"".as_slice(), b"a\tb", b"a\xc2\x85b", b"\xe9", b"a\xc0\xafb"] {
        let user_pass = [name, b":wonder"].concat();
        let in_basic = proxy.get(basic(user_pass));
        let username = [b"\"", name, b"\""].concat();
        let in_digest = proxy.get(proxy.fresh().params().with("username", username).field());
        assert_eq!(in_basic.status, 407, "{}", name.escape_ascii());
        let reason = in_basic.reason();
        in_digest.is(&name.escape_ascii().to_string(), 407, reason);
    }
}

#[test]
fn refuses_a_malformed_field_before_an_impossible_name() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params().with("username", "\"\"");
    for (params, reason) in [
        (params.clone().without("nonce"), "missing-parameter"),
        (params.clone().with("nc", "1"), "improper-parameter"),
        (params.and("username*", "UTF-8''alice"), "improper-parameter"),
    ] {
        proxy.get(params.field()).is(reason, 400, reason);
    }
}

#[test]
fn accepts_an_escaped_backslash_or_quote() {
    for name in [r"corp\alice", r#"al"ice"#, r#"a\"b"#, r"trailing\"] {
        login(&proxy(name), name, &quoted(name)).passes(name, name);
    }
}

#[test]
fn accepts_a_raw_backslash_that_was_hashed_raw() {
    for name in [r"corp\alice", r"a\b\c"] {
        login(&proxy(name), name, &format!("\"{name}\"")).passes(name, name);
    }
}

#[test]
fn refuses_a_raw_quote() {
    for name in [r#"al"ice"#, r"trailing\"] {
        login(&proxy(name), name, &format!("\"{name}\"")).is(name, 400, "malformed");
    }
}

#[test]
fn lets_the_response_decide_between_two_readings() {
    let users = Users::new(&realm()).with_user(r"corp\alice", "wonder").unwrap();
    let users = users.with_user("corpalice", "other").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users));
    let raw = r#""corp\alice""#;
    login(&proxy, r"corp\alice", raw).passes("the raw one", r"corp\alice");
    let digest = Digest { user: "corpalice".into(), password: "other".into(), ..proxy.fresh() };
    let sent = digest.params().with("username", raw);
    proxy.get(sent.field()).passes("the unescaped one", "corpalice");
    login(&proxy, "neither", raw).is("neither", 407, "wrong-password");
}

#[test]
fn accepts_percent_encoding_that_was_hashed_raw() {
    let name = "J\u{e4}son Doe";
    for sent in ["\"J%C3%A4son%20Doe\"", "\"J%c3%a4son Doe\""] {
        login(&proxy(name), name, sent).passes(sent, name);
    }
    for sent in ["\"J%E4son%20Doe\"", "\"J%C3son\"", "\"J%\""] {
        login(&proxy(name), name, sent).is(sent, 407, "unknown-user");
    }
}

#[test]
fn reads_a_percent_sign_literally_first() {
    for name in ["100%", "a%41", "%C3%A4"] {
        login(&proxy(name), name, &quoted(name)).passes(name, name);
    }
}

#[test]
fn refuses_a_percent_encoded_realm() {
    // A realm is printable ASCII and is hashed as configured.
    let realm = Realm::new("corp proxy").unwrap();
    let users = Users::new(&realm).with_user("alice", "wonder").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm).with_digest(users));
    let digest = Digest { realm: "corp proxy".into(), ..proxy.fresh() };
    proxy.login(&digest).passes("as it is", "alice");
    let encoded = Digest { realm: "corp%20proxy".into(), ..proxy.fresh() };
    proxy.login(&encoded).is("percent-encoded", 407, "other-realm");
}

#[test]
fn compares_byte_for_byte() {
    let proxy = proxy("J\u{e4}son");
    for name in ["j\u{e4}son", "J\u{61}\u{308}son", "J\u{e4}s\u{3bf}n", "J\u{e4}son "] {
        login(&proxy, name, &quoted(name)).is(name, 407, "unknown-user");
    }
    let users = Users::new(&realm()).with_user("alice", "n\u{f6}t").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_digest(users));
    let decomposed = Digest { password: "no\u{308}t".into(), ..proxy.fresh() };
    proxy.login(&decomposed).is("a decomposed password", 407, "wrong-password");
}

#[test]
fn does_not_show_the_name_of_a_failed_login() {
    let proxy = Proxy::new();
    let typed = "hunter2";
    for (name, digest) in [
        ("unknown user", Digest { user: typed.into(), ..proxy.fresh() }),
        ("wrong password", Digest { password: typed.into(), ..proxy.fresh() }),
        ("another resource", Digest { uri: format!("/{typed}"), ..proxy.fresh() }),
    ] {
        let refused = proxy.get(digest.field()).refused.unwrap();
        assert!(refused.account().is_none(), "{name}");
        assert!(!format!("{refused} {refused:?}").contains(typed), "{name}");
    }
    let stale = proxy.login(&Digest::new("unknown")).refused.unwrap();
    assert_eq!(stale.account().unwrap().user().as_str(), "alice", "a name that was proved");
}
