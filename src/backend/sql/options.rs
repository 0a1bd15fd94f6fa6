//! The URL of a server, and the options behind its `?`.

use sqlx::ConnectOptions;

use super::error::SqlConfigError;

/// Reads the URL of a server. Nobody is asked yet.
pub(super) fn of_server<O: ConnectOptions>(
    url: &str,
    database: &'static str,
    known: &[&str],
) -> Result<O, SqlConfigError> {
    check(url, database, known)?;
    url.parse().map_err(|error| SqlConfigError::invalid_url(database, &error))
}

/// Refuses an option that is none of `known`, which end in `[` if more of the name follows.
///
/// `sqlx` ignores such options or logs them with their values: a misspelt one would leave TLS off.
fn check(url: &str, database: &'static str, known: &[&str]) -> Result<(), SqlConfigError> {
    let (_, options) = url.split_once('?').unwrap_or_default();
    let named = options.split('&').filter(|option| !option.is_empty());
    let mut names = named.map(|option| option.split('=').next().unwrap_or_default());
    let is_known = |name: &str| {
        let mut known = known.iter();
        known.any(|&known| known == name || known.ends_with('[') && name.starts_with(known))
    };
    match names.find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) if is_name(name) && !options.contains('@') => {
            Err(SqlConfigError::UnknownOption { database, name: name.to_owned() })
        }
        // A password with a `?` in it, of which nothing may be shown.
        Some(_) => {
            let problem = "what follows the `?` are no options: in a password, write it %3F";
            Err(SqlConfigError::InvalidUrl { database, problem: problem.to_owned() })
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str) -> Result<(), String> {
        check(url, "MySQL", &["ssl-mode", "options["]).map_err(|error| error.to_string())
    }

    #[test]
    fn an_option_that_nobody_knows_is_named_without_its_value() {
        for url in ["", "mysql://a/b", "mysql://a/b?", "mysql://a?ssl-mode=x&&options[a.b]=@?#c"] {
            assert_eq!(said(url), Ok(()), "{url}");
        }
        for name in ["sslmod", "SSL-MODE", "options", "password"] {
            let problem =
                format!("the MySQL URL has the unknown option {name}: look at its spelling");
            let url = format!("mysql://a/b?ssl-mode=x&{name}=wonder");
            assert_eq!(said(&url), Err(problem));
        }
    }

    #[test]
    fn a_password_with_a_question_mark_is_not_shown() {
        for password in ["1?wonder", "1?wonder&x", "?wonder&x=y", "1?wonder#x", "?=wonder"] {
            let said = said(&format!("mysql://proxy:{password}@a/b")).unwrap_err();
            assert!(said.contains("are no options") && !said.contains("wonder"), "{said}");
        }
    }
}
