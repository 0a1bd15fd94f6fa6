//! A user name with parameters: no panic, and parse(print(x)) == x.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::user_parameters::{UnknownKeys, UserParameterSyntax, UserParameters};

static STRICT: LazyLock<UserParameterSyntax> = LazyLock::new(|| {
    let syntax = UserParameterSyntax::builder().with_prefix("customer").with_text("country");
    syntax.with_text("session").with_flag("sticky").build().expect("a valid syntax")
});
static LENIENT: LazyLock<UserParameterSyntax> = LazyLock::new(|| {
    let syntax = UserParameterSyntax::builder().with_separator('+').with_text("country");
    let syntax = syntax.with_number("minutes", 1..=1_440).with_flag("sticky");
    let syntax = syntax.with_unknown_keys(UnknownKeys::Ignore);
    syntax.build().expect("a valid syntax")
});

fuzz_target!(|name: &str| {
    if let Ok(split) = STRICT.split(name) {
        let (user, parameters) = (split.user(), split.parameters());
        assert!(name == user || name == format!("customer-{}", print(user, parameters)));
    }
    if let Ok(split) = LENIENT.split(name) {
        assert!(name.starts_with(split.user()));
        let minutes = split.parameters().number("minutes");
        assert!(minutes.is_none_or(|minutes| (1..=1_440).contains(&minutes)));
    }
});

fn print(user: &str, parameters: &UserParameters) -> String {
    let parameters = parameters.keys().map(|key| match parameters.text(key) {
        Some(text) => format!("-{key}-{text}"),
        None => format!("-{key}"),
    });
    format!("{user}{}", parameters.collect::<String>())
}
