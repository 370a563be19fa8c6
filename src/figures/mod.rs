//! Figures: readable without their caption, in PNG and SVG, drawn by plotters with an embedded
//! font.
