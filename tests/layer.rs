//! The layer, round services that show what reaches them.

#[path = "support/layer.rs"]
mod support;

#[path = "layer/bodies.rs"]
mod bodies;
#[path = "layer/pending.rs"]
mod pending;
#[path = "layer/readiness.rs"]
mod readiness;
