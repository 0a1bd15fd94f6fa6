//! Logs changes of watched files.

use tower_proxy_auth::backend::watched_file::FileEvent;

use super::in_options;

/// Returns a function that logs the events of the files of `option`.
pub(super) fn for_option(option: &'static str) -> impl Fn(FileEvent<'_>) + Send + Sync {
    move |event| match event {
        FileEvent::Reloaded => tracing::info!("{option} reloaded"),
        FileEvent::Unusable(error) | FileEvent::MixedCosts(error) => {
            tracing::warn!("{}", in_options(&format!("{option}: {error}")));
        }
        FileEvent::Failed(error) => {
            tracing::error!(
                "{option} was not reloaded, its content is in force for 5 min: {error}"
            );
        }
        _ => {}
    }
}
