//! When the browser asks for a password, and where it shows no page of the proxy.

use super::{
    chromium::Chromium,
    tab::{Answer, Tab},
};
use crate::{
    proxy_of_alice,
    support::origin::{Origin, closed_port},
};

#[test]
#[ignore = "needs chromium"]
fn reloading_the_page_of_a_cancelled_prompt_asks_again() {
    let (origin, proxy) = (Origin::http(), proxy_of_alice(&[]));
    let mut browser = Chromium::start("en");
    let mut tab = Tab::open(&mut browser, &proxy.url());
    tab.visit(&origin.url("/"), &[]);
    for _ in 0..2 {
        assert_eq!((tab.events().prompts, tab.events().status), (1, 407));
        tab.reload(&[]);
    }
    tab.reload(&[Answer::LogIn("alice:wonder")]);
    assert_eq!((tab.events().prompts, tab.events().status), (1, 200));
    assert_eq!(tab.evaluate("document.body.innerText"), "hello");
    tab.reload(&[]);
    assert_eq!((tab.events().prompts, tab.events().status), (0, 200));
}

/// Browsers hide the answers to CONNECT, which are not from the origin: users who open an https URL
/// do not see what the proxy says.
#[test]
#[ignore = "needs chromium"]
fn a_refused_tunnel_shows_a_page_of_the_browser() {
    let proxy = proxy_of_alice(&[]);
    let mut browser = Chromium::start("en");
    let url = format!("https://{}/", closed_port());
    for (credentials, prompts, shown) in [
        (None, 1, "HTTP ERROR 407"),
        (Some("alice:wrong"), 2, "HTTP ERROR 407"),
        (Some("alice:wonder"), 1, "ERR_TUNNEL_CONNECTION_FAILED"),
    ] {
        let mut tab = Tab::open(&mut browser, &proxy.url());
        let answers: Vec<_> = credentials.map(Answer::LogIn).into_iter().collect();
        tab.visit(&url, &answers);
        assert_eq!(tab.events().prompts, prompts, "{credentials:?}");
        assert_eq!(tab.evaluate("document.URL"), "chrome-error://chromewebdata/");
        let text = tab.evaluate("document.body.innerText");
        assert!(text.as_str().is_some_and(|text| text.contains(shown)), "{text}");
    }
}
