//! What the fuzz targets of the grammar share.

use tower_proxy_auth::grammar::{
    AuthParam, AuthParams, CredentialsBody, SyntaxError, chars, unescape, write_quoted,
};

/// A parameter: its name, its value as sent, and whether that was quoted.
pub type Param = (Vec<u8>, Vec<u8>, bool);

/// What is equal when two bodies say the same, wherever in their fields they stand.
#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    /// No body.
    Empty,
    /// The token68.
    Token68(Vec<u8>),
    /// The parameters.
    Params(Vec<Param>),
}

impl Shape {
    /// The shape of `body`, all of whose parts are checked against `field` on the way.
    pub fn of(field: &[u8], body: CredentialsBody<'_>) -> Result<Self, SyntaxError> {
        match body {
            CredentialsBody::Empty => Ok(Self::Empty),
            CredentialsBody::Token68(token68) => {
                let letters = token68.iter().take_while(|&&byte| chars::is_token68_char(byte));
                let letters = letters.count();
                assert!(letters > 0 && token68[letters..].iter().all(|&byte| byte == b'='));
                Ok(Self::Token68(token68.to_vec()))
            }
            CredentialsBody::Params(params) => {
                let params = read_all(field, params)?;
                assert!(!params.is_empty(), "a list without members is no list");
                Ok(Self::Params(params))
            }
            other => panic!("an unknown form: {other:?}"),
        }
    }
}

/// Asserts that the error lies within the field.
pub fn check_error(field: &[u8], error: SyntaxError) {
    assert!(error.position() <= field.len(), "{error} in {} bytes", field.len());
}

fn read_all(field: &[u8], mut params: AuthParams<'_>) -> Result<Vec<Param>, SyntaxError> {
    let mut read = Vec::new();
    let mut end = 0;
    while let Some(param) = params.next() {
        let param = param.inspect_err(|_| assert!(params.next().is_none(), "not fused"))?;
        assert!(param.position() >= end, "out of order");
        end = check_param(field, param);
        read.push((param.name().to_vec(), param.value().raw().to_vec(), param.value().is_quoted()));
    }
    assert!(params.next().is_none(), "not fused");
    Ok(read)
}

/// Checks one parameter and returns where its value ends.
fn check_param(field: &[u8], param: AuthParam<'_>) -> usize {
    let (name, value) = (param.name(), param.value());
    assert_eq!(&field[param.position()..][..name.len()], name);
    assert!(!name.is_empty() && name.iter().all(|&byte| chars::is_tchar(byte)));
    assert!(param.name_is(&String::from_utf8_lossy(name).to_ascii_uppercase()));

    let raw = value.raw();
    assert_eq!(&field[value.position()..][..raw.len()], raw);
    assert!(value.position() > param.position() + name.len());
    assert_eq!(value.has_escapes(), raw.contains(&b'\\'));
    if value.is_quoted() {
        assert_eq!(field[value.position() - 1], b'"');
        assert_eq!(field[value.position() + raw.len()], b'"');
    } else {
        assert!(!raw.is_empty() && raw.iter().all(|&byte| chars::is_tchar(byte)));
    }

    let meant: Vec<u8> = value.unescaped().collect();
    assert!(unescape(raw).eq(meant.iter().copied()));
    assert!(value.has_escapes() || meant == raw);
    if let Ok(text) = std::str::from_utf8(&meant) {
        assert!(value.eq_ignore_ascii_case(text));
    }
    let mut printed = b"x=".to_vec();
    write_quoted(&mut printed, &meant).expect("a quoted-string holds no control characters");
    let mut again = AuthParams::new(&printed, 0);
    let again = again.next().expect("a parameter").expect("well-formed");
    assert!(again.value().is_quoted() && again.value().unescaped().eq(meant));
    value.position() + raw.len()
}
