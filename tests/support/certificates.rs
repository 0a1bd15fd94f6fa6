//! Certificates for the servers that tests start.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Writes `authority.pem`, and `server.pem` with `key.pem` that it has signed for these names.
#[track_caller]
pub(crate) fn write(folder: &Path, names: &[String]) {
    let key = || KeyPair::generate().expect("a key can be made");
    let mut authority = CertificateParams::default();
    let name = format!("authority of {}", folder.display());
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, key()).expect("a certificate");
    let server_key = key();
    let server = CertificateParams::new(names.to_vec()).expect("names for a certificate");
    let server = server.signed_by(&server_key, &authority).expect("a certificate");
    for (name, pem) in [
        ("authority.pem", authority.pem()),
        ("server.pem", server.pem()),
        ("key.pem", server_key.serialize_pem()),
    ] {
        fs::write(folder.join(name), pem).expect("it is written");
    }
}
