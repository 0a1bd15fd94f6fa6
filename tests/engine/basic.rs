//! Basic credentials.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, BasicScheme, CredentialValidator, Users, Verdict,
    backend::from_fn,
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, field, realm},
};

/// A proxy whose validator accepts every user, and how often it was called.
fn credulous(
    options: impl FnOnce(BasicScheme<Arc<Credulous>>) -> BasicScheme<Arc<Credulous>>,
) -> (Proxy, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let check: Check = Box::new(move |credentials| {
        counter.fetch_add(1, Ordering::SeqCst);
        Verdict::Accepted(Account::new(credentials.user_id()))
    });
    let scheme = options(BasicScheme::new(Arc::new(from_fn(check))));
    (Proxy::of(Authenticator::builder(realm()).with_scheme(scheme)), calls)
}

type Check = Box<dyn Fn(&BasicCredentials<'_>) -> Verdict + Send + Sync>;
type Credulous = tower_proxy_auth::backend::FromFn<Check>;

/// A proxy with Basic alone.
fn over(validator: impl CredentialValidator) -> Proxy {
    Proxy::of(Authenticator::builder(realm()).with_basic(validator))
}

fn user(name: &str, password: &str) -> Users {
    Users::new(&realm()).with_user(name, password).unwrap()
}

#[test]
fn refuses_an_undecodable_user_pass_early() {
    let (proxy, calls) = credulous(|basic| basic);
    let table = [
        ("non-canonical tail bits", "YWxpY2U6d29uZGVyMR=="),
        ("inner space", "YWxpY2U6 d29uZGVy"),
        ("missing padding", "dGVzdDoxMjPCow"),
        ("half the padding", "YTpiYw="),
        ("too much padding", "YWxpY2U6d29uZGVy===="),
        ("URL alphabet", "YTr_Pz8="),
        ("one letter", "Y"),
        ("only padding", "="),
        ("nothing", ""),
        ("a quoted-string", "\"YWxpY2U6d29uZGVy\""),
        ("a parameter", "user=alice"),
        ("no colon", "YWxpY2U="),
        ("Latin-1", "SuRzb246d29uZGVy"),
        ("12 KiB of A", &"A".repeat(12 * 1_024)),
    ];
    for (name, encoded) in table {
        proxy.get(field(format!("Basic {encoded}"))).is(name, 407, "undecodable");
    }
    let megabyte = "A".repeat(1 << 20);
    proxy.get(field(format!("Basic {megabyte}"))).is("1 MiB of A", 431, "field-too-long");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn refuses_impossible_credentials_early() {
    let (proxy, calls) = credulous(|basic| basic);
    let table = [
        (":wonder", "empty-user-id"),
        (":", "empty-user-id"),
        ("alice:", "empty-password"),
        ("alice:wonder\r\nX-Admin: 1", "control-character"),
        (&format!("alice:{}", "x".repeat(4_097)), "password-too-long"),
    ];
    for (user_pass, reason) in table {
        proxy.get(basic(user_pass)).is(&format!("{user_pass:?}"), 407, reason);
    }
    for control in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
        for user_pass in [format!("alice:won{control}der"), format!("al{control}ice:wonder")] {
            proxy.get(basic(&user_pass)).is(&format!("{user_pass:?}"), 407, "control-character");
        }
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    proxy.get(basic("alice:x")).passes("the validator accepts all", "alice");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn passes_on_an_empty_password_only_by_option() {
    let (proxy, calls) = credulous(|basic| basic.allow_empty_passwords(true));
    proxy.get(basic("alice:")).passes("allowed", "alice");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    proxy.get(basic(":")).is("an empty user-id never is", 407, "empty-user-id");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn accepts_a_password_of_3000_characters() {
    for password in ["x".repeat(3_000), "\u{e4}".repeat(2_000)] {
        let users = Users::new(&realm()).with_user("alice", &password).unwrap();
        let proxy =
            Proxy::of(Authenticator::builder(realm()).with_digest(users.clone()).with_basic(users));
        proxy.get(basic(format!("alice:{password}"))).passes("Basic", "alice");
        let digest = Digest { password: password.clone(), ..proxy.fresh() };
        proxy.login(&digest).passes("Digest", "alice");
        let cut = &password[..password.len() - 2];
        proxy.get(basic(format!("alice:{cut}"))).is("cut short", 407, "wrong-password");
    }
}

#[test]
fn limits_the_length_of_passwords_by_option() {
    let proxy = Proxy::with_basic(|basic| basic.with_max_password_length(8));
    proxy.get(basic("alice:wonder")).passes("six", "alice");
    proxy.get(basic("alice:12345678")).is("eight", 407, "wrong-password");
    proxy.get(basic("alice:123456789")).is("nine", 407, "password-too-long");
}

#[test]
fn splits_at_the_first_colon() {
    let proxy = over(user("alice", "a:b::"));
    proxy.get(basic("alice:a:b::")).passes("colons in the password", "alice");
    proxy.get(basic("alice:a:b:")).is("one less", 407, "wrong-password");
}

#[test]
fn accepts_the_examples_of_rfc_7617() {
    let users = user("Aladdin", "open sesame").with_user("test", "123\u{a3}").unwrap();
    let proxy = over(users);
    proxy.get(field("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).passes("section 2", "Aladdin");
    proxy.get(field("Basic dGVzdDoxMjPCow==")).passes("section 2.1", "test");
}

#[test]
fn reads_utf_8_first_and_latin_1_by_option() {
    let name = "J\u{e4}son";
    let users = || user(name, "p\u{e4}ss");
    let strict = over(users());
    let builder = Authenticator::builder(realm()).with_basic(users());
    let latin1 = Proxy::of(builder.with_latin1(true));
    let as_latin1 = b"J\xe4son:p\xe4ss";
    strict.get(basic(as_latin1)).is("by default", 407, "undecodable");
    latin1.get(basic(as_latin1)).passes("by option", name);
    for proxy in [strict, latin1] {
        proxy.get(basic(format!("{name}:p\u{e4}ss"))).passes("UTF-8", name);
    }
}

#[test]
fn compares_names_as_sent_or_by_option_in_nfc() {
    let (composed, decomposed) = ("J\u{e4}son", "Ja\u{308}son");
    let users = || user(composed, "p\u{e4}ss");
    let as_sent = over(users());
    let scheme = BasicScheme::new(users()).with_nfc(true);
    let nfc = Proxy::of(Authenticator::builder(realm()).with_scheme(scheme));
    for proxy in [&as_sent, &nfc] {
        proxy.get(basic(format!("{composed}:p\u{e4}ss"))).passes("composed", composed);
    }
    let sent = || basic(format!("{decomposed}:pa\u{308}ss"));
    as_sent.get(sent()).is("decomposed, as sent", 407, "unknown-user");
    nfc.get(sent()).passes("decomposed, normalized", composed);
}

#[test]
fn forbids_a_disabled_or_expired_account() {
    let proxy = over(from_fn(|credentials: &BasicCredentials<'_>| match credentials.user_id() {
        user @ "disabled" => Verdict::Disabled(Account::new(user)),
        user @ "expired" => Verdict::Expired(Account::new(user)),
        user => Verdict::Accepted(Account::new(user)),
    }));
    proxy.get(basic("disabled:x")).is("disabled", 403, "account-disabled");
    proxy.get(basic("expired:x")).is("expired", 403, "account-expired");
    proxy.get(basic("alice:x")).passes("neither", "alice");
}

#[test]
fn never_counts_missing_credentials_against_a_client() {
    let proxy = Proxy::new();
    for round in 0..1_000 {
        proxy.challenge().is(&round.to_string(), 407, "missing-credentials");
    }
    proxy.login(&proxy.fresh()).passes("then", "alice");
}

#[test]
fn accepts_the_scheme_in_any_case() {
    let proxy = Proxy::with_basic(|basic| basic);
    for sent in
        ["bAsIc YWxpY2U6d29uZGVy", "BASIC    YWxpY2U6d29uZGVy", "  basic YWxpY2U6d29uZGVy \t"]
    {
        proxy.get(field(sent)).passes(sent, "alice");
    }
    let table = [
        ("Basic", 407, "undecodable"),
        ("Basic   ", 407, "undecodable"),
        ("Basicxxx", 407, "scheme-not-offered"),
        ("Basicxxx YWxpY2U6d29uZGVy", 407, "scheme-not-offered"),
        ("Bearer YWxpY2U6d29uZGVy", 407, "scheme-not-offered"),
        ("Negotiate", 407, "scheme-not-offered"),
        ("YWxpY2U6d29uZGVy", 407, "scheme-not-offered"),
        ("YWxpY2U6d29uZGVyMTA=", 400, "malformed"),
        ("Basic\tYWxpY2U6d29uZGVy", 400, "malformed"),
        ("\"Basic\" YWxpY2U6d29uZGVy", 400, "malformed"),
        ("", 400, "malformed"),
        (" ", 400, "malformed"),
        (",", 400, "malformed"),
    ];
    for (sent, status, reason) in table {
        proxy.get(field(sent)).is(sent, status, reason);
    }
    proxy.get(field(b"\xe9")).is("a lone 0xE9", 400, "malformed");
}

#[test]
fn refuses_two_credentials_joined_by_a_comma() {
    let proxy = Proxy::with_basic(|basic| basic);
    for sent in [
        "Basic YWxpY2U6d29uZGVy, Basic YWxpY2U6d29uZGVy",
        "Basic YWxpY2U6d29uZGVy,Basic Ym9iOng=",
        "Basic YWxpY2U6d29uZGVy,",
        "Basic ,YWxpY2U6d29uZGVy",
    ] {
        proxy.get(field(sent)).is(sent, 400, "malformed");
    }
}
