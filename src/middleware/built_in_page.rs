//! The built-in bodies of refusals.

use std::sync::LazyLock;

use bytes::Bytes;
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
    /// In the order of the discriminants.
    const ALL: [Self; 3] = [Self::Short, Self::Plain, Self::Html];

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

/// A page with its header fields.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    pub(super) content_type: HeaderValue,
    pub(super) content_length: HeaderValue,
    pub(super) body: Bytes,
}

impl From<Page> for Rendered {
    fn from(Page { content_type, body }: Page) -> Self {
        Self { content_type, content_length: body.len().into(), body }
    }
}

/// The explanation on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Explanation {
    Missing,
    NotOffered,
    Wrong,
    Stale,
    Malformed,
    NotAllowed,
    TooLong,
    Unavailable,
    Upstream,
}

impl Explanation {
    /// In the order of the discriminants.
    const ALL: [Self; 9] = [
        Self::Missing,
        Self::NotOffered,
        Self::Wrong,
        Self::Stale,
        Self::Malformed,
        Self::NotAllowed,
        Self::TooLong,
        Self::Unavailable,
        Self::Upstream,
    ];

    fn of(reason: Reason) -> Self {
        match (reason, reason.status()) {
            (Reason::MissingCredentials, _) => Self::Missing,
            (Reason::SchemeNotOffered | Reason::AlgorithmNotOffered, _) => Self::NotOffered,
            (_, StatusCode::PROXY_AUTHENTICATION_REQUIRED) if reason.is_stale() => Self::Stale,
            // A wrong password and an unknown user look the same.
            (_, StatusCode::PROXY_AUTHENTICATION_REQUIRED) => Self::Wrong,
            (_, StatusCode::FORBIDDEN) => Self::NotAllowed,
            (_, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => Self::TooLong,
            (_, StatusCode::SERVICE_UNAVAILABLE) => Self::Unavailable,
            (_, StatusCode::BAD_GATEWAY) => Self::Upstream,
            _ => Self::Malformed,
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Missing | Self::NotOffered | Self::Wrong | Self::Stale => {
                StatusCode::PROXY_AUTHENTICATION_REQUIRED
            }
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::TooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream => StatusCode::BAD_GATEWAY,
        }
    }

    fn title(self) -> &'static str {
        self.status().canonical_reason().unwrap_or_default()
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Missing => {
                "This proxy forwards requests only for users that it knows, and this request came \
                 without a user name and password. Enter yours in the proxy settings of your \
                 program. With curl: curl --proxy-anyauth -U NAME:PASSWORD -x PROXY URL"
            }
            Self::NotOffered => {
                "The credentials of this request are for an authentication scheme or algorithm \
                 that this proxy does not offer. It offers those in its Proxy-Authenticate fields."
            }
            Self::Wrong => {
                "The proxy did not accept the user name and password that came with this request. \
                 Check them in the proxy settings of your program. If they are right, ask the \
                 operator of the proxy whether the account exists."
            }
            Self::Stale => {
                "The password is right, but the nonce of this request can no longer be used. \
                 Programs repeat the request with a new nonce by themselves; yours did not."
            }
            Self::Malformed => {
                "The Proxy-Authorization field of this request is ambiguous or malformed, or was \
                 made for another resource. The program that sent it is at fault, or something \
                 between that program and the proxy."
            }
            Self::NotAllowed => {
                "Your user name and password are right, but your account is disabled or has \
                 expired. Ask the operator of the proxy."
            }
            Self::TooLong => {
                "The Proxy-Authorization field of this request is longer than the proxy accepts."
            }
            Self::Unavailable => {
                "The proxy cannot check user names and passwords at the moment. Yours may be \
                 right. Try again later."
            }
            Self::Upstream => {
                "Another proxy requires credentials that this proxy does not have. The operator \
                 of this proxy has to fix that: your user name and password are fine."
            }
        }
    }
}

/// The built-in pages, rendered once: each explanation in each form.
static PAGES: LazyLock<Vec<Rendered>> = LazyLock::new(|| {
    let each = |explanation| Form::ALL.map(|form| render(explanation, form));
    Explanation::ALL.into_iter().flat_map(each).collect()
});

/// The built-in page for a refusal.
pub(super) fn built_in_page(reason: Reason, form: Form) -> Rendered {
    let explanation = Explanation::of(reason);
    let page = PAGES.get(explanation as usize * Form::ALL.len() + form as usize);
    page.cloned().unwrap_or_else(|| render(explanation, form))
}

fn render(explanation: Explanation, form: Form) -> Rendered {
    let (title, text) = (explanation.title(), explanation.text());
    let (content_type, body) = match form {
        Form::Short => ("text/plain; charset=utf-8", format!("{title}\n")),
        Form::Plain => ("text/plain; charset=utf-8", format!("{title}\n\n{text}\n")),
        Form::Html => (
            "text/html; charset=utf-8",
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
                 <title>{title}</title></head>\n<body><h1>{title}</h1>\n<p>{text}</p></body></html>\n"
            ),
        ),
    };
    // Pages live as long as the process, and static values are cheap to clone.
    let length: &'static str = body.len().to_string().leak();
    Rendered {
        content_type: HeaderValue::from_static(content_type),
        content_length: HeaderValue::from_static(length),
        body: Bytes::from_static(body.leak().as_bytes()),
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
        assert_eq!(body(Reason::WrongPassword), body(Reason::Undecodable));
        assert_ne!(body(Reason::WrongPassword), body(Reason::MissingCredentials));
    }

    #[test]
    fn every_page_has_its_length_and_starts_with_its_title() {
        let each = |explanation| Form::ALL.map(|form| (explanation, form));
        let pages = Explanation::ALL.into_iter().flat_map(each).zip(PAGES.iter());
        for ((explanation, form), rendered) in pages {
            let text = str::from_utf8(&rendered.body).unwrap();
            assert_eq!(rendered.content_length, text.len().to_string());
            let start = if form == Form::Html { "<!DOCTYPE html>" } else { explanation.title() };
            assert!(text.starts_with(start), "{explanation:?} {form:?}");
        }
    }

    #[test]
    fn explanations_and_forms_are_in_discriminant_order() {
        assert!(Explanation::ALL.iter().enumerate().all(|(at, &one)| one as usize == at));
        assert!(Form::ALL.iter().enumerate().all(|(at, &one)| one as usize == at));
    }
}
