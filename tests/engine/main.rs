//! The engine without the layer's parts: which answer a header gets, and why.

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod config;
mod digest_semantics;
mod grammar;
mod header_parsing;
mod layering;
mod oracle;
mod rfc;
mod third_scheme;
mod user_parameters;
mod vectors;
