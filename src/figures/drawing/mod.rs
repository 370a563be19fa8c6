//! What figures are made of: `canvas` is what they are drawn on, `chart` has axes, `panel` shows pixels,
//! `style` is the common style.

pub(super) mod axis;
pub(super) mod canvas;
pub(super) mod chart;
pub(super) mod colour_map;
pub(crate) mod display_window;
pub(super) mod figure;
pub(super) mod font;
pub(crate) mod markup;
pub(super) mod outline;
pub(super) mod panel;
pub(super) mod png;
pub(super) mod segments;
pub(super) mod style;
pub(super) mod text;
pub(super) mod ticks;
