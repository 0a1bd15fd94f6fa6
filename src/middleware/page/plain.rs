//! Pages as plain text, for programs that print what they receive.

use super::{
    document::{DetailValue, Document},
    language::Block,
    template::Template,
};

/// A page of a few paragraphs.
pub(super) fn render(document: &Document<'_>) -> Template {
    let mut body = Template::default();
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
        body.push(&format!("{}: ", detail.label));
        push_value(&mut body, detail.value);
        body.push("\n");
    }
    body
}

/// One line, for `CONNECT`: hardly any client shows more.
pub(super) fn render_line(document: &Document<'_>) -> Template {
    let mut body = Template::default();
    body.push(&format!("{}: {}", document.status_line(), document.text.title));
    for detail in &document.details {
        body.push(&format!("; {}: ", detail.label));
        push_value(&mut body, detail.value);
    }
    body.push("\n");
    body
}

fn push_value(body: &mut Template, value: DetailValue<'_>) {
    match value {
        DetailValue::Text(text) => body.push(text),
        DetailValue::Reference => body.push_reference(),
    }
}
