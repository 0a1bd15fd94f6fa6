//! The example proxy with users in a database, and curl as its client.

use tower_proxy_auth::{HashedA1, Realm, digest::HashFunction};

use super::{
    scene::{
        Scene,
        Way::{Basic, Digest},
    },
    sql::{Database, METHOD, fill, update},
};

/// Checks that curl gets through only with the right password, also after it has changed.
pub(crate) async fn serves_curl<D: Database>(database: &D) {
    fill(database, &[("alice", "wonder"), ("bob", "builder")]).await;
    let url = database.url();
    let digest = ["--database-digest", "sha-256", "--database-digest", "md5"];
    let scene = Scene::new(&[&["--database", &url], digest.as_slice()].concat());
    for way in [Basic, Digest] {
        scene.accepts(way, "alice:wonder");
        scene.accepts(way, "bob:builder");
        scene.refuses(way, "alice:builder");
        scene.refuses(way, "carol:wonder");
        scene.refuses(way, "' OR '1'='1:wonder");
    }
    change_password(database, "changed").await;
    for way in [Basic, Digest] {
        scene.refuses(way, "alice:wonder");
        scene.accepts(way, "alice:changed");
        scene.accepts(way, "bob:builder");
    }
}

async fn change_password<D: Database>(database: &D, password: &str) {
    use tower_proxy_auth::backend::password_hash::hash_password;

    let realm = Realm::new("proxy").unwrap();
    let ha1 =
        |function| D::literal(&HashedA1::new(function, "alice", &realm, password).expose_hex());
    let hash = D::literal(&hash_password(password, METHOD).unwrap());
    let (sha256, md5) = (ha1(HashFunction::Sha256), ha1(HashFunction::Md5));
    let set = format!("password_hash = {hash}, ha1_sha256 = {sha256}, ha1_md5 = {md5}");
    update(database, &set).await;
}
