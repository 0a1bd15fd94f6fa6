//! What the layer is to cost at most.
//!
//! Digest is measured by the hashes that it cannot do without. The other limits are nanoseconds on
//! a machine whose hashes took so long, and are stretched as the hashes take longer here.

use tower_proxy_auth::digest::{Algorithm, AuthInfo};

use crate::{
    measure::Measurements,
    subjects::{hashes, identity, ours},
};

/// Two bare hashes on the machine that the limits in nanoseconds were set on.
const REFERENCE_NANOSECONDS: [(Algorithm, f64); 2] =
    [(Algorithm::Sha256, 231.0), (Algorithm::Md5, 409.0)];

/// What one subject is to cost at most over the service that does nothing.
pub(crate) struct Limit {
    subject: String,
    pub(crate) nanoseconds: f64,
    pub(crate) allocations: Option<f64>,
    /// Where the nanoseconds come from.
    pub(crate) rule: String,
}

pub(crate) struct Limits {
    limits: Vec<Limit>,
    /// How much longer hashes take here than on the machine of reference.
    pub(crate) scale: f64,
}

impl Limits {
    pub(crate) fn new(measured: &Measurements) -> Self {
        let scale = scale(measured);
        let absolute = [
            (ours::BASIC_ACCEPTED, 180.0, Some(3.0)),
            (ours::WRONG, 250.0, None),
            (ours::CHALLENGED, 450.0, None),
        ];
        let absolute = absolute.map(|(subject, nanoseconds, allocations)| Limit {
            subject: subject.to_owned(),
            nanoseconds: scale * nanoseconds,
            allocations,
            rule: format!("{nanoseconds} ns x {scale:.2}"),
        });
        let identity = measured.of(identity::IDENTITY).net().median();
        let digest = [
            (Algorithm::Md5, AuthInfo::Off, 1.9, 3.0),
            (Algorithm::Sha256, AuthInfo::Off, 2.8, 3.0),
            (Algorithm::Md5, AuthInfo::Full, 3.2, 5.0),
            (Algorithm::Sha256, AuthInfo::Full, 4.4, 5.0),
        ];
        let digest = digest.map(|(algorithm, info, factor, allocations)| {
            let hashes = hashes::per_check(algorithm);
            Limit {
                subject: ours::digest_accepted(algorithm, info),
                nanoseconds: factor * measured.of(&hashes).net().median() + identity,
                allocations: Some(allocations),
                rule: format!("{factor} x {hashes} + identity"),
            }
        });
        Self { limits: absolute.into_iter().chain(digest).collect(), scale }
    }

    /// The limit of a subject, if it has one.
    pub(crate) fn of(&self, subject: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.subject == subject)
    }
}

fn scale(measured: &Measurements) -> f64 {
    let scales = REFERENCE_NANOSECONDS.map(|(algorithm, reference)| {
        measured.of(&hashes::per_check(algorithm)).net().median() / reference
    });
    scales.iter().sum::<f64>() / scales.len() as f64
}
