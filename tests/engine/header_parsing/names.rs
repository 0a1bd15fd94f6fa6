//! The user's name in Digest credentials.

use tower_proxy_auth::{Authenticator, Users};

use crate::support::{
    digest::{Digest, quoted},
    engine::{Proxy, realm},
};

const NAME: &str = "J\u{e4}s\u{f8}n Doe";

fn proxy() -> Proxy {
    let users = Users::new(&realm()).with_user(NAME, "wonder").unwrap();
    Proxy::of(Authenticator::builder(realm()).with_digest(users))
}

fn credentials(proxy: &Proxy) -> Digest {
    Digest { user: NAME.into(), ..proxy.fresh() }
}

#[test]
fn a_name_in_raw_utf8_passes_with_the_right_response() {
    let proxy = proxy();
    proxy.get(credentials(&proxy).field()).passes("UTF-8", NAME);
    let wrong = Digest { password: "other".into(), ..credentials(&proxy) };
    proxy.get(wrong.field()).is("a wrong response", 407, "wrong-password");
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let proxy = proxy();
    for (name, value) in [
        ("Latin-1", b"\"J\xe4s\xf8n Doe\"".as_slice()),
        ("a lone 0xE9", b"\"\xe9\""),
        ("overlong", b"\"a\xc0\xafb\""),
        ("a surrogate", b"\"\xed\xa0\x80\""),
        ("an escaped half", b"\"\\\xc3\""),
    ] {
        let sent = credentials(&proxy).params().with("username", value);
        proxy.get(sent.field()).is(name, 400, "improper-parameter");
    }
}

#[test]
fn an_extended_name_passes_in_either_case_of_its_charset_and_escapes() {
    let proxy = proxy();
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
fn a_broken_extended_name_is_refused() {
    let proxy = proxy();
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
        ("nobody", "UTF-8''", "improper-parameter"),
    ] {
        let sent = credentials(&proxy).params().without("username").and("username*", value);
        proxy.get(sent.field()).is(name, 400, reason);
    }
}

#[test]
fn a_name_is_given_in_one_way_alone() {
    let extended = "UTF-8''J%C3%A4s%C3%B8n%20Doe";
    for proxy in [proxy(), Proxy::with_digest(|digest| digest.with_userhash())] {
        let both = credentials(&proxy).params().and("username*", extended);
        proxy.get(both.field()).is("both", 400, "improper-parameter");
        let hashed = both.without("username").and("userhash", "true");
        proxy.get(hashed.field()).is("username* and userhash", 400, "improper-parameter");
        let text = credentials(&proxy).params().and("userhash", "true");
        proxy.get(text.field()).is("userhash of no hash", 400, "improper-parameter");
    }
}

#[test]
fn an_empty_or_controlling_name_is_refused() {
    let proxy = proxy();
    for name in ["", "a\tb", "a\u{85}b"] {
        let sent = credentials(&proxy).params().with("username", quoted(name));
        proxy.get(sent.field()).is(name, 400, "improper-parameter");
    }
    let encoded = Digest { user: "a\0b".into(), ..proxy.fresh() };
    let sent = encoded.params().with("username", "\"a%00b\"");
    proxy.get(sent.field()).is("a reading that holds NUL is none", 407, "unknown-user");
}
