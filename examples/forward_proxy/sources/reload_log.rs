//! Logs changes of watched files.

#[cfg(feature = "htdigest")]
use tower_proxy_auth::backend::htdigest::FileEvent;
#[cfg(not(feature = "htdigest"))]
use tower_proxy_auth::backend::htpasswd::FileEvent;

/// Returns a function that logs the events of the files of `option`.
pub(super) fn for_option(option: &'static str) -> impl Fn(FileEvent<'_>) + Send + Sync {
    move |event| match event {
        FileEvent::Reloaded => tracing::info!("{option} reloaded"),
        FileEvent::Failed(error) => {
            tracing::error!("{option} was not reloaded, its last content stays in force: {error}");
        }
        _ => {}
    }
}
