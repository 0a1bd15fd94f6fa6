//! What the service says, in lines of a key and a value, and what that means.
//!
//! ```text
//! user alice
//! group staff
//! plan paid
//! max-age 300
//! verdict accepted
//! ```
//! The verdict is `accepted`, `wrong-password`, `unknown-user`, `disabled` or `expired`. All but
//! two of them need a user. It comes last: an answer that was cut off has none. Whatever else is
//! sent is no answer, such as the page of a gateway on the way.

use std::time::Duration;

use tower_proxy_auth::{Account, BackendError, Verdict};

/// What a user pays for: data of this validator's own, which the inner service finds in the
/// account.
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
            _ => Err("the service's answer holds an unknown plan"),
        }
    }
}

/// Reads an answer to a question about `user_id`.
///
/// # Errors
/// It is no answer. Nothing of it is shown: it may repeat what was asked.
pub(crate) fn verdict(answer: &[u8], user_id: &str) -> Result<Verdict, BackendError> {
    let (account, verdict) = parse(answer).map_err(BackendError::new)?;
    let whose = match (verdict, account) {
        ("wrong-password", _) => return Ok(Verdict::WrongPassword),
        ("unknown-user", _) => return Ok(Verdict::UnknownUser),
        (_, Some(account)) => account,
        (_, None) => return Err(BackendError::new("the service's answer names no user")),
    };
    // Where the service takes several spellings of a name, only its own is let in.
    if whose.user().as_str() != user_id {
        return Ok(Verdict::UnknownUser);
    }
    match verdict {
        "accepted" => Ok(Verdict::Accepted(whose)),
        "disabled" => Ok(Verdict::Disabled(whose)),
        "expired" => Ok(Verdict::Expired(whose)),
        _ => Err(BackendError::new("the service's answer holds an unknown verdict")),
    }
}

/// The account, where a user is named, and the verdict.
fn parse(answer: &[u8]) -> Result<(Option<Account>, &str), &'static str> {
    let text = str::from_utf8(answer).map_err(|_| "the service's answer is not UTF-8")?;
    let text = text.strip_suffix('\n').ok_or("the service's answer was cut off")?;
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
                let seconds = seconds.parse().map_err(|_| "the service's max-age is no number")?;
                account.with_max_age(Duration::from_secs(seconds))
            }
            _ => return Err("the service's answer holds a line that means nothing"),
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
    fn an_answer_says_who_it_is_and_what_is_known_of_them() {
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
    fn every_verdict_is_told_apart() {
        let of = |answer: &str| verdict(answer.as_bytes(), "alice").unwrap();
        assert!(matches!(of("verdict wrong-password\n"), Verdict::WrongPassword));
        assert!(matches!(of("verdict unknown-user\n"), Verdict::UnknownUser));
        assert!(matches!(of("user alice\nverdict disabled\n"), Verdict::Disabled(_)));
        assert!(matches!(of("user alice\nverdict expired\n"), Verdict::Expired(_)));
    }

    #[test]
    fn another_spelling_is_nobody() {
        for name in ["Alice", "alice ", " alice", "alic\u{e9}", "bob"] {
            for said in ["accepted", "disabled", "expired"] {
                let answer = format!("user {name}\nverdict {said}\n");
                let verdict = verdict(answer.as_bytes(), "alice");
                assert!(matches!(verdict, Ok(Verdict::UnknownUser)), "{answer:?}: {verdict:?}");
            }
        }
    }

    #[test]
    fn whatever_else_there_is_is_a_failure() {
        for (answer, expected) in [
            ("", "was cut off"),
            ("\n", "does not end with a verdict"),
            ("user alice\nverdict accepted", "was cut off"),
            ("user alice\n", "does not end with a verdict"),
            ("user alice\nplan paid\nverdi\n", "does not end with a verdict"),
            ("verdict accepted\nuser alice\n", "does not end with a verdict"),
            ("verdict accepted\n", "names no user"),
            ("user \nverdict accepted\n", "a line that means nothing"),
            ("user alice\nuser bob\nverdict accepted\n", "a line that means nothing"),
            ("group staff\nuser alice\nverdict accepted\n", "a line that means nothing"),
            ("user alice\nplan gold\nverdict accepted\n", "an unknown plan"),
            ("user alice\nplan free\nplan paid\nverdict accepted\n", "a line that means nothing"),
            ("user alice\nmax-age 1\nmax-age 9\nverdict accepted\n", "a line that means nothing"),
            ("user alice\nmax-age soon\nverdict accepted\n", "max-age is no number"),
            ("user alice\nmax-age -1\nverdict accepted\n", "max-age is no number"),
            ("user alice\n\nverdict accepted\n", "a line that means nothing"),
            ("user alice\nverdict wrong-password\nverdict accepted\n", "a line that means nothing"),
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
