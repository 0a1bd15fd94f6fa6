//! A client that sends raw bytes and reads HTTP/1 answers.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection.
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// An answer, its body decoded from chunks.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The values of the field `name`, joined by commas.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .fields
            .iter()
            .filter(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub(crate) fn challenges(&self) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter().filter(|(name, _)| name == "proxy-authenticate");
        fields.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

impl Wire {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).expect("a server listens"))
    }

    #[track_caller]
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Self { stream: BufReader::new(stream) }
    }

    /// The address of this end.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("a connected socket")
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the bytes can be sent");
    }

    /// Closes the sending side.
    pub(crate) fn finish(&mut self) {
        self.stream.get_mut().shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Sends `head`, whose lines end in LF here, with an empty line after it.
    #[track_caller]
    pub(crate) fn ask(&mut self, head: &str) -> Answer {
        self.send(head.replace('\n', "\r\n") + "\r\n\r\n");
        self.answer(head.split(' ').next().unwrap_or_default())
    }

    /// The same with credentials.
    #[track_caller]
    pub(crate) fn login(&mut self, head: &str, credentials: &str) -> Answer {
        self.ask(&format!("{head}\nProxy-Authorization: {credentials}"))
    }

    /// Reads the answer to a request of `method`; a 100 is a separate answer.
    #[track_caller]
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let status_line = self.line();
        let status = status_line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5))
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("status line {status_line:?}"));
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, fields, body: Vec::new() };
        let tunnel = method == "CONNECT" && status == 200;
        if !tunnel && method != "HEAD" && status >= 200 && status != 204 && status != 304 {
            answer.body = self.body(&answer);
        }
        answer
    }

    #[track_caller]
    fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if answer.field("transfer-encoding").is_some() {
            let mut body = Vec::new();
            loop {
                let line = self.line();
                let size = usize::from_str_radix(&line, 16).expect("a chunk size");
                body.extend(self.exactly(size));
                assert_eq!(self.line(), "");
                if size == 0 {
                    return body;
                }
            }
        }
        match answer.field("content-length") {
            Some(length) => self.exactly(length.parse().expect("a number")),
            None => self.rest(),
        }
    }

    /// A line without its end.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("a line comes");
        let line = String::from_utf8(line).expect("a line is text");
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("unfinished line {line:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).expect("the bytes come");
        bytes
    }

    /// All bytes until the other side closes. Panics on a reset.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("the connection ends without a reset");
        bytes
    }

    /// The socket. Panics if bytes were read ahead.
    #[track_caller]
    pub(crate) fn into_stream(self) -> TcpStream {
        assert!(self.stream.buffer().is_empty());
        self.stream.into_inner()
    }
}

/// Basic credentials for [`Wire::login`].
pub(crate) fn basic(user_pass: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(user_pass))
}
