//! Selects the database of a URL, and checks the options of the URL.

use super::{builder::Opened, error::SqlConfigError, query::Limits};

/// The database that a URL names.
#[cfg_attr(
    not(any(feature = "sql-sqlite", feature = "sql-postgres", feature = "sql-mysql")),
    allow(unused_variables, reason = "no database is compiled in")
)]
pub(super) fn open(url: &str, limits: Limits) -> Opened {
    let (scheme, _) = url.split_once(':').ok_or(SqlConfigError::UnknownDatabase)?;
    match scheme.to_ascii_lowercase().as_str() {
        #[cfg(feature = "sql-sqlite")]
        "sqlite" => super::sqlite::open(url, limits),
        #[cfg(not(feature = "sql-sqlite"))]
        "sqlite" => Err(SqlConfigError::FeatureIsOff { database: "SQLite", feature: "sql-sqlite" }),
        #[cfg(feature = "sql-postgres")]
        "postgres" | "postgresql" => super::postgres::open(url, limits),
        #[cfg(not(feature = "sql-postgres"))]
        "postgres" | "postgresql" => {
            Err(SqlConfigError::FeatureIsOff { database: "PostgreSQL", feature: "sql-postgres" })
        }
        #[cfg(feature = "sql-mysql")]
        "mysql" | "mariadb" => super::mysql::open(url, limits),
        #[cfg(not(feature = "sql-mysql"))]
        "mysql" | "mariadb" => {
            Err(SqlConfigError::FeatureIsOff { database: "MySQL", feature: "sql-mysql" })
        }
        _ => Err(SqlConfigError::UnknownDatabase),
    }
}

/// Reads the URL of a server. Its options must be among `known`, in which an option that ends in
/// `[` is a prefix.
///
/// sqlx ignores other options or logs them with their values: TLS would be off if its option was
/// misspelt.
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
pub(super) fn server_options<O: sqlx::ConnectOptions>(
    url: &str,
    database: &'static str,
    known: &[&str],
) -> Result<O, SqlConfigError> {
    check_options(url, database, known)?;
    url.parse().map_err(|error| SqlConfigError::invalid_url(database, &error))
}

/// What a URL requires of TLS.
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Tls {
    Optional,
    Required,
    /// Required, without a check of the name in the certificate.
    RequiredWithAnyName,
}

/// Refuses a URL that requires TLS in a build without it, before a password is sent.
///
/// To ignore the name in a certificate, sqlx uses the default crypto provider of the process. If
/// there is none, rustls may panic, so such a URL is refused.
#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
pub(super) fn check_tls(database: &'static str, tls: Tls) -> Result<(), SqlConfigError> {
    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
    if tls != Tls::Optional {
        return Err(SqlConfigError::TlsIsOff { database });
    }
    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    if tls == Tls::RequiredWithAnyName && rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(SqlConfigError::NoCryptoProvider { database });
    }
    Ok(())
}

#[cfg(any(feature = "sql-mysql", feature = "sql-postgres"))]
fn check_options(url: &str, database: &'static str, known: &[&str]) -> Result<(), SqlConfigError> {
    let (_, options) = url.split_once('?').unwrap_or_default();
    let options_given = options.split('&').filter(|option| !option.is_empty());
    let mut names = options_given.map(|option| option.split('=').next().unwrap_or_default());
    let is_known = |name: &str| {
        let mut known = known.iter();
        known.any(|&known| known == name || known.ends_with('[') && name.starts_with(known))
    };
    let is_plain = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte);
        !name.is_empty() && name.bytes().all(is_plain)
    };
    match names.find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) if is_plain(name) && !options.contains('@') => {
            Err(SqlConfigError::UnknownOption { database, name: name.to_owned() })
        }
        // Possibly the rest of a password, which must not be shown.
        Some(_) => {
            let problem =
                "the text after the `?` is not a list of options: write a `?` in a password as %3F";
            Err(SqlConfigError::InvalidUrl { database, problem: problem.to_owned() })
        }
    }
}

#[cfg(all(test, any(feature = "sql-mysql", feature = "sql-postgres")))]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), String> {
        check_options(url, "MySQL", &["ssl-mode", "options["]).map_err(|error| error.to_string())
    }

    #[test]
    fn names_an_unknown_option_without_its_value() {
        for url in ["", "mysql://a/b", "mysql://a/b?", "mysql://a?ssl-mode=x&&options[a.b]=@?#c"] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for name in ["sslmod", "SSL-MODE", "options", "password"] {
            let problem =
                format!("the MySQL URL has the unknown option {name}: check its spelling");
            let url = format!("mysql://a/b?ssl-mode=x&{name}=wonder");
            assert_eq!(check(&url), Err(problem));
        }
    }

    #[cfg(feature = "sql-postgres")]
    #[test]
    fn regression_a_password_is_no_option_of_postgres() {
        let url = "postgres://proxy@a/b?password=wonder";
        let error = crate::backend::sql::Sql::builder(url).build().unwrap_err().to_string();
        assert_eq!(error, "the PostgreSQL URL has the unknown option password: check its spelling");
    }

    #[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
    #[test]
    fn names_the_feature_that_tls_needs() {
        for (url, is_refused) in [
            #[cfg(feature = "sql-postgres")]
            ("postgres://a/b?sslmode=require", true),
            #[cfg(feature = "sql-postgres")]
            ("postgres://a/b?sslmode=verify-full", true),
            #[cfg(feature = "sql-postgres")]
            ("postgres://a/b?sslmode=disable", false),
            #[cfg(feature = "sql-postgres")]
            ("postgres://a/b", false),
            #[cfg(feature = "sql-mysql")]
            ("mysql://a/b?ssl-mode=REQUIRED", true),
            #[cfg(feature = "sql-mysql")]
            ("mysql://a/b?ssl-mode=VERIFY_IDENTITY", true),
            #[cfg(feature = "sql-mysql")]
            ("mysql://a/b?ssl-mode=DISABLED", false),
            #[cfg(feature = "sql-mysql")]
            ("mysql://a/b", false),
        ] {
            let built = crate::backend::sql::Sql::builder(url).build();
            assert_eq!(built.is_err(), is_refused, "{url}");
            if let Err(error) = built {
                let problem = "requires TLS, which was not compiled in: enable the feature tls-ring \
                               or tls-aws-lc-rs";
                assert!(error.to_string().ends_with(problem), "{error}");
            }
        }
    }

    #[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
    #[test]
    fn regression_refuses_a_mode_that_needs_a_default_provider() {
        #[cfg(not(feature = "tls-ring"))]
        use rustls::crypto::aws_lc_rs as provider;
        #[cfg(feature = "tls-ring")]
        use rustls::crypto::ring as provider;

        let urls = [
            #[cfg(feature = "sql-postgres")]
            ("postgres://a/b?sslmode=verify-ca", "PostgreSQL"),
            #[cfg(feature = "sql-mysql")]
            ("mysql://a/b?ssl-mode=VERIFY_CA", "MySQL"),
        ];
        let build = |url| crate::backend::sql::Sql::builder(url).build();
        for (url, database) in urls {
            let problem = format!(
                "the {database} URL does not check the name in the certificate, which needs a \
                 default crypto provider: check it, or call rustls' \
                 CryptoProvider::install_default before"
            );
            assert_eq!(build(url).unwrap_err().to_string(), problem);
        }
        provider::default_provider().install_default().unwrap();
        for (url, _) in urls {
            assert!(build(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn shows_no_password_with_a_question_mark() {
        for password in ["1?wonder", "1?wonder&x", "?wonder&x=y", "1?wonder#x", "?=wonder"] {
            let error = check(&format!("mysql://proxy:{password}@a/b")).unwrap_err();
            assert!(
                error.contains("not a list of options") && !error.contains("wonder"),
                "{error}"
            );
        }
    }
}
