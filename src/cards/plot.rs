//! A small chart on axes of shares: bands, lines and dots with error bars as one self-contained SVG. No script, no
//! font file, a title and a description for readers that cannot see it.

use std::fmt::Write;

use crate::briefings::chart::escape;

/// What is drawn, from the back to the front.
#[derive(Clone, Debug)]
pub enum Mark {
    /// (x, low, high).
    Band(Vec<(f64, f64, f64)>),
    Line {
        points: Vec<(f64, f64)>,
        tone: Tone,
    },
    /// (x, y, low, high).
    Dots(Vec<(f64, f64, f64, f64)>),
    /// A vertical line with words at its top.
    Upright {
        x: f64,
        text: String,
    },
}

/// Who a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Model,
    Baseline,
    Reference,
    /// Dots instead of a line.
    Dots,
}

/// One chart; both axes begin at 0.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Unique within a page: letters, digits and `-`.
    pub id: String,
    pub title: String,
    pub subtitle: String,
    /// What the picture shows, in sentences.
    pub description: String,
    pub x_label: &'static str,
    pub y_label: &'static str,
    pub x_end: f64,
    pub y_end: f64,
    /// Lines named under the title.
    pub legend: Vec<(Tone, &'static str)>,
    pub marks: Vec<Mark>,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 52.0;

const STYLE: &str = "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#5d6879}\
.title{font-size:17px;font-weight:650;fill:#1b2330}.paper{fill:#fff}.grid{stroke:#e9ecf1}.axis{stroke:#9aa4b2}\
.band{fill:#0b5d56;fill-opacity:.16}.model{fill:none;stroke:#0b5d56;stroke-width:2.6;stroke-linejoin:round}\
.baseline{fill:none;stroke:#b7791f;stroke-width:2;stroke-dasharray:7 4;stroke-linejoin:round}\
.reference{fill:none;stroke:#9aa4b2;stroke-width:1.4;stroke-dasharray:2 4}.whisker{stroke:#0b5d56;stroke-width:1.4;stroke-opacity:.55}\
.dot{fill:#0b5d56;stroke:#fff;stroke-width:1.4}.note{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.upright{stroke:#5d6879;stroke-width:1.2;stroke-dasharray:3 3}";

/// Ends of an axis of shares, and into how many steps each is cut.
const ENDS: [(f64, usize); 10] =
    [(0.01, 5), (0.02, 4), (0.05, 5), (0.1, 5), (0.2, 4), (0.3, 3), (0.4, 4), (0.6, 3), (0.8, 4), (1.0, 5)];

/// The shortest axis that holds a share.
pub fn axis_end(highest: f64) -> f64 {
    ENDS.iter().map(|(end, _)| *end).find(|end| *end >= highest).unwrap_or(1.0)
}

fn steps(end: f64) -> usize {
    ENDS.iter().find(|(known, _)| *known == end).map_or(5, |(_, steps)| *steps)
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Tone::Model => "model",
            Tone::Baseline => "baseline",
            Tone::Reference => "reference",
            Tone::Dots => "whisker",
        }
    }
}

impl Plot {
    /// The chart as an `<svg>` element that also stands alone as a file.
    pub fn svg(&self) -> String {
        let Plot { id, title, description, .. } = self;
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc><style>{STYLE}</style><rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>"#,
            escape(title),
            escape(description),
        );
        self.head(&mut out);
        self.axes(&mut out);
        self.marks.iter().for_each(|mark| self.mark(&mut out, mark));
        out.push_str("</svg>\n");
        out
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (value / self.x_end).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value / self.y_end).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn head(&self, out: &mut String) {
        let (title, subtitle) = (escape(&self.title), escape(&self.subtitle));
        let _ = write!(out, r#"<text class="title" x="16" y="27">{title}</text><text x="16" y="47">{subtitle}</text>"#);
        let mut x = 16.0;
        for (tone, name) in &self.legend {
            let (to, text) = (x + 26.0, x + 32.0);
            let _ = write!(
                out,
                r#"<line class="{}" x1="{x}" x2="{to}" y1="64" y2="64"/><text x="{text}" y="68">{name}</text>"#,
                tone.class()
            );
            if *tone == Tone::Dots {
                let _ = write!(out, r#"<circle class="dot" cx="{}" cy="64" r="5"/>"#, x + 13.0);
            }
            x = text + 6.6 * name.chars().count() as f64 + 22.0;
        }
    }

    fn axes(&self, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for step in 0..=steps(self.y_end) {
            let value = self.y_end * step as f64 / steps(self.y_end) as f64;
            let (y, class) = (self.y(value), if step == 0 { "axis" } else { "grid" });
            let _ = write!(
                out,
                r#"<line class="{class}" x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 8.0,
                y + 4.5,
                percent(value, self.y_end)
            );
        }
        for step in 0..=steps(self.x_end) {
            let value = self.x_end * step as f64 / steps(self.x_end) as f64;
            let _ = write!(
                out,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
                self.x(value),
                bottom + 19.0,
                percent(value, self.x_end)
            );
        }
        let (middle_x, middle_y) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
        let _ = write!(
            out,
            r#"<text x="{middle_x}" y="{}" text-anchor="middle">{}</text><text transform="translate(17 {middle_y}) rotate(-90)" text-anchor="middle">{}</text>"#,
            HEIGHT - 12.0,
            self.x_label,
            self.y_label
        );
    }

    fn mark(&self, out: &mut String, mark: &Mark) {
        match mark {
            Mark::Band(points) => self.band(out, points),
            Mark::Line { points, tone } => {
                let _ = write!(
                    out,
                    r#"<polyline class="{}" points="{}"/>"#,
                    tone.class(),
                    self.path(points.iter().copied())
                );
            }
            Mark::Dots(dots) => dots.iter().for_each(|dot| self.dot(out, *dot)),
            Mark::Upright { x, text } => self.upright(out, *x, text),
        }
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let written: Vec<String> = points.map(|(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        written.join(" ")
    }

    fn band(&self, out: &mut String, points: &[(f64, f64, f64)]) {
        let upper = self.path(points.iter().map(|(x, _, high)| (*x, *high)));
        let lower = self.path(points.iter().rev().map(|(x, low, _)| (*x, *low)));
        let _ = write!(out, r#"<polygon class="band" points="{upper} {lower}"/>"#);
    }

    fn dot(&self, out: &mut String, (x, y, low, high): (f64, f64, f64, f64)) {
        let (cx, cy) = (self.x(x), self.y(y));
        let _ = write!(
            out,
            r#"<line class="whisker" x1="{cx:.1}" x2="{cx:.1}" y1="{:.1}" y2="{:.1}"/><circle class="dot" cx="{cx:.1}" cy="{cy:.1}" r="5"/>"#,
            self.y(low),
            self.y(high)
        );
    }

    fn upright(&self, out: &mut String, x: f64, text: &str) {
        let at = self.x(x);
        let (anchor, words) = if at > WIDTH / 2.0 { ("end", at - 6.0) } else { ("start", at + 6.0) };
        let (bottom, text) = (HEIGHT - BOTTOM, escape(text));
        let _ = write!(
            out,
            r#"<line class="upright" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{bottom}"/><text class="note" x="{words:.1}" y="{}" text-anchor="{anchor}">{text}</text>"#,
            bottom - 10.0
        );
    }
}

/// As many decimals as the axis needs.
fn percent(value: f64, end: f64) -> String {
    if end < 0.05 { format!("{:.1} %", value * 100.0) } else { format!("{:.0} %", value * 100.0) }
}
