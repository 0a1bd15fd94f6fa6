//! Ratios of the layer to its peers and to the hashes of a check, all without the floors.

use tower_proxy_auth::digest::AuthInfo;

use crate::{
    measure::Measurements,
    statistics::Samples,
    subjects::{digest_auth, hashes, identity, ours, rama, tower_http},
};

pub(crate) struct Ratio {
    pub(crate) name: String,
    pub(crate) by_round: Samples,
}

pub(crate) fn ratios(measured: &Measurements) -> Vec<Ratio> {
    let net = |name: &str| measured.of(name).net();
    let mut ratios = Vec::new();
    for (ours, peer) in [
        (ours::BASIC_ACCEPTED, rama::ACCEPTED),
        (ours::WRONG, rama::WRONG),
        (ours::BASIC_ACCEPTED, tower_http::ACCEPTED),
        (ours::WRONG, tower_http::WRONG),
    ] {
        let name = format!("{ours} / {peer}");
        ratios.push(Ratio { name, by_round: net(ours) / net(peer) });
    }
    for algorithm in digest_auth::ALGORITHMS {
        let ours = ours::digest_accepted(algorithm, AuthInfo::Off);
        let peer = digest_auth::accepted(algorithm);
        let by_round = net(&ours) / net(&peer);
        ratios.push(Ratio { name: format!("{ours} / {peer}"), by_round });
    }
    for info in ours::INFO {
        for algorithm in ours::ALGORITHMS {
            let ours = ours::digest_accepted(algorithm, info);
            let hashes = hashes::per_check(algorithm);
            let without_identity = net(&ours) - net(identity::IDENTITY);
            let by_round = &without_identity / net(&hashes);
            ratios.push(Ratio { name: format!("({ours} - identity) / {hashes}"), by_round });
        }
    }
    ratios
}
