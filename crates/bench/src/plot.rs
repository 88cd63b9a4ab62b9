//! The plot: how far each figure is from its bar, on a scale on which twice as good and half as good
//! are as far apart.

use std::fmt::Write;

use crate::report::Figure;

const WIDTH: f64 = 920.0;
/// Where the names end and the bars begin.
const LEFT: f64 = 300.0;
/// Where the bars end and the numbers begin.
const RIGHT: f64 = 720.0;
const LINE: f64 = 26.0;
const TOP: f64 = 56.0;
/// The scale reaches from this many times worse than the bar to as many times better.
const REACH: f64 = 16.0;
const OK: &str = "#2e7d32";
const MISSED: &str = "#c62828";

/// The place of a value that reaches its bar so often.
fn place(reached: f64) -> f64 {
    let part = if reached.is_nan() {
        -1.0
    } else {
        (reached.log2() / REACH.log2()).clamp(-1.0, 1.0)
    };
    LEFT + (RIGHT - LEFT) * (part + 1.0) / 2.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// An SVG picture of all figures.
pub(crate) fn svg(of: &str, figures: &[Figure]) -> String {
    let height = TOP + LINE * figures.len() as f64 + 12.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let text = |x: f64, y: f64, anchor: &str, words: &str| {
        let words = escaped(words);
        format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>\n")
    };
    svg.push_str(&text(12.0, 20.0, "start", of));
    for (times, label) in [
        (1.0 / 4.0, "4 × short"),
        (1.0, "the bar"),
        (4.0, "4 × beyond"),
    ] {
        let x = place(times);
        svg.push_str(&text(x, TOP - 14.0, "middle", label));
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\" stroke=\"#9e9e9e\"/>",
            TOP - 8.0,
            height - 8.0
        );
    }
    for (row, figure) in figures.iter().enumerate() {
        let y = TOP + LINE * row as f64;
        let (from, to) = (place(1.0), place(figure.bar.reached(figure.value())));
        let colour = if figure.is_met() { OK } else { MISSED };
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"{colour}\"/>",
            from.min(to),
            (to - from).abs().max(2.0)
        );
        svg.push_str(&text(LEFT - 10.0, y + 13.0, "end", &figure.title()));
        let said = format!("{} ({})", figure.value_shown(), figure.bar_shown());
        svg.push_str(&text(RIGHT + 10.0, y + 13.0, "start", &said));
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Bar;
    use crate::report::tests::figure;

    #[test]
    fn what_is_better_than_its_bar_reaches_to_the_right() {
        let middle = place(Bar::AtMost(2.0).reached(2.0));
        assert!(place(Bar::AtMost(2.0).reached(1.0)) > middle);
        assert!(place(Bar::AtLeast(2.0).reached(1.0)) < middle);
        assert_eq!(place(1e9), RIGHT);
        assert_eq!(place(f64::NAN), LEFT);
    }

    #[test]
    fn every_figure_has_its_bar_and_texts_are_escaped() {
        let figures = [
            figure("a<b", 1.0, Bar::AtLeast(2.0)),
            figure("c", 3.0, Bar::AtLeast(2.0)),
        ];
        let svg = svg("World S", &figures);
        assert_eq!(svg.matches("height=\"16\"").count(), 2);
        assert!(svg.contains("a&lt;b (sqlite)") && svg.contains(OK) && svg.contains(MISSED));
    }
}
