//! The parameters of Digest credentials.

use http::Method;
use tower_proxy_auth::{Authenticator, digest::Algorithm};

use crate::support::{
    digest::{Digest, Params, parameter, quoted},
    engine::{Proxy, field, realm, users},
};

#[test]
fn refuses_a_parameter_that_occurs_twice_in_any_case() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params().and("opaque", "o").and("charset", "UTF-8");
    let params = params.and("userhash", "false").and("x", "1");
    proxy.get(params.field()).passes("each once", "alice");
    for (name, value) in params.0.clone() {
        let twice = params.clone().and(&name, value.clone());
        proxy.get(twice.field()).is(&name, 400, "duplicate-parameter");
        let other_case = params.clone().and(&name.to_uppercase(), value);
        proxy.get(other_case.field()).is(&name, 400, "duplicate-parameter");
        let other_value = params.clone().and(&name, "other");
        proxy.get(other_value.field()).is(&name, 400, "duplicate-parameter");
    }
}

#[test]
fn refuses_malformed_lists_of_parameters() {
    let proxy = Proxy::new();
    let right = String::from_utf8(proxy.fresh().params().list()).unwrap();
    for tail in [
        "uri=\"",
        "x=\"",
        "x=\"\\\"",
        "x",
        "x=",
        "x, y=1",
        "x=, y=1",
        "x=1 y=1",
        "=1",
        "x==1",
        "x=\"1\"2",
        "Digest x=1",
        "Basic YWxpY2U6d29uZGVy",
        "x=\u{e9}",
        "\u{e9}=1",
        "x\u{e9}=1",
    ] {
        proxy.get(field(format!("Digest {right}, {tail}"))).is(tail, 400, "malformed");
    }
    for tail in [b"\xe9".as_slice(), b"\xe9=1", b"x\xe9=1", b"x=\xe9"] {
        let sent = [b"Digest ", right.as_bytes(), b", ", tail].concat();
        proxy.get(field(sent)).is(&tail.escape_ascii().to_string(), 400, "malformed");
    }
    let quoted_only = proxy.fresh().params();
    for (name, value) in [("uri", "/"), ("username", "a@b")] {
        let unquoted = quoted_only.clone().with(name, value);
        proxy.get(unquoted.field()).is(name, 400, "malformed");
    }
    proxy.get(field(format!("Digest {right}"))).passes("nothing was used up", "alice");
}

#[test]
fn refuses_credentials_that_lack_a_parameter() {
    let proxy = Proxy::new();
    for sent in ["Digest", "Digest ", "Digest ,,", "Digest x=1"] {
        proxy.get(field(sent)).is(sent, 400, "missing-parameter");
    }
    proxy.get(field("Digest YWxpY2U=")).is("token68", 400, "malformed");
    let params = proxy.fresh().params();
    for name in ["username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"] {
        let without = params.clone().without(name).field();
        proxy.get(without).is(name, 400, "missing-parameter");
    }
}

#[test]
fn reads_an_absent_algorithm_as_md5() {
    let proxy = Proxy::new();
    let md5 = Digest { algorithm: "MD5", ..proxy.fresh() };
    proxy.get(md5.params().without("algorithm").field()).passes("MD5", "alice");
    let sha256 = proxy.fresh().params().without("algorithm");
    proxy.get(sha256.field()).is("SHA-256", 400, "improper-parameter");
    let sess = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::ALL.iter().copied()));
    let digest = Digest { algorithm: "MD5-sess", ..sess.fresh() };
    let unnamed = digest.params().without("algorithm");
    sess.get(unnamed.field()).is("MD5-sess", 407, "wrong-password");
    sess.login(&digest).passes("MD5-sess by name", "alice");
}

#[test]
fn accepts_a_cnonce_of_any_length() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::ALL.iter().copied()));
    for length in (8..=44).chain([1, 200]) {
        for algorithm in ["SHA-256", "MD5-sess"] {
            let cnonce = "0a4f113b/+=".chars().cycle().take(length).collect();
            let digest = Digest { cnonce, algorithm, ..proxy.fresh() };
            proxy.login(&digest).passes(&format!("{length} {algorithm}"), "alice");
        }
    }
}

#[test]
fn accepts_only_eight_hex_digits_above_zero_as_nc() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params();
    for nc in [
        "0000001",
        "000000001",
        "\"\"",
        "+0000001",
        "-0000001",
        "0x000001",
        "0000000g",
        "\" 0000001\"",
        "00000000",
        &"0".repeat(10_000),
    ] {
        proxy.get(params.clone().with("nc", nc).field()).is(nc, 400, "improper-parameter");
    }
    let megabyte = "0".repeat(1 << 20);
    proxy.get(params.clone().with("nc", megabyte).field()).is("1 MiB", 431, "field-too-long");
    proxy.get(params.field()).passes("nothing was used up", "alice");
    let zero = params.with("nc", "00000000").field();
    proxy.get(zero).is("zero on a nonce in use", 400, "improper-parameter");
    let digest = proxy.fresh();
    let upper = Digest { nc: "0000000A".into(), ..digest.clone() };
    proxy.login(&upper).passes("upper case", "alice");
    proxy.login(&digest.count(10)).is("the same in lower case", 407, "nonce-replayed");
}

#[test]
fn refuses_a_session_without_cnonce_or_qop() {
    let sess = [Algorithm::Md5Sess, Algorithm::Sha256Sess];
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms(sess));
    for algorithm in ["MD5-sess", "SHA-256-sess"] {
        let mut digest = proxy.fresh();
        digest.algorithm = algorithm;
        let params = digest.params();
        for name in ["qop", "nc", "cnonce"] {
            let without = params.clone().without(name).field();
            proxy.get(without).is(algorithm, 400, "missing-parameter");
        }
        proxy.get(params.field()).passes(algorithm, "alice");
    }
}

#[test]
fn refuses_improper_values() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params();
    let table = [
        ("algorithm", "SHA-512", "improper-parameter"),
        ("algorithm", "\"\"", "improper-parameter"),
        ("algorithm", "token", "improper-parameter"),
        ("algorithm", "SHA-1", "improper-parameter"),
        ("qop", "auth-int", "improper-parameter"),
        ("qop", "\"auth,auth-int\"", "improper-parameter"),
        ("qop", "\"\"", "improper-parameter"),
        ("response", "\"\"", "improper-parameter"),
        ("response", "00", "improper-parameter"),
        ("response", &"g".repeat(64), "improper-parameter"),
        ("response", &"0".repeat(65), "improper-parameter"),
        ("userhash", "yes", "improper-parameter"),
        ("uri", "\"\"", "other-resource"),
    ];
    for (name, value, reason) in table {
        let sent = params.clone().with(name, value).field();
        proxy.get(sent).is(&format!("{name}={value}"), 400, reason);
    }
}

#[test]
fn refuses_algorithms_that_were_not_offered() {
    let proxy = Proxy::with_digest(|digest| digest.with_algorithms([Algorithm::Sha256]));
    for algorithm in ["MD5", "MD5-sess", "SHA-512-256", "SHA-256-sess"] {
        let mut digest = proxy.fresh();
        digest.algorithm = algorithm;
        proxy.get(digest.field()).is(algorithm, 407, "algorithm-not-offered");
    }
    let mut md5 = proxy.fresh();
    md5.algorithm = "MD5";
    let unnamed = md5.params().without("algorithm");
    proxy.get(unnamed.field()).is("no algorithm", 407, "algorithm-not-offered");

    let digest = proxy.fresh();
    let hash = quoted(&digest.hash("alice:proxy"));
    let hashed = digest.params().with("username", hash).and("userhash", "true");
    proxy.get(hashed.field()).is("userhash", 400, "improper-parameter");

    let mut auth_int = proxy.fresh();
    auth_int.qop = Some("auth-int");
    proxy.get(auth_int.field()).is("auth-int", 400, "improper-parameter");
    let claimed = proxy.fresh().params().with("qop", "auth-int");
    proxy.get(claimed.field()).is("auth-int claimed, auth computed", 400, "improper-parameter");
}

#[test]
fn accepts_the_forms_that_real_clients_send() {
    type Change = fn(Params) -> Params;
    let proxy = Proxy::new();
    let token = |name: &str| ["realm", "algorithm", "qop", "nc", "response"].contains(&name);
    let table: [(&str, Change); 12] = [
        ("as it is", |params| params),
        ("quoted qop", |params| params.with("qop", "\"auth\"")),
        ("quoted algorithm", |params| params.with("algorithm", "\"SHA-256\"")),
        ("lower-case algorithm", |params| params.with("algorithm", "sha-256")),
        ("quoted nc", |params| params.with("nc", "\"00000001\"")),
        ("upper-case response", |params| {
            params.map(|name, value| match name {
                "response" => value.to_uppercase(),
                _ => value,
            })
        }),
        ("upper-case names", |Params(params)| {
            Params(params.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect())
        }),
        ("spaces around the equals signs", |Params(params)| {
            let spaced = |(name, value): (String, Vec<u8>)| {
                (format!("{name} "), [b" \t".as_slice(), &value].concat())
            };
            Params(params.into_iter().map(spaced).collect())
        }),
        ("another order", |Params(mut params)| {
            params.reverse();
            Params(params)
        }),
        ("unknown parameters", |params| params.and("x", "1").and("auth-param", "\"a, b=c\"")),
        ("an opaque of the client's own", |params| params.and("opaque", "\"whatever\"")),
        ("no opaque, and userhash=false", |params| params.and("userhash", "false")),
    ];
    for (name, change) in table {
        proxy.get(change(proxy.fresh().params()).field()).passes(name, "alice");
    }
    let unquoted = proxy.fresh().params().map(|name, value| match token(name) {
        true => value.trim_matches('"').to_owned(),
        false => value,
    });
    proxy.get(unquoted.field()).passes("unquoted where it can be", "alice");
    let list = proxy.fresh().params().list();
    let empty_members = [b"DIGEST  ,, ".as_slice(), &list, b" ,\t,"].concat();
    proxy.get(field(empty_members)).passes("empty members, upper-case scheme", "alice");
}

#[test]
fn accepts_each_parameter_quoted_or_not() {
    let proxy = Proxy::new();
    // A path holds a slash, so it cannot be a token.
    let quoted_only = ["uri"];
    for name in
        ["username", "realm", "nonce", "uri", "response", "cnonce", "algorithm", "qop", "nc"]
    {
        let flip = |other: &str, value: String| match value.strip_prefix('"') {
            _ if other != name || quoted_only.contains(&name) => value,
            Some(rest) => rest.trim_end_matches('"').to_owned(),
            None => quoted(&value),
        };
        proxy.get(proxy.fresh().params().map(flip).field()).passes(name, "alice");
    }
    let opaque = proxy.fresh().params().and("opaque", "token");
    proxy.get(opaque.field()).passes("opaque as a token", "alice");
    let opaque = proxy.fresh().params().and("opaque", "\"quoted\"");
    proxy.get(opaque.field()).passes("opaque, quoted", "alice");
}

#[test]
fn accepts_rfc_2069_by_option_once_per_nonce() {
    let by_default = Proxy::new();
    let legacy = |proxy: &Proxy| Digest { algorithm: "MD5", qop: None, ..proxy.fresh() };
    for algorithm in ["MD5", "SHA-256"] {
        let digest = Digest { algorithm, ..legacy(&by_default) };
        by_default.login(&digest).is("by default", 400, "missing-parameter");
    }

    let proxy = Proxy::with_digest(|digest| digest.legacy_rfc2069(true));
    let answer = proxy.challenge();
    let qops: Vec<_> = answer.challenges().iter().map(|one| parameter(one, "qop")).collect();
    assert_eq!(qops, [Some("auth".into()), None, None], "SHA-256 with qop, MD5 and Basic without");
    let digest = legacy(&proxy);
    proxy.login(&digest).passes("once", "alice");
    proxy.login(&digest).is("twice", 407, "nonce-replayed");
    let elsewhere = Digest { uri: "/other".into(), ..digest };
    proxy.login(&elsewhere).is("for another resource", 407, "nonce-replayed");
    let sha256 = Digest { algorithm: "SHA-256", ..legacy(&proxy) };
    proxy.login(&sha256).is("where qop was offered", 400, "missing-parameter");
}

/// The response of another algorithm is the key of a session with a suitable cnonce.
#[test]
fn regression_no_response_is_the_key_of_a_session() {
    for (seen, session) in
        [("SHA-256", "SHA-256-sess"), ("SHA-512-256", "SHA-512-256-sess"), ("MD5", "MD5-sess")]
    {
        let proxy =
            Proxy::with_digest(|digest| digest.with_algorithms(Algorithm::ALL.iter().copied()));
        let seen = Digest { algorithm: seen, ..proxy.fresh() };
        proxy.login(&seen).passes("the client", "alice");
        let forged = Digest {
            password: "unknown".into(),
            uri: "/other".into(),
            algorithm: session,
            cnonce: format!("{}:{}:auth:{}", seen.nc, seen.cnonce, seen.hash("GET:/")),
            ..seen.count(2)
        };
        let (key, a2) = (seen.response(), forged.hash("GET:/other"));
        let Digest { nonce, nc, cnonce, .. } = &forged;
        let response = forged.hash(format!("{key}:{nonce}:{nc}:{cnonce}:auth:{a2}"));
        let sent = forged.params().with("response", quoted(&response)).field();
        proxy.ask(&Method::GET, "http://example.org/other", sent).is(
            session,
            400,
            "improper-parameter",
        );
    }
}

#[test]
fn refuses_a_flood_of_parameters() {
    let proxy = Proxy::new();
    let right = proxy.fresh().params();
    let more = |count: usize| {
        (right.0.len()..count).fold(right.clone(), |params, n| params.and(&format!("x{n}"), "1"))
    };
    let distinct: String = (0..1_500).map(|n| format!("x{n}=b,")).collect();
    let table = [
        ("20 KiB of a=b", field(format!("Digest {}", "a=b,".repeat(5 * 1_024))), 431),
        ("15 KiB of a=b", field(format!("Digest {}", "a=b,".repeat(3_900))), 400),
        ("15 KiB of different names", field(format!("Digest {distinct}")), 400),
        ("15 KiB of commas", field(format!("Digest {}", ",".repeat(15 * 1_024))), 400),
        ("15 KiB of quotes", field(format!("Digest {}", "\"".repeat(15 * 1_024))), 400),
        ("15 KiB of backslashes", field(format!("Digest x=\"{}", "\\".repeat(15 * 1_024))), 400),
        ("33 parameters", more(33).field(), 400),
    ];
    for (name, sent, status) in table {
        assert_eq!(proxy.get(sent).status, status, "{name}");
    }
    proxy.get(more(32).field()).passes("32 parameters", "alice");
}

#[test]
fn limits_length_and_number_of_parameters_by_option() {
    let proxy = Proxy::with_digest(|digest| digest.with_max_parameters(8));
    proxy.get(proxy.fresh().field()).is("nine of eight", 400, "malformed");
    let at_the_limit = |length: usize| field(format!("Digest {}", ",".repeat(length - 7)));
    let proxy = Proxy::new();
    proxy.get(at_the_limit(16_384)).is("16 KiB", 400, "missing-parameter");
    proxy.get(at_the_limit(16_385)).is("one byte more", 431, "field-too-long");
    let builder = Authenticator::builder(realm()).with_digest(users());
    let proxy = Proxy::of(builder.with_max_field_length(100));
    proxy.get(at_the_limit(100)).is("100 bytes", 400, "missing-parameter");
    proxy.get(at_the_limit(101)).is("101 bytes", 431, "field-too-long");
}
