//! One slice or one map on its own.

use ndarray::Array2;

use super::Figure;
use super::drawing::chart::{Key, Legend};
use super::drawing::colour_map::ColourMap;
use super::drawing::panel::{BAR_WIDTH, Crop, Panel, Scale, colour_bar, gaps_note};
use super::drawing::style;
use crate::cohort::Slice;

/// Height of the picture, in drawing units.
const HEIGHT: i32 = 1700;

/// A preprocessed slice with the outlines of its region of interest and, where the ground truth is
/// known, of its lesions.
pub fn slice_view(slice: &Slice) -> Figure {
    let scale = Scale::intensity(slice);
    let crop = Crop::whole(slice.image.dim());
    let panel = Panel::new("", &slice.image, &scale, crop, slice.pixel_spacing_mm)
        .outlined(&slice.region, style::REGION);
    let (panel, note) = with_lesion(panel, slice);
    single(format!("{}, {}", slice.subject, slice.place()), note, panel, scale, outlines(slice))
}

/// A two-dimensional map: an image, an uncertainty, an error. `quantity` names what it shows and
/// its unit; `pixel_spacing_mm` are the edge lengths of a pixel (rows, columns). `range` fixes the
/// values at the ends of the colour map; without it they are 0, or the least value if that is below, and the largest
/// value.
pub fn map_view(
    title: &str,
    map: &Array2<f32>,
    pixel_spacing_mm: (f64, f64),
    quantity: &str,
    colours: ColourMap,
    range: Option<(f64, f64)>,
) -> Figure {
    let mut scale = Scale::from_zero(colours, quantity, [map]);
    let least = map.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::min);
    if let Some((from, to)) = range
        && to > from
        && (to - from).is_finite()
    {
        (scale.from, scale.to) = (from, to);
    } else if least < 0.0 {
        let largest = map.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        (scale.from, scale.to) = (f64::from(least), f64::from(largest));
    }
    let panel = Panel::new("", map, &scale, Crop::whole(map.dim()), pixel_spacing_mm);
    single(title.to_string(), String::new(), panel, scale, Vec::new())
}

/// One panel with its colour bar, and a legend under it.
fn single(
    title: String,
    note: String,
    panel: Panel,
    scale: Scale,
    outlines: Vec<(Key, String)>,
) -> Figure {
    let width = ((f64::from(HEIGHT) * panel.aspect()) as i32).clamp(600, 2 * HEIGHT);
    let note = format!("{note}{}", gaps_note([&panel]));
    let legend = Legend::new(outlines, width + BAR_WIDTH);
    let body = (width + BAR_WIDTH, HEIGHT + style::GAP + legend.height);
    Figure::new(title, note, body, move |area| {
        let (left, top, w, h) = panel.draw(area, (0, 0), (width, HEIGHT))?;
        colour_bar(area, &scale, left + w, (top, h))?;
        legend.draw(area, (0, HEIGHT + style::GAP))
    })
}

/// The panel with the outline of the slice's lesion, and what to say about it.
pub(super) fn with_lesion(panel: Panel, slice: &Slice) -> (Panel, String) {
    match &slice.lesion {
        None => (panel, "Whether this slice has a lesion is not known.".into()),
        Some(lesion) if lesion.iter().any(|set| *set) => {
            (panel.outlined(lesion, style::LESION), String::new())
        }
        Some(_) => (panel, "Known to have no lesion in this slice.".into()),
    }
}

/// Legend entries for the outlines a slice has.
pub(super) fn outlines(slice: &Slice) -> Vec<(Key, String)> {
    let line = |colour| Key::Line(style::Stroke::solid(colour, 7));
    let mut entries = Vec::new();
    if slice.region.iter().any(|set| *set) {
        entries.push((line(style::REGION), "region of interest".to_string()));
    }
    if slice.lesion.as_ref().is_some_and(|lesion| lesion.iter().any(|set| *set)) {
        entries.push((line(style::LESION), "lesion (ground truth)".to_string()));
    }
    entries
}
