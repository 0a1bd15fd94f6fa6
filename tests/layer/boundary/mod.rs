//! What crosses the layer in either direction, and what is shown to anybody.

mod answers;
mod debug;
mod forwarded;
#[cfg(feature = "tower-http")]
mod logs;
mod upstream;
