//! The answers of the service: lines of a key and a value.
//!
//! ```text
//! user alice
//! group staff
//! plan paid
//! max-age 300
//! verdict accepted
//! ```
//! The verdict is `accepted`, `disabled`, `expired`, `wrong-password` or `unknown-user`; the first
//! three need a user. It comes last, so that a truncated answer has none. Anything else is an
//! error, such as the page of a gateway.

use std::time::Duration;

use tower_proxy_auth::{Account, BackendError, Verdict};

/// The plan of a user: custom data, which the inner service finds in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Free,
    Paid,
}

impl Plan {
    fn parse(name: &str) -> Result<Self, &'static str> {
        match name {
            "free" => Ok(Self::Free),
            "paid" => Ok(Self::Paid),
            _ => Err("the service's answer has an unknown plan"),
        }
    }
}

/// Parses an answer about `user_id`.
///
/// # Errors
/// The answer is not valid. The error repeats nothing of it, as it may contain the password.
pub(crate) fn verdict(answer: &[u8], user_id: &str) -> Result<Verdict, BackendError> {
    let (account, verdict) = parse(answer).map_err(BackendError::new)?;
    let account = match (verdict, account) {
        ("wrong-password", _) => return Ok(Verdict::WrongPassword),
        ("unknown-user", _) => return Ok(Verdict::UnknownUser),
        (_, Some(account)) => account,
        (_, None) => return Err(BackendError::new("the service's answer names no user")),
    };
    // The service may accept several spellings of a name; only its own gets in.
    if account.user().as_str() != user_id {
        return Ok(Verdict::UnknownUser);
    }
    match verdict {
        "accepted" => Ok(Verdict::Accepted(account)),
        "disabled" => Ok(Verdict::Disabled(account)),
        "expired" => Ok(Verdict::Expired(account)),
        _ => Err(BackendError::new("the service's answer has an unknown verdict")),
    }
}

/// Returns the account, if a user is named, and the verdict.
fn parse(answer: &[u8]) -> Result<(Option<Account>, &str), &'static str> {
    let text = str::from_utf8(answer).map_err(|_| "the service's answer is not UTF-8")?;
    let text = text.strip_suffix('\n').ok_or("the service's answer was truncated")?;
    let mut account: Option<Account> = None;
    let mut lines = text.split('\n');
    let last = lines.next_back().and_then(|line| line.strip_prefix("verdict "));
    let verdict = last.ok_or("the service's answer does not end with a verdict")?;
    for line in lines {
        account = Some(match (line.split_once(' '), account) {
            (Some(("user", name)), None) if !name.is_empty() => Account::new(name),
            (Some(("group", name)), Some(account)) => account.with_group(name),
            (Some(("plan", plan)), Some(account)) if account.data::<Plan>().is_none() => {
                account.with_data(Plan::parse(plan)?)
            }
            (Some(("max-age", seconds)), Some(account)) if account.max_age().is_none() => {
                let seconds =
                    seconds.parse().map_err(|_| "the service's max-age is not a number")?;
                account.with_max_age(Duration::from_secs(seconds))
            }
            _ => return Err("the service's answer has an unknown line"),
        });
    }
    Ok((account, verdict))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn account(answer: &str) -> Account {
        match verdict(answer.as_bytes(), "alice").unwrap() {
            Verdict::Accepted(account) => account,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_names_a_user_with_groups_and_data() {
        let alice = account(
            "user alice\ngroup staff\ngroup on call\nplan paid\nmax-age 300\nverdict accepted\n",
        );
        assert_eq!(alice.user().as_str(), "alice");
        assert_eq!(alice.groups().collect::<Vec<_>>(), ["staff", "on call"]);
        assert_eq!(alice.data(), Some(&Plan::Paid));
        assert_eq!(alice.max_age(), Some(Duration::from_secs(300)));
        let plain = account("user alice\nverdict accepted\n");
        assert_eq!((plain.groups().count(), plain.data::<Plan>()), (0, None));
        assert_eq!(plain.max_age(), None);
    }

    #[test]
    fn reads_every_verdict() {
        let of = |answer: &str| verdict(answer.as_bytes(), "alice").unwrap();
        assert!(matches!(of("verdict wrong-password\n"), Verdict::WrongPassword));
        assert!(matches!(of("verdict unknown-user\n"), Verdict::UnknownUser));
        assert!(matches!(of("user alice\nverdict disabled\n"), Verdict::Disabled(_)));
        assert!(matches!(of("user alice\nverdict expired\n"), Verdict::Expired(_)));
    }

    #[test]
    fn another_spelling_is_an_unknown_user() {
        for name in ["Alice", "alice ", " alice", "alic\u{e9}", "bob"] {
            for word in ["accepted", "disabled", "expired"] {
                let answer = format!("user {name}\nverdict {word}\n");
                let verdict = verdict(answer.as_bytes(), "alice");
                assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{answer:?}: {verdict:?}");
            }
        }
    }

    #[test]
    fn refuses_anything_else() {
        for (answer, expected) in [
            ("", "was truncated"),
            ("\n", "does not end with a verdict"),
            ("user alice\nverdict accepted", "was truncated"),
            ("user alice\n", "does not end with a verdict"),
            ("user alice\nplan paid\nverdi\n", "does not end with a verdict"),
            ("verdict accepted\nuser alice\n", "does not end with a verdict"),
            ("verdict accepted\n", "names no user"),
            ("user \nverdict accepted\n", "an unknown line"),
            ("user alice\nuser bob\nverdict accepted\n", "an unknown line"),
            ("group staff\nuser alice\nverdict accepted\n", "an unknown line"),
            ("user alice\nplan gold\nverdict accepted\n", "an unknown plan"),
            ("user alice\nplan free\nplan paid\nverdict accepted\n", "an unknown line"),
            ("user alice\nmax-age 1\nmax-age 9\nverdict accepted\n", "an unknown line"),
            ("user alice\nmax-age soon\nverdict accepted\n", "max-age is not a number"),
            ("user alice\nmax-age -1\nverdict accepted\n", "max-age is not a number"),
            ("user alice\n\nverdict accepted\n", "an unknown line"),
            ("user alice\nverdict wrong-password\nverdict accepted\n", "an unknown line"),
            ("user alice\nverdict ACCEPTED\n", "an unknown verdict"),
            ("user alice\nverdict \n", "an unknown verdict"),
            ("<!DOCTYPE html>\n<title>Log in</title>\n", "does not end with a verdict"),
        ] {
            let error = verdict(answer.as_bytes(), "alice").unwrap_err();
            let shown = error.source().unwrap().to_string();
            assert!(shown.ends_with(expected), "{answer:?}: {shown}");
            assert!(!error.is_transient(), "{answer:?}");
        }
        assert!(verdict(b"user \xff\nverdict accepted\n", "alice").is_err());
    }
}
