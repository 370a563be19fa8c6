//! The field of view that holds the cords of a cohort.

use rayon::prelude::*;

use super::preprocess::cord_outside;
use crate::cohort::entry::{Entry, Source};
use crate::cohort::{Cohort, SliceGrid};
use crate::context::Context;
use crate::volume::Volume;
use crate::{Error, Result};

/// Edges to choose from, mm.
const EDGES_MM: std::ops::RangeInclusive<usize> = 64..=400;
const STEP_MM: usize = 16;
/// A field holds a cord if no more than this share of it lies outside.
const OUTSIDE: f64 = 0.01;
/// The field holds the cords of at least this share of the subjects.
const SUBJECTS: f64 = 0.95;

impl Cohort {
    /// The same entries, to be preprocessed in the smallest field of view (a multiple of 16 mm from 64 to 400)
    /// that holds the cords of nearly all subjects: at least 99 % of the cord of at least 95 % of them. Reads
    /// their cord masks. A note says which field that is. The provenance has the field, not that it was chosen.
    ///
    /// # Errors
    /// If interrupted, no subject has a cord mask that can be read, or slices were loaded preprocessed.
    pub fn on_fitting_field(&self, context: &Context) -> Result<Self> {
        let edges: Vec<usize> = EDGES_MM.step_by(STEP_MM).collect();
        let progress = context.progress("measure cords", "subject", self.len());
        let entries: Vec<&Entry> = self.entries().collect();
        let measured = |entry: &&Entry| -> Result<Option<Vec<f64>>> {
            context.check()?;
            let outside = match read_cord(entry) {
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                // Preprocessing reports what is wrong with this subject.
                Err(_) | Ok(None) => None,
                Ok(Some(cord)) => cord_outside(&cord, &edges).ok(),
            };
            progress.advance(1, &[]);
            Ok(outside)
        };
        let outside = entries.par_iter().map(measured).collect::<Result<Vec<_>>>()?;
        let outside: Vec<Vec<f64>> = outside.into_iter().flatten().collect();
        if outside.is_empty() {
            return Err(Error::input(format!(
                "fov_mm = \"auto\": no subject of {} has a cord mask to measure; load it with a number, and use \
                 cohort.preprocess(fov_mm = \"auto\") after `segment`",
                self.name()
            )));
        }
        let held = |edge: usize| outside.iter().filter(|all| all[edge] <= OUTSIDE).count();
        let enough = (SUBJECTS * outside.len() as f64).ceil() as usize;
        let chosen = (0..edges.len()).find(|&edge| held(edge) >= enough);
        let chosen = chosen.unwrap_or(edges.len() - 1);
        let grid = SliceGrid { fov_mm: edges[chosen], ..self.grid() };
        let cohort = self.on_grid(grid)?;
        context.note(format!(
            "fov_mm = \"auto\": {} mm, which hold the cord of {} of {} subjects; {} pixels of {:.2} mm",
            grid.fov_mm,
            held(chosen),
            outside.len(),
            grid.size,
            grid.fov_mm as f64 / grid.size as f64
        ));
        Ok(cohort)
    }
}

/// The cord mask of an entry that comes from a volume and has one.
fn read_cord(entry: &Entry) -> Result<Option<Volume>> {
    match &entry.source {
        Source::Volumes(files) => files.read_cord(None).map(Some),
        Source::Found { files, masks } => files.read_cord(Some(masks)).map(Some),
        Source::Phantom { options, index, streams } => {
            Ok(Some(crate::phantom::draw(options, *index, streams)?.volume.cord))
        }
        Source::Unsegmented { .. } | Source::Slices(_) | Source::Ready(_) | Source::Broken(_) => {
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cohort::LoadOptions;
    use crate::cohort::tests::listening;
    use crate::phantom::{PhantomOptions, write_bids};

    fn tree(folder: &Path) -> Cohort {
        let root = folder.join("bids");
        let phantoms =
            PhantomOptions { subjects: 3, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
        write_bids(&root, &phantoms, &Context::new(3)).unwrap();
        let grid = SliceGrid { size: 64, fov_mm: 64, ..SliceGrid::default() };
        let options = LoadOptions { grid, ..LoadOptions::default() };
        Cohort::load(&root, &options, &Context::new(0)).unwrap()
    }

    #[test]
    fn the_smallest_field_that_holds_the_cords_is_chosen_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let small = tree(folder.path());
        let (listener, context) = listening();
        let cohort = small.on_fitting_field(&context).unwrap();
        let chosen = cohort.grid().fov_mm;
        assert!(chosen > 64 && chosen.is_multiple_of(16) && cohort.grid().size == 64, "{chosen}");
        let said = "which hold the cord of 3 of 3 subjects; 64 pixels of ";
        assert!(listener.all().iter().any(|line| line.contains(said)), "{:?}", listener.all());
        let is_lost = |cohort: &Cohort| {
            cohort.subjects(&Context::new(0)).unwrap();
            let notes = cohort.names().into_iter().flat_map(|name| cohort.notes(name).to_vec());
            notes.filter(|note| note.text.contains("of the cord lies outside")).count()
        };
        assert_eq!((is_lost(&small) > 0, is_lost(&cohort)), (true, 0));
        let smaller = SliceGrid { fov_mm: chosen - 32, ..cohort.grid() };
        assert!(is_lost(&small.on_grid(smaller).unwrap()) > 0);
        // Made again from its provenance, it has the same field without measuring.
        let provenance = cohort.provenance().unwrap();
        let again = provenance.applied(&provenance.first(&Context::new(0)).unwrap()).unwrap();
        assert_eq!(again.grid(), cohort.grid());
    }
}
