//! What crosses the layer in either direction, and what is shown to anybody.

#[path = "support/engine.rs"]
mod engine;

#[path = "boundary/answers.rs"]
mod answers;
#[path = "boundary/debug.rs"]
mod debug;
#[path = "boundary/forwarded.rs"]
mod forwarded;
#[cfg(feature = "tower-http")]
#[path = "boundary/logs.rs"]
mod logs;
#[path = "boundary/upstream.rs"]
mod upstream;
