//! The page of a refusal.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use tower_proxy_auth::{
    ProxyAuthLayer, Reason, Refusal, Verdict,
    middleware::{Page, PageRequest},
};

use crate::support::layer::{
    Origin, Outgoing, RIGHT, URL, WRONG, alice, both, challenges, get, layer, request, send, text,
    waiting, with_field,
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
        ("a program", "GET", "*/*", plain, "Proxy Authentication Required\n\nThis proxy"),
        ("a browser", "GET", "text/html, */*;q=0.8", "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("a tunnel", "CONNECT", "*/*", plain, "Proxy Authentication Required\n"),
        ("a browser's tunnel", "CONNECT", "text/html", plain, "Proxy Authentication Required\n"),
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
    let asked: Arc<Mutex<Vec<PageRequest>>> = Arc::default();
    let keep = Arc::clone(&asked);
    let page = move |request: &PageRequest| {
        keep.lock().unwrap().push(request.clone());
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
        assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string());
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(response.extensions().get::<Refusal>().is_some());
        assert_eq!(text(response).await, body);
        let asked = asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked.method(), Method::GET);
        assert_eq!(asked.accept().unwrap(), "text/html");
        assert_eq!(asked.accept_language().unwrap(), "de, en;q=0.5");
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
    let empty = |_: &PageRequest| Some(Page::new(HeaderValue::from_static("a/b"), Bytes::new()));
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
    assert!(text(wrong).await.starts_with("Proxy Authentication Required\n"));
}
