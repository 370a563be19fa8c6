//! Image, reconstruction, epistemic uncertainty, error and anomaly of one slice, side by side.

use ndarray::Array2;

use super::Figure;
use super::drawing::chart::Legend;
use super::drawing::colour_map::ColourMap;
use super::drawing::panel::{BAR_WIDTH, Crop, Panel, Scale, colour_bar, gaps_note};
use super::drawing::style;
use super::slice_view::{outlines, with_lesion};
use crate::cohort::Slice;
use crate::detection::{Scoring, SliceFinding};
use crate::uncertainty::Uncertainty;

/// Height of a panel with its title, in drawing units.
const HEIGHT: i32 = 1120;

/// How a method reconstructed one slice: the whole image, then image, reconstruction, variance
/// (where the method has one), error, and the anomaly map or the lesion probability, whichever is scored, around the
/// region of interest. Of a method that reconstructs nothing, image and anomaly only.
pub fn reconstruction_panels(
    slice: &Slice,
    found: &SliceFinding,
    method: &str,
    reconstructs: bool,
) -> Figure {
    let reconstruction = &found.reconstruction;
    let probability = reconstruction.probability_in(&slice.cord);
    let scoring = found.curve.as_ref().map(|curve| curve.scoring);
    // The published scoring takes the error, and the learned one the probability, which are shown anyway.
    let scored = scoring.filter(|scoring| matches!(scoring, Scoring::Residual | Scoring::Own));
    let last = match (scored, &probability) {
        (Some(scoring), _) => Some(("anomaly", &found.anomaly, scoring.map_unit())),
        (None, Some(probability)) => Some(("scorer", probability, Scoring::Learned.map_unit())),
        (None, None) => None,
    };
    let maps = reconstructs.then_some((&reconstruction.reconstruction, &reconstruction.error));
    // Of the model it is epistemic, of others the variance that they predict.
    let variance = reconstruction.variance.as_ref().map(|map| (map, "variance (intensity²)"));
    panels(format!("{method}: {}, {}", slice.subject, slice.place()), slice, maps, variance, last)
}

/// Monte-Carlo maps of one slice in the same arrangement.
pub fn uncertainty_panels(slice: &Slice, uncertainty: &Uncertainty) -> Figure {
    panels(
        format!(
            "Monte-Carlo uncertainty: {}, {}, {} passes",
            slice.subject,
            slice.place(),
            uncertainty.passes
        ),
        slice,
        Some((&uncertainty.mean, &uncertainty.error)),
        Some((&uncertainty.variance, "epistemic variance (intensity²)")),
        None,
    )
}

fn panels(
    title: String,
    slice: &Slice,
    reconstruction_and_error: Option<(&Array2<f32>, &Array2<f32>)>,
    variance: Option<(&Array2<f32>, &str)>,
    last: Option<(&str, &Array2<f32>, &str)>,
) -> Figure {
    let crop = Crop::around(&slice.region, 0.4);
    let whole = Crop::whole(slice.image.dim());
    let intensity = Scale::intensity(slice);
    let mut row: Vec<(Panel, Option<Scale>)> = Vec::new();
    if crop != whole {
        let context =
            Panel::new("full slice", &slice.image, &intensity, whole, slice.pixel_spacing_mm);
        row.push((context.framed(crop), None));
    }
    let mut close_up = |title: &str, map: &Array2<f32>, scale: Scale, bar: bool| {
        let panel = Panel::new(title, map, &scale, crop, slice.pixel_spacing_mm)
            .outlined(&slice.region, style::REGION);
        row.push((with_lesion(panel, slice).0, bar.then_some(scale)));
    };
    close_up("image", &slice.image, intensity.clone(), reconstruction_and_error.is_none());
    if let Some((reconstruction, _)) = reconstruction_and_error {
        close_up("reconstruction", reconstruction, intensity.clone(), true);
    }
    if let Some((variance, label)) = variance {
        let scale = Scale::from_zero(ColourMap::Viridis, label, [variance]);
        close_up("uncertainty", variance, scale, true);
    }
    if let Some((_, error)) = reconstruction_and_error {
        let scale = Scale::from_zero(ColourMap::Inferno, "error (intensity)", [error]);
        close_up("error", error, scale, true);
    }
    if let Some((title, map, label)) = last {
        let mut scale = Scale::from_zero(ColourMap::Inferno, label, [map]);
        if label == Scoring::Learned.map_unit() {
            // So that a probability near 0 does not glow.
            scale.to = 1.0;
        }
        close_up(title, map, scale, true);
    }

    let note = match &slice.lesion {
        None => "Whether this slice has a lesion is not known.",
        Some(lesion) if !lesion.iter().any(|set| *set) => "Known to have no lesion in this slice.",
        Some(_) => "",
    };
    let note = format!("{note}{}", gaps_note(row.iter().map(|(panel, _)| panel)));
    let legend = Legend::new(outlines(slice), style::BODY_WIDTH);
    let (row, body) = arranged(row);
    let body = (body.0, body.1 + style::GAP + legend.height);
    Figure::new(title, note, body, move |area| {
        for (panel, scale, (x, width)) in &row {
            let (left, top, w, h) = panel.draw(area, (*x, 0), (*width, HEIGHT))?;
            if let Some(scale) = scale {
                colour_bar(area, scale, left + w, (top, h))?;
            }
        }
        legend.draw(area, (0, HEIGHT + style::GAP))
    })
}

type Placed = (Panel, Option<Scale>, (i32, i32));

/// Places panels of equal height side by side: each with its left edge and width, and the size of
/// the row.
fn arranged(row: Vec<(Panel, Option<Scale>)>) -> (Vec<Placed>, (i32, i32)) {
    let mut x = 0;
    let place = |(panel, scale): (Panel, Option<Scale>)| {
        let height = f64::from(HEIGHT - panel.title_height());
        let width = ((height * panel.aspect()) as i32).clamp(420, 2 * HEIGHT);
        let left = x;
        x += width + if scale.is_some() { BAR_WIDTH } else { style::GAP };
        (panel, scale, (left, width))
    };
    let placed = row.into_iter().map(place).collect();
    (placed, (x, HEIGHT))
}
