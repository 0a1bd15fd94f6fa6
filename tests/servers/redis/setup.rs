//! Servers that cannot be used, and permissions.

use tower_proxy_auth::nonce_store::{
    NonceStore as _,
    NonceUse::{Fresh, Replayed},
    redis::RedisNonceStore,
};

use super::{Redis, SECOND, Sent, builder, causes, connected, store, wait_until};

/// As in the documentation of the module.
const ACL: &str = "ACL SETUSER proxy on >won/der ~tpa:* +evalsha +script|load +info +time +hmget \
                   +hset +get +set +setrange";

#[tokio::test]
#[ignore = "needs redis-server"]
async fn refuses_a_server_that_may_evict_records() {
    let server = Redis::start_with(&["--save", "", "--maxmemory-policy", "allkeys-lru"]);
    let refused = builder(&server).build().unwrap();
    let error = refused.check().await.unwrap_err();
    assert!(!error.is_transient());
    assert_eq!(
        causes(&error),
        format!(
            "Redis at 127.0.0.1:{}: the server may evict records, which lets replays pass: set its \
             maxmemory-policy to noeviction, it is allkeys-lru",
            server.port
        )
    );
    assert!(refused.epoch().is_err());
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    wait_until(SECOND * 2, "recovery", async || refused.epoch().is_ok()).await;
    let store = refused;
    Sent::new(store.epoch().unwrap()).expect(&store, Fresh).await;
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
    wait_until(SECOND * 2, "refusal while connected", async || store.epoch().is_err()).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_full_server_refuses_and_recovers() {
    let server = Redis::start();
    let store = store(&server).await;
    let sent = Sent::new(store.epoch().unwrap());
    sent.expect(&store, Fresh).await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = sent.count(2).to(&store).await.unwrap_err();
    assert!(causes(&error).contains("OOM"), "{}", causes(&error));
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    wait_until(SECOND * 2, "recovery", async || sent.count(2).to(&store).await.is_ok()).await;
    sent.expect(&store, Replayed).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn logs_in_with_a_password() {
    let server = Redis::start_with(&["--save", "", "--requirepass", "won/der"]);
    let url = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port);
    connected(RedisNonceStore::builder(url(":won%2fder@"))).await;
    connected(RedisNonceStore::builder(url("default:won%2fder@"))).await;
    for login in ["", ":wonder@", "proxy:won%2fder@"] {
        let store = RedisNonceStore::builder(url(login)).build().unwrap();
        let error = store.check().await.unwrap_err();
        let text = format!("{error} {error:?} {} {store:?}", causes(&error));
        assert!(text.contains("NOAUTH") || text.contains("refuses the login"), "{text}");
        assert!(!text.contains("wonder") && !text.contains("won/der"), "{text}");
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn needs_the_documented_permissions_only() {
    let server = Redis::start();
    let words: Vec<_> = ACL.split(' ').collect();
    server.cli(&words);
    let url = format!("redis://proxy:won%2fder@127.0.0.1:{}", server.port);
    let store = connected(RedisNonceStore::builder(&url)).await;
    let sent = Sent::new(store.epoch().unwrap());
    for count in [3, 1, 2, 200] {
        sent.count(count).expect(&store, Fresh).await;
    }
    sent.expect(&store, Replayed).await;
    // Other keys are out of reach.
    let other = RedisNonceStore::builder(&url).with_prefix("other:").build().unwrap();
    let error = causes(&other.check().await.unwrap_err());
    assert!(error.contains("no permissions to access one of the keys"), "{error}");
    let documented = include_str!("../../../src/nonce_store/redis/mod.rs");
    assert!(documented.contains(&ACL.replace("won/der", "PASSWORD")));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn loads_its_script_again() {
    let server = Redis::start();
    let store = store(&server).await;
    let sent = Sent::new(store.epoch().unwrap());
    sent.expect(&store, Fresh).await;
    server.cli(&["SCRIPT", "FLUSH"]);
    sent.count(2).expect(&store, Fresh).await;
    sent.expect(&store, Replayed).await;
}

/// A server that is not Redis may repeat what it was sent.
#[tokio::test]
async fn regression_shows_no_password_that_a_server_repeats() {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut sent = [0; 1_000];
            let length = client.read(&mut sent).await.unwrap();
            let sent = String::from_utf8_lossy(&sent[..length]).replace("\r\n", " ");
            let answer =
                format!("-ERR unknown command 'AUTH', with args beginning with: {sent}\r\n");
            client.write_all(answer.repeat(3).as_bytes()).await.unwrap();
        }
    });
    let url = format!("redis://proxy:wonder@127.0.0.1:{port}");
    let store = RedisNonceStore::builder(url).build().unwrap();
    let error = store.check().await.unwrap_err();
    let text = format!("{error} {error:?} {} {store:?}", causes(&error));
    assert!(text.contains("refuses the login"), "{text}");
    assert!(!text.contains("wonder"), "{text}");
}
