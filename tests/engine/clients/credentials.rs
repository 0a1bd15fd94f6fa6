//! Credentials: counts, forms, lengths, passwords.

use std::num::NonZeroUsize;

use tower_proxy_auth::{
    Account, Authenticator, BasicCredentials, BasicScheme, Users, Verdict, backend::from_fn,
    digest::Algorithm,
};

use crate::support::{
    digest::Digest,
    engine::{Proxy, basic, field, realm},
};

#[test]
fn a_count_above_one_on_a_fresh_nonce_passes() {
    let proxy = Proxy::new();
    for count in [2, 7, 65, 100_000] {
        proxy.login(&proxy.fresh().count(count)).passes(&count.to_string(), "alice");
    }
}

#[test]
fn counts_up_to_eight_places_out_of_order_pass() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    for block in 0..20 {
        for place in [9, 1, 5, 2, 8, 3, 7, 4, 6] {
            let count = 9 * block + place;
            proxy.login(&digest.count(count)).passes(&count.to_string(), "alice");
        }
    }
}

#[test]
fn a_duplicate_is_stale_so_that_nobody_is_asked_for_a_password() {
    let proxy = Proxy::new();
    let digest = proxy.fresh();
    proxy.login(&digest).passes("first", "alice");
    let answer = proxy.login(&digest);
    answer.is("when several 407s race", 407, "nonce-replayed");
    assert!(answer.challenges()[0].ends_with("stale=true"));
    proxy.login(&Digest::new(answer.nonce())).passes("silently", "alice");
}

#[test]
fn a_cnonce_of_any_length_passes() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::all()));
    for length in (8..=44).chain([1, 200]) {
        for algorithm in ["SHA-256", "MD5-sess"] {
            let cnonce = "0a4f113b/+=".chars().cycle().take(length).collect();
            let digest = Digest { cnonce, algorithm, ..proxy.fresh() };
            proxy.login(&digest).passes(&format!("{length} {algorithm}"), "alice");
        }
    }
}

#[test]
fn an_absent_algorithm_is_md5() {
    let proxy = Proxy::new();
    let md5 = Digest { algorithm: "MD5", ..proxy.fresh() };
    proxy.get(md5.params().without("algorithm").field()).passes("MD5", "alice");
    let sha256 = proxy.fresh().params().without("algorithm");
    proxy.get(sha256.field()).is("SHA-256", 400, "improper-parameter");
}

#[test]
fn every_mixture_of_quoted_and_unquoted_forms_passes() {
    let proxy = Proxy::new();
    let either = ["qop", "algorithm", "nc", "response", "realm"];
    for mask in 0..1_u32 << either.len() {
        let params = proxy.fresh().params().map(|name, value| {
            let Some(bit) = either.iter().position(|one| *one == name) else { return value };
            let bare = value.trim_matches('"');
            if mask >> bit & 1 == 1 { format!("\"{bare}\"") } else { bare.to_owned() }
        });
        proxy.get(params.field()).passes(&format!("{mask:05b}"), "alice");
    }
}

#[test]
fn a_response_in_upper_case_hex_passes() {
    let proxy = Proxy::new();
    for algorithm in ["MD5", "SHA-256"] {
        let digest = Digest { algorithm, ..proxy.fresh() };
        let upper = format!("\"{}\"", digest.response().to_uppercase());
        proxy.get(digest.params().with("response", upper).field()).passes(algorithm, "alice");
    }
}

#[test]
fn a_password_of_3_000_characters_works() {
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
fn the_longest_password_is_an_option() {
    let eight = NonZeroUsize::new(8).unwrap();
    let proxy = Proxy::with_basic(|basic| basic.with_max_password_length(eight));
    proxy.get(basic("alice:wonder")).passes("six", "alice");
    proxy.get(basic("alice:12345678")).is("eight", 407, "wrong-password");
    proxy.get(basic("alice:123456789")).is("nine", 407, "password-too-long");
}

#[test]
fn an_empty_password_is_an_option() {
    let guests = || {
        from_fn(|credentials: &BasicCredentials<'_>| match credentials.verify(Some("")) {
            true => Verdict::Accepted(Account::new(credentials.user_id())),
            false => Verdict::WrongPassword,
        })
    };
    let builder = || Authenticator::builder(realm());
    let strict = Proxy::of(builder().with_basic(guests()));
    strict.get(basic("guest:")).is("by default", 407, "empty-password");
    let open = builder().with_scheme(BasicScheme::new(guests()).allow_empty_passwords());
    let open = Proxy::of(open);
    open.get(basic("guest:")).passes("by option", "guest");
    open.get(basic("guest:x")).is("it is no wildcard", 407, "wrong-password");
}

#[test]
fn latin1_is_an_option_and_utf8_comes_first() {
    let name = "J\u{e4}son";
    let users = || Users::new(&realm()).with_user(name, "p\u{e4}ss").unwrap();
    let builder = || Authenticator::builder(realm());
    let strict = Proxy::of(builder().with_basic(users()));
    let latin1 = Proxy::of(builder().with_scheme(BasicScheme::new(users()).with_latin1()));
    let as_latin1 = b"J\xe4son:p\xe4ss";
    strict.get(basic(as_latin1)).is("by default", 407, "undecodable");
    latin1.get(basic(as_latin1)).passes("by option", name);
    for proxy in [strict, latin1] {
        proxy.get(basic(format!("{name}:p\u{e4}ss"))).passes("UTF-8", name);
    }
}

#[test]
fn credentials_that_come_unasked_pass_as_well() {
    let proxy = Proxy::new();
    proxy.get(field("Basic YWxpY2U6d29uZGVy")).passes("Basic, before any challenge", "alice");
}

#[test]
fn missing_credentials_are_no_reason_to_refuse_anybody_later() {
    let proxy = Proxy::new();
    for round in 0..1_000 {
        proxy.challenge().is(&round.to_string(), 407, "missing-credentials");
    }
    proxy.login(&proxy.fresh()).passes("then", "alice");
}
