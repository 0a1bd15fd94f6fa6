//! The pages in English.

use super::{
    language::{PageLabel, PageLanguage, PageText},
    subject::PageSubject,
};

const BROWSER: &str = "In a browser";
const PROGRAM: &str = "In a program";

/// The command with which curl logs in. It asks for the password.
pub(super) const CURL: &str = "curl --proxy-anyauth -U NAME -x PROXY URL";

pub(super) struct English;

impl English {
    /// Returns a label. English has all of them.
    pub(super) const fn label(label: PageLabel) -> &'static str {
        match label {
            PageLabel::Since => "In maintenance since",
            PageLabel::Until => "Expected end",
            PageLabel::Contact => "Contact",
            PageLabel::Reference => "Reference",
        }
    }

    /// The text about a subject. English has one for each.
    pub(super) fn text(subject: PageSubject) -> PageText<'static> {
        match subject {
            PageSubject::MissingCredentials => PageText::new(
                "Please log in to the proxy",
                "Your connection goes through a proxy: a server that forwards requests only for \
                 users who log in. This request came without a user name and password.",
            )
            .with_section(
                BROWSER,
                "Reload this page. The browser asks for your user name and password for the proxy.",
            )
            .with_section(
                PROGRAM,
                "Look for the proxy in the settings of the program or of the operating system, and \
                 add your user name and password there. With curl, which asks for the password:",
            )
            .with_code(CURL)
            .with_section(
                "If you have no user name and password",
                "Ask the operator of the proxy, for instance your IT department.",
            ),
            PageSubject::WrongCredentials => PageText::new(
                "The proxy did not accept your login",
                "The proxy could not log you in with the user name and password in this request. \
                 They may be mistyped or out of date.",
            )
            .with_section(
                BROWSER,
                "Reload this page and enter both again. Check upper and lower case, the keyboard \
                 layout, and spaces that were copied along. If the browser does not ask, restart \
                 it: it may be using a password that it has saved.",
            )
            .with_section(
                PROGRAM,
                "Correct the user name and password in the proxy settings of the program or of the \
                 operating system. Old ones may be left there after a change of password. With \
                 curl, which asks for the password:",
            )
            .with_code(CURL)
            .with_section(
                "If both are right",
                "Ask the operator of the proxy to check your account, and quote the reference \
                 below.",
            ),
            PageSubject::SchemeNotOffered => PageText::new(
                "The proxy does not offer this kind of login",
                "This request came with credentials for an authentication scheme or algorithm that \
                 the proxy does not offer. It lists those that it offers in the Proxy-Authenticate \
                 fields of this response.",
            )
            .with_section(
                BROWSER,
                "Reload this page. The browser asks for your user name and password.",
            )
            .with_section(
                PROGRAM,
                "Let the program choose the scheme, or set it to one that the proxy offers. With \
                 curl, which then chooses:",
            )
            .with_code(CURL)
            .with_section(
                "If that does not help",
                "Ask the operator of the proxy which programs can log in, and quote the reference \
                 below.",
            ),
            PageSubject::StaleNonce => PageText::new(
                "The request has to be sent again",
                "Your user name and password are right. Only the one-time value (nonce) in this \
                 request can no longer be used. Programs repeat such a request by themselves with \
                 a new value; this one did not.",
            )
            .with_section(BROWSER, "Reload this page.")
            .with_section(
                PROGRAM,
                "Send the request again. If this happens each time, update the program: it may not \
                 repeat requests when the proxy answers stale=true.",
            )
            .with_section(
                "If it happens again",
                "Tell the operator of the proxy, and quote the reference below.",
            ),
            PageSubject::Malformed => PageText::new(
                "The proxy cannot read the login in this request",
                "The Proxy-Authorization field of this request is ambiguous or malformed, or was \
                 made for another address. The program that sent it is at fault, or something \
                 between that program and the proxy. Your password is not the problem.",
            )
            .with_section(BROWSER, "Reload this page. If that does not help, restart the browser.")
            .with_section(
                PROGRAM,
                "Update the program, and check that it sends exactly one Proxy-Authorization \
                 field. If that does not help, report the problem to the developers of the \
                 program.",
            )
            .with_section(
                "If it happens again",
                "Tell the operator of the proxy, and quote the reference below.",
            ),
            PageSubject::AccountUnavailable => PageText::new(
                "Your account cannot be used at present",
                "Your user name and password are right, but your account is disabled, or your \
                 account or password has expired.",
            )
            .with_section(
                "What you can do",
                "If you know that your password has expired, change it, for instance when you log \
                 in to your computer. Otherwise, ask the operator of the proxy about your account, \
                 and quote the reference below.",
            ),
            PageSubject::Forbidden => PageText::new(
                "The proxy does not allow this request",
                "The rules of the proxy do not allow this request to this destination. Your user \
                 name and password are not the problem.",
            )
            .with_section(
                "What you can do",
                "Check the address. If you need access, ask the operator of the proxy, and quote \
                 the address and the reference below.",
            ),
            PageSubject::TooManyFailures => PageText::new(
                "Too many failed logins",
                "There were too many failed logins from your network address or with your user \
                 name. So the proxy did not check your password, which may be right.",
            )
            .with_section("What you can do", "Wait two minutes, then try again.")
            .with_section(
                "If it happens again",
                "Look for a program or a device that still uses an old password, and correct or \
                 stop it. If there is none, tell the operator of the proxy, and quote the \
                 reference below: somebody may be guessing your password.",
            ),
            PageSubject::TooManyChecks => PageText::new(
                "Too many logins at once",
                "The proxy is already checking many logins from your network address or with your \
                 user name. So it did not check your password, which may be right.",
            )
            .with_section("What you can do", "Wait a few seconds, then try again."),
            PageSubject::TooManyPeers => PageText::new(
                "Your account is in use in too many places",
                "Your user name and password are right, but your account has recently been used \
                 from more network addresses than the proxy allows.",
            )
            .with_section(
                "What you can do",
                "Stop using the proxy on other devices, then try again later. A device that \
                 changes to another network, such as from Wi-Fi to mobile, counts again.",
            )
            .with_section(
                "If you have used no other device or network",
                "Change your password: somebody else may be using your account.",
            ),
            PageSubject::TooManyRequests => PageText::new(
                "Too many connections or requests",
                "Your user name and password are right, but your account has more connections \
                 open, or sends requests faster, than the proxy allows.",
            )
            .with_section(
                "What you can do",
                "Close programs and pages that you do not need, wait a few seconds, then try \
                 again.",
            ),
            PageSubject::FieldTooLong => PageText::new(
                "The login in this request is too long",
                "The Proxy-Authorization field of this request is longer than the proxy accepts. \
                 The program that sent it may be at fault.",
            )
            .with_section(
                "What you can do",
                "Check that the user name and password in the proxy settings are what you meant to \
                 enter. If they are, ask the operator of the proxy, and quote the reference below.",
            ),
            PageSubject::BackendFailed => PageText::new(
                "The proxy cannot check your access right now",
                "A system that the proxy depends on does not answer, or is overloaded. This does \
                 not mean that your user name or password is wrong: you need not change anything.",
            )
            .with_section(
                "What you can do",
                "Try again in a few minutes. If it lasts longer, tell the operator of the proxy, \
                 and quote the reference below.",
            ),
            PageSubject::Maintenance => PageText::new(
                "The proxy is down for maintenance",
                "The operator is working on the proxy, which does not forward requests until that \
                 is done. It did not check your user name and password: they are not the problem, \
                 and you need not change anything.",
            )
            .with_section(
                "What you can do",
                "If an expected end is shown below, try again after it. Otherwise, or if it has \
                 passed, try again later. Times are in UTC, so your local time may differ.",
            ),
            PageSubject::UpstreamChallenge => PageText::new(
                "Another proxy does not let this proxy through",
                "Behind this proxy there is another one, which requires a login that this proxy \
                 does not have. Your user name and password are not the problem.",
            )
            .with_section(
                "What you can do",
                "Tell the operator of the proxy, and quote the reference below. Nobody else can \
                 correct this.",
            ),
        }
    }
}

impl PageLanguage for English {
    fn tag(&self) -> &str {
        "en"
    }

    fn label(&self, label: PageLabel) -> Option<&str> {
        Some(Self::label(label))
    }

    fn text(&self, subject: PageSubject) -> Option<PageText<'_>> {
        Some(Self::text(subject))
    }
}
