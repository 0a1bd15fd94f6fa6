//! The checks find what they look for.

use std::io::{Read as _, Write as _};

use super::{checkers, checks, chromium::Chromium, tab::Tab};
use crate::open_proxy;

const POLICY: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n";

/// Fields and content of pages, and what is wrong with them.
const PAGES: [(&str, &str, &str, &[&str]); 10] = [
    ("correct", POLICY, "", &[]),
    ("pale text", "", "<p style='color: #777'>text</p>", &["360-light: color-contrast"]),
    (
        "pale text in the dark",
        "",
        "<style>@media (prefers-color-scheme: dark) { p { color: #bbb } }</style><p>text</p>",
        &["360-dark: color-contrast"],
    ),
    (
        "wide text",
        "",
        "<p style='width: 1000px'>text</p>",
        &["360-light: the page is 1008 pixels wide", "360-dark: the page is 1008 pixels wide"],
    ),
    (
        "line that begins with the mark of a long vowel",
        "",
        "<p style='width: 0; line-break: loose'>ああーあ</p>",
        &["360-light: a line begins with \"ーあ\""],
    ),
    ("link without a name", "", "<a href='/'></a>", &["360-light: link-name"]),
    ("image", "", "<img alt='' src='/image.png'>", &["it requested http://"]),
    ("error of a script", "", "<script>unknown()</script>", &["on the console: "]),
    ("forbidden script", POLICY, "<script>1</script>", &["on the console: ", "script-src"]),
    ("forbidden image", POLICY, "<img alt='' src='/image.png'>", &["on the console: ", "img-src"]),
];

#[test]
#[ignore = "needs chromium and axe-core"]
fn finds_what_is_wrong_with_a_page() {
    let proxy = open_proxy();
    let mut browser = Chromium::start("en");
    for (name, fields, content, expected) in PAGES {
        let html = format!(
            "<!DOCTYPE html><html lang=en><title>t</title><style>body {{ background: white; \
             color: black }}</style><main><h1>text</h1>{content}</main></html>"
        );
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
        let url = serve(format!("{head}{fields}\r\n{html}"));
        let mut tab = Tab::open(&mut browser, &proxy.url());
        tab.visit(&url, &[]);
        let mut problems = checks::side_effects(&mut tab, &url);
        problems.extend(checks::looks(&mut tab, "fault"));
        let problems = problems.join("\n");
        assert!(expected.is_empty() == problems.is_empty(), "{name}: {problems}");
        for part in expected {
            assert!(problems.contains(part), "{name}: {part}: {problems}");
        }
    }
}

/// The URL of an origin that answers every request with these bytes.
fn serve(bytes: String) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes.as_bytes());
        }
    });
    url
}

#[test]
#[ignore = "needs java and vnu-jar"]
fn finds_what_is_wrong_with_html() {
    let page = |name: &str, content: &str| {
        let html = format!("<!DOCTYPE html><html lang=en><title>t</title>{content}</html>");
        (name.to_owned(), html.into_bytes())
    };
    assert_eq!(checkers::html(&[page("correct", "<p>text</p>")]), [""; 0]);
    let problems = checkers::html(&[
        page("unclosed", "<p><strong>text</p>"),
        page("style", "<style>p { colour: red }</style>"),
    ]);
    for name in ["unclosed", "style"] {
        let file = format!("{name}.html");
        assert!(problems.iter().any(|problem| problem.contains(&file)), "{name}: {problems:?}");
    }
}
