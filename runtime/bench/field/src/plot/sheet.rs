//! Shared parts of all charts: the sheet, its colours in light and dark mode, its texts.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The sheet on which a chart is drawn.
pub(super) type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) const WIDTH: u32 = 860;
/// Above a chart, for its title.
pub(super) const HEAD: u32 = 44;

const PAPER: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(31, 35, 40);
pub(super) const GRID: RGBColor = RGBColor(208, 215, 222);

/// Exchanges the three colours above, by the names that they have in the file, where the reader prefers dark.
const NIGHT: &str = "<style>@media (prefers-color-scheme: dark) { \
    [fill=\"#FFFFFF\"] { fill: #0D1117 } \
    [fill=\"#1F2328\"] { fill: #E6EDF3 } \
    [stroke=\"#1F2328\"] { stroke: #E6EDF3 } \
    [stroke=\"#D0D7DE\"] { stroke: #30363D } }</style>";

const FONT: &str = "sans-serif";

/// Draws a chart with its title, and gives the document. Whoever cannot see it is read the title and the description.
pub(super) fn draw(
    height: u32,
    title: &str,
    description: &str,
    draw: impl FnOnce(&Sheet<'_>) -> Result<()>,
) -> Result<String> {
    let mut svg = String::new();
    {
        let sheet = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        sheet.fill(&PAPER)?;
        sheet.draw(&Text::new(title.to_owned(), (16, 14), text(20, HPos::Left, VPos::Top)))?;
        draw(&sheet)?;
        sheet.present()?;
    }
    let names = format!(
        "<title id=\"title\">{title}</title>\n<desc id=\"description\">{description}</desc>\n{NIGHT}"
    );
    let labelled = svg.replacen("<svg ", "<svg role=\"img\" aria-labelledby=\"title description\" ", 1);
    Ok(labelled.replacen('>', &format!(">\n{names}"), 1))
}

pub(super) fn text(size: u32, across: HPos, down: VPos) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK).pos(Pos::new(across, down))
}
