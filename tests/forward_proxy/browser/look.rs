//! Looks of a page: by the size of the window and the colours of the system.

use std::{env, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::tab::Tab;

/// One of the ways in which people see a page.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// In CSS pixels.
    pub(super) width: u64,
    height: u64,
    /// `light` or `dark`.
    colours: &'static str,
}

/// A telephone and a desktop, light and dark.
pub(super) const LOOKS: [Look; 4] = [
    Look { width: 360, height: 740, colours: "light" },
    Look { width: 360, height: 740, colours: "dark" },
    Look { width: 1_280, height: 800, colours: "light" },
    Look { width: 1_280, height: 800, colours: "dark" },
];

impl Look {
    pub(super) fn name(self) -> String {
        format!("{}-{}", self.width, self.colours)
    }

    /// Whether it is that of a telephone.
    pub(super) const fn is_narrow(self) -> bool {
        self.width == 360
    }

    /// Makes a tab look like this.
    #[track_caller]
    pub(super) fn apply(self, tab: &mut Tab<'_>) {
        let size = json!({
            "width": self.width,
            "height": self.height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        tab.ask("Emulation.setDeviceMetricsOverride", size);
        let colours = json!([{ "name": "prefers-color-scheme", "value": self.colours }]);
        tab.ask("Emulation.setEmulatedMedia", json!({ "features": colours }));
    }
}

/// Writes a picture of a tab to the folder in `PAGE_SCREENSHOTS`, if it is set.
#[track_caller]
pub(super) fn take_screenshot(tab: &mut Tab<'_>, name: &str) {
    let Some(folder) = env::var_os("PAGE_SCREENSHOTS").map(PathBuf::from) else { return };
    let picture = tab.ask("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
    let picture = STANDARD.decode(picture["data"].as_str().expect("a text")).expect("base64");
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(format!("{name}.png")), picture).expect("the picture can be written");
}
