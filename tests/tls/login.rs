//! Starts servers with rustls' defaults, as applications do, and connects to them through the back
//! ends of the library.
//!
//! The authority is one of the system's for a second process, in which all of this runs.

use std::{env, error::Error, io, path::Path, process::Command, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tower_proxy_auth::{
    BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::{ldap::Ldap, sql::Sql},
};

use crate::{
    certificates,
    false_ldap::{FalseLdap, SEARCH, element, result},
};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Needs no arguments.
pub(crate) fn run() -> Result<(), BoxError> {
    if let Some(folder) = env::args_os().nth(1) {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let connecting = async { connect(Path::new(&folder)).await };
        return runtime.block_on(async { timeout(Duration::from_secs(30), connecting).await })?;
    }
    let folder = tempfile::tempdir()?;
    certificates::write(folder.path(), &["localhost".to_owned()]);
    let status = Command::new(env::current_exe()?)
        .arg(folder.path())
        .env("SSL_CERT_FILE", folder.path().join("authority.pem"))
        .env_remove("SSL_CERT_DIR")
        .status()?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

async fn connect(folder: &Path) -> Result<(), BoxError> {
    let chain =
        CertificateDer::pem_file_iter(folder.join("server.pem"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    let tls = TlsAcceptor::from(Arc::new(config));
    log_in(tls.clone(), &folder.join("authority.pem")).await?;
    reach_database(tls).await
}

async fn log_in(tls: TlsAcceptor, authority: &Path) -> Result<(), BoxError> {
    let server = FalseLdap::answering(|request| match request {
        SEARCH => vec![alice(), result(SEARCH, 0, "")],
        _ => vec![result(request, 0, "")],
    })
    .await;
    let address = server.url().replace("ldap://", "");
    let port = listen(move |stream| decrypt(stream, tls.clone(), address.clone())).await?;
    let directory = || {
        Ldap::builder(format!("ldaps://localhost:{port}"))
            .with_dn_template("uid={user},dc=example,dc=org")
    };
    let realm = Realm::new("corp proxy")?;
    for (name, ldap) in [
        ("with an authority in a file", directory().with_ca_file(authority).build()?),
        ("with the authorities of the system", directory().build()?),
    ] {
        let verdict = ldap.validate(BasicCredentials::new(&realm, "alice", "wonder")).await?;
        let Verdict::Accepted(account) = verdict else {
            return Err(format!("{name}: {verdict:?}").into());
        };
        println!("logged in over ldaps {name}: {account:?}");
    }
    Ok(())
}

/// The database ends after the handshake, in which the client checked its certificate.
async fn reach_database(tls: TlsAcceptor) -> Result<(), BoxError> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let port = listen(move |stream| shake_hands(stream, tls.clone(), tell.clone())).await?;
    let url = format!("postgres://proxy@localhost:{port}/users?sslmode=verify-full");
    let answer = Sql::builder(url).build()?.check(&Realm::new("corp proxy")?).await;
    told.try_recv().map_err(|_| format!("no TLS to the database: {answer:?}"))?;
    println!("connected to the database with the authorities of the system");
    Ok(())
}

async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<u16>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(port)
}

/// Forwards what is in TLS.
async fn decrypt(stream: TcpStream, tls: TlsAcceptor, address: String) -> io::Result<()> {
    let mut server = TcpStream::connect(address).await?;
    copy_bidirectional(&mut tls.accept(stream).await?, &mut server).await.map(|_| ())
}

/// An entry with a name.
fn alice() -> Vec<u8> {
    let dn = element(0x04, b"uid=alice,dc=example,dc=org");
    let values = element(0x31, &element(0x04, b"alice"));
    let attribute = element(0x30, &[element(0x04, b"uid"), values].concat());
    element(0x64, &[dn, element(0x30, &attribute)].concat())
}

/// Answers the request for TLS of PostgreSQL's protocol.
async fn shake_hands(
    mut stream: TcpStream,
    tls: TlsAcceptor,
    tell: mpsc::UnboundedSender<()>,
) -> io::Result<()> {
    stream.read_exact(&mut [0; 8]).await?;
    stream.write_all(b"S").await?;
    tls.accept(stream).await?;
    let _ = tell.send(());
    Ok(())
}
