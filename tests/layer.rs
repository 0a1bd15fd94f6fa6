//! The layer, round services that show what reaches them.

#[path = "support/layer.rs"]
mod support;

#[path = "layer/bodies.rs"]
mod bodies;
#[path = "layer/chains.rs"]
mod chains;
#[path = "layer/debug.rs"]
mod debug;
#[path = "layer/identity.rs"]
mod identity;
#[path = "layer/options.rs"]
mod options;
#[path = "layer/pages.rs"]
mod pages;
#[path = "layer/pending.rs"]
mod pending;
#[path = "layer/readiness.rs"]
mod readiness;
#[path = "layer/upstream.rs"]
mod upstream;
#[path = "layer/versions.rs"]
mod versions;
