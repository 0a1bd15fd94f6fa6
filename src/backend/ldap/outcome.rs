//! The outcome of a bind.

use ldap3::{LdapResult, controls::RawControl};

use super::failure::Failure;

/// The outcome of a bind for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Right,
    Wrong,
    Unknown,
    /// The password is right.
    Disabled,
    /// The password is right, or was until it expired.
    Expired,
}

const SUCCESS: u32 = 0;
const CONSTRAINT_VIOLATION: u32 = 19;
const NO_SUCH_OBJECT: u32 = 32;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;

/// The control that requests, and returns, the state of the password policy.
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// The controls of a bind.
pub(super) fn controls() -> Vec<RawControl> {
    vec![RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None }]
}

impl Outcome {
    /// # Errors
    /// The result says nothing about the user.
    pub(super) fn of(result: &LdapResult) -> Result<Self, Failure> {
        let policy = policy_of(result);
        match (result.rc, policy) {
            (SUCCESS, Policy::None) => Ok(Self::Right),
            // The user can only change the password.
            (SUCCESS, Policy::Expired | Policy::MustChange) => Ok(Self::Expired),
            (SUCCESS, Policy::Locked | Policy::Other) => Ok(Self::Disabled),
            (INVALID_CREDENTIALS, Policy::Expired) => Ok(Self::Expired),
            // A server reports a lock before it checks the password.
            (INVALID_CREDENTIALS, _) => Ok(of_active_directory(&result.text)),
            // Some servers send the first for a locked account.
            (CONSTRAINT_VIOLATION | INAPPROPRIATE_AUTHENTICATION, _) => Ok(Self::Wrong),
            (NO_SUCH_OBJECT, _) => Ok(Self::Unknown),
            _ => Err(Failure::of_result("bind", result)),
        }
    }
}

/// Active Directory has a number in its text that gives the reason. Except for 525, it sends the
/// numbers below only for the right password.
fn of_active_directory(text: &str) -> Outcome {
    let after = text.split_once("AcceptSecurityContext error, data ").map(|(_, after)| after);
    let number = after.and_then(|after| after.split(',').next());
    match number.map(str::trim) {
        Some("525") => Outcome::Unknown,
        // Expired password, expired account, password that must be changed.
        Some("532" | "701" | "773") => Outcome::Expired,
        Some("533") => Outcome::Disabled,
        _ => Outcome::Wrong,
    }
}

/// The error that a server with password policies reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    None,
    Expired,
    Locked,
    MustChange,
    /// Not for a bind, or unreadable.
    Other,
}

fn policy_of(result: &LdapResult) -> Policy {
    let mut controls = result.ctrls.iter().map(|control| &control.1);
    match controls.find(|control| control.ctype == PASSWORD_POLICY) {
        Some(control) => {
            policy(control.val.as_deref().unwrap_or_default()).unwrap_or(Policy::Other)
        }
        None => Policy::None,
    }
}

/// `SEQUENCE { warning [0] ... OPTIONAL, error [1] ENUMERATED OPTIONAL }`, with short lengths only,
/// since all its values are short.
fn policy(value: &[u8]) -> Option<Policy> {
    const SEQUENCE: u8 = 0x30;
    const WARNING: u8 = 0xa0;
    const ERROR: u8 = 0x81;
    if value.is_empty() {
        return Some(Policy::None);
    }
    let (tag, mut content, rest) = element(value)?;
    if tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    let mut found = Policy::None;
    while !content.is_empty() {
        let (tag, inner, rest) = element(content)?;
        found = match (tag, inner) {
            (WARNING, _) => found,
            (ERROR, [0]) => Policy::Expired,
            (ERROR, [1]) => Policy::Locked,
            (ERROR, [2]) => Policy::MustChange,
            _ => Policy::Other,
        };
        content = rest;
    }
    Some(found)
}

/// Tag, content and rest.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk()?;
    let (content, rest) = rest.split_at_checked(length.into())?;
    (length < 0x80).then_some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use ldap3::controls::Control;

    use super::*;

    fn result(code: u32, text: &str, policy: Option<&[u8]>) -> LdapResult {
        let control = |value: &[u8]| {
            let ctype = PASSWORD_POLICY.to_owned();
            Control(None, RawControl { ctype, crit: false, val: Some(value.to_vec()) })
        };
        LdapResult {
            rc: code,
            matched: String::new(),
            text: text.to_owned(),
            refs: Vec::new(),
            ctrls: policy.map(control).into_iter().collect(),
        }
    }

    #[test]
    fn only_results_about_the_user_are_outcomes() {
        for code in 0..130 {
            let outcome = Outcome::of(&result(code, "", None));
            match code {
                0 => assert_eq!(outcome.unwrap(), Outcome::Right),
                32 => assert_eq!(outcome.unwrap(), Outcome::Unknown),
                19 | 48 | 49 => assert_eq!(outcome.unwrap(), Outcome::Wrong),
                _ => assert!(outcome.is_err(), "{code}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn reads_the_numbers_of_active_directory() {
        for (number, outcome) in [
            ("525", Outcome::Unknown),
            ("52e", Outcome::Wrong),
            ("530", Outcome::Wrong),
            ("532", Outcome::Expired),
            ("533", Outcome::Disabled),
            ("5330", Outcome::Wrong),
            ("701", Outcome::Expired),
            ("773", Outcome::Expired),
            ("775", Outcome::Wrong),
            ("", Outcome::Wrong),
        ] {
            let text = format!(
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data \
                 {number}, v3839\0"
            );
            assert_eq!(Outcome::of(&result(49, &text, None)).unwrap(), outcome, "{number}");
            let other = format!("data {number}, v3839");
            assert_eq!(Outcome::of(&result(49, &other, None)).unwrap(), Outcome::Wrong);
            assert!(Outcome::of(&result(53, &text, None)).is_err(), "{number}");
        }
    }

    #[test]
    fn reads_the_control_of_a_password_policy() {
        for (code, control, outcome) in [
            // Nothing, an empty sequence, a warning of 3 more logins.
            (0, &[][..], Outcome::Right),
            (0, &[0x30, 0], Outcome::Right),
            (0, &[0x30, 5, 0xa0, 3, 0x81, 1, 3], Outcome::Right),
            (49, &[0x30, 0], Outcome::Wrong),
            (49, &[0x30, 3, 0x81, 1, 0], Outcome::Expired),
            (49, &[0x30, 3, 0x81, 1, 1], Outcome::Wrong),
            (49, &[0x30, 3, 0x81, 1, 2], Outcome::Wrong),
            (0, &[0x30, 3, 0x81, 1, 0], Outcome::Expired),
            (0, &[0x30, 3, 0x81, 1, 1], Outcome::Disabled),
            (0, &[0x30, 3, 0x81, 1, 2], Outcome::Expired),
            (0, &[0x30, 8, 0xa0, 3, 0x81, 1, 3, 0x81, 1, 2], Outcome::Expired),
            // An unreadable control never lets anyone in.
            (0, &[0x30, 3, 0x81, 1, 9], Outcome::Disabled),
            (0, &[0x30, 3, 0x81, 2, 0], Outcome::Disabled),
            (0, &[0x30, 0x81, 0], Outcome::Disabled),
            (0, &[0x31, 0], Outcome::Disabled),
            (0, &[0x30, 0, 0], Outcome::Disabled),
            (0, &[0x30], Outcome::Disabled),
            (49, &[0x30], Outcome::Wrong),
        ] {
            let found = Outcome::of(&result(code, "", Some(control))).unwrap();
            assert_eq!(found, outcome, "{code} with {control:x?}");
        }
    }
}
