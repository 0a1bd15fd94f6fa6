//! Clients that depend on more than HTTP guarantees.

use crate::{proxy_of_alice, support::wire::Wire};

#[test]
fn writes_field_names_in_title_case() {
    let proxy = proxy_of_alice(&[]);
    let mut wire = Wire::connect(proxy.address());
    wire.send("CONNECT o.example:443 HTTP/1.0\r\n\r\n");
    let answer = String::from_utf8(wire.rest()).unwrap();
    for line in ["Proxy-Authenticate: Digest ", "Proxy-Authenticate: Basic ", "Content-Length: "] {
        assert!(answer.contains(&format!("\r\n{line}")), "{line}: {answer}");
    }
}

/// OpenVPN repeats its request on a persistent connection without reading the 407.
#[test]
fn closes_after_a_407_to_http_1_0() {
    let proxy = proxy_of_alice(&[]);
    for fields in ["", "\nProxy-Connection: Keep-Alive", "\nConnection: close"] {
        let mut wire = Wire::connect(proxy.address());
        let answer = wire.ask(&format!("CONNECT o.example:443 HTTP/1.0{fields}"));
        assert_eq!(answer.status, 407, "{fields:?}");
        assert_eq!(wire.rest(), b"", "{fields:?}");
    }
    let mut wire = Wire::connect(proxy.address());
    for _ in 0..2 {
        let answer = wire.ask("CONNECT o.example:443 HTTP/1.0\nConnection: keep-alive");
        assert_eq!(answer.status, 407);
        assert_eq!(answer.field("connection").as_deref(), Some("keep-alive"));
    }
}
