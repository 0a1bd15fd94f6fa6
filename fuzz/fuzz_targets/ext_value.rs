//! The value of `username*`: no panic, positions that hold, and parse(print(x)) == x.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_proxy_auth::grammar::{ExtValue, write_ext_value};
use tower_proxy_auth_fuzz::check_error;

fuzz_target!(|raw: &[u8]| {
    if let Ok(text) = std::str::from_utf8(raw) {
        check_printing(text);
    }
    let value = match ExtValue::parse(raw, 0) {
        Ok(value) => value,
        Err(error) => return check_error(raw, error),
    };
    assert!(raw.is_ascii(), "only escapes stand for other bytes");
    match value.to_text() {
        Ok(text) => {
            assert!(value.bytes().eq(text.bytes()));
            assert!(!text.chars().any(char::is_control));
            check_printing(&text);
        }
        Err(error) => {
            check_error(raw, error);
            assert_eq!(raw[error.position()], b'%', "only escapes decode to what is refused");
        }
    }
});

/// Prints `text`, which only a control character may forbid, and reads it back.
fn check_printing(text: &str) {
    let mut printed = Vec::new();
    match write_ext_value(&mut printed, text) {
        Ok(()) => {
            let again = ExtValue::parse(&printed, 0).expect("what was printed can be read");
            assert_eq!(again.to_text().as_deref(), Ok(text));
            assert!(again.language().is_empty());
        }
        Err(error) => {
            assert!(text.chars().any(char::is_control));
            assert!(text.is_char_boundary(error.position()) && printed.is_empty());
        }
    }
}
