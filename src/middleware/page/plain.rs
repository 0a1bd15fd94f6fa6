//! Pages as plain text, for programs that print what they receive.

use super::{
    document::{Detail, DetailValue, Document},
    language::Block,
    template::{Template, TimeFormat},
};

/// A page of a few paragraphs.
pub(super) fn render(document: &Document<'_>) -> Template {
    let mut body = Template::new(TimeFormat::People);
    let text = &document.text;
    body.push(&format!("{}: {}\n\n{}\n", document.status_line(), text.title, text.summary));
    for block in &text.blocks {
        match block {
            Block::Section { heading, text } => body.push(&format!("\n{heading}: {text}\n")),
            Block::Code(code) => body.push(&format!("\n    {code}\n")),
        }
    }
    body.push("\n");
    for detail in &document.details {
        push_detail(&mut body, "", detail, "\n");
    }
    body
}

/// One line, for `CONNECT`: hardly any client shows more.
pub(super) fn render_line(document: &Document<'_>) -> Template {
    let mut body = Template::new(TimeFormat::People);
    body.push(&format!("{}: {}", document.status_line(), document.text.title));
    for detail in &document.details {
        push_detail(&mut body, "; ", detail, "");
    }
    body.push("\n");
    body
}

fn push_detail(body: &mut Template, before: &str, detail: &Detail<'_>, after: &str) {
    let label = format!("{before}{}: ", detail.label);
    match detail.value {
        DetailValue::Text(text) => body.push(&format!("{label}{text}{after}")),
        DetailValue::Gap(gap) => body.push_gap(&label, gap, after),
    }
}
