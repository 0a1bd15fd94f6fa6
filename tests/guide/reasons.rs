//! The tables of reasons are those of `Reason`.

use std::{fs, path::Path};

use tower_proxy_auth::Reason;

/// The cells of the rows under the table head with these columns.
#[track_caller]
fn table(path: &str, columns: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let mut lines = text.lines().skip_while(|line| *line != columns);
    assert!(lines.next().is_some(), "{path} has no table {columns}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_for_operators_explains_each_reason() {
    let rows = table("docs/operate/README.md", "| reason | status | guess | what it means |");
    let shown: Vec<_> = rows.iter().map(|row| row[..3].join(" ").trim().to_owned()).collect();
    let expected = Reason::ALL.iter().map(|reason| {
        let guess = if reason.is_guess() { " yes" } else { "" };
        format!("`{reason}` {}{guess}", reason.status().as_u16())
    });
    assert_eq!(shown, expected.collect::<Vec<_>>());
    for row in rows {
        assert!(row[3].len() > 20, "{row:?} explains nothing");
    }
}

#[test]
fn the_readme_lists_each_reason() {
    let mut shown: Vec<(String, String)> = Vec::new();
    for row in table("README.md", "| status | reasons |") {
        shown.extend(row[1].split(", ").map(|name| (name.to_owned(), row[0].clone())));
    }
    let expected = Reason::ALL.iter().map(|reason| {
        let bold = if reason.is_guess() { "**" } else { "" };
        (format!("{bold}`{reason}`{bold}"), reason.status().as_u16().to_string())
    });
    let mut expected: Vec<_> = expected.collect();
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
}

/// Operators copy these rules.
#[cfg(feature = "access-rules")]
#[test]
fn the_rules_on_the_page_for_operators_are_valid() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operate/README.md");
    let text = fs::read_to_string(page).unwrap();
    let rules = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    tower_proxy_auth::access::AccessRules::parse(rules).unwrap();
}
