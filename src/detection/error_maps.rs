//! Error maps computed elsewhere, as a method.

use std::sync::Arc;

use ndarray::{Array2, Zip};

use super::{Reconstruction, Reconstructor, Scoring};
use crate::cohort::Slice;
use crate::context::Context;
use crate::{Error, Result};

/// One error map per slice of the cohort that it is used on, in the order of its slices. The
/// reconstruction is taken to be darker than the image by the error, since lesions are bright.
#[derive(Clone, Debug)]
pub struct ErrorMaps {
    pub name: String,
    pub maps: Arc<Vec<Array2<f32>>>,
}

impl Reconstructor for ErrorMaps {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn reconstructs(&self) -> bool {
        false
    }

    /// The errors as they were given, in whatever unit.
    fn scoring(&self) -> Scoring {
        Scoring::Published
    }

    /// # Errors
    /// If there is not one map per slice, of the slice's size, without negative values.
    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let Self { name, maps } = self;
        if maps.len() != slices.len() {
            return Err(Error::input(format!(
                "{name} has {} maps, but the cohort has {} slices; there must be one map per \
                 slice, in the same order",
                maps.len(),
                slices.len()
            )));
        }
        let reconstruct = |(map, slice): (&Array2<f32>, &&Slice)| {
            context.check()?;
            let (rows, columns) = map.dim();
            if map.dim() != slice.image.dim() {
                return Err(Error::input(format!(
                    "the maps of {name} have {rows} × {columns} pixels, but the slices have {size} \
                     × {size}",
                    size = slice.size()
                )));
            }
            if map.iter().any(|error| error.is_nan() || *error < 0.0) {
                return Err(Error::input(format!(
                    "{name} has values that are not valid errors: they must be 0 or more"
                )));
            }
            let error = Zip::from(map)
                .and(&slice.region)
                .map_collect(|&error, &inside| if inside { error } else { 0.0 });
            let reconstruction = Zip::from(&slice.image)
                .and(&error)
                .map_collect(|&image, &error| (image - error).clamp(0.0, 1.0));
            // A residual would be cut at the image's own intensity: with a measure of its own there is none.
            let anomaly = Some(error.clone());
            Ok(Reconstruction { reconstruction, error, variance: None, probability: None, anomaly })
        };
        maps.iter().zip(slices).map(reconstruct).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Cohort, SliceGrid};
    use crate::context::Streams;
    use crate::detection::detect;
    use crate::phantom::PhantomOptions;

    #[test]
    fn given_maps_are_evaluated_like_any_method() {
        let options = PhantomOptions { subjects: 2, ..PhantomOptions::default() };
        let grid = SliceGrid { size: 64, ..SliceGrid::default() };
        let cohort = Cohort::phantom(&options, grid, &Streams::new(0)).unwrap();
        let context = Context::new(0);
        let subjects = cohort.subjects(&context).unwrap();
        let maps: Vec<_> =
            subjects.iter().flat_map(|s| &s.slices).map(|slice| slice.image.clone()).collect();
        let method = ErrorMaps { name: "mine".into(), maps: Arc::new(maps) };
        let found = detect(&method, &subjects, None, &context).unwrap();
        assert_eq!((found.method.as_str(), found.subjects.len()), ("mine", 2));
        assert_eq!(found.scoring, Scoring::Published, "given errors are not changed");
        let few = ErrorMaps { maps: Arc::new(method.maps[1..].to_vec()), ..method.clone() };
        let error = detect(&few, &subjects, None, &context).unwrap_err().to_string();
        assert!(error.contains("one map per slice"), "{error}");
        let negative = method.maps.iter().map(|map| map - 1.0).collect();
        let negative = ErrorMaps { maps: Arc::new(negative), ..method };
        assert!(detect(&negative, &subjects, None, &context).is_err());
    }
}
