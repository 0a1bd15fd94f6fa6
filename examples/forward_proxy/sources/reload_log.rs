//! What the log says of files that have changed.

#[cfg(feature = "htdigest")]
use tower_proxy_auth::backend::htdigest::FileEvent;
#[cfg(not(feature = "htdigest"))]
use tower_proxy_auth::backend::htpasswd::FileEvent;

/// Whom a source tells what became of the files that `option` names.
pub(super) fn of(option: &'static str) -> impl Fn(FileEvent<'_>) + Send + Sync {
    move |event| match event {
        FileEvent::Reloaded => tracing::info!("{option} has changed and was read again"),
        FileEvent::Failed(error) => {
            tracing::error!(
                "{option} has changed, and what it said before stays in force: {error}"
            );
        }
        _ => {}
    }
}
