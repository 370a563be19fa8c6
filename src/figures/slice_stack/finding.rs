//! The slices of a subject with what a method found in them.

use std::borrow::Cow;
use std::sync::Arc;

use plotters::style::RGBColor;

use super::layers::{Layers, Overlay, Shared, outline_keys, truth};
use super::{SliceNote, SliceStack, SliceView};
use crate::cohort::Slice;
use crate::detection::{Finding, Findings, SliceFinding};
use crate::evaluation::{Threshold, calibrated_threshold, default_lesion_threshold};
use crate::figures::drawing::colour_map::ColourMap;
use crate::figures::drawing::style;
use crate::figures::{Figure, reconstruction_panels};
use crate::{Error, Result};

/// What lies on the image: the last one takes its place.
const LAYERS: [&str; 4] = ["anomaly", "outlines", "image alone", "reconstruction"];
const ANOMALY: usize = 0;
const OUTLINES: usize = 1;
const RECONSTRUCTION: usize = 3;

/// Outline of what is at or above the lesion threshold.
const DETECTED: RGBColor = style::WHITE;

/// What was found in one subject to leaf through, the slice with the highest score first. Colours have the
/// range of all findings, so that subjects can be compared.
pub struct FindingStack {
    findings: Arc<Findings>,
    position: usize,
    title: String,
    shared: Shared,
    /// The highest value of all anomaly maps.
    highest: f64,
    /// Of the AnaScore, and of pixels of the anomaly map, if the method was calibrated.
    threshold: Option<Threshold>,
    lesion_threshold: Option<Threshold>,
}

impl FindingStack {
    /// Of the finding at this position.
    ///
    /// # Errors
    /// If there is no such finding, or its subject has no slices, or slices of different sizes.
    pub fn new(findings: Arc<Findings>, position: usize) -> Result<Self> {
        let finding = findings.subjects.get(position).ok_or_else(|| {
            Error::input(format!("there is no finding {position} of {}", findings.subjects.len()))
        })?;
        let slices: Vec<&Slice> =
            finding.slices.iter().map(|found| &finding.subject.slices[found.slice]).collect();
        let shared = Shared::new(&finding.subject, &slices)?;
        let title = format!("{} in {}", findings.method, finding.subject.name);
        let highest = f64::from(findings.highest_anomaly());
        let threshold = calibrated_threshold(&findings)?;
        let lesions =
            default_lesion_threshold(&findings).filter(|_| findings.calibration.is_some());
        Ok(Self {
            position,
            title,
            shared,
            highest: if highest > 0.0 { highest } else { 1.0 },
            threshold,
            lesion_threshold: lesions,
            findings,
        })
    }

    fn finding(&self) -> &Finding {
        &self.findings.subjects[self.position]
    }

    /// The slice at a position, and what was found in it.
    fn at(&self, position: usize) -> (&Slice, &SliceFinding) {
        let finding = self.finding();
        let found = &finding.slices[position.min(finding.slices.len() - 1)];
        (&finding.subject.slices[found.slice], found)
    }

    /// What the scores say: of the subject, of the slice, of the segments of the slice.
    fn scores(&self, found: &SliceFinding) -> Vec<SliceNote> {
        let finding = self.finding();
        let mut notes = Vec::new();
        if finding.is_scored() {
            notes.push(SliceNote::plain(format!("AnaScore of the subject {:.4}", finding.score)));
            notes.extend(self.threshold.as_ref().map(|threshold| {
                let side = if finding.score >= threshold.value { "at or above" } else { "below" };
                SliceNote::plain(format!("{side} the threshold {:.4}", threshold.value))
            }));
        }
        let Some(curve) = &found.curve else {
            notes.push(SliceNote::plain("of this slice: too little cord to score"));
            return notes;
        };
        let score = found.score().unwrap_or(0.0);
        notes.push(SliceNote::plain(format!("of this slice {score:.4}")));
        let width = curve.segments.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
        notes.extend(curve.segments.iter().map(|segment| {
            let lesion = if segment.lesion == Some(true) { "  lesion" } else { "" };
            SliceNote::plain(format!("  {:width$}  {:.4}{lesion}", segment.name, segment.score))
        }));
        notes
    }
}

impl SliceStack for FindingStack {
    fn title(&self) -> &str {
        &self.title
    }

    fn count(&self) -> usize {
        self.finding().slices.len()
    }

    fn first(&self) -> usize {
        let finding = self.finding();
        let shown = finding.shown_slice().map(|shown| shown.slice);
        finding.slices.iter().position(|found| Some(found.slice) == shown).unwrap_or(0)
    }

    fn layers(&self) -> &[&'static str] {
        match self.findings.reconstructs {
            true => &LAYERS,
            false => &LAYERS[..RECONSTRUCTION],
        }
    }

    fn window(&self, contrast: u32) -> (f64, f64) {
        self.shared.window(contrast)
    }

    fn place(&self, slice: usize) -> String {
        self.shared.place(slice)
    }

    fn notes(&self, view: &SliceView) -> Vec<SliceNote> {
        let (slice, found) = self.at(view.slice);
        let mut notes = vec![truth(slice)];
        notes.extend(self.scores(found));
        if view.layer > OUTLINES {
            return notes;
        }
        notes.push(SliceNote::plain(""));
        if view.layer == ANOMALY {
            let text = format!("{}, up to {:.2}", self.findings.scoring.map_unit(), self.highest);
            notes.push(SliceNote::key(text, ColourMap::Inferno.colour(0.7)));
        }
        notes.extend(outline_keys(slice));
        if let Some(threshold) = &self.lesion_threshold {
            notes.push(SliceNote::key(format!("at or above {:.2}", threshold.value), DETECTED));
        }
        notes
    }

    fn picture(&self, view: &SliceView, room: (u32, u32)) -> Result<Figure> {
        let (slice, found) = self.at(view.slice);
        // Outside of the region of interest nothing is reconstructed.
        let reconstruction;
        let mut layers = Layers::new(self.place(view.slice), slice, self.window(view.contrast));
        if view.layer == RECONSTRUCTION {
            reconstruction = ndarray::Zip::from(&slice.image)
                .and(&found.reconstruction.reconstruction)
                .and(&slice.region)
                .map_collect(|image, made, inside| if *inside { *made } else { *image });
            layers.image = &reconstruction;
        }
        if view.layer == ANOMALY {
            let (map, to, colours) = (&found.anomaly, self.highest, ColourMap::Inferno);
            layers.overlay = Some(Overlay { map, to, colours });
        }
        if view.layer <= OUTLINES {
            layers = layers.outlined();
            if let Some(threshold) = &self.lesion_threshold {
                let detected = |value: f32| value > 0.0 && f64::from(value) >= threshold.value;
                layers.outlines.push((Cow::Owned(found.anomaly.mapv(detected)), DETECTED));
            }
        }
        Ok(layers.picture(&self.shared, room))
    }

    fn figure(&self, slice: usize) -> Figure {
        let (slice, found) = self.at(slice);
        reconstruction_panels(slice, found, &self.findings.method, self.findings.reconstructs)
    }
}
