//! Masking strategies on one slice: how likely each patch is hidden, and one drawn mask.

use ndarray::Array2;
use plotters::style::RGBColor;

use super::Figure;
use super::drawing::chart::{Key, Legend};
use super::drawing::colour_map::ColourMap;
use super::drawing::panel::{BAR_WIDTH, Crop, Panel, Scale, colour_bar};
use super::drawing::style;
use super::slice_view::{outlines, with_lesion};
use crate::cohort::Slice;

/// Height of a panel with its title, in drawing units.
const HEIGHT: i32 = 1000;

/// What one strategy does to a slice. Grids have one cell per patch, (rows, columns) of patches.
#[derive(Clone, Debug)]
pub struct PatchMask {
    /// Name of the strategy.
    pub strategy: String,
    /// Probability or score by which each patch is hidden; NaN where a patch is never hidden.
    pub heat: Option<Array2<f32>>,
    /// Patches that one drawn mask hides.
    pub hidden: Array2<bool>,
}

/// Strategies side by side over the region of interest: in the upper row what guides the mask
/// (`quantity` names it and its unit), on one scale for all; in the lower row one drawn mask.
pub fn masking_strategies(slice: &Slice, quantity: &str, strategies: &[PatchMask]) -> Figure {
    let crop = Crop::around(&slice.region, 0.6);
    let heats: Vec<&Array2<f32>> = strategies.iter().filter_map(|s| s.heat.as_ref()).collect();
    let scale = Scale::from_zero(ColourMap::Viridis, quantity, heats.iter().copied());
    let base = |title: &str| {
        Panel::new(title, &slice.image, &Scale::intensity(slice), crop, slice.pixel_spacing_mm)
    };
    let finished =
        |panel: Panel| with_lesion(panel.outlined(&slice.region, style::REGION), slice).0;
    let upper: Vec<Panel> = strategies
        .iter()
        .map(|strategy| {
            let panel = base(&strategy.strategy);
            let Some(heat) = &strategy.heat else { return finished(panel) };
            let cell = patch_of(slice.image.dim(), heat.dim());
            finished(panel.tinted(|row, column| {
                let value = *heat.get(cell(row, column)?)?;
                (!value.is_nan()).then(|| (scale.colour(value), 1.0))
            }))
        })
        .collect();
    let lower: Vec<Panel> = strategies
        .iter()
        .map(|strategy| {
            let count = strategy.hidden.iter().filter(|hidden| **hidden).count();
            let cell = patch_of(slice.image.dim(), strategy.hidden.dim());
            finished(base(&format!("{count} hidden")).tinted(|row, column| {
                strategy.hidden.get(cell(row, column)?)?.then_some((HIDDEN, 1.0))
            }))
        })
        .collect();

    let rows: Vec<Vec<Panel>> = if heats.is_empty() { vec![lower] } else { vec![upper, lower] };
    let named = rows.len() == 1;
    let rows: Vec<Vec<Panel>> = rows
        .into_iter()
        .map(|row| {
            let name = |(mut panel, strategy): (Panel, &PatchMask)| {
                if named {
                    panel.title = format!("{}: {}", strategy.strategy, panel.title);
                }
                panel
            };
            row.into_iter().zip(strategies).map(name).collect()
        })
        .collect();
    let aspect = base("").aspect();
    let width = ((f64::from(HEIGHT) * aspect) as i32).clamp(560, 2 * HEIGHT);
    let across = strategies.len().max(1) as i32 * (width + style::GAP);
    let bar = if named { 0 } else { BAR_WIDTH };
    let entries = outlines(slice).into_iter().chain([(Key::Shade(HIDDEN), "hidden patch".into())]);
    let legend = Legend::new(entries, across + bar);
    let height = if strategies.is_empty() { 0 } else { rows.len() as i32 * (HEIGHT + style::GAP) };
    let title = format!("Masking strategies: {}, {}", slice.subject, slice.place());
    let note = if strategies.is_empty() { "No strategy was given." } else { "" };
    Figure::new(title, note, (across + bar, height + legend.height), move |area| {
        for (index, row) in rows.iter().enumerate() {
            let top = index as i32 * (HEIGHT + style::GAP);
            let mut last = None;
            for (column, panel) in row.iter().enumerate() {
                let left = column as i32 * (width + style::GAP);
                last = Some(panel.draw(area, (left, top), (width, HEIGHT))?);
            }
            if let Some((left, top, w, h)) = last
                && index == 0
                && !named
            {
                colour_bar(area, &scale, left + w, (top, h))?;
            }
        }
        legend.draw(area, (0, height))
    })
}

/// The colour of hidden patches: no grey of an image.
const HIDDEN: RGBColor = style::PURPLE;

/// Which patch of a grid a pixel belongs to.
fn patch_of(
    image: (usize, usize),
    grid: (usize, usize),
) -> impl Fn(usize, usize) -> Option<(usize, usize)> {
    move |row, column| {
        (image.0 > 0 && image.1 > 0).then(|| (row * grid.0 / image.0, column * grid.1 / image.1))
    }
}
