//! An export of findings that grows subject by subject, so that the maps of one can go before the next.

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, Kind};
use super::names::OutputName;
use super::sources::Sources;
use super::{
    Export, LESION_COLUMNS, LOAD_COLUMNS, Lesion, LesionMatch, LevelLoad, MATCH_COLUMNS,
    MeasureColumn, curve_file, distinct_name, lesion_match_table, lesion_table, load_table, maps,
    source_image, tables, warn_without_grid,
};
use crate::Result;
use crate::cohort::Cohort;
use crate::context::Context;
use crate::detection::{Finding, Findings};
use crate::evaluation::Threshold;
use crate::report::Table;

/// An export in the making, as [`export`](super::export) writes it. Dropped before it is finished, it leaves
/// nothing.
pub struct FindingsExport {
    dataset: Dataset,
    folder: PathBuf,
    threshold: Option<Threshold>,
    method: String,
    scoring: String,
    sources: Sources,
    names: Vec<OutputName>,
    scores: Table,
    lesions: Vec<Lesion>,
    loads: Vec<LevelLoad>,
    /// `None` while no subject has a ground truth.
    matches: Option<Vec<LesionMatch>>,
    without_grid: Vec<String>,
}

impl FindingsExport {
    /// Begins an export of findings like these, at this threshold. `images` are the source images of all subjects
    /// that may come.
    ///
    /// # Errors
    /// If something else than an earlier export is at `folder`, or the disk refuses.
    pub fn begin<'a>(
        folder: &Path,
        findings: &Findings,
        threshold: Option<&Threshold>,
        images: impl Iterator<Item = &'a Path>,
    ) -> Result<Self> {
        Ok(Self {
            dataset: Dataset::begin(folder)?,
            folder: folder.to_path_buf(),
            threshold: threshold.cloned(),
            method: findings.method.clone(),
            scoring: format!("scoring \"{}\"", findings.scoring),
            sources: Sources::of(images),
            names: Vec::new(),
            scores: tables::scores(),
            lesions: Vec::new(),
            loads: Vec::new(),
            matches: None,
            without_grid: Vec::new(),
        })
    }

    /// Adds one of the findings, of a subject of this cohort.
    ///
    /// # Errors
    /// If another subject has the same file names, the source image has changed its grid or is gone, or the disk
    /// refuses.
    pub fn push(&mut self, findings: &Findings, finding: &Finding, cohort: &Cohort) -> Result<()> {
        let subject = &*finding.subject.name;
        let image = source_image(subject, cohort)?;
        let name = distinct_name(subject, image.as_deref(), &self.names)?;
        let remarks = cohort.remarks(subject);
        tables::push_scores(&mut self.scores, finding, &remarks)?;
        let (threshold, image) = (self.threshold.as_ref(), image.as_deref());
        let maps = maps::SubjectMaps { findings, finding, image, threshold, remarks: &remarks };
        match maps.write(self.dataset.path(), &name, &self.sources)? {
            Some(lesions) => {
                self.lesions.extend(lesions.detected);
                self.loads.extend(lesions.load);
                if let Some(of_subject) = lesions.matches {
                    self.matches.get_or_insert_default().extend(of_subject);
                }
            }
            None => self.without_grid.push(subject.to_owned()),
        }
        curve_file::write(self.dataset.path(), &name, finding, findings.scoring)?;
        self.names.push(name);
        Ok(())
    }

    /// Writes the tables and puts the export in its place. Subjects without a grid to go back to are warned
    /// about.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn finish(self, context: &Context) -> Result<Export> {
        let Self { dataset, lesions, without_grid, .. } = self;
        let names: Vec<&str> = without_grid.iter().map(String::as_str).collect();
        warn_without_grid(&names, context);
        dataset.write_table("scores", &self.scores, tables::score_dictionary())?;
        if self.threshold.is_some() {
            let columns = LESION_COLUMNS.iter().map(MeasureColumn::described);
            dataset.write_table("lesions", &lesion_table(&lesions)?, columns)?;
            let columns = LOAD_COLUMNS.iter().map(MeasureColumn::described);
            dataset.write_table("lesion_load", &load_table(&self.loads)?, columns)?;
        }
        if let Some(matches) = self.matches {
            let columns = MATCH_COLUMNS.iter().map(MeasureColumn::described);
            let measures = LESION_COLUMNS[2..].iter().map(MeasureColumn::described);
            let table = lesion_match_table(&matches)?;
            dataset.write_table("lesion_matches", &table, columns.chain(measures))?;
        }
        dataset.describe(Kind::Findings, &self.method, &self.scoring, &self.sources)?;
        dataset.finish()?;
        Ok(Export {
            folder: self.folder,
            subjects: self.names.len() - without_grid.len(),
            lesions: self.threshold.map(|_| lesions.len()),
        })
    }
}
