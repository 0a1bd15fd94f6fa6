//! Properties of the grammar: no panic on anything, positions that hold, parse(print(x)) == x.

use proptest::{collection::vec, prelude::*, sample::select};
use tower_proxy_auth::grammar::{
    AuthParams, Challenges, Credentials, CredentialsBody, ExtValue, SyntaxError, SyntaxErrorKind,
    chars, split_scheme, unescape, write_ext_value, write_quoted,
};

/// A value to be sent: a token, or a text to be quoted.
#[derive(Clone, Debug, PartialEq)]
enum Sent {
    Token(Vec<u8>),
    Quoted(Vec<u8>),
}

/// What follows a scheme.
#[derive(Clone, Debug, PartialEq)]
enum Body {
    Empty,
    Token68(Vec<u8>),
    Params(Vec<(Vec<u8>, Sent)>),
}

impl Sent {
    fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Token(token) => out.extend_from_slice(token),
            Self::Quoted(text) => write_quoted(out, text).expect("no control characters"),
        }
    }
}

impl Body {
    /// Prints the body as loosely as the grammar lets one, `blank` standing for whitespace.
    fn write_to(&self, out: &mut Vec<u8>, blank: &[u8]) {
        match self {
            Self::Empty => {}
            Self::Token68(token68) => out.extend([b" ", token68.as_slice()].concat()),
            Self::Params(params) => {
                out.push(b' ');
                for (name, value) in params {
                    out.extend([b",".as_slice(), blank, b",", name, blank, b"=", blank].concat());
                    value.write_to(out);
                    out.extend_from_slice(blank);
                }
            }
        }
    }

    fn read(body: CredentialsBody<'_>) -> Result<Self, SyntaxError> {
        match body {
            CredentialsBody::Empty => Ok(Self::Empty),
            CredentialsBody::Token68(token68) => Ok(Self::Token68(token68.to_vec())),
            CredentialsBody::Params(params) => read_params(params).map(Self::Params),
            other => panic!("an unknown form: {other:?}"),
        }
    }
}

fn read_params(params: AuthParams<'_>) -> Result<Vec<(Vec<u8>, Sent)>, SyntaxError> {
    params
        .map(|param| {
            let param = param?;
            let value: Vec<u8> = param.value().unescaped().collect();
            let sent =
                if param.value().is_quoted() { Sent::Quoted(value) } else { Sent::Token(value) };
            Ok((param.name().to_vec(), sent))
        })
        .collect()
}

fn bytes_of(class: fn(u8) -> bool) -> impl Strategy<Value = u8> {
    select((0..=u8::MAX).filter(|&byte| class(byte)).collect::<Vec<_>>())
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    vec(bytes_of(chars::is_tchar), 1..12)
}

fn token68() -> impl Strategy<Value = Vec<u8>> {
    (vec(bytes_of(chars::is_token68_char), 1..40), 0..3_usize)
        .prop_map(|(letters, padding)| [letters, b"=".repeat(padding)].concat())
}

fn quotable() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![bytes_of(chars::is_quoted_pair_octet), select(b"\"\\,= ".to_vec())];
    vec(byte, 0..24)
}

fn params(
    count: impl Into<proptest::collection::SizeRange>,
) -> BoxedStrategy<Vec<(Vec<u8>, Sent)>> {
    let value = prop_oneof![token().prop_map(Sent::Token), quotable().prop_map(Sent::Quoted)];
    vec((token(), value), count).boxed()
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        1 => Just(Body::Empty),
        2 => token68().prop_map(Body::Token68),
        4 => params(1..6).prop_map(Body::Params),
    ]
}

fn blank() -> impl Strategy<Value = Vec<u8>> {
    vec(select(b" \t".to_vec()), 0..3)
}

/// Bytes of which many have a meaning in the grammar, so that more than the first is read.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => select(vec![
            b"Digest ".to_vec(), b"Basic ".to_vec(), b"uri=\"".to_vec(), b"a=".to_vec(),
            b"a=1".to_vec(), b"\"".to_vec(), b",".to_vec(), b" ".to_vec(), b"\\".to_vec(),
            b"=".to_vec(), b"\t".to_vec(), b"\xE9".to_vec(), b"\0".to_vec(), b"UTF-8''".to_vec(),
            b"'".to_vec(), b"%".to_vec(), b"%C3%A4".to_vec(), b"%00".to_vec(), b"%C0".to_vec(),
        ]),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn lies_in(field: &[u8], error: SyntaxError) -> bool {
    error.position() <= field.len()
}

/// Checks every parameter against the field that it was read from.
fn check_positions(field: &[u8], params: AuthParams<'_>) -> Result<(), TestCaseError> {
    for param in params {
        match param {
            Ok(param) => {
                let (name, value) = (param.name(), param.value());
                prop_assert_eq!(&field[param.position()..][..name.len()], name);
                prop_assert_eq!(&field[value.position()..][..value.raw().len()], value.raw());
                prop_assert_eq!(value.has_escapes(), value.raw().contains(&b'\\'));
            }
            Err(error) => prop_assert!(lies_in(field, error)),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn credentials_of_any_bytes_have_positions_that_hold(
        field in prop_oneof![hostile(), vec(any::<u8>(), 0..64)],
    ) {
        match Credentials::parse(&field) {
            Ok(credentials) => {
                let split = split_scheme(&field).expect("it has a scheme");
                prop_assert_eq!(&field[split.rest_position..][..split.rest.len()], split.rest);
                prop_assert_eq!(credentials.body_position(), split.rest_position);
                if let CredentialsBody::Params(params) = credentials.body() {
                    check_positions(&field, params)?;
                }
            }
            Err(error) => prop_assert!(lies_in(&field, error)),
        }
    }

    #[test]
    fn challenges_of_any_bytes_have_positions_that_hold(
        field in prop_oneof![hostile(), vec(any::<u8>(), 0..64)],
    ) {
        for challenge in Challenges::new(&field) {
            match challenge {
                Ok(challenge) => {
                    let scheme = challenge.scheme();
                    prop_assert_eq!(&field[challenge.position()..][..scheme.len()], scheme);
                    if let CredentialsBody::Params(params) = challenge.body() {
                        prop_assert!(params.clone().all(|param| param.is_ok()));
                        check_positions(&field, params)?;
                    }
                }
                Err(error) => prop_assert!(lies_in(&field, error)),
            }
        }
    }

    #[test]
    fn parameters_of_any_bytes_end_after_their_first_error(
        list in hostile(),
        position in any::<usize>(),
    ) {
        let mut params = AuthParams::new(&list, position);
        if let Some(error) = params.find_map(Result::err) {
            prop_assert!(error.position() >= position);
            prop_assert!(params.next().is_none());
        }
    }

    #[test]
    fn an_extended_value_of_any_bytes_is_text_without_control_characters_or_refused(
        raw in prop_oneof![
            hostile(),
            hostile().prop_map(|tail| [b"UTF-8''".to_vec(), tail].concat()),
            vec(any::<u8>(), 0..12).prop_map(|bytes| {
                let escaped = bytes.iter().map(|byte| format!("%{byte:02x}"));
                format!("UTF-8''{}", escaped.collect::<String>()).into_bytes()
            }),
        ],
    ) {
        match ExtValue::parse(&raw, 0).and_then(|value| value.to_text()) {
            Ok(text) => prop_assert!(!text.chars().any(char::is_control)),
            Err(error) => prop_assert!(lies_in(&raw, error)),
        }
    }

    #[test]
    fn a_quoted_string_reads_back_as_it_was_printed(text in quotable()) {
        let mut printed = b"x=".to_vec();
        write_quoted(&mut printed, &text).expect("no control characters");
        let param = AuthParams::new(&printed, 0).next().expect("a parameter").expect("well-formed");
        prop_assert!(param.value().is_quoted());
        prop_assert!(param.value().unescaped().eq(text.iter().copied()));
        prop_assert!(unescape(param.value().raw()).eq(text));
    }

    #[test]
    fn a_text_with_a_control_character_is_not_printed(
        before in quotable(),
        control in bytes_of(|byte| byte.is_ascii_control() && byte != b'\t'),
        after in vec(any::<u8>(), 0..8),
    ) {
        let text = [before.clone(), vec![control], after].concat();
        let mut out = Vec::new();
        let error = SyntaxError::new(SyntaxErrorKind::ControlCharacter, before.len());
        prop_assert_eq!(write_quoted(&mut out, &text), Err(error));
        prop_assert!(out.is_empty());
    }

    #[test]
    fn parameters_read_back_as_they_were_printed(params in params(0..32)) {
        let mut printed = Vec::new();
        for (name, value) in &params {
            printed.extend([name.as_slice(), b"="].concat());
            value.write_to(&mut printed);
            printed.push(b',');
        }
        prop_assert_eq!(read_params(AuthParams::new(&printed, 0)), Ok(params.clone()));

        let mut again = Vec::new();
        for param in AuthParams::new(&printed, 0) {
            param.expect("well-formed").write_to(&mut again);
            again.push(b',');
        }
        prop_assert_eq!(again, printed);
    }

    #[test]
    fn credentials_read_back_as_they_were_printed(
        scheme in token(),
        body in body(),
        blank in blank(),
    ) {
        let mut field = [blank.as_slice(), &scheme].concat();
        body.write_to(&mut field, &blank);
        field.extend_from_slice(&blank);
        let credentials = Credentials::parse(&field).expect("well-formed");
        prop_assert_eq!(credentials.scheme(), &scheme);
        prop_assert_eq!(Body::read(credentials.body()), Ok(body.clone()));

        let mut printed = Vec::new();
        credentials.write_to(&mut printed).expect("well-formed");
        let again = Credentials::parse(&printed).expect("well-formed");
        prop_assert_eq!(again.scheme(), &scheme);
        prop_assert_eq!(Body::read(again.body()), Ok(body));
    }

    #[test]
    fn challenges_read_back_as_they_were_printed(
        challenges in vec((token(), body()), 0..6),
        blank in blank(),
    ) {
        let mut field = Vec::new();
        for (scheme, body) in &challenges {
            field.extend([blank.as_slice(), scheme].concat());
            body.write_to(&mut field, &blank);
            field.extend([&blank, b",".as_slice()].concat());
        }
        let read = |field: &[u8]| -> Result<Vec<_>, SyntaxError> {
            Challenges::new(field)
                .map(|challenge| {
                    let challenge = challenge?;
                    Ok((challenge.scheme().to_vec(), Body::read(challenge.body())?))
                })
                .collect()
        };
        prop_assert_eq!(read(&field), Ok(challenges.clone()));

        let mut printed = Vec::new();
        for challenge in Challenges::new(&field) {
            challenge.expect("well-formed").write_to(&mut printed);
            printed.extend_from_slice(b", ");
        }
        prop_assert_eq!(read(&printed), Ok(challenges));
    }

    #[test]
    fn an_extended_value_reads_back_as_it_was_printed(text in any::<String>()) {
        let mut printed = Vec::new();
        match write_ext_value(&mut printed, &text) {
            Ok(()) => {
                let value = ExtValue::parse(&printed, 0).expect("well-formed");
                prop_assert_eq!(value.to_text(), Ok(text));
            }
            Err(error) => {
                let refused = text[error.position()..].chars().next();
                prop_assert!(refused.is_some_and(char::is_control));
                prop_assert!(printed.is_empty());
            }
        }
    }
}
