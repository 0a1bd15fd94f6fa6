//! The page of a refusal.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use sha2::{Digest as _, Sha256};
use tower_proxy_auth::{
    BackendError, ProxyAuthLayer, Reason, Refusal, Verdict,
    middleware::{Page, PageRequest, Pages},
};

use crate::support::layer::{
    Origin, Outgoing, RIGHT, URL, WRONG, alice, basic, both, challenges, get, layer, request, send,
    text, waiting, with_field,
};

async fn refused(sent: Request<Full<Bytes>>) -> Response<Outgoing> {
    let origin = Origin::new();
    let response = send(&ProxyAuthLayer::new(both()), &origin, sent).await;
    assert_eq!(origin.calls(), 0);
    response
}

#[tokio::test]
async fn sends_html_to_browsers_and_one_line_to_tunnels() {
    let plain = "text/plain; charset=utf-8";
    let table = [
        ("a program", "GET", "*/*", plain, "407 Proxy Authentication Required: Please log in"),
        ("a browser", "GET", "text/html, */*;q=0.8", "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("a tunnel", "CONNECT", "*/*", plain, "407 Proxy Authentication Required: "),
        (
            "a browser's tunnel",
            "CONNECT",
            "text/html",
            plain,
            "407 Proxy Authentication Required: ",
        ),
    ];
    for (name, method, accept, content_type, start) in table {
        let target = if method == "CONNECT" { "example.org:443" } else { URL };
        let sent = request(method.parse().unwrap(), target);
        let response = refused(with_field(sent, header::ACCEPT, accept)).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type, "{name}");
        let page = text(response).await;
        assert!(page.starts_with(start), "{name}: {page}");
        assert_eq!(page.lines().count() == 1, method == "CONNECT", "{name}: {page}");
    }
}

#[tokio::test]
async fn replaces_only_body_and_content_type() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = Arc::clone(&asked);
    let page = move |request: &PageRequest<'_>| {
        let fields = (request.accept().unwrap(), request.accept_language().unwrap());
        keep.lock().unwrap().push(format!("{} {fields:?}", request.method()));
        let body = format!("{} {:?}", request.status(), request.reason().as_str());
        Some(Page::new(HeaderValue::from_static("text/x-own"), body))
    };
    let layer = ProxyAuthLayer::new(both()).with_page(page);
    let table = [
        (get(WRONG), 407, 3, "407 Proxy Authentication Required \"wrong-password\""),
        (get("\t"), 400, 0, "400 Bad Request \"malformed\""),
    ];
    for (sent, status, count, body) in table {
        let sent = with_field(sent, header::ACCEPT, "text/html");
        let sent = with_field(sent, header::ACCEPT_LANGUAGE, "de, en;q=0.5");
        let response = send(&layer, &Origin::new(), sent).await;
        assert_eq!(response.status(), status);
        let headers = response.headers();
        assert_eq!(challenges(headers).len(), count);
        assert_eq!(headers[header::CONTENT_TYPE], "text/x-own");
        assert!(!headers.contains_key(header::CONTENT_LANGUAGE));
        assert!(!headers.contains_key(header::CONTENT_SECURITY_POLICY));
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(response.extensions().get::<Refusal>().is_some());
        assert_eq!(text(response).await, body);
        let asked = asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked, "GET (\"text/html\", \"de, en;q=0.5\")");
    }
    assert_eq!(text(send(&layer, &Origin::new(), get(RIGHT)).await).await, "forwarded");
    assert!(asked.lock().unwrap().is_empty(), "a page was made for a forwarded request");
}

#[tokio::test]
async fn replaces_the_page_after_a_pending_check() {
    let (waits, answers) = waiting();
    let layer = waits.with_page(|request| {
        let language = request.accept_language().unwrap().as_bytes().to_vec();
        Some(Page::new(HeaderValue::from_static("text/plain"), language))
    });
    answers.send(Ok(Verdict::WrongPassword)).unwrap();
    let sent = with_field(get(WRONG), header::ACCEPT_LANGUAGE, "eo");
    let response = send(&layer, &Origin::new(), sent).await;
    assert_eq!(response.status(), 407);
    assert_eq!(text(response).await, "eo");
    // A 407 from upstream gets the same page.
    answers.send(Ok(alice())).unwrap();
    let upstream = Origin::answering(|| {
        Response::builder().status(407).body(Full::from("elsewhere")).unwrap()
    });
    let sent = with_field(get(RIGHT), header::ACCEPT_LANGUAGE, "ia");
    let response = send(&layer, &upstream, sent).await;
    assert_eq!(response.status(), 502);
    assert_eq!(text(response).await, "ia");
}

#[tokio::test]
async fn sends_a_length_with_an_empty_page() {
    let empty =
        |_: &PageRequest<'_>| Some(Page::new(HeaderValue::from_static("a/b"), Bytes::new()));
    let response = send(&layer().with_page(empty), &Origin::new(), get(WRONG)).await;
    assert_eq!(response.status(), 407);
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "0");
    assert!(http_body::Body::is_end_stream(response.body()));
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn falls_back_to_the_built_in_page() {
    let layer = layer().with_page(|request| {
        let is_ours = request.reason() == Reason::MissingCredentials;
        is_ours.then(|| Page::new(HeaderValue::from_static("text/plain"), "own"))
    });
    let missing = send(&layer, &Origin::new(), request(Method::GET, URL)).await;
    assert_eq!(text(missing).await, "own");
    let wrong = send(&layer, &Origin::new(), get(WRONG)).await;
    assert!(text(wrong).await.starts_with("407 Proxy Authentication Required: "));
}

#[tokio::test]
async fn html_allows_its_own_style_and_nothing_else() {
    let response = refused(with_field(get(WRONG), header::ACCEPT, "text/html")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let page = text(response).await;
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}';")));
    for forbidden in ["<script", "<link", "<img", "url(", "@import", "http:", "https:", "style="] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

/// Answers with a refusal, as a proxy does that has learned the address of a host.
fn refusing(refusal: Refusal) -> Origin {
    Origin::answering(move || {
        let mut response = Response::new(Full::from("the proxy's own"));
        response.headers_mut().insert("x-own", HeaderValue::from_static("1"));
        response.extensions_mut().insert(refusal.clone());
        response.extensions_mut().insert("note");
        response
    })
}

#[tokio::test]
async fn makes_the_page_of_a_refusal_further_in() {
    let layer = layer().with_pages(Pages::builder().with_contact("desk 4").build().unwrap());
    let table = [
        ("denied", Refusal::new(Reason::Forbidden).with_source("rule 3"), 403),
        ("failed", Refusal::from(BackendError::new("no rules")), 503),
    ];
    for (name, refusal, status) in table {
        let sent = with_field(get(RIGHT), header::ACCEPT_LANGUAGE, "ja-JP");
        let response = send(&layer, &refusing(refusal), sent).await;
        assert_eq!(response.status(), status, "{name}");
        assert_eq!(response.headers()[header::CONTENT_LANGUAGE], "ja", "{name}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store", "{name}");
        assert!(!response.headers().contains_key("x-own"), "{name}");
        assert_eq!(response.extensions().get(), Some(&"note"), "{name}");
        let refusal = response.extensions().get::<Refusal>().unwrap();
        let reference = refusal.reference_id().unwrap().to_string();
        assert!(refusal.causes().is_some(), "{name}");
        let page = text(response).await;
        assert!(page.contains("desk 4") && page.contains(&reference), "{name}: {page}");
    }
}

#[tokio::test]
async fn a_407_further_in_is_not_answered_without_challenges() {
    let origin = refusing(Refusal::new(Reason::WrongPassword));
    let response = send(&layer(), &origin, get(RIGHT)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "the proxy's own");
}

#[tokio::test]
async fn proxy_status_is_on_refusals_only() {
    let layer = layer().with_proxy_status("proxy.example.org").unwrap();
    let value = |response: &Response<Outgoing>| {
        response.headers().get("proxy-status").map(|value| value.to_str().unwrap().to_owned())
    };
    let refused = send(&layer, &Origin::new(), get(WRONG)).await;
    let denied = "\"proxy.example.org\"; error=http_request_denied";
    assert_eq!(value(&refused).as_deref(), Some(denied));
    let forwarded = send(&layer, &Origin::new(), get(RIGHT)).await;
    assert_eq!(value(&forwarded), None);
}

#[tokio::test]
async fn the_page_of_maintenance_has_its_times() {
    let until = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let auth = basic();
    let layer = ProxyAuthLayer::new(auth.clone());
    let page = async |accept: &'static str, language: &'static str| {
        let sent = with_field(get(RIGHT), header::ACCEPT, accept);
        let sent = with_field(sent, header::ACCEPT_LANGUAGE, language);
        let response = send(&layer, &Origin::new(), sent).await;
        assert_eq!(response.status(), 503);
        assert!(challenges(response.headers()).is_empty());
        text(response).await
    };
    for (name, until, shown) in [("announced", Some(until), true), ("open", None, false)] {
        auth.set_maintenance(until);
        for (accept, language, since, until) in [
            ("*/*", "en", "\nIn maintenance since: 20", "\nExpected end: 2096-10-02 07:06 UTC\n"),
            (
                "text/html",
                "en",
                "<dt>In maintenance since</dt>\n<dd>20",
                "<dd>2096-10-02 07:06 UTC</dd>",
            ),
            (
                "text/html",
                "ja",
                "<dt>メンテナンス開始</dt>\n<dd>20",
                "<dd>2096-10-02 07:06 UTC</dd>",
            ),
            ("application/json", "ja", ",\"since\":\"20", ",\"until\":\"2096-10-02T07:06:40Z\","),
        ] {
            let page = page(accept, language).await;
            assert!(page.contains(since), "{name} {accept}: {page}");
            assert_eq!(page.contains(until), shown, "{name} {accept}: {page}");
        }
    }
    auth.end_maintenance();
    let forwarded = send(&layer, &Origin::new(), get(RIGHT)).await;
    assert_eq!(forwarded.status(), 200);
}
