//! What may be wrong with a page, other than its text.

use super::{
    checkers,
    look::{LOOKS, take_screenshot},
    tab::Tab,
};

/// Returns the lines that begin with a character that Japanese typesetting does not put there: a
/// small kana, or the mark of a long vowel.
const BAD_LINES: &str = "(() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const lines = [];
    while (texts.nextNode()) {
        const text = texts.currentNode;
        let bottom = Infinity;
        for (let at = 0; at < text.length; at++) {
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            const place = range.getBoundingClientRect();
            const line = text.data.slice(at, at + 10);
            if (place.top > bottom && /^[ーぁぃぅぇぉっゃゅょァィゥェォッャュョ]/.test(line)) lines.push(line);
            bottom = place.bottom;
        }
    }
    return lines;
})()";

/// What is wrong with the looks of a page. Pictures get this name.
#[track_caller]
pub(super) fn looks(tab: &mut Tab<'_>, name: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for look in LOOKS {
        look.apply(tab);
        take_screenshot(tab, &format!("{name}-{}", look.name()));
        let mut found = match look.is_narrow() {
            // What it judges does not depend on the width, and it takes seconds.
            true => checkers::accessibility(tab),
            false => Vec::new(),
        };
        let width = tab.evaluate("document.documentElement.scrollWidth");
        if width.as_u64().is_none_or(|width| width > look.width) {
            found.push(format!("the page is {width} pixels wide"));
        }
        let lines = tab.evaluate(BAD_LINES);
        let lines = lines.as_array().expect("a list").iter();
        found.extend(lines.map(|line| format!("a line begins with {line}")));
        problems.extend(found.iter().map(|problem| format!("{}: {problem}", look.name())));
    }
    problems
}

/// The requests that the page at this URL made, and what it caused on the console.
#[track_caller]
pub(super) fn side_effects(tab: &mut Tab<'_>, url: &str) -> Vec<String> {
    // Messages that were under way have arrived before this answer.
    tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))");
    let events = tab.events();
    let is_own = |other: &str| other == url;
    // Chromium asks for an icon by itself, and logs its failure and that of the page.
    let is_icon = |other: &str| other.ends_with("/favicon.ico");
    let requests = events.requests.iter().filter(|other| !is_own(other) && !is_icon(other));
    let requests = requests.map(|other| format!("it requested {other}"));
    let is_expected = |entry: &&serde_json::Value| {
        let url = entry["url"].as_str().unwrap_or_default();
        entry["source"] == "network" && (is_own(url) || is_icon(url))
    };
    let console = events.console.iter().filter(|entry| !is_expected(entry));
    requests.chain(console.map(|entry| format!("on the console: {entry}"))).collect()
}
