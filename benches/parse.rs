//! What it costs to read fields: those that clients send, and those that are made to be expensive.
//!
//! What is hostile is measured in several lengths. Where the throughput stays the same, the cost is
//! in proportion to the length.

mod support;

use std::convert::identity;

use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderValue;
use support::{
    digest_client::DigestClient,
    engine::{self, PASSWORD, USER, basic_credentials, both, decide, users},
    hostile::{self, Hostile},
    operation::{Group, criterion},
    service::{Origin, send},
};
use tower::Layer;
use tower_proxy_auth::{
    ProxyAuthLayer,
    authenticator::ProxyAuthorization,
    grammar::{
        AuthParams, Challenges, Credentials, CredentialsBody, DEFAULT_MAX_PARAMETERS, ExtValue,
        split_scheme, unescape, write_ext_value, write_quoted,
    },
    wire::basic::{Reading, UserPass},
};

criterion_group! {
    name = benches;
    config = criterion();
    targets = normal, grammar, schemes, parameters, whole
}
criterion_main!(benches);

/// What clients send day by day.
fn normal(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "parse/normal");
    let basic = basic_credentials(USER, PASSWORD);
    let sent = DigestClient::of(&engine::challenges(&both(users(1)))).answer();
    let position = split_scheme(sent.as_bytes()).expect("it has a scheme").rest_position;
    let list = &sent.as_bytes()[position..];
    let challenges = br#"Digest realm="proxy", qop="auth", algorithm=SHA-256, nonce="n", opaque="o", charset=UTF-8, Basic realm="proxy", charset="UTF-8""#;

    let field = basic.as_bytes();
    group.measure("split_scheme", || field, split_scheme);
    group.measure("Credentials, Basic", || field, read_credentials);
    group.measure("Credentials, Digest", || sent.as_bytes(), read_credentials);
    group.measure("AuthParams", || list, |list| AuthParams::new(list, 0).count());
    group.measure("Challenges", || challenges.as_slice(), read_challenges);
    group.measure("unescape", || br#"corp \"inner\" proxy"#.as_slice(), read_quoted);
    group.measure("ExtValue", || b"UTF-8''J%C3%A4s%C3%B8n%20Doe".as_slice(), read_ext_value);
    let reading = Reading::default();
    let encoded = &field[b"Basic ".len()..];
    group.measure("UserPass", || encoded, |encoded| UserPass::decode(encoded, &reading));
    let parse = |field| {
        tower_proxy_auth::wire::digest::Credentials::parse(field, position, DEFAULT_MAX_PARAMETERS)
    };
    group.measure("digest::Credentials", || sent.clone(), parse);
    let text = || Vec::with_capacity(256);
    group.measure("write_quoted", text, |mut out| {
        write_quoted(&mut out, br#"corp "inner" proxy"#).map(|()| out)
    });
    group.measure("write_ext_value", text, |mut out| {
        write_ext_value(&mut out, "Jäsøn Doe").map(|()| out)
    });
}

/// The grammar alone, without any limit.
fn grammar(criterion: &mut Criterion) {
    for kind in &hostile::KINDS {
        each_field(criterion, "Credentials", kind, identity, |field| {
            read_credentials(field.as_bytes())
        });
    }
    each_field(criterion, "Challenges", &hostile::CHALLENGES, identity, |field| {
        read_challenges(field.as_bytes())
    });
    each_rest(criterion, "ExtValue", &hostile::PERCENT, read_ext_value);
    each_rest(criterion, "unescape", &hostile::BACKSLASHES, read_quoted);
    each_rest(criterion, "write_quoted", &hostile::BACKSLASHES, |text| {
        let mut out = Vec::with_capacity(2 * text.len() + 2);
        write_quoted(&mut out, text).is_ok()
    });
}

/// What the schemes make of the same. That of Basic looks at all of it, since it is the engine
/// that limits the length.
fn schemes(criterion: &mut Criterion) {
    let decode = |encoded: &[u8]| UserPass::decode(encoded, &Reading::default()).is_ok();
    each_rest(criterion, "UserPass", &hostile::BASE64, decode);
    let mut group = group_of(criterion, "UserPass", &hostile::BASE64);
    let megabyte = hostile::BASE64.rest(1 << 20);
    group.reads(megabyte.len());
    group.measure("1024 KiB", || megabyte.as_bytes(), decode);
    drop(group);
    for kind in hostile::KINDS.iter().filter(|kind| kind.scheme == "Digest") {
        each_field(criterion, "digest::Credentials", kind, identity, |field| {
            let position = kind.scheme.len() + 1;
            tower_proxy_auth::wire::digest::Credentials::parse(
                field,
                position,
                DEFAULT_MAX_PARAMETERS,
            )
            .is_ok()
        });
    }
}

/// Digest must know all names of parameters to find one that comes twice.
fn parameters(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "parse/hostile/digest::Credentials/parameters");
    for count in [8, 16, 32, 64] {
        let parameters: Vec<_> = (0..count).map(|number| format!("a{number:02}=b")).collect();
        let list = HeaderValue::try_from(parameters.join(", ")).expect("it is ASCII");
        group.reads(list.len());
        group.measure(
            &count.to_string(),
            || list.clone(),
            |list| tower_proxy_auth::wire::digest::Credentials::parse(list, 0, count).is_ok(),
        );
    }
}

/// The engine and the layer round it, whose limits on lengths and numbers cut it short.
fn whole(criterion: &mut Criterion) {
    let auth = both(users(1));
    let empty = engine::request(None);
    for kind in &hostile::KINDS {
        each_field(criterion, "engine", kind, ProxyAuthorization::One, |field| {
            decide(&auth, &empty, field)
        });
    }
    let mut service = ProxyAuthLayer::new(auth).layer(Origin);
    for kind in &hostile::KINDS {
        let request = |field| engine::request(Some(field));
        each_field(criterion, "layer", kind, request, |request| send(&mut service, request));
    }
}

/// Measures what is done with that which `make` makes of the field, in several lengths.
fn each_field<I, O>(
    criterion: &mut Criterion,
    what: &str,
    kind: &Hostile,
    make: impl Fn(HeaderValue) -> I,
    mut operation: impl FnMut(I) -> O,
) {
    let mut group = group_of(criterion, what, kind);
    for (length, rest) in kind.in_each_length() {
        let field = kind.field(&rest);
        group.reads(field.len());
        group.measure(&length, || make(field.clone()), &mut operation);
    }
}

/// Measures what is done with what follows the scheme, in several lengths.
fn each_rest<O>(
    criterion: &mut Criterion,
    what: &str,
    kind: &Hostile,
    mut operation: impl FnMut(&[u8]) -> O,
) {
    let mut group = group_of(criterion, what, kind);
    for (length, rest) in kind.in_each_length() {
        group.reads(rest.len());
        group.measure(&length, || rest.as_bytes(), &mut operation);
    }
}

fn group_of<'a>(criterion: &'a mut Criterion, what: &str, kind: &Hostile) -> Group<'a> {
    Group::new(criterion, format!("parse/hostile/{what}/{}", kind.name))
}

fn read_credentials(field: &[u8]) -> usize {
    match Credentials::parse(field).map(|credentials| credentials.body()) {
        Ok(CredentialsBody::Params(params)) => params.with_limit(usize::MAX).count(),
        Ok(CredentialsBody::Token68(token)) => token.len(),
        _ => 0,
    }
}

fn read_challenges(field: &[u8]) -> usize {
    Challenges::new(field).with_limit(usize::MAX).count()
}

fn read_quoted(raw: &[u8]) -> usize {
    unescape(raw).map(usize::from).sum()
}

fn read_ext_value(raw: &[u8]) -> bool {
    ExtValue::parse(raw, 0).is_ok_and(|value| value.to_text().is_ok())
}
