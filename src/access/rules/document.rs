//! The TOML document of rules.

use std::{fmt, net::IpAddr, ops::RangeInclusive};

use http::Method;
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::{
    host::HostPattern,
    rule::{Action, Rule},
};

/// A mistake in rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    line: Option<usize>,
    problem: String,
}

impl RulesError {
    /// The number of the line, from 1, if it is one line.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong, without the line.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for RulesError {}

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, RulesError> {
    let document: Document = toml::from_str(text).map_err(|error| RulesError {
        line: error.span().map(|span| line_of(text, span.start)),
        problem: error.message().to_owned(),
    })?;
    let rules = document.rule.iter();
    rules.map(|entry| Reader { text }.rule(entry)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    rule: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    action: Spanned<String>,
    users: Option<List<String>>,
    groups: Option<List<String>>,
    anonymous: Option<bool>,
    hosts: Option<List<String>>,
    networks: Option<List<String>>,
    ports: Option<List<Ports>>,
    methods: Option<List<String>>,
    peers: Option<List<String>>,
}

type List<T> = Spanned<Vec<Spanned<T>>>;

/// A port, or a range such as `"8000-8999"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ports {
    Port(u16),
    Range(String),
}

/// Converts values, and names their lines in errors.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn rule(&self, entry: &Spanned<Entry>) -> Result<Rule, RulesError> {
        let line = line_of(self.text, entry.span().start);
        let entry = entry.get_ref();
        let name = |text: &String| match text.is_empty() {
            true => Err("is empty".to_owned()),
            false => Ok(text.clone()),
        };
        Ok(Rule {
            action: self.value("action", &entry.action, |text| action(text))?,
            place: format!("line {line}"),
            users: self.values("users", &entry.users, name)?,
            groups: self.values("groups", &entry.groups, name)?,
            anonymous: entry.anonymous,
            hosts: self.values("hosts", &entry.hosts, |value| HostPattern::parse(value))?,
            networks: self.values("networks", &entry.networks, |text| network(text))?,
            ports: self.values("ports", &entry.ports, ports)?,
            methods: self.values("methods", &entry.methods, |text| method(text))?,
            peers: self.values("peers", &entry.peers, |text| network(text))?,
        })
    }

    fn values<T, U>(
        &self,
        key: &str,
        values: &Option<List<T>>,
        convert: impl Fn(&T) -> Result<U, String>,
    ) -> Result<Option<Vec<U>>, RulesError>
    where
        T: fmt::Display,
    {
        let Some(values) = values else { return Ok(None) };
        // Such a rule would never match, so one that denies would deny nothing.
        if values.get_ref().is_empty() {
            let line = Some(line_of(self.text, values.span().start));
            return Err(RulesError { line, problem: format!("{key}: the list is empty") });
        }
        let values = values.get_ref().iter().map(|value| self.value(key, value, &convert));
        values.collect::<Result<_, _>>().map(Some)
    }

    fn value<T: fmt::Display, U>(
        &self,
        key: &str,
        value: &Spanned<T>,
        convert: impl Fn(&T) -> Result<U, String>,
    ) -> Result<U, RulesError> {
        convert(value.get_ref()).map_err(|problem| RulesError {
            line: Some(line_of(self.text, value.span().start)),
            problem: format!("{key}: {:?} {problem}", value.get_ref().to_string()),
        })
    }
}

fn action(text: &str) -> Result<Action, String> {
    match text {
        "allow" => Ok(Action::Allow),
        "deny" => Ok(Action::Deny),
        _ => Err("is neither \"allow\" nor \"deny\"".to_owned()),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network: IpNet =
        network.map_err(|_| "is not an address or a network such as 10.0.0.0/8".to_owned())?;
    match network {
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => {
            Err("is IPv4 that is mapped to IPv6: write it as IPv4".to_owned())
        }
        network => Ok(network.trunc()),
    }
}

/// A range of one port.
pub(super) fn port(port: u16) -> Result<RangeInclusive<u16>, RulesError> {
    match port {
        0 => Err(RulesError { line: None, problem: "0 is not a port from 1 to 65535".to_owned() }),
        port => Ok(port..=port),
    }
}

fn ports(ports: &Ports) -> Result<RangeInclusive<u16>, String> {
    const PROBLEM: &str = "is not a port from 1 to 65535, or a range such as \"8000-8999\"";
    let (first, last) = match ports {
        Ports::Port(port) => (Some(*port), Some(*port)),
        Ports::Range(text) => match text.split_once('-') {
            Some((first, last)) => (first.parse().ok(), last.parse().ok()),
            None => (None, None),
        },
    };
    match (first, last) {
        (Some(first), Some(last)) if 0 < first && first <= last => Ok(first..=last),
        _ => Err(PROBLEM.to_owned()),
    }
}

fn method(text: &str) -> Result<String, String> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(_) if !text.bytes().any(|byte| byte.is_ascii_lowercase()) => Ok(text.to_owned()),
        _ => Err("is not a method in upper case, such as \"GET\"".to_owned()),
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "{port}"),
            Self::Range(text) => f.write_str(text),
        }
    }
}

/// The number of the line that contains this byte, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_line_key_and_value() {
        for (text, message) in [
            (
                "[[rule]]\naction = \"maybe\"",
                r#"line 2: action: "maybe" is neither "allow" nor "deny""#,
            ),
            ("[[rule]]\n", "line 1: missing field `action`"),
            ("\n[[rule]]\naction = \"deny\"\nhost = [\"a\"]", "line 4: unknown field `host`"),
            ("[[rules]]\naction = \"deny\"", "line 1: unknown field `rules`"),
            (
                "[[rule]]\naction = \"deny\"\nnetworks = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/33\",\n]",
                "line 5: networks: \"10.0.0.0/33\" is not an address or a network such as 10.0.0.0/8",
            ),
            (
                "[[rule]]\naction = \"deny\"\nnetworks = [\"::ffff:10.0.0.0/104\"]",
                "line 3: networks: \"::ffff:10.0.0.0/104\" is IPv4 that is mapped to IPv6: write it as IPv4",
            ),
            (
                "[[rule]]\naction = \"deny\"\nhosts = [\"10.0.0.1\"]",
                "line 3: hosts: \"10.0.0.1\" is an address: use the key networks",
            ),
            (
                "[[rule]]\naction = \"deny\"\nports = [0]",
                "line 3: ports: \"0\" is not a port from 1 to 65535, or a range such as \"8000-8999\"",
            ),
            (
                "[[rule]]\naction = \"deny\"\nports = [\"9-8\"]",
                "line 3: ports: \"9-8\" is not a port from 1 to 65535, or a range such as \"8000-8999\"",
            ),
            (
                "[[rule]]\naction = \"deny\"\nmethods = [\"get\"]",
                "line 3: methods: \"get\" is not a method in upper case, such as \"GET\"",
            ),
            ("[[rule]]\naction = \"deny\"\nusers = [\"\"]", "line 3: users: \"\" is empty"),
            ("[[rule]]\naction = \"deny\"\nusers = []", "line 3: users: the list is empty"),
            ("[[rule]]\naction = \"deny\"\nusers = \"alice\"", "line 3: invalid type: string"),
            ("[[rule]\n", "line 1: "),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with(message), "{error}\ninstead of\n{message}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
