//! Logarithmic axes: where they begin and end, and what is written beside them.

use crate::unit::Unit;

/// The most steps that are written beside an axis, if larger ones are left.
const TICKS_MAX: usize = 7;

/// What is less has no place on an axis.
const LEAST: f64 = 1e-6;

/// An axis that goes from one of its steps to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Those that are written beside it.
    pub(super) ticks: Vec<f64>,
}

impl Axis {
    /// The shortest one that has all of these values.
    pub(super) fn around(unit: Unit, values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, greatest) =
            values.filter(|value| *value >= LEAST && value.is_finite()).fold(None, |ends, value| {
                let (least, greatest) = ends.unwrap_or((value, value));
                Some((f64::min(least, value), f64::max(greatest, value)))
            })?;
        let mut step = floor(unit, least);
        let from = step;
        let mut steps = vec![step];
        while step < greatest || steps.len() < 2 {
            step = next(unit, step);
            steps.push(step);
        }
        let thinner = |by: fn(f64) -> f64| steps.iter().copied().filter(|step| is_whole(by(*step))).collect();
        let ticks = match unit {
            _ if steps.len() <= TICKS_MAX => steps.clone(),
            Unit::Memory => thinner(|step| step.log2() / 2.0),
            _ => thinner(f64::log10),
        };
        Some(Self { from, to: step, ticks })
    }
}

/// The greatest step that is not above a value: of 1, 2, 5, 10, .. , and of powers of two for memory.
fn floor(unit: Unit, value: f64) -> f64 {
    let mut step =
        if unit == Unit::Memory { value.log2().floor().exp2() } else { 10_f64.powf(value.log10().floor()) };
    while next(unit, step) <= value {
        step = next(unit, step);
    }
    step
}

fn next(unit: Unit, step: f64) -> f64 {
    if unit == Unit::Memory {
        return step * 2.0;
    }
    let decade = 10_f64.powf((step * 1.001).log10().floor());
    match (step / decade).round() {
        one if one < 2.0 => decade * 2.0,
        two if two < 5.0 => decade * 5.0,
        _ => decade * 10.0,
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(unit: Unit, values: &[f64]) -> Axis {
        Axis::around(unit, values.iter().copied()).unwrap()
    }

    #[test]
    fn an_axis_goes_from_step_to_step() {
        let axis = around(Unit::Time, &[120.0, 0.0, 390.0]);
        assert_eq!(axis, Axis { from: 100.0, to: 500.0, ticks: vec![100.0, 200.0, 500.0] });
        assert_eq!(around(Unit::Rate, &[1.0]).ticks, [1.0, 2.0]);
        assert_eq!(around(Unit::Memory, &[700.0, 2_800.0]).ticks, [512.0, 1024.0, 2048.0, 4096.0]);
        assert_eq!(Axis::around(Unit::Time, [0.0].into_iter()), None);
    }

    #[test]
    fn a_long_axis_has_larger_steps() {
        let axis = around(Unit::Rate, &[15e3, 13e6]);
        assert_eq!((axis.from, axis.to), (1e4, 2e7));
        assert_eq!(axis.ticks, [1e4, 1e5, 1e6, 1e7]);
        assert_eq!(around(Unit::Memory, &[1.0, 128.0]).ticks, [1.0, 4.0, 16.0, 64.0]);
    }
}
