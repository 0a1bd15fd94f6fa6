//! TLS, and the certificate authorities that are trusted.

use std::{io, path::PathBuf, sync::Arc};

use ldap3::LdapConnSettings;
#[cfg(not(feature = "tls-ring"))]
use rustls::crypto::aws_lc_rs as provider;
#[cfg(feature = "tls-ring")]
use rustls::crypto::ring as provider;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::config_error::LdapConfigError;

/// How connections use TLS.
pub(super) type Config = Arc<ClientConfig>;

/// TLS 1.2 and 1.3 with the authorities in these files or, without files, those of the operating
/// system.
///
/// Names the crypto provider, since the process may have no default one: ring if both are compiled
/// in, like sqlx.
pub(super) fn config(ca_files: &[PathBuf]) -> Result<Config, LdapConfigError> {
    let roots = if ca_files.is_empty() { system_roots()? } else { roots_in(ca_files)? };
    let config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| LdapConfigError::Tls(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Uses TLS for a connection, from its start or by StartTLS.
pub(super) fn apply(settings: LdapConnSettings, tls: &Config, start: bool) -> LdapConnSettings {
    settings.set_starttls(start).set_config(Arc::clone(tls))
}

/// Whether TLS failed and not the connection.
pub(super) fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

pub(super) fn is_host_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

fn roots_in(paths: &[PathBuf]) -> Result<RootCertStore, LdapConfigError> {
    let mut roots = RootCertStore::empty();
    for path in paths {
        let refuse = |source| LdapConfigError::CaFile { path: path.clone(), source };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| refuse(e.into()))?;
        let before = roots.len();
        for certificate in certificates {
            let certificate = certificate.map_err(|error| refuse(error.into()))?;
            roots.add(certificate).map_err(|error| refuse(error.into()))?;
        }
        if roots.len() == before {
            return Err(refuse("it has no certificate".into()));
        }
    }
    Ok(roots)
}

/// Skips certificates that rustls cannot use, which many systems have.
fn system_roots() -> Result<RootCertStore, LdapConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(LdapConfigError::NoAuthority) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs};

    use super::*;

    #[test]
    fn refuses_a_file_without_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty.pem"), "").unwrap();
        fs::write(
            path("broken.pem"),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(path("good.pem"), made.cert.pem()).unwrap();
        assert!(config(&[path("good.pem")]).is_ok());
        for name in ["missing.pem", "empty.pem", "broken.pem"] {
            let error = config(&[path("good.pem"), path(name)]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the CA file {} cannot be used: name a PEM file with certificates",
                    path(name).display()
                )
            );
            assert!(error.source().is_some(), "{name}");
        }
    }
}
