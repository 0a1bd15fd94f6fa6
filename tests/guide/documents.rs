//! Checks that code, paths and names in the documents exist in the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A document: its path, relative to the root, and its text.
struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    /// The fenced code blocks of a language.
    fn blocks<'a>(&'a self, language: &str) -> Vec<Vec<&'a str>> {
        let start = format!("```{language}\n");
        let after = self.text.split(start.as_str()).skip(1);
        after.map(|text| lines(text.split("\n```").next().unwrap())).collect()
    }

    /// Quoted code outside of blocks: every second piece between backticks.
    fn quoted(&self) -> impl Iterator<Item = &str> {
        let prose = self.text.split("```").step_by(2);
        prose.flat_map(|text| text.split('`').skip(1).step_by(2))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files in `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let expand = |path: PathBuf| match path.is_dir() {
        true => files(&path, extension),
        false if path.extension().is_some_and(|own| own == extension) => vec![path],
        false => Vec::new(),
    };
    entries.flat_map(expand).collect()
}

/// The text of each source file, after its path.
fn sources(folders: &[&str]) -> Vec<String> {
    let paths = folders.iter().flat_map(|folder| files(&root().join(folder), "rs"));
    paths
        .map(|path| format!("{}\n{}", path.display(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn documents() -> Vec<Document> {
    let mut paths = files(&root().join("docs"), "md");
    paths.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name)));
    let document = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        Document { path: path.strip_prefix(root()).unwrap().to_owned(), text }
    };
    paths.into_iter().map(document).collect()
}

/// The lines of a text, without indentation and blank lines.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Blocks that are not compiled as doctests must be copies.
#[test]
fn code_in_the_guide_is_code_of_the_examples() {
    let examples = sources(&["examples"]);
    let examples: Vec<_> = examples.iter().map(|text| lines(text)).collect();
    let mut seen = 0;
    for document in documents() {
        for block in document.blocks("rust,ignore") {
            assert!(!block.is_empty(), "{}", document.path.display());
            let contains = |example: &Vec<&str>| {
                example.windows(block.len()).any(|lines| lines == block.as_slice())
            };
            let text = block.join("\n");
            assert!(examples.iter().any(contains), "{}:\n{text}", document.path.display());
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen} blocks");
}

#[test]
fn links_lead_to_files() {
    let mut seen = 0;
    for Document { path, text } in documents() {
        for target in text.split("](").skip(1).filter_map(|text| text.split(')').next()) {
            if let Some(section) = target.strip_prefix('#') {
                let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
                let mut anchors = headings.map(|heading| heading.to_lowercase().replace(' ', "-"));
                assert!(anchors.any(|it| it == section), "{}: {target}", path.display());
            } else if !target.starts_with("https://") {
                let file = root().join(path.parent().unwrap()).join(target);
                assert!(file.exists(), "{}: {target}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn quoted_paths_exist() {
    const FOLDERS: [&str; 7] =
        [".ci/", "benches/", "docs/", "examples/", "fuzz/", "src/", "tests/"];
    let mut seen = 0;
    for document in documents() {
        let is_path = |text: &&str| {
            FOLDERS.iter().any(|folder| text.starts_with(folder)) && !text.contains(['*', '<'])
        };
        for text in document.quoted().filter(is_path) {
            let path = text.split(' ').next().unwrap();
            assert!(root().join(path).exists(), "{}: {path}", document.path.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

/// Finds names of types and functions that were renamed.
#[test]
fn quoted_names_occur_in_the_sources() {
    let sources = sources(&["src", "examples", "tests", "benches"]);
    let occurs = |text: &str| sources.iter().any(|source| source.contains(text));
    let mut unknown = Vec::new();
    for document in documents() {
        let is_ours = |text: &str| !["rustls::", "tokio::"].iter().any(|of| text.starts_with(of));
        for text in document.quoted().filter(|text| is_ours(text)) {
            let mut names = text.split(|char: char| !char.is_alphanumeric() && char != '_');
            let names_occur =
                names.all(|name| !(is_function(name) || is_type(name)) || occurs(name));
            let path = text.split('(').next().and_then(|path| path.rsplit_once("::"));
            let is_known = path.is_none_or(|(owner, name)| {
                is_type(name) || sources.iter().any(|source| defines(source, owner, name))
            });
            if !(names_occur && is_known) {
                unknown.push(format!("{}: {text}", document.path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "unknown names:\n{}", unknown.join("\n"));
}

/// Whether a file defines the function `name` of `owner`, which is a type or a module.
fn defines(source: &str, owner: &str, name: &str) -> bool {
    let has_owner = !is_type(owner)
        || source.lines().any(|line| {
            let mut words = line.split(|char: char| !char.is_alphanumeric() && char != '_');
            (line.contains("impl") || line.contains("trait ")) && words.any(|word| word == owner)
        });
    has_owner && source.contains(&format!("fn {name}"))
}

fn is_type(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.any(char::is_lowercase)
}

/// Environment variables are not functions.
fn is_function(name: &str) -> bool {
    name.contains('_') && name.chars().any(char::is_lowercase)
}
