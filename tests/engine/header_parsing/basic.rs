//! Basic credentials.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, BasicScheme, Users, Verdict, backend::from_fn,
};

use crate::support::engine::{Proxy, basic, field, realm};

/// A proxy whose validator lets everybody in, and how often it was asked.
fn credulous(
    options: impl FnOnce(BasicScheme<Arc<Credulous>>) -> BasicScheme<Arc<Credulous>>,
) -> (Proxy, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let check: Check = Box::new(move |credentials| {
        counter.fetch_add(1, Ordering::SeqCst);
        Verdict::Accepted(Account::new(credentials.user_id()))
    });
    let scheme = options(BasicScheme::new(Arc::new(from_fn(check))));
    (Proxy::of(Authenticator::builder(realm()).with_scheme(scheme)), asked)
}

type Check = Box<dyn Fn(&BasicCredentials<'_>) -> Verdict + Send + Sync>;
type Credulous = tower_proxy_auth::backend::FromFn<Check>;

#[test]
fn a_user_pass_that_can_not_be_decoded_is_refused_before_the_validator_is_asked() {
    let (proxy, asked) = credulous(|basic| basic);
    let table = [
        ("non-canonical tail bits", "YWxpY2U6d29uZGVyMR=="),
        ("inner space", "YWxpY2U6 d29uZGVy"),
        ("missing padding", "dGVzdDoxMjPCow"),
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
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn an_empty_or_controlling_user_pass_is_refused_before_the_validator_is_asked() {
    let (proxy, asked) = credulous(|basic| basic);
    let table = [
        (":wonder", "empty-user-id"),
        (":", "empty-user-id"),
        ("alice:", "empty-password"),
        ("alice:won\0der", "control-character"),
        ("al\0ice:wonder", "control-character"),
        ("alice:wonder\r\nX-Admin: 1", "control-character"),
        ("alice\r\n:wonder", "control-character"),
        ("alice:won\nder", "control-character"),
        ("alice:won\tder", "control-character"),
        ("alice:won\u{7f}der", "control-character"),
        ("alice:won\u{9f}der", "control-character"),
        (&format!("alice:{}", "x".repeat(4_097)), "password-too-long"),
    ];
    for (user_pass, reason) in table {
        proxy.get(basic(user_pass)).is(&format!("{user_pass:?}"), 407, reason);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    proxy.get(basic("alice:x")).passes("the validator says yes to all", "alice");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn an_empty_password_goes_to_the_validator_by_option_alone() {
    let (proxy, asked) = credulous(BasicScheme::allow_empty_passwords);
    proxy.get(basic("alice:")).passes("allowed", "alice");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    proxy.get(basic(":")).is("an empty user-id never is", 407, "empty-user-id");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_password_may_hold_colons() {
    let users = Users::new(&realm()).with_user("alice", "a:b::").unwrap();
    let proxy = Proxy::of(Authenticator::builder(realm()).with_basic(users));
    proxy.get(basic("alice:a:b::")).passes("the first colon splits", "alice");
    proxy.get(basic("alice:a:b:")).is("one less", 407, "wrong-password");
}

#[test]
fn the_scheme_has_any_case_and_any_number_of_spaces_behind_it() {
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
fn two_credentials_joined_by_a_comma_are_ambiguous() {
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
