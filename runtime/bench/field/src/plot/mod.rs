//! The results as charts.

mod axis;
mod bars;
mod lines;
mod sheet;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::curve::CURVES;
use crate::results::Results;
use crate::row::GROUPS;

/// Writes a chart for each group of rows and each curve of which something was measured; says how many there are.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let charts = charts(results)?;
    for (name, svg) in &charts {
        let file = folder.join(name).with_extension("svg");
        fs::write(&file, svg).with_context(|| format!("{}", file.display()))?;
    }
    Ok(charts.len())
}

/// The charts, by their names.
fn charts(results: &Results) -> Result<Vec<(&'static str, String)>> {
    let mut charts = Vec::new();
    for group in GROUPS {
        charts.extend(bars::chart(results, group)?.map(|svg| (group.name, svg)));
    }
    for curve in CURVES {
        charts.extend(lines::chart(results, curve)?.map(|svg| (curve.name, svg)));
    }
    Ok(charts)
}

#[cfg(test)]
mod tests {
    use quick_xml::events::Event;

    use super::*;
    use crate::fixture;

    /// The texts of a document, which is read to its end.
    fn texts(svg: &str) -> Vec<String> {
        let mut reader = quick_xml::Reader::from_str(svg);
        let (mut texts, mut depth) = (Vec::new(), 0);
        loop {
            match reader.read_event().expect(svg) {
                Event::Eof => break,
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Text(text) => texts.push(text.decode().unwrap().trim().to_owned()),
                _ => {}
            }
        }
        assert_eq!(depth, 0, "{svg}");
        texts
    }

    #[test]
    fn charts_are_well_formed_and_say_what_they_show() {
        let charts = charts(&fixture::results()).unwrap();
        let names: Vec<&str> = charts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["rates", "processors", "memory", "selective"]);
        for (name, svg) in &charts {
            assert!(svg.starts_with("<svg role=\"img\" aria-labelledby=\"title description\" "), "{name}");
            assert!(svg.contains("prefers-color-scheme: dark"), "{name}");
            let texts = texts(svg);
            let has = |text: &str| texts.iter().any(|it| it == text);
            assert!(has("Snow DIST") || has("Snow DIST, recv_where"), "{name}: {texts:?}");
        }
        let (_, rates) = &charts[0];
        let texts = texts(rates);
        for text in ["64 B one way, between two processes", "2.25 M (1.50–3.00)", "188 k (125–250)", "OTP"]
        {
            assert!(texts.iter().any(|it| it == text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn each_chart_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let plots = folder.path().join("plots");
        assert_eq!(write(&fixture::results(), &plots).unwrap(), 4);
        assert_eq!(fs::read_dir(&plots).unwrap().count(), 4);
        assert_eq!(write(&Results::default(), &plots).unwrap(), 0);
    }
}
