//! The signal of the cord along its axis, which needs no model.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::curve::{CURVE_SMOOTHING_MM, gaussian};
use super::profile::AxisProfile;
use super::segments::{Segments, Stretch, stretch_at};
use super::{CordAxis, MINIMUM_LENGTH_MM, SegmentBorders};
use crate::cohort::{Slice, Subject};
use crate::context::Context;
use crate::statistics::{mean, median, variance};
use crate::{Error, Result};

/// The mean T2-weighted signal of a subject's cord along its axis: what a clinician looks at first.
///
/// All slices count together, by the pixels of their scoring regions (the cord without its outermost
/// pixel, which is half fluid), at the nearest point of the axis of the slice with the most cord. Signals
/// are intensities after preprocessing, from 0 to 1: they compare places of one image. For other images
/// compare the ratio to the fluid, as far as the sequences are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalCurve {
    pub subject: Arc<str>,
    /// The slice that gave the axis, as figures call it.
    pub axis_of: String,
    /// How many slices have pixels in it.
    pub slices: usize,
    /// Arc length from the cord's upper end, mm; rising.
    pub position_mm: Vec<f64>,
    /// Mean signal, smoothed along the axis with a Gaussian of [`CURVE_SMOOTHING_MM`]; as many as positions.
    pub signal: Vec<f64>,
    /// Superior first; only levels that hold pixels.
    pub levels: Vec<LevelSignal>,
    /// Whether disc labels say which levels these are; without, they are equal lengths.
    pub has_levels: bool,
    /// Median signal of the cerebrospinal fluid of the same slices; `None` without fluid pixels.
    pub fluid: Option<f64>,
}

/// The signal of the cord at one vertebral level, or in one of equal lengths without disc labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelSignal {
    pub name: String,
    /// Its ends on the axis, mm from the cord's upper end.
    pub from_mm: f64,
    pub to_mm: f64,
    pub pixels: usize,
    pub mean: f64,
    /// Over pixels, ≥ 0; `None` of a single one.
    pub standard_deviation: Option<f64>,
}

impl SignalCurve {
    /// The curve of a subject's cord.
    ///
    /// # Errors
    /// [`Error::Subject`] if there are no slices, or the slice with the most cord has less than [`MINIMUM_LENGTH_MM`] of it with a pixel to
    /// measure.
    pub fn new(subject: &Subject, context: &Context) -> Result<Self> {
        let too_short = || {
            let reason = format!(
                "the slice with the most cord has less than {MINIMUM_LENGTH_MM} mm of it, so it has no curve"
            );
            Error::subject(&*subject.name, reason)
        };
        let middle = subject.mid_cord();
        let middle = middle.ok_or_else(|| Error::subject(&*subject.name, "has no slices"))?;
        let axis = CordAxis::new(&middle.cord, middle.pixel_spacing_mm).ok_or_else(too_short)?;
        let profile = AxisProfile::of_all(
            &axis,
            subject.slices.iter().map(|slice| (&slice.scoring, &slice.image)),
        );
        let bins: Vec<usize> = profile.filled().collect();
        let kernel = gaussian(CURVE_SMOOTHING_MM);
        let signal = bins.iter().map(|bin| profile.mean_around(*bin, &kernel));
        let signal: Vec<f64> = signal.collect::<Option<_>>().ok_or_else(too_short)?;
        if signal.is_empty() {
            return Err(too_short());
        }
        let axes: Vec<Option<CordAxis>> = vec![Some(axis.clone())];
        let (segments, warning) = Segments::new(subject, &axes);
        warning.into_iter().for_each(|warning| context.warn(warning));
        let stretches = segments.cut(&axis);
        let with_pixels = |slice: &&Slice| slice.scoring.iter().any(|inside| *inside);
        Ok(Self {
            subject: subject.name.clone(),
            axis_of: middle.place(),
            slices: subject.slices.iter().filter(with_pixels).count(),
            position_mm: bins.iter().map(|bin| profile.position_mm(*bin)).collect(),
            signal,
            levels: levels(subject, &axis, stretches),
            has_levels: segments.segment_borders == SegmentBorders::Discs,
            fluid: fluid(subject),
        })
    }

    /// The curves of several subjects, in their order. Warns of those without enough cord and leaves them
    /// out.
    ///
    /// # Errors
    /// If none has enough cord, or the user interrupts.
    pub fn of_all(subjects: &[Arc<Subject>], context: &Context) -> Result<Vec<Self>> {
        let mut curves = Vec::with_capacity(subjects.len());
        for subject in subjects {
            context.check()?;
            match Self::new(subject, context) {
                Ok(curve) => curves.push(curve),
                Err(error) => context.warn(error.to_string()),
            }
        }
        if curves.is_empty() {
            return Err(Error::input("no subject has enough cord for a signal curve"));
        }
        Ok(curves)
    }
}

fn levels(subject: &Subject, axis: &CordAxis, stretches: Vec<Stretch>) -> Vec<LevelSignal> {
    let mut pixels: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for slice in &subject.slices {
        for (pixel, _) in slice.scoring.indexed_iter().filter(|(_, inside)| **inside) {
            let position = axis.position_mm(pixel.0 as f64, pixel.1 as f64);
            if let Some(stretch) = stretch_at(&stretches, position) {
                pixels.entry(stretch).or_default().push(f64::from(slice.image[pixel]));
            }
        }
    }
    let level = |(place, stretch): (usize, Stretch)| {
        let signals = pixels.get(&place)?;
        Some(LevelSignal {
            name: stretch.name,
            from_mm: stretch.from_mm,
            to_mm: stretch.to_mm,
            pixels: signals.len(),
            mean: mean(signals.iter().copied())?,
            standard_deviation: (signals.len() > 1).then(|| variance(signals).sqrt()),
        })
    };
    stretches.into_iter().enumerate().filter_map(level).collect()
}

fn fluid(subject: &Subject) -> Option<f64> {
    let of_slice = |slice: &Slice| {
        let inside = slice.csf.iter().zip(&slice.image).filter(|(inside, _)| **inside);
        inside.map(|(_, signal)| f64::from(*signal)).collect::<Vec<_>>()
    };
    median(subject.slices.iter().flat_map(of_slice))
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::cohort::{Cohort, SliceGrid};
    use crate::phantom::PhantomOptions;

    fn phantom(clinical: usize, with_lesions: usize) -> (Arc<Subject>, Context) {
        let context = Context::new(5);
        let options = PhantomOptions {
            subjects: 1,
            clinical: Some(clinical),
            with_lesions: Some(with_lesions),
            pixel_spacing_mm: 1.0,
            ..PhantomOptions::default()
        };
        let cohort = Cohort::phantom(&options, SliceGrid::of_size(128), &context.streams);
        let subjects = cohort.expect("options").subjects(&context).expect("preprocessed");
        (subjects[0].clone(), context)
    }

    #[test]
    fn a_uniform_cord_has_its_own_signal_everywhere() {
        let (subject, context) = phantom(0, 0);
        let mut subject = (*subject).clone();
        for slice in &mut subject.slices {
            let cord = slice.cord.clone();
            for (pixel, inside) in cord.indexed_iter() {
                slice.image[pixel] = if *inside { 0.25 } else { 0.75 };
            }
        }
        let curve = SignalCurve::new(&subject, &context).expect("a cord");
        assert_eq!(curve.position_mm.len(), curve.signal.len());
        assert!(curve.position_mm.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(curve.signal.iter().all(|signal| (signal - 0.25).abs() < 1e-6));
        assert!(curve.levels.len() >= 5, "{:?}", curve.levels);
        for level in &curve.levels {
            assert_relative_eq!(level.mean, 0.25, epsilon = 1e-6);
            assert_relative_eq!(level.standard_deviation.unwrap(), 0.0, epsilon = 1e-6);
        }
        let pixels: usize = curve.levels.iter().map(|level| level.pixels).sum();
        let scoring = subject.slices.iter().flat_map(|slice| &slice.scoring);
        assert_eq!(pixels, scoring.filter(|inside| **inside).count());
        assert_relative_eq!(curve.fluid.expect("fluid"), 0.75, epsilon = 1e-6);
    }

    #[test]
    fn a_bright_level_stands_out_at_its_place() {
        let (subject, context) = phantom(0, 0);
        let plain = SignalCurve::new(&subject, &context).expect("a cord");
        let level = plain.levels[plain.levels.len() / 2].clone();
        let mut subject = (*subject).clone();
        let middle = subject.mid_cord().expect("slices").clone();
        let axis = CordAxis::new(&middle.cord, middle.pixel_spacing_mm).expect("long enough");
        for slice in &mut subject.slices {
            for row in 0..slice.size() {
                for column in 0..slice.size() {
                    let position = axis.position_mm(row as f64, column as f64);
                    if (level.from_mm..level.to_mm).contains(&position) {
                        slice.image[(row, column)] = 1.0;
                    }
                }
            }
        }
        let curve = SignalCurve::new(&subject, &context).expect("a cord");
        for (one, before) in curve.levels.iter().zip(&plain.levels) {
            let expected = if one.name == level.name { 1.0 } else { before.mean };
            assert_relative_eq!(one.mean, expected, epsilon = 1e-9);
        }
        let highest = (0..curve.signal.len())
            .max_by(|a, b| curve.signal[*a].total_cmp(&curve.signal[*b]))
            .expect("a curve");
        let place = curve.position_mm[highest];
        assert!((level.from_mm..level.to_mm).contains(&place), "{place} in {level:?}");
    }

    #[test]
    fn a_subject_without_a_cord_is_an_error() {
        let (subject, context) = phantom(0, 0);
        let subject = Subject { slices: Vec::new(), ..(*subject).clone() };
        let error = SignalCurve::new(&subject, &context).expect_err("nothing to measure");
        assert!(error.to_string().contains("has no slices"), "{error}");
    }
}
