//! What a hostile or broken `Proxy-Authorization` comes to.

mod basic;
mod digest;
mod names;
mod request;
