//! What `Debug` shows: nothing that was secret.

use http::{HeaderMap, Method, header};
use tower::{Layer, Service};
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer, RequestHead,
    authenticator::{Authentication, Decision, ProxyAuthorization},
    backend::ValidatorChain,
};

use crate::support::{
    digest::Digest,
    layer::{INFO, Origin, RIGHT, URL, WRONG, both, get, realm, request, send, users, waiting},
};

#[tokio::test]
async fn no_debug_shows_a_secret() {
    let (auth, origin) = (both(), Origin::new());
    let layer = ProxyAuthLayer::new(auth.clone()).relay_credentials(true);
    let refused = send(&layer, &origin, request(Method::GET, URL)).await;
    let mut client = Digest::of_headers(refused.headers());
    let answers = [client.answer("GET", "/a?b=c"), client.answer("GET", "/a?b=c")];
    let [first, second] = &answers;

    let chain = ValidatorChain::new().with(users());
    let mut shown = vec![
        format!("{layer:?}"),
        format!("{auth:?} {:?}", users()),
        format!("{:?}", Authenticator::builder(realm()).with_basic(chain)),
        format!("{:?}", layer.layer(())),
    ];
    for credentials in [RIGHT, WRONG, first, "Digest username=\"wonder\""] {
        let mut sent = get(credentials);
        let field = ProxyAuthorization::take(sent.headers_mut());
        shown.push(format!("{field:?}"));
        let authentication = auth.authenticate(&RequestHead::of_request(&sent), field);
        shown.push(format!("{authentication:?}"));
        if let Authentication::Pending(decision) = authentication
            && let Decision::Forward(authenticated) = decision.await
        {
            shown.push(format!("{authenticated:?}"));
        }
    }
    let response = send(&layer, &origin, get(second)).await;
    let info = response.headers()[INFO].to_str().unwrap().to_owned();
    let relayed = origin.head().headers;
    assert_eq!(relayed[header::PROXY_AUTHORIZATION], **second);
    let headers: HeaderMap = response.headers().clone();
    shown.extend([format!("{response:?}"), format!("{headers:?}"), format!("{relayed:?}")]);
    let (waits, _answers) = waiting();
    let pending = waits.layer(origin).call(get(RIGHT));
    shown.push(format!("{pending:?}"));
    shown.push(format!("{:?}", layer.layer(Origin::new()).call(get(WRONG))));

    let ha1 = Digest::new("").ha1();
    let quoted = |text: &str, name: &str| {
        text.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let responses = answers.each_ref().map(|answer| quoted(answer, "response"));
    let secrets =
        ["wonder", "YWxpY2U6", &ha1, &responses[0], &responses[1], &quoted(&info, "rspauth")];
    for secret in secrets {
        for text in &shown {
            assert!(!text.contains(secret), "{secret} is shown in {text}");
        }
    }
    assert!(shown.iter().any(|text| text.contains("alice")), "{shown:?}");
}
