//! Servers that a test starts.

use std::{
    process::Child,
    sync::{Mutex, PoisonError},
};

/// Kills a server, and waits until it is gone.
pub(crate) fn kill(child: &Mutex<Option<Child>>) {
    let child = child.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
}
