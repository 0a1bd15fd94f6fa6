//! Lists of parameters as nearly all clients write them, read without looking back.

use super::runs::{qdtext_run, token_run};

/// Where a value stands in the list that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// Hands each parameter of a list to `each`: the name that `take_name` found, and where the value
/// stands, without its quotes. Says whether the list was read to its end.
///
/// It reads nothing but plain parameters: a name, an equals sign, a token or a quoted-string
/// without escapes, and a comma and at most one space in between. Whatever else there is, mistakes
/// included, ends it, and so do `take_name` by `None` and `each` by `false`: then the list is one
/// for [`AuthParams`](super::AuthParams), which knows all there is to know.
///
/// `take_name` splits a list behind its first name, which must be a token.
#[inline]
pub(crate) fn read_plain_params<'a, N>(
    list: &'a [u8],
    take_name: impl Fn(&'a [u8]) -> Option<(N, &'a [u8])>,
    mut each: impl FnMut(N, Place) -> bool,
) -> bool {
    let mut rest = list;
    loop {
        let Some((name, [b'=', after_name @ ..])) = take_name(rest) else { return false };
        let (value, length, after) = match after_name {
            [b'"', quoted @ ..] => {
                let run = qdtext_run(quoted);
                let Some([b'"', after @ ..]) = quoted.get(run..) else { return false };
                (quoted, run, after)
            }
            token => {
                let run = token_run(token);
                let Some(after) = token.get(run..).filter(|_| run > 0) else { return false };
                (token, run, after)
            }
        };
        if !each(name, Place { start: list.len() - value.len(), length }) {
            return false;
        }
        rest = match after {
            [] => return true,
            [b',', b' ', next @ ..] | [b',', next @ ..] => next,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grammar::{AuthParams, chars::is_tchar};

    type Params<'a> = Vec<(&'a [u8], &'a [u8])>;

    fn name_of(list: &[u8]) -> Option<(&[u8], &[u8])> {
        list.split_at_checked(list.iter().position(|&byte| byte == b'=')?)
    }

    fn plain(list: &[u8]) -> Option<Params<'_>> {
        let mut params = Vec::new();
        let is_plain = read_plain_params(list, name_of, |name: &[u8], Place { start, length }| {
            params.push((name, &list[start..start + length]));
            !name.is_empty() && name.iter().all(|&byte| is_tchar(byte))
        });
        is_plain.then_some(params)
    }

    #[test]
    fn reads_what_clients_write() {
        let list = br#"username="Mufasa", realm="a b",uri="/",nc=00000001, qop=auth"#;
        let expected: Params<'_> = vec![
            (b"username", b"Mufasa"),
            (b"realm", b"a b"),
            (b"uri", b"/"),
            (b"nc", b"00000001"),
            (b"qop", b"auth"),
        ];
        assert_eq!(plain(list), Some(expected));
        assert_eq!(plain(b"uri=\"\""), Some(vec![(b"uri".as_slice(), b"".as_slice())]));
    }

    #[test]
    fn leaves_everything_else_to_the_full_grammar() {
        for list in [
            "",
            "a",
            "a=",
            "a=,",
            "a=\"",
            "a=\"b",
            "a=\"b\"c",
            "a=\"b\\c\"",
            "a =b",
            "a= b",
            "a=b ",
            "a=b,",
            "a=b,,c=d",
            "a=b;c=d",
            "a=b c=d",
            "a=\"\u{1}\"",
        ] {
            assert_eq!(plain(list.as_bytes()), None, "{list:?}");
        }
    }

    #[test]
    fn ends_where_no_name_or_no_equals_sign_is_found() {
        let each = |_, _| true;
        let known = |list: &'static [u8]| Some(((), list.strip_prefix(b"a")?));
        assert!(read_plain_params(b"a=b,a=c", known, each));
        for list in [b"a=b,c=d".as_slice(), b"c=d", b"ab=c", b"a", b"a=b,a"] {
            assert!(!read_plain_params(list, known, each), "{list:?}");
        }
    }

    #[test]
    fn ends_where_the_caller_says() {
        let mut seen = 0;
        assert!(!read_plain_params(b"a=b, c=d, e=f", name_of, |_, _| {
            seen += 1;
            seen < 2
        }));
        assert_eq!(seen, 2);
    }

    proptest! {
        #[test]
        fn what_it_reads_the_full_grammar_reads_the_same(
            list in r#"([a-c*]{1,4}=("[a ,="\\]{0,20}"|[a-z"]{1,3})(, ?|,  | ,|;)){0,4}[a=",]{0,6}"#
        ) {
            let list = list.as_bytes();
            if let Some(params) = plain(list) {
                let full: Result<Vec<_>, _> = AuthParams::new(list, 0).collect();
                let full = full.unwrap();
                let full: Params<'_> =
                    full.iter().map(|param| (param.name(), param.value().raw())).collect();
                prop_assert_eq!(params, full);
            }
        }
    }
}
