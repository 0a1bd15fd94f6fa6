//! Sends requests through a proxy on kept-alive connections, as fast as it answers.
//!
//! It authenticates and warms up, prints `ready`, waits for a line on stdin, sends the requests,
//! prints the result as one line of JSON, and ends with stdin. So a measurement between the two
//! lines sees nothing but requests.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use futures_util::future::try_join_all;
use wire::{
    auth::{Algorithm, Info, Protection, Scheme, User, refusal},
    client::{Client, Counts, DigestSession, Login},
};

#[derive(Debug, Parser)]
struct Options {
    /// The address of the proxy.
    #[arg(long, value_name = "ADDR")]
    proxy: SocketAddr,
    /// The authority of the origin.
    #[arg(long, value_name = "HOST:PORT")]
    origin: String,
    /// The number of measured requests, over all connections.
    #[arg(long)]
    requests: i64,
    /// The number of requests before that.
    #[arg(long)]
    warm_up: i64,
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The status that every response must have.
    #[arg(long, default_value_t = 200)]
    expect: u16,
    #[arg(long, value_enum, default_value_t = Scheme::None)]
    credentials: Scheme,
    #[arg(long, value_enum, default_value_t = Algorithm::Md5)]
    algorithm: Algorithm,
    /// Send the credentials to a proxy that does not require them; for Digest, in answer to a
    /// challenge that is made here.
    #[arg(long)]
    unasked: bool,
    #[command(flatten)]
    user: User,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut clients = Vec::new();
    for _ in 0..options.connections {
        let login = options.login().await?;
        clients.push(Client::new(options.proxy, &options.origin, login, options.expect));
    }
    // Each client sends at least one request: then all connections are open and authenticated.
    let count = i64::try_from(clients.len())?;
    let clients = send(clients, options.warm_up.max(count)).await?;
    let before = total(&clients);

    println!("ready");
    io::stdin().read_line(&mut String::new())?;
    let start = Instant::now();
    let clients = send(clients, options.requests).await?;
    let seconds = start.elapsed().as_secs_f64();
    let after = total(&clients);
    println!(
        "{{\"requests\": {}, \"seconds\": {seconds}, \"connections\": {}, \"challenges\": {}}}",
        options.requests,
        after.connections - before.connections,
        after.challenges - before.challenges
    );
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Sends `requests` over all `clients`; a free client takes the next one.
async fn send(clients: Vec<Client>, requests: i64) -> Result<Vec<Client>, Box<dyn Error>> {
    let left = Arc::new(AtomicI64::new(requests));
    let tasks = clients.into_iter().map(|mut client| {
        let left = Arc::clone(&left);
        tokio::spawn(async move {
            while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                client.request().await?;
            }
            io::Result::Ok(client)
        })
    });
    let clients = try_join_all(tasks.collect::<Vec<_>>()).await?;
    Ok(clients.into_iter().collect::<Result<_, _>>()?)
}

fn total(clients: &[Client]) -> Counts {
    clients.iter().map(Client::counts).fold(Counts::default(), |sum, counts| Counts {
        connections: sum.connections + counts.connections,
        challenges: sum.challenges + counts.challenges,
    })
}

impl Options {
    async fn login(&self) -> Result<Login, Box<dyn Error>> {
        let login = match self.credentials {
            Scheme::None => return Ok(Login::None),
            Scheme::Basic => Login::basic(&self.user),
            Scheme::Digest => Login::Digest(self.digest_session().await?),
            Scheme::Both => return Err("--credentials takes one scheme".into()),
        };
        Ok(if self.unasked { Login::Unasked(Box::new(login)) } else { login })
    }

    async fn digest_session(&self) -> Result<DigestSession, Box<dyn Error>> {
        let uri = format!("http://{}/", self.origin);
        let mut session = DigestSession::new(self.user.clone(), self.algorithm, uri);
        if self.unasked {
            let protection = Protection {
                auth: Scheme::Digest,
                algorithm: Some(self.algorithm),
                auth_info: Info::Off,
                user: self.user.clone(),
            };
            let layer = protection.layer()?.ok_or("no layer without authentication")?;
            let refusal = refusal(&layer).await;
            let lines = refusal.headers().get_all(http::header::PROXY_AUTHENTICATE);
            session.challenged(lines.iter().map(AsRef::as_ref))?;
        }
        Ok(session)
    }
}
