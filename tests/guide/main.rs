//! The guide says what the examples do, and its validator stands what the others stand.

#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/answer.rs"]
mod answer;
#[path = "../../examples/http_validator/form.rs"]
mod form;
#[path = "../../examples/http_validator/queue.rs"]
mod queue;
#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/service.rs"]
mod service;
#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../../examples/http_validator/validator.rs"]
mod validator;

#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Mutex,
};

use service::{Service, User};
use validator::HttpValidator;

use crate::support::validator_battery::{BackEnd, SOON, battery};

/// The validator of the guide; the services that it has asked.
#[derive(Default)]
struct OverHttp {
    services: Mutex<Vec<Service>>,
    deaf: Mutex<Vec<TcpListener>>,
}

fn validator_of(listener: &TcpListener) -> HttpValidator {
    let url = format!("http://{}/check", listener.local_addr().unwrap());
    HttpValidator::new(url.parse().unwrap(), "token").unwrap().with_timeout(SOON)
}

impl BackEnd for OverHttp {
    type Validator = HttpValidator;

    async fn holding(&self, users: &[(&str, &str)]) -> HttpValidator {
        let users = users.iter().map(|(name, password)| User::new(name, password)).collect();
        let service = Service::start(users).await.unwrap();
        let validator = HttpValidator::new(service.url(), service.token()).unwrap();
        self.services.lock().unwrap().push(service);
        validator
    }

    /// The operating system takes connections, and nobody else does.
    async fn hanging(&self) -> Option<HttpValidator> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let validator = validator_of(&listener);
        self.deaf.lock().unwrap().push(listener);
        Some(validator)
    }

    /// Nobody is there any more.
    async fn failing(&self) -> Option<HttpValidator> {
        Some(validator_of(&TcpListener::bind("127.0.0.1:0").unwrap()))
    }
}

battery!(over_http: OverHttp::default());

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` whose name ends like that.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found
}

fn chapters() -> Vec<(PathBuf, String)> {
    let chapters = files(&root().join("docs/guide"), "md").into_iter();
    chapters.map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Lines without what they are indented by, and without blank ones.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The fenced blocks of a language.
fn blocks<'a>(chapter: &'a str, language: &str) -> Vec<Vec<&'a str>> {
    let start = format!("```{language}\n");
    let after = chapter.split(start.as_str()).skip(1);
    after.map(|text| lines(text.split("\n```").next().unwrap())).collect()
}

#[test]
fn code_in_the_guide_stands_in_the_examples_as_it_is() {
    let examples: Vec<String> = files(&root().join("examples"), "rs")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let examples: Vec<Vec<&str>> = examples.iter().map(|text| lines(text)).collect();
    let mut seen = 0;
    for (path, chapter) in chapters() {
        for block in blocks(&chapter, "rust") {
            assert!(!block.is_empty(), "{}", path.display());
            let stands_in = |example: &Vec<&str>| {
                example.windows(block.len()).any(|lines| lines == block.as_slice())
            };
            let block_text = block.join("\n");
            assert!(examples.iter().any(stands_in), "{}:\n{block_text}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} blocks");
}

#[test]
fn links_in_the_guide_lead_to_files() {
    let mut seen = 0;
    for (path, chapter) in chapters() {
        for target in chapter.split("](").skip(1).filter_map(|text| text.split(')').next()) {
            if !target.starts_with("https://") {
                let file = path.parent().unwrap().join(target);
                assert!(file.exists(), "{}: {target}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

/// A type or a method that was given another name would be gone from there.
#[test]
fn names_in_the_guide_stand_in_the_sources() {
    let sources: Vec<String> = ["src", "examples", "tests"]
        .iter()
        .flat_map(|folder| files(&root().join(folder), "rs"))
        .filter(|path| !path.ends_with("guide.rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let is_known = |name: &str| sources.iter().any(|source| source.contains(name));
    for (path, chapter) in chapters() {
        // Outside of blocks, what is quoted is every second piece between backticks.
        let prose = chapter.split("```").step_by(2);
        let quoted = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
        for text in quoted.filter(|text| !text.starts_with("tokio::")) {
            let names = text.split(|char: char| !char.is_alphanumeric() && char != '_');
            for name in names.filter(|name| name.contains('_') || is_type(name)) {
                assert!(is_known(name), "{}: {name} in {text:?}", path.display());
            }
        }
    }
}

fn is_type(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.any(char::is_lowercase)
}
