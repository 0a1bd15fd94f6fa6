//! Deciding about requests by rules.

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{Method, Uri};
use tower_proxy_auth::{
    Account, Identity, Realm,
    access::{Access, AccessRequest, AccessRules},
};

/// A document of 1,000 lines, in which the last of 250 rules allows the request.
fn rules() -> AccessRules {
    let mut text = String::new();
    for number in 0..249 {
        let _ = writeln!(text, "[[rule]]\naction = \"allow\"\nhosts = [\"*.h{number}.test\"]\n");
    }
    text += "[[rule]]\naction = \"allow\"\nhosts = [\"*.example.test\"]\nports = [443]\n";
    assert_eq!(text.lines().count(), 1_000);
    AccessRules::parse(&text).expect("valid rules")
}

fn decide(criterion: &mut Criterion) {
    let rules = rules();
    let realm = Realm::new("proxy").expect("a realm");
    let identity = Identity::new(Account::new("alice"), "Basic", realm);
    let (method, target) = (Method::CONNECT, Uri::from_static("www.example.test:443"));
    let request = AccessRequest::new(&method, &target).with_identity(Some(&identity));
    assert_eq!(rules.decide(&request), Access::Allowed);
    criterion.bench_function("access/1,000 lines", |bencher| {
        bencher.iter(|| rules.decide(black_box(&request)));
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
