//! The data of a viewer: what the script of the page draws of one subject.

use ndarray::{Array2, Zip};
use serde::Serialize;

use super::layers::{self, Layer, MapScales};
use super::sprite::{Crop, sprite};
use crate::Result;
use crate::cohort::{Disc, Slice, Subject};
use crate::detection::{AnomalyCurve, CordAxis, Finding, Findings, Scoring, SliceFinding};
use crate::evaluation::Threshold;
use crate::figures::ColourMap;
use crate::figures::drawing::display_window::white_from;
use crate::statistics::single_precision_percentile;

const CORD: u8 = 1;
const FLUID: u8 = 2;
const REGION: u8 = 4;
const LESION: u8 = 8;
const DETECTED: u8 = 16;
const SCORED: u8 = 32;

/// Percentile of the variances in all regions of interest at which its colours end: single pixels have many times
/// as much as the rest, which would vanish beside them.
const HIGH_VARIANCE: f32 = 99.0;

/// One subject's slices, overlays and outlines.
#[derive(Serialize)]
pub(super) struct Viewer {
    rows: usize,
    columns: usize,
    spacing_mm: (f64, f64),
    /// Position of the slice that is shown first.
    first: usize,
    slices: Vec<ViewedSlice>,
    images: Vec<Layer>,
    overlays: Vec<Layer>,
    /// Bits of the masks per pixel.
    masks: String,
    region_bit: u8,
    scored_bit: u8,
    outlines: Vec<Outline>,
    discs: Vec<ViewedDisc>,
    /// Intensity from which on images are white at first.
    white_from: f64,
    /// Upper end of the curves' axis.
    curve_top: f64,
    /// Decimals of the curves' values: those that the anomaly map has.
    curve_decimals: u32,
}

#[derive(Serialize)]
struct ViewedSlice {
    /// Short name, for the slider.
    label: String,
    /// What is known about it, for readers who do not see it.
    summary: String,
    curve: Option<ViewedCurve>,
}

#[derive(Serialize)]
struct Outline {
    name: &'static str,
    bit: u8,
    colour: &'static str,
    dashed: bool,
    shown: bool,
}

#[derive(Serialize)]
struct ViewedDisc {
    name: String,
    row: f64,
    column: f64,
}

#[derive(Serialize)]
struct ViewedCurve {
    position_mm: Vec<f64>,
    value: Vec<f64>,
    /// Pixels of the axis at each position.
    row: Vec<f64>,
    column: Vec<f64>,
    segments: Vec<ViewedSegment>,
    /// Value from which on the score reaches the threshold.
    threshold: Option<f64>,
}

#[derive(Serialize)]
struct ViewedSegment {
    name: String,
    from_mm: f64,
    to_mm: f64,
    lesion: bool,
}

/// What all viewers of a report share, so that subjects can be compared.
pub(super) struct Scales<'a> {
    findings: &'a Findings,
    anomaly: f64,
    variance: f64,
    curve: f64,
    /// Of the AnaScore.
    threshold: Option<&'a Threshold>,
    /// Of pixels of the anomaly map.
    lesion_threshold: Option<&'a Threshold>,
}

impl<'a> Scales<'a> {
    pub fn new(
        findings: &'a Findings,
        threshold: Option<&'a Threshold>,
        lesion_threshold: Option<&'a Threshold>,
    ) -> Self {
        let slices = || findings.subjects.iter().flat_map(|finding| &finding.slices);
        let mut variances: Vec<f32> = findings.subjects.iter().flat_map(variances).collect();
        let variance = single_precision_percentile(&mut variances, HIGH_VARIANCE).unwrap_or(0.0);
        let curves = slices().filter_map(|slice| slice.curve.as_ref());
        let curve = curves.flat_map(|curve| &curve.error).copied().fold(0.0, f64::max);
        // Where nothing is detected, the map must not glow as if it were.
        let detected = lesion_threshold.map_or(0.0, |threshold| threshold.value);
        let detected = if detected.is_finite() { detected } else { 0.0 };
        Self {
            findings,
            anomaly: f64::from(findings.highest_anomaly()).max(detected),
            variance: f64::from(variance),
            curve,
            threshold,
            lesion_threshold,
        }
    }

    fn of_maps(&self) -> MapScales {
        MapScales {
            anomaly: self.anomaly,
            anomaly_unit: self.findings.scoring.map_unit(),
            anomaly_is_probability: self.findings.scoring == Scoring::Learned,
            variance: self.variance,
        }
    }
}

/// The variances of a finding in its regions of interest.
fn variances(finding: &Finding) -> impl Iterator<Item = f32> {
    finding.slices.iter().flat_map(|found| {
        let region = &finding.subject.slices[found.slice].region;
        let map = found.reconstruction.variance.iter().flat_map(move |map| map.iter().zip(region));
        map.filter(|(_, inside)| **inside).map(|(variance, _)| *variance)
    })
}

impl Viewer {
    /// The slices of a subject with its masks.
    pub fn of_subject(subject: &Subject) -> Result<Self> {
        let crop = Crop::around(&subject.slices);
        let images = vec![layers::image(&subject.slices.iter().collect::<Vec<_>>(), &crop)?];
        let masks: Vec<_> = subject.slices.iter().map(|slice| bits(slice, None)).collect();
        let slices = subject.slices.iter().map(|slice| ViewedSlice::new(slice, None));
        let first = subject
            .mid_cord()
            .and_then(|middle| subject.slices.iter().position(|slice| slice.index == middle.index));
        Ok(Self {
            slices: slices.collect(),
            first: first.unwrap_or(0),
            ..Self::new(subject, &crop, images, &masks)?
        })
    }

    /// The slices of a finding with everything that was found.
    pub fn of_finding(finding: &Finding, scales: &Scales) -> Result<Self> {
        let subject = &finding.subject;
        let crop = Crop::around(&subject.slices);
        let of = |found: &SliceFinding| &subject.slices[found.slice];
        let slices: Vec<&Slice> = finding.slices.iter().map(of).collect();
        let reconstructions: Vec<_> =
            finding.slices.iter().map(|found| &found.reconstruction.reconstruction).collect();
        let mut images = vec![layers::image(&slices, &crop)?];
        if scales.findings.reconstructs {
            images.push(layers::reconstruction(&slices, &reconstructions, &crop)?);
        }
        let masks: Vec<_> = finding
            .slices
            .iter()
            .map(|found| {
                let threshold = scales.lesion_threshold.map(|threshold| threshold.value);
                bits(of(found), threshold.map(|threshold| (&found.anomaly, threshold)))
            })
            .collect();
        let shown = finding.shown_slice().map(|shown| shown.slice);
        let overlays = layers::overlays(finding, &slices, &crop, &scales.of_maps())?;
        let decimals = overlays.first().map_or(5, Layer::decimals);
        let viewed = finding.slices.iter().map(|found| {
            let mut viewed = ViewedSlice::new(of(found), Some(found));
            let curve = found.curve.as_ref();
            viewed.curve =
                curve.map(|curve| ViewedCurve::new(curve, of(found), &crop, scales, decimals));
            viewed
        });
        Ok(Self {
            slices: viewed.collect(),
            first: finding.slices.iter().position(|found| Some(found.slice) == shown).unwrap_or(0),
            overlays,
            curve_decimals: decimals,
            curve_top: if scales.curve > 0.0 { scales.curve } else { 1.0 },
            ..Self::new(subject, &crop, images, &masks)?
        })
    }

    fn new(
        subject: &Subject,
        crop: &Crop,
        images: Vec<Layer>,
        masks: &[Array2<u8>],
    ) -> Result<Self> {
        let used = masks.iter().flatten().fold(0, |all, bits| all | bits);
        let spacing_mm = subject.slices.first().map_or((1.0, 1.0), |slice| slice.pixel_spacing_mm);
        let disc = |disc: &Disc| ViewedDisc {
            name: Disc::name(disc.value),
            row: disc.row - crop.rows.start as f64,
            column: disc.column - crop.columns.start as f64,
        };
        Ok(Self {
            rows: crop.rows.len(),
            columns: crop.columns.len(),
            spacing_mm,
            first: 0,
            slices: Vec::new(),
            images,
            overlays: Vec::new(),
            masks: sprite(&masks.iter().collect::<Vec<_>>(), crop, |bits| bits)?,
            region_bit: REGION,
            scored_bit: SCORED,
            outlines: OUTLINES.into_iter().filter(|outline| used & outline.bit != 0).collect(),
            discs: subject.discs.iter().map(disc).collect(),
            white_from: white_from(&subject.slices),
            curve_top: 1.0,
            curve_decimals: 0,
        })
    }
}

/// In the figures' colours (Okabe and Ito). A detection is dashed, so that it differs from the ground
/// truth in grey too.
const OUTLINES: [Outline; 5] = [
    Outline {
        name: "region of interest",
        bit: REGION,
        colour: "#56b4e9",
        dashed: false,
        shown: false,
    },
    Outline { name: "cord", bit: CORD, colour: "#f0e442", dashed: false, shown: true },
    Outline { name: "fluid", bit: FLUID, colour: "#009e73", dashed: false, shown: false },
    Outline {
        name: "lesion (ground truth)",
        bit: LESION,
        colour: "#d55e00",
        dashed: false,
        shown: true,
    },
    Outline {
        name: "at or above the lesion threshold",
        bit: DETECTED,
        colour: "#ffffff",
        dashed: true,
        shown: true,
    },
];

/// The masks of a slice as bits; what is detected where an anomaly map and its threshold are given.
fn bits(slice: &Slice, detected: Option<(&Array2<f32>, f64)>) -> Array2<u8> {
    let mut bits = Array2::zeros(slice.image.dim());
    let mut add = |mask: &Array2<bool>, bit: u8| {
        Zip::from(&mut bits).and(mask).for_each(|bits, inside| *bits |= bit * u8::from(*inside));
    };
    add(&slice.cord, CORD);
    add(&slice.csf, FLUID);
    add(&slice.region, REGION);
    add(&slice.scoring, SCORED);
    if let Some(lesion) = &slice.lesion {
        add(lesion, LESION);
    }
    if let Some((anomaly, threshold)) = detected {
        add(&anomaly.mapv(|value| value > 0.0 && f64::from(value) >= threshold), DETECTED);
    }
    bits
}

impl ViewedSlice {
    fn new(slice: &Slice, found: Option<&SliceFinding>) -> Self {
        let mut summary = Vec::new();
        summary.push(
            "Slices are counted from the patient's right, voxels as in the image file.".to_owned(),
        );
        summary.push(match &slice.lesion {
            None => "Whether it has a lesion is not known.".to_owned(),
            Some(lesion) if lesion.iter().any(|set| *set) => "It has a lesion.".to_owned(),
            Some(_) => "It has no lesion.".to_owned(),
        });
        if let Some(found) = found {
            summary.push(match found.score() {
                Some(score) => format!("AnaScore {score:.4}."),
                None => "It shows too little cord to be scored.".to_owned(),
            });
        }
        Self { label: slice.place(), summary: summary.join(" "), curve: None }
    }
}

impl ViewedCurve {
    /// `decimals` are those that its values are shown with.
    fn new(
        curve: &AnomalyCurve,
        slice: &Slice,
        crop: &Crop,
        scales: &Scales,
        decimals: u32,
    ) -> Self {
        let axis = CordAxis::new(&slice.cord, slice.pixel_spacing_mm);
        let place = |position: &f64| match &axis {
            Some(axis) => axis.point(*position),
            None => (f64::NAN, f64::NAN),
        };
        let places: Vec<(f64, f64)> = curve.position_mm.iter().map(place).collect();
        let rounded =
            |value: f64, digits: i32| (value * 10_f64.powi(digits)).round() / 10_f64.powi(digits);
        let within = |start: usize| move |value: f64| rounded(value - start as f64, 2);
        let (row, column) = (within(crop.rows.start), within(crop.columns.start));
        let segments = curve.segments.iter().map(|segment| ViewedSegment {
            name: segment.name.clone(),
            from_mm: rounded(segment.from_mm, 2),
            to_mm: rounded(segment.to_mm, 2),
            lesion: segment.lesion == Some(true),
        });
        let threshold = scales.threshold;
        let digits = decimals.max(5) as i32 + 2;
        Self {
            position_mm: curve.position_mm.iter().map(|position| rounded(*position, 2)).collect(),
            // Two more, because the page rounds once again.
            value: curve.error.iter().map(|value| rounded(*value, digits)).collect(),
            row: places.iter().map(|place| row(place.0)).collect(),
            column: places.iter().map(|place| column(place.1)).collect(),
            segments: segments.collect(),
            threshold: threshold.map(|at| at.value + curve.scoring.baseline(curve.mean)),
        }
    }
}

/// The colour maps of the overlays as base64 of 256 RGB triples, by name.
pub(super) fn colour_maps() -> serde_json::Value {
    use base64::Engine as _;
    let map = |map: ColourMap| {
        let colours = (0..=255).flat_map(|level| {
            let colour = map.colour(f64::from(level) / 255.0);
            [colour.0, colour.1, colour.2]
        });
        base64::engine::general_purpose::STANDARD.encode(colours.collect::<Vec<u8>>())
    };
    serde_json::json!({ "inferno": map(ColourMap::Inferno), "viridis": map(ColourMap::Viridis) })
}
