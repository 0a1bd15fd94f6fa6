//! The command line. A mistake in it is reported in one line.

use std::{
    collections::HashSet, ffi::OsString, fmt, net::SocketAddr, path::PathBuf, time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum, error::ErrorKind};
use tower_proxy_auth::{ConfigError, middleware::Pages};

use crate::{
    limit_arguments::LimitArguments,
    observe::ObserveArguments,
    sources::{SourceArguments, Sources, missing_feature},
};

/// The default of --recheck with a source that does not report changes, in seconds.
const DEFAULT_RECHECK: u64 = 60;

/// A forward proxy that requires authentication.
///
/// Serves http:// targets and CONNECT, over HTTP/1.0, HTTP/1.1 and HTTP/2, to clients that
/// authenticate by Basic or Digest. RUST_LOG sets the level of the log on stderr (error, warn,
/// info, debug).
#[derive(Debug, Parser)]
#[command(name = "forward_proxy", version, max_term_width = 100)]
struct CommandLine {
    /// Address and port to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3128", value_parser = address)]
    listen: SocketAddr,

    /// The realm that clients see and that Digest secrets are bound to.
    #[arg(long, value_name = "TEXT", default_value = "proxy")]
    realm: String,

    /// The schemes to offer [default: those that the sources of users can serve].
    #[arg(long, value_enum)]
    scheme: Option<Scheme>,

    #[command(flatten)]
    sources: SourceArguments,

    /// A Digest algorithm to offer; repeat the option for more, in order of preference
    /// [default: sha-256, then md5].
    #[arg(long = "algorithm", value_name = "NAME", value_enum)]
    algorithms: Vec<Algorithm>,

    /// Read names and passwords that are not UTF-8 as Latin-1, which many clients send.
    #[arg(long)]
    latin1: bool,

    /// Offer MD5 without qop, for clients that support only RFC 2069; each nonce is then valid for
    /// one request.
    #[arg(long)]
    legacy_rfc2069: bool,

    /// The lifetime of a Digest nonce [default: 300].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    nonce_lifetime: Option<u64>,

    /// How the uri of Digest credentials is compared with the request target [default: strict].
    #[arg(long, value_name = "HOW", value_enum)]
    uri_check: Option<UriCheck>,

    /// The content of Proxy-Authentication-Info after a Digest login [default: full].
    #[arg(long, value_name = "WHAT", value_enum)]
    auth_info: Option<AuthInfo>,

    /// For Basic, check empty passwords like others instead of refusing them.
    #[arg(long)]
    allow_empty_passwords: bool,

    /// How often to look up the users who are logged in, to end the tunnels and streams of those who
    /// were removed, disabled or changed; 0 for never [default: 60 with --ldap or a database,
    /// otherwise 0: files report changes].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    recheck: Option<u64>,

    #[command(flatten)]
    limits: LimitArguments,

    /// Rules about who may go where, in TOML; the file is read again when it changes and at SIGHUP
    /// [default: every user may go everywhere, also to this machine and its private networks].
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Refuse every request with 503 while this file exists. It may contain the expected end, such
    /// as 2030-01-31T18:00:00+09:00, which users see. The proxy looks for the file every second and
    /// at SIGHUP. Open tunnels stay.
    #[arg(long, value_name = "FILE")]
    maintenance: Option<PathBuf>,

    /// Whom users can ask, for the pages that say why a request was refused, such as "help desk,
    /// phone 4711".
    #[arg(long, value_name = "TEXT", value_parser = pages)]
    contact: Option<Pages>,

    #[command(flatten)]
    observe: ObserveArguments,

    /// Admit everyone, for tests and benchmarks: an OPEN PROXY.
    #[arg(long, conflicts_with_all = ["realm", "scheme", "sources", "algorithms", "nonce_lifetime",
        "latin1", "legacy_rfc2069", "uri_check", "auth_info", "allow_empty_passwords",
        "recheck", "maintenance", "max_failures", "max_tunnels_per_user", "audit", "metrics", "claimed_users"])]
    insecure_no_auth: bool,
}

/// The checked command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    /// `None` for an open proxy.
    pub(crate) auth: Option<AuthOptions>,
    pub(crate) rules: Option<PathBuf>,
    pub(crate) pages: Pages,
}

/// The options of authentication. `None` means the default of the library.
#[derive(Debug)]
pub(crate) struct AuthOptions {
    pub(crate) realm: String,
    /// At least one of the two is offered.
    pub(crate) offers_basic: bool,
    pub(crate) offers_digest: bool,
    /// Empty when no source of users was given.
    pub(crate) sources: Sources,
    /// Without duplicates; empty for the default of the library.
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) latin1: bool,
    pub(crate) legacy_rfc2069: bool,
    pub(crate) nonce_lifetime: Option<Duration>,
    pub(crate) uri_check: Option<UriCheck>,
    pub(crate) auth_info: Option<AuthInfo>,
    pub(crate) allow_empty_passwords: bool,
    /// The time between two re-checks; `None` for no re-checks.
    pub(crate) recheck: Option<Duration>,
    pub(crate) maintenance: Option<PathBuf>,
    pub(crate) limits: LimitArguments,
    pub(crate) observe: ObserveArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scheme {
    Basic,
    Digest,
    Both,
}

/// Named as in RFC 7616, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Algorithm {
    Md5,
    #[value(name = "sha-256")]
    Sha256,
    #[value(name = "sha-512-256")]
    Sha512_256,
    #[value(name = "md5-sess", hide = true)]
    Md5Sess,
    #[value(name = "sha-256-sess", hide = true)]
    Sha256Sess,
    #[value(name = "sha-512-256-sess", hide = true)]
    Sha512_256Sess,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UriCheck {
    Strict,
    Lenient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthInfo {
    Off,
    NextNonce,
    Full,
}

/// Why the process exits without serving.
#[derive(Debug)]
pub(crate) enum Early {
    /// `--help` or `--version` was given; its text.
    Help(String),
    /// One line about a mistake.
    Mistake(String),
}

impl Options {
    /// Parses the command line; the first of `arguments` is the name of the program.
    ///
    /// # Errors
    /// See [`Early`].
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, Early> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let missing = arguments.iter().find_map(|argument| missing_feature(known(argument)?));
        if let Some(mistake) = missing {
            return Err(Early::Mistake(mistake));
        }
        // Otherwise, `-1` would be another option, and the message would not name this one.
        let command = CommandLine::command().mut_args(|argument| {
            let takes_values = argument.get_action().takes_values();
            argument.allow_negative_numbers(takes_values)
        });
        let matches = command.try_get_matches_from(arguments).map_err(early)?;
        let line = CommandLine::from_arg_matches(&matches).map_err(early)?;
        line.checked().map_err(Early::Mistake)
    }
}

impl CommandLine {
    fn checked(mut self) -> Result<Options, String> {
        let pages = self.contact.take().unwrap_or_default();
        if self.insecure_no_auth {
            return Ok(Options { listen: self.listen, auth: None, rules: self.rules, pages });
        }
        let digest_only = [
            ("--algorithm", !self.algorithms.is_empty()),
            ("--legacy-rfc2069", self.legacy_rfc2069),
            ("--nonce-lifetime", self.nonce_lifetime.is_some()),
            ("--uri-check", self.uri_check.is_some()),
            ("--auth-info", self.auth_info.is_some()),
        ];
        let digest_only = digest_only.into_iter().find(|(_, given)| *given);
        let sources = self.sources.checked()?;
        // A generated user can do both.
        let (basic, digest) = match sources.is_empty() {
            true => (true, true),
            false => (sources.serve_basic(), sources.serve_digest()),
        };
        let (offers_basic, offers_digest) = match self.scheme {
            None => (basic, digest),
            Some(Scheme::Basic) => (true, false),
            Some(Scheme::Digest) => (false, true),
            Some(Scheme::Both) => (true, true),
        };
        if offers_basic && !basic {
            return Err("--scheme: no source of users serves Basic".to_owned());
        }
        if offers_digest && !digest {
            return Err("--scheme: no source of users serves Digest".to_owned());
        }
        if let (false, Some((option, _))) = (offers_digest, digest_only) {
            return Err(match self.scheme {
                Some(_) => format!("{option} applies to Digest and conflicts with --scheme basic"),
                None => format!("{option} applies to Digest, which no source of users serves"),
            });
        }
        if self.allow_empty_passwords && !offers_basic {
            let option = "--allow-empty-passwords";
            return Err(match self.scheme {
                Some(_) => format!("{option} applies to Basic and conflicts with --scheme digest"),
                None => format!("{option} applies to Basic, which no source of users serves"),
            });
        }
        let default = if sources.need_rechecks() { DEFAULT_RECHECK } else { 0 };
        let recheck = self.recheck.unwrap_or(default);
        let auth = AuthOptions {
            realm: self.realm,
            offers_basic,
            offers_digest,
            sources,
            algorithms: distinct(self.algorithms)?,
            latin1: self.latin1,
            legacy_rfc2069: self.legacy_rfc2069,
            nonce_lifetime: self.nonce_lifetime.map(Duration::from_secs),
            uri_check: self.uri_check,
            auth_info: self.auth_info,
            allow_empty_passwords: self.allow_empty_passwords,
            recheck: (recheck > 0).then(|| Duration::from_secs(recheck)),
            maintenance: self.maintenance,
            limits: self.limits,
            observe: self.observe,
        };
        Ok(Options { listen: self.listen, auth: Some(auth), rules: self.rules, pages })
    }
}

/// The option in an argument, if there is such an option.
fn known(argument: &OsString) -> Option<&str> {
    let option = argument.to_str()?.split('=').next()?;
    let name = option.strip_prefix("--")?;
    let is_known =
        CommandLine::command().get_arguments().any(|known| known.get_long() == Some(name));
    is_known.then_some(option)
}

/// Parses an address for an option.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:3128".into())
}

/// Makes the pages with a contact.
fn pages(contact: &str) -> Result<Pages, ConfigError> {
    Pages::builder().with_contact(contact).build()
}

fn distinct(algorithms: Vec<Algorithm>) -> Result<Vec<Algorithm>, String> {
    let mut seen = HashSet::new();
    match algorithms.iter().find(|algorithm| !seen.insert(**algorithm)) {
        Some(twice) => Err(format!("--algorithm {twice} is given twice")),
        None => Ok(algorithms),
    }
}

/// Shortens the several lines of a clap error to one.
fn early(error: clap::Error) -> Early {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Early::Help(text);
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .into_iter()
        .filter_map(|tail| text.rfind(tail))
        .min()
        .unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Early::Mistake(text.replacen(" tip: ", "; tip: ", 1))
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, Early> {
        Options::parse(["forward_proxy"].iter().chain(arguments))
    }

    fn auth(arguments: &[&str]) -> AuthOptions {
        parse(arguments).expect("good options").auth.expect("with authentication")
    }

    #[test]
    fn has_the_documented_defaults() {
        let options = parse(&[]).expect("good options");
        assert_eq!(options.listen.to_string(), "127.0.0.1:3128");
        let auth = options.auth.expect("with authentication");
        assert_eq!(auth.realm, "proxy");
        assert!(auth.offers_basic && auth.offers_digest);
        assert!(auth.sources.is_empty() && auth.algorithms.is_empty());
    }

    #[test]
    fn algorithms_display_their_option_values() {
        let names =
            ["md5", "sha-256", "sha-512-256", "md5-sess", "sha-256-sess", "sha-512-256-sess"];
        let arguments: Vec<&str> = names.iter().flat_map(|name| ["--algorithm", name]).collect();
        let found: Vec<String> =
            auth(&arguments).algorithms.iter().map(Algorithm::to_string).collect();
        assert_eq!(found, names);
    }

    #[test]
    fn rechecks_what_reports_no_changes() {
        for (arguments, seconds) in [
            (&["--user", "alice:wonder"][..], None),
            (&["--user", "alice:wonder", "--recheck", "5"], Some(5)),
            #[cfg(feature = "ldap")]
            (&["--ldap", "ldap://a", "--ldap-dn", "uid={user},dc=org"], Some(60)),
            #[cfg(feature = "sql")]
            (&["--database", "sqlite:a"], Some(60)),
            #[cfg(feature = "sql")]
            (&["--database", "sqlite:a", "--recheck", "0"], None),
        ] {
            assert_eq!(auth(arguments).recheck, seconds.map(Duration::from_secs), "{arguments:?}");
        }
        for value in ["-1", "86401", "1.5", "x", ""] {
            let option = format!("--recheck={value}");
            let Err(Early::Mistake(text)) = parse(&[&option]) else { panic!("{option}") };
            assert!(text.contains("--recheck"), "{text}");
        }
    }

    #[test]
    fn shows_no_password() {
        let options = parse(&["--user", "alice:wonder"]).expect("good options");
        assert!(!format!("{options:?}").contains("wonder"));
        for arguments in [
            ["--user", "alice:wonder", "--user", "alice:wonder"].as_slice(),
            &["--user", ":wonder"],
        ] {
            let Err(Early::Mistake(text)) = parse(arguments) else { panic!("{arguments:?}") };
            assert!(!text.contains("wonder"), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_one_line() {
        for arguments in [["--scheme", "a\n\nb"], ["--listen", "x\u{1b}[2J"], ["--bogus", "\n"]] {
            let Err(Early::Mistake(text)) = parse(&arguments) else { panic!("{arguments:?}") };
            assert!(!text.contains(char::is_control) && !text.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn help_is_not_a_mistake() {
        for argument in ["--help", "--version"] {
            assert!(matches!(parse(&[argument]), Err(Early::Help(_))));
        }
    }
}
