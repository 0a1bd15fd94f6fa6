//! Pages as HTML, for browsers.
//!
//! A page is complete by itself: it has no script, loads nothing, and works in light and dark.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};

use super::{
    document::{DetailValue, Document},
    language::Block,
    template::{Gap, Template, TimeFormat},
};

const STYLE: &str = include_str!("page.css");

/// The `Content-Security-Policy`, which allows the style and nothing else.
pub(super) fn content_security_policy() -> HeaderValue {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    // Without the style, a page can be read as well.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

pub(super) fn render(document: &Document<'_>) -> Template {
    let mut body = Template::new(TimeFormat::People);
    let status = document.status_line();
    let (title, summary) = (escape(&document.text.title), escape(&document.text.summary));
    body.push(&format!(
        "<!DOCTYPE html>\n\
         <html lang=\"{}\" dir=\"auto\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n\
         <style>{STYLE}</style>\n\
         </head>\n\
         <body>\n\
         <main>\n\
         <p class=\"status\" lang=\"en\">{status}</p>\n\
         <h1>{title}</h1>\n\
         <p>{summary}</p>\n",
        escape(document.language),
    ));
    for block in &document.text.blocks {
        body.push(&match block {
            Block::Section { heading, text } => {
                format!("<h2>{}</h2>\n<p>{}</p>\n", escape(heading), escape(text))
            }
            Block::Code(code) => format!("<pre><code>{}</code></pre>\n", escape(code)),
        });
    }
    body.push("<dl>\n");
    for detail in &document.details {
        let label = format!("<dt>{}</dt>\n", escape(detail.label));
        match detail.value {
            DetailValue::Text(text) => body.push(&format!("{label}<dd>{}</dd>\n", escape(text))),
            DetailValue::Gap(Gap::Reference) => {
                body.push_gap(&format!("{label}<dd><code>"), Gap::Reference, "</code></dd>\n");
            }
            DetailValue::Gap(gap) => body.push_gap(&format!("{label}<dd>"), gap, "</dd>\n"),
        }
    }
    body.push("</dl>\n</main>\n</body>\n</html>\n");
    body
}

/// Escapes a text for an element or an attribute in double quotes.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}
