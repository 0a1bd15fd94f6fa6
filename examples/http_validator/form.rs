//! Forms as they stand in the body of a request (`application/x-www-form-urlencoded`).

use zeroize::Zeroizing;

pub(crate) const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Writes a form. Every byte that could mean something is escaped; the whole is wiped when dropped.
/// (Copies on its way out, within hyper and the operating system, are not.)
pub(crate) fn encode(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // All that there can be: a vector that grows leaves what it held behind.
    let longest = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = Zeroizing::new(Vec::with_capacity(longest));
    for (name, value) in fields {
        if !form.is_empty() {
            form.push(b'&');
        }
        escape(name, &mut form);
        form.push(b'=');
        escape(value, &mut form);
    }
    form
}

fn escape(text: &str, form: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => form.push(byte),
            _ => form.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0x0f)]]),
        }
    }
}

/// Reads a form, for the service; `None` for what is none, or is not UTF-8.
pub(crate) fn decode(form: &[u8]) -> Option<Vec<(String, String)>> {
    let fields = form.split(|&byte| byte == b'&');
    fields
        .map(|field| {
            let equals = field.iter().position(|&byte| byte == b'=')?;
            let (name, value) = field.split_at(equals);
            Some((unescape(name)?, unescape(value.get(1..)?)?))
        })
        .collect()
}

fn unescape(text: &[u8]) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.iter());
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(*rest.next()?)? << 4 | digit(*rest.next()?)?,
            b'+' => b' ',
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_mean_something() {
        let form = encode(&[("user", "a&user=b"), ("password", "50% + \u{e4}\n~")]);
        let expected = "user=a%26user%3Db&password=50%25%20%2B%20%C3%A4%0A~";
        assert_eq!(String::from_utf8_lossy(&form), expected);
        assert_eq!(encode(&[]).len(), 0);
    }

    #[test]
    fn never_grows() {
        let value = "\u{2603}".repeat(2_000);
        let form = encode(&[("password", &value)]);
        assert!(form.len() > 3 * value.len() && form.capacity() < 3 * value.len() + 100);
    }

    #[test]
    fn every_byte_comes_back() {
        let all: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        let form = encode(&[("name", &all), ("empty", "")]);
        let expected = vec![("name".to_owned(), all), ("empty".to_owned(), String::new())];
        assert_eq!(decode(&form), Some(expected));
        assert_eq!(decode(b"a=b+c"), Some(vec![("a".to_owned(), "b c".to_owned())]));
        for broken in ["", "a", "a=%", "a=%4", "a=%4g", "a=%ff", "a=1&"] {
            assert_eq!(decode(broken.as_bytes()), None, "{broken}");
        }
    }
}
