//! Programs that judge a page: axe-core, and the Nu HTML Checker, which also reads style sheets.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use super::tab::Tab;

/// Runs axe-core, and returns what is wrong, or may be.
const AXE: &str = "
axe.run(document, { preload: false }).then(({ violations, incomplete, passes }) => [
    ...violations.concat(incomplete).flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`)),
    ...passes.some(({ id }) => id == 'color-contrast') ? [] : ['no contrast was computed'],
])";

/// Judges the page in a tab as it looks at present: its contrast, names, roles and structure.
#[track_caller]
pub(super) fn accessibility(tab: &mut Tab<'_>) -> Vec<String> {
    if tab.evaluate("typeof axe") == "undefined" {
        let axe = module("axe-core/axe.min.js");
        tab.evaluate(&fs::read_to_string(axe).expect("axe-core is text"));
    }
    let found = tab.evaluate(AXE);
    let found = found.as_array().expect("a list").iter();
    found.map(|problem| problem.as_str().expect("a text").to_owned()).collect()
}

/// Judges HTML with its style sheets. Each page has a name.
#[track_caller]
pub(super) fn html(pages: &[(String, Vec<u8>)]) -> Vec<String> {
    let folder = TempDir::new().expect("a folder can be made");
    for (name, page) in pages {
        let file = folder.path().join(format!("{name}.html"));
        fs::write(file, page).expect("a file can be written");
    }
    let checker = module("vnu-jar/build/dist/vnu.jar");
    let output = Command::new("java")
        .arg("-jar")
        .arg(checker)
        .args(["--format", "json", "--stdout"])
        .arg(folder.path())
        .output()
        .expect("java can be run");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    let messages = report["messages"].as_array().expect("a list").iter();
    messages.map(Value::to_string).collect()
}

/// A file of a package in `package.json`.
#[track_caller]
fn module(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forward_proxy/browser");
    let file = folder.join("node_modules").join(name);
    assert!(file.exists(), "run `npm ci --ignore-scripts` in {}", folder.display());
    file
}
