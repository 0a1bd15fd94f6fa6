//! Digest credentials.

use std::time::{Duration, Instant};

use tower_proxy_auth::digest::Algorithm;

use crate::support::{
    digest::{Params, quoted},
    engine::{Proxy, field},
};

#[test]
fn each_parameter_occurs_once_whatever_its_case() {
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
fn a_field_that_is_no_list_of_parameters_is_malformed() {
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
    proxy.get(field(format!("Digest {right}"))).passes("nothing was used up", "alice");
}

#[test]
fn a_field_without_parameters_lacks_them() {
    let proxy = Proxy::new();
    for sent in ["Digest", "Digest ", "Digest ,,", "Digest x=1"] {
        proxy.get(field(sent)).is(sent, 400, "missing-parameter");
    }
    proxy.get(field("Digest YWxpY2U=")).is("token68", 400, "malformed");
}

#[test]
fn nc_is_eight_hex_digits() {
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
}

#[test]
fn a_session_without_cnonce_or_qop_is_incomplete() {
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
fn each_parameter_that_must_be_there_must_be_there() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params();
    for name in ["username", "realm", "nonce", "uri", "response", "qop", "nc", "cnonce"] {
        let without = params.clone().without(name).field();
        proxy.get(without).is(name, 400, "missing-parameter");
    }
}

#[test]
fn an_improper_value_is_refused() {
    let proxy = Proxy::new();
    let params = proxy.fresh().params();
    let table = [
        ("algorithm", "SHA-512", "improper-parameter"),
        ("algorithm", "\"\"", "improper-parameter"),
        ("algorithm", "token", "improper-parameter"),
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
fn what_was_not_offered_is_refused() {
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
fn a_response_without_qop_is_refused_where_qop_was_offered() {
    let proxy = Proxy::new();
    for algorithm in ["MD5", "SHA-256"] {
        let mut legacy = proxy.fresh();
        (legacy.algorithm, legacy.qop) = (algorithm, None);
        proxy.get(legacy.field()).is(algorithm, 400, "missing-parameter");
    }
}

#[test]
fn forms_that_real_clients_send_pass() {
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
        ("space round the equals signs", |Params(params)| {
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
fn a_flood_of_parameters_is_refused_in_under_a_millisecond() {
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
    // A build without optimization takes ten times as long and more.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10 } else { 1 });
    for (name, sent, status) in table {
        let once = || {
            let started = Instant::now();
            let answer = proxy.get(sent.clone());
            assert_eq!(answer.status, status, "{name}");
            started.elapsed()
        };
        // The fastest of many: others use this machine too.
        let fastest = (0..100).map(|_| once()).min().unwrap();
        assert!(fastest < limit, "{name}: {fastest:?}");
    }
    proxy.get(more(32).field()).passes("32 parameters", "alice");
}

#[test]
fn the_limits_on_length_and_number_are_options() {
    let proxy = Proxy::with_digest(|digest| digest.with_max_parameters(8));
    proxy.get(proxy.fresh().field()).is("nine of eight", 400, "malformed");
    let at_the_limit = |length: usize| field(format!("Digest {}", ",".repeat(length - 7)));
    let proxy = Proxy::new();
    proxy.get(at_the_limit(16_384)).is("16 KiB", 400, "missing-parameter");
    proxy.get(at_the_limit(16_385)).is("one byte more", 431, "field-too-long");
}
