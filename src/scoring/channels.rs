//! The input channels of the scoring network.

use ndarray::{Array2, Array3, Axis};

use crate::cohort::{Slice, TissueIntensity};
use crate::model::convolutional::{Window, unet};
use crate::uncertainty::Uncertainty;
use crate::volume::eroded;
use crate::{Error, Result};

/// Channels of its input: the slice and its two neighbours, the residual, the uncertainty, cord,
/// fluid, and the distance to the cord's edge.
pub(super) const CHANNELS: usize = 8;
/// How many of them are intensities of images.
pub(super) const INTENSITIES: usize = 3;
/// Places of the cord, the fluid and the distance to the cord's edge.
pub(super) const CORD: usize = 5;
pub(super) const FLUID: usize = 6;
pub(super) const DEPTH: usize = 7;
/// Intensities relative to cord and fluid are clipped here: fat, air and flow say nothing more.
const RANGE: (f32, f32) = (-2.0, 3.0);
/// Distances to the cord's edge beyond this many pixels are taken as equal.
const DEEPEST: usize = 6;
/// Brings standard deviations to about the size of the other channels.
const DEVIATION_SCALE: f32 = 3.0;

/// The network's inputs (channel, row, column) for the slices of one subject, in order, with
/// their window. Neighbours of the outer slices are these themselves.
///
/// # Errors
/// If the subject has no cord, or maps and slices differ in number or size.
pub(super) fn channels(
    slices: &[&Slice],
    maps: &[Uncertainty],
) -> Result<(Window, Vec<Array3<f32>>)> {
    let subject = slices.first().map_or("", |slice| &*slice.subject);
    let tissue = TissueIntensity::of(slices)
        .ok_or_else(|| Error::subject(subject, "has no cord, so its lesions cannot be scored"))?;
    if slices.len() != maps.len() {
        let (slices, maps) = (slices.len(), maps.len());
        let message = format!("has {slices} slices, but maps of {maps}; each slice needs its maps");
        return Err(Error::subject(subject, message));
    }
    for (slice, maps) in slices.iter().zip(maps) {
        let (rows, columns) = slice.image.dim();
        for map in [&maps.mean, &maps.variance] {
            if map.dim() != (rows, columns) {
                let (height, width) = map.dim();
                let message = format!(
                    "its slice {} has {rows} × {columns} pixels, but its map {height} × {width}",
                    slice.index
                );
                return Err(Error::subject(subject, message));
            }
        }
    }
    let window = Window::around(slices, unet::STEP);
    let relative: Vec<Array2<f32>> = slices
        .iter()
        .map(|slice| {
            let clipped = tissue.relative(&slice.image).mapv(|z| z.clamp(RANGE.0, RANGE.1));
            window.cut(clipped.view())
        })
        .collect();
    let last = slices.len() - 1;
    let one = |(place, (slice, maps)): (usize, (&&Slice, &Uncertainty))| {
        let inside = |mask: &Array2<bool>| mask.mapv(|inside| if inside { 1.0 } else { 0.0 });
        let residual = (&slice.image - &maps.mean) / tissue.contrast * inside(&slice.region);
        let deviation = maps.variance.mapv(|v| DEVIATION_SCALE * v.sqrt() / tissue.contrast);
        let mut parts = vec![
            relative[place].clone(),
            relative[place.saturating_sub(1)].clone(),
            relative[(place + 1).min(last)].clone(),
        ];
        for map in
            [residual, deviation, inside(&slice.cord), inside(&slice.csf), depth(&slice.cord)]
        {
            parts.push(window.cut(map.view()));
        }
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::stack(Axis(0), &views).expect("parts of one window")
    };
    Ok((window, slices.iter().zip(maps).enumerate().map(one).collect()))
}

/// Distance to the cord's edge in steps of one pixel, in [0, 1].
pub(super) fn depth(cord: &Array2<bool>) -> Array2<f32> {
    let mut depth = Array2::zeros(cord.dim());
    let mut core = cord.clone();
    for _ in 0..DEEPEST {
        depth.zip_mut_with(&core, |depth, inside| *depth += f32::from(u8::from(*inside)));
        core = eroded(&core);
    }
    depth / DEEPEST as f32
}
