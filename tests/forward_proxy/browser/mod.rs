//! The pages of refusals, as Chromium shows them.
//!
//! A page is correct if axe-core and the Nu HTML Checker find nothing, in each language, on a
//! telephone and on a desktop, in light and in dark colours. To look at the pages:
//!
//! `PAGE_SCREENSHOTS=DIR cargo test --all-features --test forward_proxy -- --ignored browser`
//!
//! axe-core and the checker are packages of npm. `npm ci --ignore-scripts` in this folder installs
//! them.

mod checkers;
mod checks;
mod chromium;
mod faults;
mod look;
mod pages;
mod prompts;
mod tab;
