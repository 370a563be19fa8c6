//! Images and maps of a viewer as pictures that the script of the page draws.

use ndarray::{Array2, Zip};
use serde::Serialize;

use super::sprite::{Crop, quantised, sprite};
use crate::Result;
use crate::cohort::Slice;
use crate::detection::{Finding, SliceFinding};

/// One image or map of all slices.
#[derive(Serialize)]
pub(super) struct Layer {
    name: &'static str,
    unit: String,
    colours: &'static str,
    from: f64,
    to: f64,
    /// Whether the first image takes its place outside the region of interest.
    region_only: bool,
    sprite: String,
}

/// Values at the upper ends of the colours, and the unit of the anomaly.
pub(super) struct MapEnds {
    pub anomaly: f64,
    pub anomaly_unit: &'static str,
    pub variance: f64,
}

/// A layer of intensities in [0, 1], without its pixels.
fn intensity() -> Layer {
    Layer {
        name: "Image",
        unit: "intensity".to_owned(),
        colours: "grey",
        from: 0.0,
        to: 1.0,
        region_only: false,
        sprite: String::new(),
    }
}

/// The images of slices.
///
/// # Errors
/// If a picture cannot be encoded.
pub(super) fn image(slices: &[&Slice], crop: &Crop) -> Result<Layer> {
    let maps: Vec<_> = slices.iter().map(|slice| &slice.image).collect();
    Ok(Layer { sprite: sprite(&maps, crop, |value| quantised(value, 0.0, 1.0))?, ..intensity() })
}

/// Their reconstructions.
///
/// # Errors
/// As [`image`].
pub(super) fn reconstruction(
    slices: &[&Slice],
    reconstructions: &[&Array2<f32>],
    crop: &Crop,
) -> Result<Layer> {
    Ok(Layer {
        name: "Reconstruction",
        region_only: true,
        sprite: within_regions(slices, reconstructions, crop, (0.0, 1.0))?,
        ..intensity()
    })
}

/// Maps whose pixels outside the regions of interest are empty, which takes less room.
fn within_regions(
    slices: &[&Slice],
    maps: &[&Array2<f32>],
    crop: &Crop,
    (from, to): (f64, f64),
) -> Result<String> {
    let masked: Vec<_> = slices
        .iter()
        .zip(maps)
        .map(|(slice, map)| {
            Zip::from(&slice.region)
                .and(*map)
                .map_collect(|inside, value| if *inside { quantised(*value, from, to) } else { 0 })
        })
        .collect();
    sprite(&masked.iter().collect::<Vec<_>>(), crop, |level| level)
}

/// The maps that a finding has.
///
/// # Errors
/// As [`image`].
pub(super) fn overlays(
    finding: &Finding,
    slices: &[&Slice],
    crop: &Crop,
    ends: &MapEnds,
) -> Result<Vec<Layer>> {
    type Map = fn(&SliceFinding) -> Option<&Array2<f32>>;
    let layers: [(&str, &str, &str, f64, Map); 3] = [
        ("Anomaly", ends.anomaly_unit, "inferno", ends.anomaly, |found| Some(&found.anomaly)),
        ("Variance", "intensity²", "viridis", ends.variance, |found| {
            found.reconstruction.variance.as_ref()
        }),
        ("Lesion probability", "probability", "viridis", 1.0, |found| {
            found.reconstruction.probability.as_ref()
        }),
    ];
    let mut overlays = Vec::new();
    for (name, unit, colours, to, map) in layers {
        let maps: Option<Vec<_>> = finding.slices.iter().map(map).collect();
        let Some(maps) = maps.filter(|maps| !maps.is_empty()) else { continue };
        overlays.push(Layer {
            name,
            unit: unit.to_owned(),
            colours,
            from: 0.0,
            to,
            region_only: false,
            sprite: within_regions(slices, &maps, crop, (0.0, to))?,
        });
    }
    Ok(overlays)
}
