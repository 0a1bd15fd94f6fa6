//! Pages as problem details, [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), for programs.
//!
//! The type is `about:blank`, so the title is the phrase of the status. `detail` is the text, and the
//! values at the end of the page are members of their own: `since`, `until`, `contact`, `reference`.

use super::{
    document::{DetailValue, Document},
    language::Block,
    template::{Template, TimeFormat},
};

pub(super) fn render(document: &Document<'_>) -> Template {
    let mut body = Template::new(TimeFormat::Programs);
    let text = &document.text;
    body.push(&format!(
        "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\\n{}",
        document.status.canonical_reason().unwrap_or_default(),
        document.status.as_str(),
        escape(&text.title),
        escape(&text.summary),
    ));
    for block in &text.blocks {
        match block {
            Block::Section { heading, text } => {
                body.push(&format!("\\n{}: {}", escape(heading), escape(text)));
            }
            Block::Code(code) => body.push(&format!("\\n{}", escape(code))),
        }
    }
    body.push("\"");
    for detail in &document.details {
        let member = format!(",\"{}\":\"", detail.name);
        match detail.value {
            DetailValue::Text(text) => body.push(&format!("{member}{}\"", escape(text))),
            DetailValue::Gap(gap) => body.push_gap(&member, gap, "\""),
        }
    }
    body.push("}\n");
    body
}

/// Escapes a text for a JSON string.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            '\0'..'\x20' => escaped.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    escaped
}
