//! Charts as SVG text: pure geometry, no colours, no language, no clock.
//!
//! Colours come from CSS through the class of a [`Tone`] and a few class names (`grid`, `axis`, `hit`, `gap`, `node`,
//! `band`), so that light, dark, print and forced colours are a matter of the style sheet. Labels, titles and addresses
//! are passed in finished; whatever they contain is escaped here.
//!
//! Pictures stretch with the page without stretching their text: shapes stand in a nested `<svg>` whose view box is
//! scaled, texts and hit areas in percent of the width. Heights are pixels.

pub mod bars;
pub mod hops;
pub mod sankey;
mod scale;
pub mod sparkline;
mod svg;
pub mod time_series;
mod tone;

pub use scale::nice_ticks;
pub use tone::Tone;
