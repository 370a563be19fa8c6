//! Maps of many slices, side by side.

use ndarray::Array2;

use super::Figure;
use super::drawing::colour_map::ColourMap;
use super::drawing::panel::{BAR_WIDTH, Crop, Panel, Scale, colour_bar, gaps_note};
use super::drawing::{style, text};
use super::spread::evenly_spread;
use crate::context::counted;

/// Maximum number of maps that stay readable.
const MOST: usize = 24;
const COLUMNS: usize = 8;
/// Size of a picture, in drawing units.
const WIDTH: i32 = 300;
const HEIGHT: i32 = 360;

/// Up to 24 maps, evenly spread over all of them, on one scale, each above its number.
pub fn maps_montage(title: &str, maps: &[Array2<f32>], quantity: &str) -> Figure {
    let shown = maps.len().min(MOST);
    let spread: Vec<usize> = evenly_spread(maps.len(), MOST).collect();
    let note = match maps.len() {
        many if many > shown => format!("{shown} of {many} maps, evenly spread"),
        few => counted(few, "map"),
    };
    let scale = Scale::from_zero(ColourMap::Viridis, quantity, spread.iter().map(|at| &maps[*at]));
    let cells: Vec<(Panel, String)> = spread
        .iter()
        .map(|&at| {
            let crop = Crop::whole(maps[at].dim());
            let panel = Panel::new("", &maps[at], &scale, crop, (1.0, 1.0)).unmarked();
            (panel, at.to_string())
        })
        .collect();
    let note = format!("{note}.{}", gaps_note(cells.iter().map(|(panel, _)| panel)));
    let columns = shown.clamp(1, COLUMNS) as i32;
    let rows = shown.max(1).div_ceil(COLUMNS) as i32;
    let row = HEIGHT + style::TICK.line() + style::GAP;
    let across = columns * (WIDTH + style::GAP);
    let body = (across.max(900) + BAR_WIDTH, rows * row);
    Figure::new(title, note, body, move |area| {
        for (index, (panel, name)) in cells.iter().enumerate() {
            let index = index as i32;
            let (left, top) = (index % columns * (WIDTH + style::GAP), index / columns * row);
            panel.draw(area, (left, top), (WIDTH, HEIGHT))?;
            let words = text::fitted(name, style::TICK, WIDTH);
            let place = (left + WIDTH / 2, top + HEIGHT + 8);
            text::write(area, &words, style::TICK, place, text::TOP_CENTER)?;
        }
        colour_bar(area, &scale, across, (0, HEIGHT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_maps_are_a_figure_too() {
        assert!(maps_montage("Maps nothing", &[], "value").png().is_ok());
    }
}
