//! Pages to hand over: what a method found in a cohort, and what a cohort looks like before. One file
//! each, that needs no network and can be read on any screen and on paper.
//!
//! A page holds the maps as greyscale PNGs of 8 bits, cropped to the surroundings of the cord; its
//! script draws them. Of the subjects it tells the name in the cohort, nothing of the participants
//! table but whether there is a lesion, and no path outside of the cohort's folder. Equal findings make
//! equal pages, byte by byte.

mod document;
mod findings_report;
mod group_report;
mod layers;
mod levels;
mod quality_report;
mod single_view;
mod sprite;
mod viewer;

use std::path::PathBuf;

pub use document::check_page_path;
pub use findings_report::FindingsReport;
pub use group_report::{GroupReport, GroupRow};
pub use quality_report::quality_report;
pub use single_view::{finding_view, subject_view};

/// A page that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub path: PathBuf,
    /// Subjects that it shows.
    pub subjects: usize,
    pub bytes: usize,
}

#[cfg(test)]
mod tests;
