//! Values as people read them.

/// What a value counts. Its name says which: `p50_us` is a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// In nanoseconds.
    Time,
    /// In bytes.
    Memory,
    /// In things a second.
    Rate,
    /// In megabytes a second.
    Stream,
    Percent,
    Ratio,
}

impl Unit {
    /// The unit of a value by its name, and the factor from the one to the other.
    pub(crate) fn of(value: &str) -> (Self, f64) {
        const BY_END: &[(&str, Unit, f64)] = &[
            ("mb_per_s", Unit::Stream, 1.0),
            ("per_s", Unit::Rate, 1.0),
            ("percent", Unit::Percent, 1.0),
            ("ns", Unit::Time, 1.0),
            ("us", Unit::Time, 1e3),
            ("ms", Unit::Time, 1e6),
            ("cpu_s", Unit::Time, 1e9),
            ("bytes", Unit::Memory, 1.0),
            ("kib", Unit::Memory, 1024.0),
            ("mib", Unit::Memory, 1_048_576.0),
        ];
        let found = BY_END.iter().find(|(end, ..)| value.ends_with(end));
        found.map_or((Self::Ratio, 1.0), |(_, unit, factor)| (*unit, *factor))
    }

    /// Returns the divisor and the suffix for a value of this size.
    fn scale(self, value: f64) -> (f64, &'static str) {
        const K: f64 = 1024.0;
        let scales: &[(f64, &str)] = match self {
            Self::Time => &[(1.0, " ns"), (1e3, " µs"), (1e6, " ms"), (1e9, " s")],
            // In bytes as long as their number says something.
            Self::Memory if value < 1e4 => &[(1.0, " B")],
            Self::Memory => &[(K, " KiB"), (K * K, " MiB"), (K * K * K, " GiB")],
            Self::Rate => &[(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G")],
            Self::Stream => &[(1.0, " MB/s"), (1e3, " GB/s")],
            Self::Percent => &[(1.0, " %")],
            Self::Ratio => &[(1.0, "")],
        };
        // What rounds to 1 000 is one of the next.
        let fits = scales.iter().rev().find(|(by, _)| value.abs() / by >= 0.9995);
        fits.or_else(|| scales.first()).copied().unwrap_or((1.0, ""))
    }

    /// `3.77 M`, `115 µs`.
    pub(crate) fn show(self, value: f64) -> String {
        let (by, name) = self.scale(value);
        format!("{}{name}", digits(value / by))
    }

    /// At a line of a scale: `10 µs`, without digits that say nothing.
    pub(crate) fn tick(self, value: f64) -> String {
        // Here whole KiB are shorter than bytes.
        let is_long = self == Self::Memory && value >= 1024.0;
        let (by, name) = self.scale(if is_long { value.max(1e4) } else { value });
        let shown = format!("{:.2}", value / by);
        format!("{}{name}", shown.trim_end_matches('0').trim_end_matches('.'))
    }

    /// `3.77 M (3.61–3.90)`: all in the unit of the first; the first alone if there is one round.
    pub(crate) fn show_range(self, value: f64, least: f64, greatest: f64) -> String {
        if least == greatest {
            return self.show(value);
        }
        let (by, name) = self.scale(value);
        format!("{}{name} ({}–{})", digits(value / by), digits(least / by), digits(greatest / by))
    }
}

/// Three digits that say something, and thousands apart.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 999.5 => thousands(&format!("{value:.0}")),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(whole: &str) -> String {
    let mut shown = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !shown.ends_with('-') {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// A count as a label: `0`, `100`, `10 k`.
pub(crate) fn count(value: u64) -> String {
    match value {
        0..1_000 => value.to_string(),
        1_000..1_000_000 if value.is_multiple_of(1_000) => format!("{} k", value / 1_000),
        _ => thousands(&value.to_string()),
    }
}

/// A length as a label: `64 KiB`.
pub(crate) fn length(bytes: u64) -> String {
    match bytes {
        0 => "none".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        assert_eq!(Unit::Rate.show(3_768_123.0), "3.77 M");
        assert_eq!(Unit::Rate.show(999_700.0), "1.00 M");
        assert_eq!(Unit::Rate.show(812.4), "812");
        assert_eq!(Unit::Time.show(115_321.0), "115 µs");
        assert_eq!(Unit::Time.show(0.5), "0.50 ns");
        assert_eq!(Unit::Time.show(12.7e9), "12.7 s");
        assert_eq!(Unit::Memory.show(1_138.0), "1 138 B");
        assert_eq!(Unit::Memory.show(13.0 * 1024.0), "13.0 KiB");
        assert_eq!(Unit::Stream.show(862.4), "862 MB/s");
        assert_eq!(Unit::Percent.show(1.94), "1.94 %");
        assert_eq!(Unit::Ratio.show(-1_234.0), "-1 234");
    }

    #[test]
    fn a_range_is_in_the_unit_of_its_median() {
        assert_eq!(Unit::Rate.show_range(1.1e6, 0.9e6, 1.2e6), "1.10 M (0.90–1.20)");
        assert_eq!(Unit::Time.show_range(115e3, 98.04e3, 1.2e6), "115 µs (98.0–1 200)");
        assert_eq!(Unit::Time.show_range(115e3, 115e3, 115e3), "115 µs");
        assert_eq!([Unit::Time.tick(1e4), Unit::Rate.tick(0.5)], ["10 µs", "0.5"]);
        assert_eq!([Unit::Memory.tick(512.0), Unit::Memory.tick(2048.0)], ["512 B", "2 KiB"]);
    }

    #[test]
    fn the_name_of_a_value_says_its_unit() {
        assert_eq!(Unit::of("p50_us"), (Unit::Time, 1e3));
        assert_eq!(Unit::of("mb_per_s"), (Unit::Stream, 1.0));
        assert_eq!(Unit::of("messages_per_s"), (Unit::Rate, 1.0));
        assert_eq!(Unit::of("session_kib"), (Unit::Memory, 1024.0));
        assert_eq!(Unit::of("driver_cpu_s"), (Unit::Time, 1e9));
        assert_eq!(Unit::of("fairness"), (Unit::Ratio, 1.0));
    }

    #[test]
    fn labels_are_shorter_still() {
        assert_eq!([count(0), count(256), count(100_000)], ["0", "256", "100 k"]);
        assert_eq!([length(0), length(64 << 10), length(16 << 20)], ["none", "64 KiB", "16 MiB"]);
    }
}
