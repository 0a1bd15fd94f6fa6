//! What operators see of requests, besides the log.

mod arguments;

pub(crate) use arguments::ObserveArguments;
