//! Lines: how a cost grows.

use std::collections::BTreeSet;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::axis::Axis;
use super::sheet::{self, GRID, HEAD, Sheet, WIDTH};
use crate::curve::Curve;
use crate::results::Results;
use crate::table::{self, Line};
use crate::unit::Unit;

const HEIGHT: u32 = 420;
/// Pixels under the lines, for the axis and what it shows.
const FOOT: u32 = 54;
/// Pixels beside the lines: values, and which line is which.
const VALUES: u32 = 80;
const LEGEND: u32 = 290;
/// Pixels of a line of the legend.
const LINE: u32 = 22;
/// Strokes and gaps of the lines of one system.
const DASHES: [(u32, u32); 4] = [(WHOLE, 0), (10, 4), (3, 4), (14, 8)];
/// A stroke that is longer than any line.
const WHOLE: u32 = 10_000;
/// Pixels of a sample of a line.
const SAMPLE: u32 = 30;

/// A line where it is drawn: places, and values in the unit.
type Course = Vec<(f64, f64)>;

/// The chart of a curve, if something of it was measured.
pub(super) fn chart(results: &Results, curve: &Curve) -> Result<Option<String>> {
    let lines = table::lines(results, curve);
    let at: BTreeSet<u64> =
        lines.iter().flat_map(|line| line.points.iter().map(|point| curve.over.at(*point))).collect();
    let place = places(&at);
    let courses: Vec<(&Line, Course)> =
        lines.iter().map(|line| (line, course(results, curve, line, &place))).collect();
    let unit = curve.values.first().map_or(Unit::Ratio, |(value, _)| Unit::of(value).0);
    let values = courses.iter().flat_map(|(_, course)| course.iter().map(|(_, value)| *value));
    let Some(axis) = Axis::around(unit, values) else { return Ok(None) };
    let Some((first, last)) = at.first().zip(at.last()).map(|(first, last)| (place(*first), place(*last)))
    else {
        return Ok(None);
    };
    let title = format!("{} ({})", curve.title, curve.better.words());
    let description = format!("{title}, over {}. {}", curve.over.words(), words(curve, &courses, &at, unit));
    let height = HEIGHT.max(HEAD + FOOT + u32::try_from(lines.len())? * LINE);
    let svg = sheet::draw(height, &title, &description, |sheet| {
        let (_, below) = sheet.split_vertically(HEAD);
        let room = (last - first).max(1.0) * 0.05;
        let mut chart = ChartBuilder::on(&below)
            .margin_right(LEGEND)
            .x_label_area_size(FOOT)
            .y_label_area_size(VALUES)
            .build_cartesian_2d(first - room..last + room, (axis.from..axis.to).log_scale())?;
        for tick in &axis.ticks {
            let line = [(first - room, *tick), (last + room, *tick)];
            chart.draw_series([PathElement::new(line, GRID.stroke_width(1))])?;
            let label = Text::new(unit.tick(*tick), (-8, 0), sheet::text(14, HPos::Right, VPos::Center));
            chart.draw_series([EmptyElement::at((first - room, *tick)) + label])?;
        }
        for at in &at {
            let label = Text::new(curve.over.label(*at), (0, 8), sheet::text(14, HPos::Center, VPos::Top));
            chart.draw_series([EmptyElement::at((place(*at), axis.from)) + label])?;
        }
        let over = Text::new(curve.over.words(), (0, 28), sheet::text(15, HPos::Center, VPos::Top));
        chart.draw_series([EmptyElement::at((f64::midpoint(first, last), axis.from)) + over])?;
        for ((line, course), row) in courses.iter().zip(0..) {
            let (style, (stroke, gap)) = (colour(line).stroke_width(2), dashes(line));
            chart.draw_series(DashedLineSeries::new(course.iter().copied(), stroke, gap, style))?;
            chart.draw_series(course.iter().map(|at| Circle::new(*at, 4, colour(line).filled())))?;
            legend(&below, line, row)?;
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

fn colour(line: &Line) -> RGBColor {
    let (red, green, blue) = line.system.colour;
    RGBColor(red, green, blue)
}

fn dashes(line: &Line) -> (u32, u32) {
    DASHES.get(line.number % DASHES.len()).copied().unwrap_or((WHOLE, 0))
}

/// A row of the legend: a sample of the line, and what it is.
fn legend(sheet: &Sheet<'_>, line: &Line, row: i32) -> Result<()> {
    let (beside, down) = ((WIDTH - LEGEND).cast_signed() + 16, 10 + row * LINE.cast_signed());
    let (stroke, gap) = dashes(line);
    for sample in samples(stroke, gap) {
        let ends = sample.map(|at| (beside + at, down));
        sheet.draw(&PathElement::new(ends, colour(line).stroke_width(2)))?;
    }
    let title = (beside + SAMPLE.cast_signed() + 8, down);
    sheet.draw(&Text::new(line.title.clone(), title, sheet::text(14, HPos::Left, VPos::Center)))?;
    Ok(())
}

/// The strokes of a sample of a line.
fn samples(stroke: u32, gap: u32) -> impl Iterator<Item = [i32; 2]> {
    let ends = move |at: u32| [at, (at + stroke).min(SAMPLE)].map(u32::cast_signed);
    (0..SAMPLE).step_by((stroke + gap) as usize).map(ends)
}

/// Where counts lie: by their logarithm, and zero as far before the first of the others as that is before its tenfold.
fn places(at: &BTreeSet<u64>) -> impl Fn(u64) -> f64 + use<> {
    let zero = at.iter().find(|at| **at > 0).map_or(0.0, |least| (*least as f64).log10() - 1.0);
    move |at| if at == 0 { zero } else { (at as f64).log10() }
}

/// What is not above zero has no place on such a scale.
fn course(results: &Results, curve: &Curve, line: &Line, place: impl Fn(u64) -> f64) -> Course {
    let (_, factor) = Unit::of(line.value);
    let value =
        |point| results.summary(curve.case, point, line.system.name, line.value).map(|it| it.median * factor);
    let mut course: Course = line
        .points
        .iter()
        .filter_map(|point| Some((place(curve.over.at(*point)), value(*point).filter(|value| *value > 0.0)?)))
        .collect();
    course.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    course
}

/// The values, for whoever cannot see the lines.
fn words(curve: &Curve, courses: &[(&Line, Course)], at: &BTreeSet<u64>, unit: Unit) -> String {
    let labels = at.iter().map(|at| curve.over.label(*at)).collect::<Vec<_>>().join(", ");
    let line = |(line, course): &(&Line, Course)| {
        let values = course.iter().map(|(_, value)| unit.show(*value)).collect::<Vec<_>>().join(", ");
        format!("{}: {values}.", line.title)
    };
    format!("At {labels}. {}", courses.iter().map(line).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_lies_one_decade_before_the_others() {
        let place = places(&BTreeSet::from([0, 100, 10_000]));
        assert_eq!([place(0), place(100), place(10_000)], [1.0, 2.0, 4.0]);
        assert_eq!(places(&BTreeSet::from([0]))(0), 0.0);
    }
}
