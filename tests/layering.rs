//! The order of the modules: each imports only from those of lower rank.
//!
//! Inside a top-level folder everybody may use everybody. Between them every `crate::` path, and
//! every `super::` path that leaves the folder, has to go down, whether it stands in a `use` or in
//! the middle of an expression, in code or in its tests. A path that goes through what the crate's
//! root re-exports hides where it leads, so it is refused as well. Doc links are free.

#[path = "layering/lexer.rs"]
mod lexer;
#[path = "layering/paths.rs"]
mod paths;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The top-level modules by rank, the lowest first. The front page, `lib.rs`, is above them all.
const RANKS: &[&[&str]] = &[
    &["words"],
    &["clock", "error", "hex", "secret"],
    &["grammar", "head"],
    &["scheme", "user_parameters"],
    &["identity", "reason"],
    &["ports"],
    &["policy", "store", "validator"],
    &["authenticator"],
    &["middleware"],
];

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// What is wrong with the paths in `source`, which is the file `place` below `src`.
fn mistakes(place: &Path, source: &str) -> Vec<String> {
    let module = module_of(place);
    let Some(own) = module.first() else { return Vec::new() };
    let Some(own_rank) = rank(own) else {
        return vec![format!("{}: {own} has no rank: give it one", place.display())];
    };
    let mut mistakes = Vec::new();
    for path in paths::of(&lexer::tokens(source), &module) {
        let why = match path.segments.first() {
            Some(target) if target == own => continue,
            Some(target) => match rank(target) {
                Some(rank) if rank < own_rank => continue,
                Some(rank) => format!("goes from rank {own_rank} to rank {rank}"),
                None => "goes through the root".to_owned(),
            },
            None => "is the root".to_owned(),
        };
        mistakes.push(format!("{}:{}: {path} {why}", place.display(), path.line));
    }
    mistakes
}

/// The path of the module that the file `place` holds: none for `lib.rs`.
fn module_of(place: &Path) -> Vec<String> {
    let without_extension = place.with_extension("");
    let parts = without_extension.iter().map(|part| part.to_str().expect("a name that is text"));
    let mut module: Vec<String> = parts.map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod")) || module == ["lib"] {
        module.pop();
    }
    module
}

/// All Rust files in and below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_imports_from_lower_ranks_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files.sort();
    let mut modules = BTreeSet::new();
    let mut all = Vec::new();
    let mut checked = 0;
    for file in &files {
        let place = file.strip_prefix(&src).expect("below src");
        let source = fs::read_to_string(file).expect("a text file");
        modules.extend(module_of(place).into_iter().next());
        checked += paths::of(&lexer::tokens(&source), &module_of(place)).len();
        all.extend(mistakes(place, &source));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    let ranked: BTreeSet<String> =
        RANKS.iter().copied().flatten().map(|&name| name.to_owned()).collect();
    assert_eq!(modules, ranked, "the modules there are, and those that have a rank");
    // A scanner that finds nothing would find nothing wrong.
    assert!(checked > files.len(), "{checked} paths in {} files", files.len());
}

/// The lines of `source`, as the file `place`, in which there is a mistake, and the mistakes.
fn planted(place: &str, source: &str) -> (Vec<usize>, String) {
    let mistakes = mistakes(Path::new(place), source);
    let line = |mistake: &String| mistake.split(':').nth(1)?.parse().ok();
    (mistakes.iter().filter_map(line).collect(), mistakes.join("\n"))
}

#[track_caller]
fn refused(place: &str, source: &str, why: &[&str]) {
    let (lines, text) = planted(place, source);
    assert_eq!(lines.len(), why.len(), "{source}\n{text}");
    for (line, why) in text.lines().zip(why) {
        assert!(line.ends_with(why), "{line} is not {why}");
    }
}

#[track_caller]
fn accepted(place: &str, source: &str) {
    refused(place, source, &[]);
}

#[test]
fn a_path_that_goes_up_is_refused_wherever_it_stands() {
    for source in [
        "use crate::middleware::X;",
        "pub use crate::middleware::X;",
        "pub(crate) use crate::{middleware::X};",
        "use {crate::middleware::X};",
        "use ::std::fmt;\nuse crate :: middleware :: X;",
        "fn f() { let x = crate::middleware::X { y }; }",
        "fn f(x: &crate::middleware::X) {}",
        "fn f() { g::<crate::middleware::X>() }",
        "impl crate::middleware::X for Y {}",
        "#[cfg(test)]\nmod tests { use crate::middleware::X; }",
        "macro_rules! m { () => { $crate::middleware::X } }",
        "use super::super::middleware::X;",
        "mod inner { use super::super::super::middleware::X; }",
        "mod inner { mod more {} use super::super::super::middleware::X; }",
        "use self::super::super::middleware::X;",
        "fn f() { super::super::middleware::X(y) }",
        "use super::{super::middleware::X, scheme};",
        "fn f() { let a: &'static str = \"'\"; let b = '\\''; crate::middleware::X }",
        "fn f<'a>(a: &'a str, b: char) { if b == '\"' { crate::middleware::X } }",
    ] {
        refused("authenticator/basic.rs", source, &["middleware::X goes from rank 7 to rank 8"]);
    }
    refused(
        "ports/mod.rs",
        "fn f() { crate::authenticator::Y }",
        &["crate::authenticator::Y goes from rank 5 to rank 7"],
    );
}

#[test]
fn a_path_that_goes_sideways_is_refused() {
    refused("clock.rs", "use crate::error::E;", &["goes from rank 1 to rank 1"]);
    refused("store/memory/mod.rs", "use crate::policy::P;", &["goes from rank 6 to rank 6"]);
    refused("store/memory/mod.rs", "use super::super::policy::P;", &["from rank 6 to rank 6"]);
}

#[test]
fn each_branch_of_a_nested_use_is_looked_at() {
    refused(
        "authenticator/mod.rs",
        "use crate::{\n    clock::Clock,\n    middleware::{A, B as C, d::*},\n    Root,\n};",
        &[
            "crate::middleware::A goes from rank 7 to rank 8",
            "crate::middleware::B goes from rank 7 to rank 8",
            "crate::middleware::d::* goes from rank 7 to rank 8",
            "crate::Root goes through the root",
        ],
    );
    let (lines, _) = planted("clock.rs", "\nuse crate::{\n    a::B,\n    c::{\n  d,\n e}};");
    assert_eq!(lines, [3, 5, 6]);
}

#[test]
fn a_path_through_the_root_is_refused() {
    for (source, why) in [
        ("use crate::Something;", "crate::Something goes through the root"),
        ("use crate::*;", "crate::* goes through the root"),
        ("use crate as root;", "crate is the root"),
        ("use crate::{self as root};", "crate is the root"),
        ("use super::super::Something;", "crate::Something goes through the root"),
        ("use super::super::*;", "crate::* goes through the root"),
        ("use super::super as root;", "crate is the root"),
    ] {
        refused("middleware/layer.rs", source, &[why]);
    }
}

#[test]
fn a_module_without_a_rank_is_refused() {
    let mistakes = mistakes(Path::new("telemetry/mod.rs"), "");
    assert_eq!(mistakes, ["telemetry/mod.rs: telemetry has no rank: give it one"]);
}

#[test]
fn what_goes_down_or_stays_in_its_folder_is_accepted() {
    for source in [
        "use crate::{clock::Clock, ports::{A, B}, head};",
        "use crate::authenticator::digest::X;",
        "use super::{scheme::X, super::authenticator::Y};",
        "use super::super::clock::Clock;",
        "mod tests { use super::*; }",
        "mod tests { mod more { use super::super::*; } }",
        "use std::fmt;\nuse http::Uri;\nuse self::inner::X;",
    ] {
        accepted("authenticator/basic.rs", source);
    }
    accepted("clock.rs", "mod tests { use super::*; }");
    accepted("lib.rs", "pub use crate::middleware::X;\npub use authenticator::Y;");
}

#[test]
fn visibility_is_no_import() {
    accepted("grammar/cursor.rs", "pub(in crate::grammar) fn f() {}\npub(crate) fn g() {}");
    accepted("grammar/cursor.rs", "pub(super) fn f() {}\npub(in super::super) fn g() {}");
    refused("grammar/cursor.rs", "pub(crate) fn f() -> crate::head::H {}", &["to rank 2"]);
}

#[test]
fn comments_and_strings_are_no_paths() {
    for source in [
        "//! [crate::middleware]\n/// crate::middleware::X\n// use crate::middleware::X;",
        "/* crate::middleware::X /* crate::middleware::X */ crate::middleware::X */",
        "const A: &str = \"use crate::middleware::X; \\\" crate::middleware::X\";",
        "const A: &str = r#\"\" crate::middleware::X \"#;\nconst B: &[u8] = b\"crate::middleware::X\";",
        "const A: &str = r\"\\\";\nconst B: &str = \"crate::middleware::X\";",
        "#[doc = \"crate::middleware::X\"]\nfn f() {}",
    ] {
        accepted("clock.rs", source);
    }
    refused("clock.rs", "/* */ use crate::middleware::X; // crate::head::Y", &["to rank 8"]);
    refused("clock.rs", "const A: &str = r\"\\\"; use crate::middleware::X;", &["to rank 8"]);
}
