//! No module of the crate imports from a layer above its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules of the crate, from the bottom layer to the top one. Only `lib.rs` is exempt.
const LAYERS: [&[&str]; 10] = [
    &["change_stamp", "clock", "error", "head", "peer", "reason", "secret", "user_id"],
    &["grammar"],
    &["wire"],
    &["claim", "identity", "revocation", "user_parameters"],
    &["throttle"],
    &["backend", "nonce_store"],
    &["event"],
    &["authenticator"],
    &["middleware"],
    &["access"],
];

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The forbidden imports in the source of `module`, without its unit tests. They include names that
/// `lib.rs` re-exports: a module must import them from where they are defined.
fn forbidden(module: &str, source: &str) -> Vec<String> {
    let own = rank(module).unwrap_or_else(|| panic!("{module} has no layer"));
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<_> = source.lines().filter_map(|line| line.split("//").next()).collect();
    let code = code.join("\n");
    let imports = code.split("crate::").skip(1).flat_map(first_segments);
    imports.filter(|name| rank(name).is_none_or(|other| other > own)).collect()
}

/// The first segment of each path after `crate::`, which is one path or a list in braces.
fn first_segments(rest: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![String::new()];
    for char in rest.chars() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(String::new()),
            _ if depth <= 1 => names.last_mut().unwrap().push(char),
            _ => {}
        }
        if depth == 0 && char != '_' && !char.is_alphanumeric() {
            break;
        }
    }
    let is_end = |char: char| char != '_' && !char.is_alphanumeric();
    let first = |path: String| path.trim().split(is_end).next().unwrap_or_default().to_owned();
    names.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let expand = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(expand).collect()
}

#[test]
fn no_module_imports_from_a_layer_above() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let file = path.strip_prefix(&root).unwrap();
        let module = file.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        // Some unit tests are in separate files.
        let is_test = path.file_stem().unwrap().to_str().unwrap().ends_with("tests");
        if module != "lib" && !is_test {
            let names = forbidden(module, &fs::read_to_string(&path).unwrap());
            wrong.extend(names.into_iter().map(|name| format!("{}: {name}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "imports from above:\n{}", wrong.join("\n"));
}

#[test]
fn finds_every_form_of_import() {
    let source = "use crate::{\n    backend::{Users, chain::Tried},\n    // crate::middleware\n    \
                  error::ConfigError,\n    identity,\n};\nuse crate::wire::Realm;\n\
                  fn f(_: &crate::authenticator::Refusal) {}\nuse crate::Reason;\n\
                  #[cfg(test)]\nmod tests {\n    use crate::Users;\n}\n";
    assert_eq!(forbidden("wire", source), ["backend", "identity", "authenticator", "Reason"]);
    assert_eq!(forbidden("identity", source), ["backend", "authenticator", "Reason"]);
    assert_eq!(forbidden("middleware", source), ["Reason"]);
}
