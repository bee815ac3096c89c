//! Bars: for each row of a group, what each system comes to.

use anyhow::Result;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::sheet::{self, GRID, HEAD, INK};
use crate::results::{Results, Summary};
use crate::row::{Group, Row};
use crate::system::System;
use crate::table::measured;
use crate::unit::Unit;

/// Pixels of a line: a bar, or the title of a row.
const LINE: u32 = 22;
/// Pixels under the bars, for the axis.
const FOOT: u32 = 34;
/// Pixels beside the bars: names of systems, and values.
const NAMES: u32 = 110;
const VALUES: u32 = 170;

struct Block {
    title: &'static str,
    bars: Vec<(&'static System, Summary)>,
}

/// The chart of a group, if something of it was measured.
pub(super) fn chart(results: &Results, group: &Group) -> Result<Option<String>> {
    let blocks: Vec<Block> = group.rows.iter().filter_map(|row| block(results, row)).collect();
    let Some(first) = group.rows.first() else { return Ok(None) };
    let (unit, _) = Unit::of(first.value);
    // The shortest bar has a length too.
    let ends = blocks.iter().flat_map(|block| &block.bars).flat_map(|(_, it)| [it.median * 0.7, it.greatest]);
    let Some(axis) = Axis::around(unit, ends) else { return Ok(None) };
    let lines: usize = blocks.iter().map(|block| block.bars.len() + 1).sum();
    let height = u32::try_from(lines)? * LINE;
    let description = format!(
        "{}, {}, on a logarithmic scale. {}",
        group.title,
        group.better.words(),
        words(&blocks, unit)
    );
    let title = format!("{} ({})", group.title, group.better.words());
    let svg = sheet::draw(HEAD + height + FOOT, &title, &description, |sheet| {
        let (_, below) = sheet.split_vertically(HEAD);
        let mut chart = ChartBuilder::on(&below)
            .margin_right(VALUES)
            .x_label_area_size(FOOT)
            .y_label_area_size(NAMES)
            .build_cartesian_2d((axis.from..axis.to).log_scale(), 0.0..lines as f64)?;
        for tick in &axis.ticks {
            let line = [(*tick, 0.0), (*tick, lines as f64)];
            chart.draw_series([PathElement::new(line, GRID.stroke_width(1))])?;
            let style = sheet::text(14, HPos::Center, VPos::Top);
            write(&mut chart, (*tick, 0.0), (0, 8), unit.tick(*tick), style)?;
        }
        // From above.
        let mut line = lines as f64;
        for block in &blocks {
            line -= 1.0;
            let (beside, style) = (16 - NAMES.cast_signed(), sheet::text(16, HPos::Left, VPos::Center));
            write(&mut chart, (axis.from, line + 0.5), (beside, -1), block.title.to_owned(), style)?;
            for (system, it) in &block.bars {
                line -= 1.0;
                bar(&mut chart, axis.from, line, system, *it)?;
                let value = unit.show_range(it.median, it.least, it.greatest);
                let (end, style) = (it.greatest.max(axis.from), sheet::text(14, HPos::Left, VPos::Center));
                write(&mut chart, (end, line + 0.5), (8, 0), value, style)?;
            }
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, RangedCoordf64>>;

/// A bar with its name, and over its end a line from the least round to the greatest.
fn bar(chart: &mut Chart<'_, '_>, from: f64, line: f64, system: &System, it: Summary) -> Result<()> {
    let (red, green, blue) = system.colour;
    let corners = [(from, line + 0.15), (it.median.max(from), line + 0.85)];
    chart.draw_series([Rectangle::new(corners, RGBColor(red, green, blue).filled())])?;
    let ends = [it.least, it.greatest].map(|end| (end.max(from), line + 0.5));
    chart.draw_series([PathElement::new(ends, INK.stroke_width(1))])?;
    let style = sheet::text(14, HPos::Right, VPos::Center);
    write(chart, (from, line + 0.5), (-8, 0), system.title.to_owned(), style)
}

/// Writes something so many pixels beside a place.
fn write(
    chart: &mut Chart<'_, '_>,
    at: (f64, f64),
    beside: (i32, i32),
    text: String,
    style: TextStyle<'static>,
) -> Result<()> {
    chart.draw_series([EmptyElement::at(at) + Text::new(text, beside, style)])?;
    Ok(())
}

fn block(results: &Results, row: &Row) -> Option<Block> {
    let (_, factor) = Unit::of(row.value);
    let bar = |system: &'static System| {
        let it = results.summary(row.case, row.point, system.name, row.value)?;
        Some((system, it.times(factor)))
    };
    let bars: Vec<_> = measured(results).filter_map(bar).collect();
    (!bars.is_empty()).then_some(Block { title: row.title, bars })
}

/// The medians, for whoever cannot see the bars.
fn words(blocks: &[Block], unit: Unit) -> String {
    let block = |block: &Block| {
        let bars = block.bars.iter().map(|(system, it)| format!("{} {}", system.title, unit.show(it.median)));
        format!("{}: {}.", block.title, bars.collect::<Vec<_>>().join(", "))
    };
    blocks.iter().map(block).collect::<Vec<_>>().join(" ")
}
