//! RFC 7617, by section.

use tower_proxy_auth::{Authenticator, Users};

use crate::support::engine::{Proxy, basic, field, realm};

#[test]
fn the_challenge_names_the_realm_and_the_one_charset_there_is_2_1() {
    let answer = Proxy::with_basic(|basic| basic).challenge();
    assert_eq!(answer.challenges(), ["Basic realm=\"proxy\", charset=\"UTF-8\""]);
}

#[test]
fn the_first_colon_ends_the_user_id_2() {
    let users = Users::new(&realm()).with_user("Aladdin", "open:sesame:").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(users));
    proxy.get(basic("Aladdin:open:sesame:")).passes("colons in the password", "Aladdin");
    assert!(Users::new(&realm()).with_user("Alad:din", "x").is_err(), "none in the user-id");
}

#[test]
fn the_examples_pass_2_and_2_1() {
    let users = Users::new(&realm()).with_user("Aladdin", "open sesame").unwrap();
    let users = users.with_user("test", "123\u{a3}").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(users));
    proxy.get(field("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).passes("section 2", "Aladdin");
    proxy.get(field("Basic dGVzdDoxMjPCow==")).passes("section 2.1", "test");
}

#[test]
fn control_characters_make_the_credentials_invalid_2() {
    let proxy = Proxy::with_basic(|basic| basic);
    for control in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
        let name = format!("{control:?}");
        let in_password = basic(format!("alice:won{control}der"));
        proxy.get(in_password).is(&name, 407, "control-character");
        let in_user_id = basic(format!("al{control}ice:wonder"));
        proxy.get(in_user_id).is(&name, 407, "control-character");
    }
}

#[test]
fn base64_has_its_padding_and_one_encoding_alone() {
    let proxy = Proxy::with_basic(|basic| basic);
    let users = Users::new(&realm()).with_user("a", "bc").unwrap();
    let padded = Proxy::of(Authenticator::builder(realm()).with_basic(users));
    padded.get(field("Basic YTpiYw==")).passes("canonical", "a");
    for (name, encoded) in
        [("no padding", "YTpiYw"), ("half of it", "YTpiYw="), ("tail bits", "YTpiYx==")]
    {
        padded.get(field(format!("Basic {encoded}"))).is(name, 407, "undecodable");
    }
    proxy.get(field("Basic YWxpY2U6d29uZGVy")).passes("none needed", "alice");
}

#[test]
fn names_are_compared_as_sent_unless_nfc_is_asked_for_2_1() {
    let (composed, decomposed) = ("J\u{e4}son", "Ja\u{308}son");
    let users = || Users::new(&realm()).with_user(composed, "p\u{e4}ss").unwrap();
    let as_sent = Proxy::of(Authenticator::builder(realm()).with_basic(users()));
    let scheme = tower_proxy_auth::BasicScheme::new(users()).with_nfc();
    let nfc = Proxy::of(Authenticator::builder(realm()).with_scheme(scheme));
    for proxy in [&as_sent, &nfc] {
        proxy.get(basic(format!("{composed}:p\u{e4}ss"))).passes("composed", composed);
    }
    let sent = || basic(format!("{decomposed}:pa\u{308}ss"));
    as_sent.get(sent()).is("decomposed, as sent", 407, "unknown-user");
    nfc.get(sent()).passes("decomposed, normalised", composed);
}
