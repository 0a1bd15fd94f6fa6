//! The pages of refusals: two languages, three forms, and the reference in the log.

use serde_json::Value;

use crate::{
    scenes::{CONTACT, SCENES, Scene},
    support::wire::Answer,
};

/// Sends the request of a scene.
#[track_caller]
pub(crate) fn refused(scene: &Scene, accept: &str, language: &str) -> Answer {
    let fields = format!("Host: o\nAccept: {accept}\nAccept-Language: {language}");
    let answer = scene.send(&format!("GET {} HTTP/1.1\n{fields}", scene.url));
    assert_eq!(answer.status, scene.status, "{}: {answer:?}", scene.name);
    answer
}

/// A form of a page, as a client asks for it.
#[derive(Clone, Copy)]
struct Form {
    accept: &'static str,
    content_type: &'static str,
    /// The text before the reference in each language.
    before: fn(&str) -> &str,
    after: &'static str,
    /// The contact as it stands there.
    contact: &'static str,
}

const FORMS: [Form; 3] = [
    Form {
        accept: "*/*",
        content_type: "text/plain; charset=utf-8",
        before: |language| {
            if language == "en" { "Reference: " } else { "お問い合わせ番号: " }
        },
        after: "\n",
        contact: CONTACT,
    },
    Form {
        accept: "text/html",
        content_type: "text/html; charset=utf-8",
        before: |_| "<dd><code>",
        after: "</code></dd>",
        contact: "&quot;help desk&quot; &lt;4711&gt; &amp; friends",
    },
    Form {
        accept: "application/problem+json",
        content_type: "application/problem+json",
        before: |_| "\"reference\":\"",
        after: "\"",
        contact: "\\\"help desk\\\" <4711> & friends",
    },
];

impl Form {
    /// Has a request refused, and returns the page without its reference, and the reference.
    #[track_caller]
    fn page(self, scene: &Scene, language: &str) -> (String, String) {
        let answer = refused(scene, self.accept, language);
        let name = format!("{} {} {language}", scene.name, self.accept);
        assert_eq!(answer.field("content-type").as_deref(), Some(self.content_type), "{name}");
        assert_eq!(answer.field("content-language").as_deref(), Some(language), "{name}");
        let text = answer.text();
        assert!(text.contains(self.contact), "{name}: {text}");
        assert_eq!(text.is_ascii(), language == "en", "{name}: {text}");
        if self.accept.ends_with("json") {
            let json: Value = serde_json::from_str(text).unwrap();
            assert_eq!(json["type"], "about:blank", "{name}");
            assert_eq!(json["status"], scene.status, "{name}");
            for member in ["title", "detail"] {
                assert!(json[member].as_str().is_some_and(|text| !text.is_empty()), "{name}");
            }
        }
        let parts = text.split_once((self.before)(language));
        let parts = parts.and_then(|(page, rest)| Some((page, rest.split_once(self.after)?)));
        let (page, (reference, rest)) = parts.unwrap_or_else(|| panic!("{name}: {text}"));
        (format!("{page}{rest}"), reference.to_owned())
    }
}

#[test]
fn pages_differ_in_the_reference_that_is_in_the_log() {
    for scene in SCENES {
        let scene = scene();
        for (form, language) in FORMS.iter().flat_map(|form| [(form, "en"), (form, "ja")]) {
            let name = format!("{} {} {language}", scene.name, form.accept);
            let [(page, reference), (other, other_reference)] =
                [(), ()].map(|()| form.page(&scene, language));
            assert_eq!(page, other, "{name}");
            assert_ne!(reference, other_reference, "{name}");
            scene.awaits_in_log(&reference);
            scene.awaits_in_log(&other_reference);
        }
    }
}

#[test]
fn a_refused_tunnel_gets_one_line() {
    for scene in SCENES {
        let scene = scene();
        let target = scene.url.trim_start_matches("http://").trim_end_matches('/');
        let head = format!("CONNECT {target} HTTP/1.1\nHost: {target}\nAccept: text/html");
        let answer = scene.send(&head);
        // The other proxy is an origin here, to which a tunnel is opened.
        let expected = if scene.status == 502 { 200 } else { scene.status };
        assert_eq!(answer.status, expected, "{}: {answer:?}", scene.name);
        if expected != 200 {
            let text = answer.text();
            assert!(text.starts_with(&format!("{expected} ")), "{}: {text}", scene.name);
            assert_eq!(text.find('\n'), Some(text.len() - 1), "{}: {text}", scene.name);
            assert!(text.contains(CONTACT), "{}: {text}", scene.name);
        }
    }
}
