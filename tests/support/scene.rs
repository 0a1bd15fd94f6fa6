//! The example proxy with users of any kind, and curl as its client.

use super::{
    curl::{Run, curl},
    origin::Origin,
    proxy::Proxy,
};

/// The scheme with which curl logs in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Basic,
    Digest,
}

/// A proxy and an origin behind it.
pub(crate) struct Scene {
    pub(crate) proxy: Proxy,
    origin: Origin,
}

impl Scene {
    #[track_caller]
    pub(crate) fn new(options: &[&str]) -> Self {
        Self { proxy: Proxy::start(options), origin: Origin::http() }
    }

    #[track_caller]
    pub(crate) fn curl(&self, way: Way, user_pass: &str) -> Run {
        let way = match way {
            Way::Basic => "--proxy-basic",
            Way::Digest => "--proxy-digest",
        };
        curl(&self.proxy, &["--proxy-user", user_pass, way, &self.origin.url("/hello")])
    }

    /// The last status that curl received.
    #[track_caller]
    fn status(&self, way: Way, user_pass: &str) -> u16 {
        let before = self.origin.requests();
        let run = self.curl(way, user_pass);
        let status = run.statuses().pop().unwrap_or_else(|| panic!("no answer: {}", run.log));
        let forwarded = self.origin.requests() - before;
        assert_eq!(forwarded, usize::from(status == 200), "{status}: {}", run.log);
        status
    }

    #[track_caller]
    pub(crate) fn accepts(&self, way: Way, user_pass: &str) {
        assert_eq!(self.status(way, user_pass), 200, "{way:?} {user_pass}");
    }

    #[track_caller]
    pub(crate) fn refuses(&self, way: Way, user_pass: &str) {
        assert_eq!(self.status(way, user_pass), 407, "{way:?} {user_pass}");
    }
}
