//! A small inline SVG: use over time, the ceiling, and where the two are projected to meet. No script, no font file.

use std::fmt::Write;

use crate::vocabulary::Day;
use crate::wording;

/// What one chart shows.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub title: String,
    /// Rising by day; finite values.
    pub points: Vec<(Day, f64)>,
    /// The contractual ceiling, in the unit of the points.
    pub ceiling: Option<f64>,
    /// P10, P50 and P90 of the day on which use reaches the ceiling.
    pub breach: Option<[Day; 3]>,
    /// The day a change began.
    pub since: Option<Day>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 52.0;
/// A character of a label is at most this wide, and half of a day's label.
const CHARACTER: f64 = 6.4;
const HALF_DAY_LABEL: f64 = 38.0;
/// Between a label and what it stands beside.
const GAP: f64 = 6.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 16.0;
/// Room above the highest value.
const HEADROOM: f64 = 1.12;
const BOTTOM: f64 = 28.0;
/// Room to the right of the last point in which a projection may be drawn, days.
const OUTLOOK_DAYS: i32 = 150;

/// Maps days and values to the drawing.
struct Frame {
    from: Day,
    to: Day,
    top: f64,
    /// Where the drawing begins: to the right of the longest number.
    left: f64,
}

impl Frame {
    fn of(chart: &Chart) -> Option<Frame> {
        let (first, last) = (chart.points.first()?.0, chart.points.last()?.0);
        let outlook = chart.breach.map_or(last, |[_, _, p90]| p90.min(last.plus(OUTLOOK_DAYS)));
        let highest = chart.points.iter().map(|p| p.1).chain(chart.ceiling).fold(0.0, f64::max);
        let to = outlook.max(last).max(first.plus(1));
        let mut frame =
            Frame { from: first, to, top: if highest > 0.0 { highest * HEADROOM } else { 1.0 }, left: LEFT };
        let longest = frame.grid().map(|value| wording::count(value).chars().count()).into_iter().max();
        frame.left = LEFT.max(longest.map_or(0.0, |characters| characters as f64 * CHARACTER + 2.0 * GAP));
        Some(frame)
    }

    /// The values that have a line and a number.
    fn grid(&self) -> [f64; 3] {
        let highest = self.top / HEADROOM;
        [0.0, highest / 2.0, highest]
    }

    fn x(&self, day: Day) -> f64 {
        let share = f64::from(day.since(self.from)) / f64::from(self.to.since(self.from));
        self.left + share.clamp(0.0, 1.0) * (WIDTH - self.left - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (1.0 - (value / self.top).clamp(0.0, 1.0)) * (HEIGHT - TOP - BOTTOM)
    }
}

/// The chart as an `<svg>` element; empty with fewer than two points.
pub fn svg(chart: &Chart) -> String {
    let Some(frame) = Frame::of(chart).filter(|_| chart.points.len() > 1) else {
        return String::new();
    };
    let mut out = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escape(&describe(chart))
    );
    draw_axes(&mut out, &frame, chart);
    draw_breach_band(&mut out, &frame, chart);
    draw_use(&mut out, &frame, chart);
    draw_ceiling(&mut out, &frame, chart);
    draw_projection(&mut out, &frame, chart);
    draw_since(&mut out, &frame, chart);
    out.push_str("</svg>");
    out
}

/// The chart in words, for readers that cannot see it.
pub fn describe(chart: &Chart) -> String {
    let mut text = chart.title.clone();
    if let (Some(first), Some(last)) = (chart.points.first(), chart.points.last()) {
        let (a, b) = (wording::count(first.1), wording::count(last.1));
        let _ = write!(text, ": from {a} on {} to {b} on {}", wording::day(first.0), wording::day(last.0));
    }
    if let Some(ceiling) = chart.ceiling {
        let _ = write!(text, ", ceiling {}", wording::count(ceiling));
    }
    let ahead = |day: Day| chart.points.last().is_some_and(|last| day > last.0);
    if let Some([p10, p50, p90]) = chart.breach.filter(|days| ahead(days[1])) {
        let (early, mid, late) = (wording::day(p10), wording::day(p50), wording::day(p90));
        let _ = write!(text, ", projected to be reached around {mid} ({early} to {late})");
    }
    text
}

fn draw_axes(out: &mut String, frame: &Frame, chart: &Chart) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let last = chart.points.last().map_or(frame.to, |p| p.0);
    let left = frame.left;
    for value in frame.grid() {
        let y = frame.y(value);
        let _ = write!(out, r#"<line class="grid" x1="{left:.1}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#);
        label(out, left - GAP, y + 4.0, "end", &wording::count(value));
    }
    label(out, left, bottom + 18.0, "start", &wording::day(frame.from));
    let anchor = if frame.x(last) > right - 60.0 { "end" } else { "middle" };
    label(out, frame.x(last), bottom + 18.0, anchor, &wording::day(last));
}

fn draw_use(out: &mut String, frame: &Frame, chart: &Chart) {
    let line: Vec<String> =
        chart.points.iter().map(|&(day, value)| format!("{:.1},{:.1}", frame.x(day), frame.y(value))).collect();
    let (first, last) = (frame.x(chart.points[0].0), frame.x(chart.points[chart.points.len() - 1].0));
    let (line, base) = (line.join(" "), HEIGHT - BOTTOM);
    let _ = write!(out, r#"<polygon class="area" points="{first:.1},{base} {line} {last:.1},{base}"/>"#);
    let _ = write!(out, r#"<polyline class="use" points="{line}"/>"#);
}

fn draw_ceiling(out: &mut String, frame: &Frame, chart: &Chart) {
    let Some(ceiling) = chart.ceiling else { return };
    let (y, left, right) = (frame.y(ceiling), frame.left, WIDTH - RIGHT);
    let _ = write!(out, r#"<line class="ceiling" x1="{left:.1}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#);
    label(out, left + 4.0, y - 5.0, "start", &format!("ceiling {}", wording::count(ceiling)));
}

fn draw_breach_band(out: &mut String, frame: &Frame, chart: &Chart) {
    let (Some([p10, _, p90]), Some(last)) = (chart.breach, chart.points.last()) else { return };
    let (from, to) = (frame.x(p10.max(last.0)), frame.x(p90));
    let (width, height) = ((to - from).max(2.0), HEIGHT - TOP - BOTTOM);
    let _ = write!(out, r#"<rect class="band" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{height}"/>"#);
}

fn draw_projection(out: &mut String, frame: &Frame, chart: &Chart) {
    let (Some([_, p50, _]), Some(ceiling), Some(&(last, value))) = (chart.breach, chart.ceiling, chart.points.last())
    else {
        return;
    };
    if p50 <= last || p50 > frame.to {
        return;
    }
    let (x1, y1, x2, y2) = (frame.x(last), frame.y(value), frame.x(p50), frame.y(ceiling));
    let _ = write!(out, r#"<line class="ahead" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
    let _ = write!(out, r#"<circle class="meet" cx="{x2:.1}" cy="{y2:.1}" r="4"/>"#);
    let anchor = if x2 > WIDTH - 90.0 { "end" } else { "middle" };
    // Below the axis, unless the last day's label stands there already.
    let reach = if anchor == "end" { 2.0 * HALF_DAY_LABEL } else { HALF_DAY_LABEL };
    let crowded = x2 - reach < x1 + HALF_DAY_LABEL + GAP;
    let y = if crowded { y2 - 1.5 * GAP } else { HEIGHT - BOTTOM + 18.0 };
    label(out, x2, y, anchor, &wording::day(p50));
}

fn draw_since(out: &mut String, frame: &Frame, chart: &Chart) {
    let Some(since) = chart.since.filter(|day| *day >= frame.from) else { return };
    let (x, bottom) = (frame.x(since), HEIGHT - BOTTOM);
    let _ = write!(out, r#"<line class="since" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}"/>"#);
    label(out, x + 4.0, TOP + 8.0, "start", &format!("since {}", wording::day(since)));
}

fn label(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = write!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escape(text));
}

/// Text as XML content or attribute value.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
