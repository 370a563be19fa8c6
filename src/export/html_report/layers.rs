//! Images and maps of a viewer as pictures that the script of the page draws.

use ndarray::{Array2, Zip};
use serde::Serialize;

use super::levels::Levels;
use super::sprite::{Crop, sprite, sprite_of_two_bytes};
use crate::Result;
use crate::cohort::Slice;
use crate::detection::{Finding, SliceFinding};

/// One image or map of all slices.
#[derive(Serialize)]
pub(super) struct Layer {
    name: &'static str,
    unit: String,
    colours: &'static str,
    /// Value of level 0, and what every level adds.
    from: f64,
    step: f64,
    /// Decimals of a value that the levels hold.
    decimals: u32,
    /// Bytes of a level, 1 or 2; of two, the high bytes stand above the low ones.
    bytes: u8,
    /// Value at the upper end of the colours, the same in all viewers of a page.
    colours_to: f64,
    /// Whether the first image takes its place outside the region of interest.
    region_only: bool,
    /// Whether it has no value outside the scoring region.
    scored_only: bool,
    sprite: String,
}

impl Layer {
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// Without its pixels.
    fn new(name: &'static str, unit: &str, colours: &'static str, levels: Levels) -> Self {
        Self {
            name,
            unit: unit.to_owned(),
            colours,
            from: 0.0,
            step: levels.step,
            decimals: levels.decimals,
            bytes: levels.bytes,
            colours_to: 1.0,
            region_only: false,
            scored_only: false,
            sprite: String::new(),
        }
    }
}

/// What the maps of all viewers of a page share.
pub(super) struct MapScales {
    /// Value at the upper end of the anomaly's colours.
    pub anomaly: f64,
    pub anomaly_unit: &'static str,
    /// Whether the anomaly is the lesion probability, so that both need the same levels.
    pub anomaly_is_probability: bool,
    /// Value at the upper end of the variance's colours.
    pub variance: f64,
}

/// The images of slices.
///
/// # Errors
/// If a picture cannot be encoded.
pub(super) fn image(slices: &[&Slice], crop: &Crop) -> Result<Layer> {
    let maps: Vec<_> = slices.iter().map(|slice| &slice.image).collect();
    let levels = Levels::of_one_byte(1.0);
    let sprite = sprite(&maps, crop, |value| levels.level(value) as u8)?;
    Ok(Layer { sprite, ..Layer::new("Image", "intensity", "grey", levels) })
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
    let levels = Levels::of_one_byte(1.0);
    Ok(Layer {
        region_only: true,
        sprite: within_regions(slices, reconstructions, crop, levels)?,
        ..Layer::new("Reconstruction", "intensity", "grey", levels)
    })
}

/// Maps whose pixels outside the regions of interest are empty, which takes less room.
fn within_regions(
    slices: &[&Slice],
    maps: &[&Array2<f32>],
    crop: &Crop,
    levels: Levels,
) -> Result<String> {
    let masked: Vec<Array2<u16>> = slices
        .iter()
        .zip(maps)
        .map(|(slice, map)| {
            Zip::from(&slice.region)
                .and(*map)
                .map_collect(|inside, value| if *inside { levels.level(*value) } else { 0 })
        })
        .collect();
    let masked: Vec<_> = masked.iter().collect();
    match levels.bytes {
        1 => sprite(&masked, crop, |level| level as u8),
        _ => sprite_of_two_bytes(&masked, crop),
    }
}

type Map = fn(&SliceFinding) -> Option<&Array2<f32>>;

/// The maps that a finding has. Their levels reach the highest value in this subject.
///
/// # Errors
/// As [`image`].
pub(super) fn overlays(
    finding: &Finding,
    slices: &[&Slice],
    crop: &Crop,
    scales: &MapScales,
) -> Result<Vec<Layer>> {
    let anomaly: Map = |found| Some(&found.anomaly);
    let variance: Map = |found| found.reconstruction.variance.as_ref();
    let probability: Map = |found| found.reconstruction.probability.as_ref();
    let maps = |map: Map| {
        let maps: Option<Vec<&Array2<f32>>> = finding.slices.iter().map(map).collect();
        maps.filter(|maps| !maps.is_empty())
    };
    let highest = |map: Map| {
        let values = finding.slices.iter().zip(slices).flat_map(|(found, slice)| {
            let pixels = map(found).into_iter().flat_map(|map| map.iter().zip(&slice.region));
            pixels.filter(|(_, inside)| **inside).map(|(value, _)| *value)
        });
        f64::from(values.fold(0.0, f32::max))
    };
    let of_probability = Levels::of_two_bytes(highest(probability));
    let of_anomaly = match scales.anomaly_is_probability {
        true => of_probability,
        false => Levels::of_two_bytes(highest(anomaly)),
    };
    let of_variance = Levels::of_one_byte(highest(variance));
    let mut overlays = Vec::new();
    if let Some(maps) = maps(anomaly) {
        overlays.push(Layer {
            colours_to: scales.anomaly,
            scored_only: true,
            sprite: within_regions(slices, &maps, crop, of_anomaly)?,
            ..Layer::new("Anomaly", scales.anomaly_unit, "inferno", of_anomaly)
        });
    }
    if let Some(maps) = maps(variance) {
        overlays.push(Layer {
            colours_to: scales.variance,
            sprite: within_regions(slices, &maps, crop, of_variance)?,
            ..Layer::new("Variance", "intensity²", "viridis", of_variance)
        });
    }
    if let Some(maps) = maps(probability) {
        overlays.push(Layer {
            sprite: within_regions(slices, &maps, crop, of_probability)?,
            ..Layer::new("Lesion probability", "probability", "viridis", of_probability)
        });
    }
    Ok(overlays)
}
