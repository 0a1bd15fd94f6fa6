//! The built-in bodies of refusals.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::page::Page;
use crate::reason::Reason;

/// The form of a built-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One line, for CONNECT.
    Short,
    Plain,
    Html,
}

impl Form {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if method == Method::CONNECT {
            return Self::Short;
        }
        if accepts_html(headers) { Self::Html } else { Self::Plain }
    }
}

/// Browsers send `text/html`; programs send `*/*` or nothing.
fn accepts_html(headers: &HeaderMap) -> bool {
    const HTML: &[u8] = b"text/html";
    let long_enough = |accept: &&HeaderValue| accept.len() >= HTML.len();
    headers.get_all(header::ACCEPT).iter().filter(long_enough).any(|accept| {
        let mut ranges = accept.as_bytes().split(|&byte| matches!(byte, b',' | b';'));
        ranges.any(|range| range.trim_ascii().eq_ignore_ascii_case(HTML))
    })
}

/// Renders a title and a text in each form.
macro_rules! page {
    ($title:literal, $text:literal) => {
        [
            concat!($title, "\n"),
            concat!($title, "\n\n", $text, "\n"),
            concat!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>",
                $title,
                "</title></head>\n<body><h1>",
                $title,
                "</h1>\n<p>",
                $text,
                "</p></body></html>\n"
            ),
        ]
    };
}

/// Returns the built-in page for a refusal.
pub(super) fn built_in_page(reason: Reason, form: Form) -> Page {
    let [short, plain, html] = texts(reason);
    let (content_type, body) = match form {
        Form::Short => ("text/plain; charset=utf-8", short),
        Form::Plain => ("text/plain; charset=utf-8", plain),
        Form::Html => ("text/html; charset=utf-8", html),
    };
    Page::new(HeaderValue::from_static(content_type), body)
}

/// Returns the page for a reason: short, plain, and as HTML.
fn texts(reason: Reason) -> [&'static str; 3] {
    match (reason, reason.status()) {
        (Reason::MissingCredentials, _) => page!(
            "Proxy Authentication Required",
            "This proxy forwards requests only for users that it knows, and this request came \
             without a user name and password. Enter yours in the proxy settings of your \
             program. With curl: curl --proxy-anyauth -U NAME:PASSWORD -x PROXY URL"
        ),
        (Reason::SchemeNotOffered | Reason::AlgorithmNotOffered, _) => page!(
            "Proxy Authentication Required",
            "The credentials of this request are for an authentication scheme or algorithm \
             that this proxy does not offer. It offers those in its Proxy-Authenticate fields."
        ),
        (_, StatusCode::PROXY_AUTHENTICATION_REQUIRED) if reason.is_stale() => page!(
            "Proxy Authentication Required",
            "The password is right, but the nonce of this request can no longer be used. \
             Programs repeat the request with a new nonce by themselves; yours did not."
        ),
        // A wrong password and an unknown user look the same.
        (_, StatusCode::PROXY_AUTHENTICATION_REQUIRED) => page!(
            "Proxy Authentication Required",
            "The proxy did not accept the user name and password that came with this request. \
             Check them in the proxy settings of your program. If they are right, ask the \
             operator of the proxy whether the account exists."
        ),
        (Reason::Forbidden, _) => page!(
            "Forbidden",
            "This proxy does not forward requests to this destination for you. Your password is \
             not the problem. Ask the operator of the proxy if you need access."
        ),
        (_, StatusCode::FORBIDDEN) => page!(
            "Forbidden",
            "Your user name and password are right, but your account is disabled or has \
             expired. Ask the operator of the proxy."
        ),
        (Reason::TooManyFailures, _) => page!(
            "Too Many Requests",
            "There were too many failed logins from your address or with your user name, so the \
             proxy did not check your password, which may be right. Wait a minute. If you see \
             this again, look for a program that still uses an old password."
        ),
        (Reason::TooManyPeers, _) => page!(
            "Too Many Requests",
            "Your account is in use from more addresses than this proxy allows. Stop using it on \
             other devices and wait, or ask the operator of the proxy. If others use your \
             account, change your password."
        ),
        (Reason::TooManyTunnels | Reason::TooManyRequests, _) => page!(
            "Too Many Requests",
            "Your account has more connections or requests at once than this proxy allows. Close \
             some programs and try again in a moment."
        ),
        (_, StatusCode::TOO_MANY_REQUESTS) => page!(
            "Too Many Requests",
            "Too many logins from your address or with your user name are in progress, so the \
             proxy did not check your password, which may be right. Try again in a moment."
        ),
        (_, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => page!(
            "Request Header Fields Too Large",
            "The Proxy-Authorization field of this request is longer than the proxy accepts."
        ),
        (_, StatusCode::SERVICE_UNAVAILABLE) => page!(
            "Service Unavailable",
            "The proxy cannot check user names and passwords at the moment. Yours may be \
             right. Try again later."
        ),
        (_, StatusCode::BAD_GATEWAY) => page!(
            "Bad Gateway",
            "Another proxy requires credentials that this proxy does not have. The operator \
             of this proxy has to fix that: your user name and password are fine."
        ),
        _ => page!(
            "Bad Request",
            "The Proxy-Authorization field of this request is ambiguous or malformed, or was \
             made for another resource. The program that sent it is at fault, or something \
             between that program and the proxy."
        ),
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, header::ACCEPT};

    use super::*;

    #[test]
    fn browsers_get_html_and_tunnels_get_one_line() {
        let form = |method: &str, accept: &str| {
            let request = Request::builder().method(method).uri("example.org:443");
            let request = request.header(ACCEPT, accept).body(()).unwrap();
            Form::of(request.method(), request.headers())
        };
        assert_eq!(form("GET", "text/html,application/xhtml+xml;q=0.9"), Form::Html);
        assert_eq!(form("GET", "image/png, TEXT/HTML;q=0.5"), Form::Html);
        assert_eq!(form("GET", "*/*"), Form::Plain);
        assert_eq!(form("GET", "text/htmlx"), Form::Plain);
        assert_eq!(form("CONNECT", "text/html"), Form::Short);
    }

    #[test]
    fn no_page_tells_a_wrong_password_from_an_unknown_user() {
        let body = |reason| built_in_page(reason, Form::Plain).body;
        assert_eq!(body(Reason::WrongPassword), body(Reason::UnknownUser));
        assert_eq!(body(Reason::WrongPassword), body(Reason::UnusableRecord));
        assert_eq!(body(Reason::WrongPassword), body(Reason::PasswordTooLong));
        assert_eq!(body(Reason::WrongPassword), body(Reason::Undecodable));
        assert_ne!(body(Reason::WrongPassword), body(Reason::MissingCredentials));
    }

    #[test]
    fn every_page_has_the_title_of_its_status() {
        for &reason in Reason::ALL {
            let title = reason.status().canonical_reason().unwrap();
            let [short, plain, html] = texts(reason);
            assert_eq!(short, format!("{title}\n"), "{reason}");
            assert!(plain.starts_with(&format!("{title}\n\n")), "{reason}");
            assert!(html.contains(&format!("<h1>{title}</h1>")), "{reason}");
        }
    }
}
