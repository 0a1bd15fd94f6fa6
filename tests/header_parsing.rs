//! What a hostile or broken `Proxy-Authorization` comes to.

#[path = "support/engine.rs"]
mod engine;

#[path = "header_parsing/basic.rs"]
mod basic;
#[path = "header_parsing/digest.rs"]
mod digest;
#[path = "header_parsing/names.rs"]
mod names;
#[path = "header_parsing/request.rs"]
mod request;
