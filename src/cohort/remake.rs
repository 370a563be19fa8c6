//! Makes a cohort again from its provenance.

use super::cohort::Cohort;
use super::provenance::{Origin, Provenance, Step};
use crate::Result;
use crate::context::{Context, Streams};

impl Provenance {
    /// The cohort at the origin, before any step.
    ///
    /// # Errors
    /// As [`Cohort::load`], [`Cohort::phantom`] and [`Cohort::joined`].
    pub fn first(&self, context: &Context) -> Result<Cohort> {
        match &self.origin {
            Origin::Folder { path, options } => Cohort::load(path, options, context),
            Origin::Phantom { options, grid, seed } => {
                Cohort::phantom(options, *grid, &Streams::new(*seed))
            }
            Origin::Joined(both) => {
                let [first, second] = &**both;
                let made = |part: &Self| part.applied(&part.first(context)?);
                made(first)?.joined(&made(second)?)
            }
        }
    }

    /// Applies the steps to the cohort at the origin. Cohorts derived from the same origin share
    /// their preprocessed subjects.
    ///
    /// # Errors
    /// As the methods of [`Cohort`] that the steps stand for.
    pub fn applied(&self, first: &Cohort) -> Result<Cohort> {
        self.steps.iter().try_fold(first.clone(), |cohort, step| match step {
            Step::Healthy => cohort.healthy(),
            Step::Clinical => cohort.clinical(),
            Step::Filter { column, value } => cohort.filter(column, value),
            Step::Slice { from, to } => Ok(cohort.slice(*from..*to)),
            Step::Picked { names } => cohort.picked(names),
            Step::Without { names } => cohort.without(names),
            Step::Prefixed { prefix } => cohort.prefixed(prefix),
            Step::Grid(grid) => cohort.on_grid(*grid),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::SliceGrid;
    use crate::phantom::PhantomOptions;

    #[test]
    fn a_cohort_is_made_again_from_its_provenance() {
        let options =
            PhantomOptions { subjects: 6, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
        let grid = |size| SliceGrid { size, ..SliceGrid::default() };
        let cohort = Cohort::phantom(&options, grid(64), &Streams::new(7)).unwrap();
        let part = cohort.clinical().unwrap().slice(0..2).on_grid(grid(32)).unwrap();
        let json = serde_json::to_string(part.provenance().unwrap()).unwrap();
        let provenance: Provenance = serde_json::from_str(&json).unwrap();
        let context = Context::new(0);
        let again = provenance.applied(&provenance.first(&context).unwrap()).unwrap();
        assert_eq!((again.name(), again.names()), (part.name(), part.names()));
        let images = |cohort: &Cohort| {
            let subjects = cohort.subjects(&context).unwrap();
            let slices = subjects.iter().flat_map(|subject| &subject.slices);
            slices.map(|slice| slice.image.clone()).collect::<Vec<_>>()
        };
        assert_eq!(images(&again), images(&part));
    }

    #[test]
    fn a_joined_cohort_is_made_again_from_its_provenance() {
        let options =
            PhantomOptions { subjects: 4, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
        let of = |seed| {
            let grid = SliceGrid { size: 32, ..SliceGrid::default() };
            Cohort::phantom(&options, grid, &Streams::new(seed)).unwrap()
        };
        let names = ["sub-healthy02", "sub-clinic01"].map(str::to_owned);
        let both = of(1).picked(&names).unwrap().joined(&of(2).prefixed("b").unwrap()).unwrap();
        let both = both.without(&["sub-bhealthy01".to_owned()]).unwrap();
        let expected =
            ["sub-healthy02", "sub-clinic01", "sub-bhealthy02", "sub-bclinic01", "sub-bclinic02"];
        assert_eq!(both.names(), expected);
        assert_eq!(both.healthy().unwrap().names(), ["sub-healthy02", "sub-bhealthy02"]);
        let json = serde_json::to_string(both.provenance().unwrap()).unwrap();
        let provenance: Provenance = serde_json::from_str(&json).unwrap();
        let context = Context::new(0);
        let again = provenance.applied(&provenance.first(&context).unwrap()).unwrap();
        let seen = |cohort: &Cohort| -> Vec<_> {
            let subjects = cohort.subjects(&context).unwrap();
            subjects
                .iter()
                .map(|subject| (subject.slices[0].subject.clone(), subject.slices[0].image.clone()))
                .collect()
        };
        assert_eq!((again.name(), seen(&again)), (both.name(), seen(&both)));
        assert!(seen(&both).iter().zip(expected).all(|(seen, name)| *seen.0 == *name));
    }

    #[test]
    fn provenance_with_the_names_of_earlier_versions_is_read() {
        let json = r#"{"origin":{"phantom":{"options":{"subjects":4,"pixel_mm":3.0},
            "frame":{"size":64,"field_mm":128},"seed":7}},
            "steps":["healthy",{"frame":{"size":32,"field_mm":100}}]}"#;
        let options =
            PhantomOptions { subjects: 4, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
        let grid = SliceGrid { size: 64, fov_mm: 128, ..SliceGrid::default() };
        let expected = Provenance {
            origin: Origin::Phantom { options, grid, seed: 7 },
            steps: vec![
                Step::Healthy,
                Step::Grid(SliceGrid { size: 32, fov_mm: 100, ..SliceGrid::default() }),
            ],
        };
        assert_eq!(serde_json::from_str::<Provenance>(json).unwrap(), expected);
    }

    #[test]
    fn subjects_that_were_handed_over_have_no_provenance() {
        let options =
            PhantomOptions { subjects: 1, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
        let cohort = Cohort::phantom(&options, SliceGrid::default(), &Streams::new(7)).unwrap();
        let subjects = cohort.subjects(&Context::new(0)).unwrap();
        let handed = Cohort::from_subjects("mine", vec![(*subjects[0]).clone()]).unwrap();
        assert_eq!(handed.slice(0..1).provenance(), None);
    }
}
