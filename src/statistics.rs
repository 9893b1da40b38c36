//! Small robust statistics that several stages share. Pure functions of numbers; sums run in the order given.

/// The middle value (mean of the middle two); `None` for an empty slice. Reorders `values`; NaN sorts last.
///
/// ```
/// use foothold::statistics::median;
/// assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
/// assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
/// assert_eq!(median(&mut []), None);
/// ```
pub fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let upper = *values.select_nth_unstable_by(middle, f64::total_cmp).1;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = values[..middle].iter().copied().max_by(f64::total_cmp).unwrap_or(upper);
    Some((lower + upper) / 2.0)
}

/// Linear interpolation between order statistics of `sorted`, 0 ≤ `share` ≤ 1.
///
/// ```
/// assert_eq!(foothold::statistics::quantile(&[1.0, 2.0, 3.0], 0.25), Some(1.5));
/// ```
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut n, mut sum) = (0u32, 0.0);
    for value in values {
        n += 1;
        sum += value;
    }
    (n > 0).then(|| sum / f64::from(n))
}

/// Standard deviation estimated by the median absolute deviation, exact for a normal distribution.
pub fn robust_spread(values: &[f64]) -> f64 {
    let mut work = values.to_vec();
    let Some(center) = median(&mut work) else { return 0.0 };
    work.iter_mut().for_each(|value| *value = (*value - center).abs());
    median(&mut work).unwrap_or(0.0) * 1.4826
}

/// A straight line y = `level` + `slope` · x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub slope: f64,
    /// The line at x = 0.
    pub level: f64,
}

impl Line {
    pub fn at(self, x: f64) -> f64 {
        self.level + self.slope * x
    }
}

/// Theil–Sen: the median of the slopes between all pairs, and the median of what remains; up to 29 % of the points may
/// be wild without moving it far. `None` for fewer than two distinct x.
///
/// ```
/// use foothold::statistics::theil_sen;
/// let line = theil_sen(&[(0.0, 1.0), (1.0, 3.0), (2.0, 100.0), (3.0, 7.0), (4.0, 9.0)]).unwrap();
/// assert_eq!((line.slope, line.level), (2.0, 1.0));
/// ```
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Line> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (n, &(x, y)) in points.iter().enumerate() {
        slopes.extend(points[n + 1..].iter().filter(|p| p.0 != x).map(|p| (p.1 - y) / (p.0 - x)));
    }
    let slope = median(&mut slopes)?;
    let mut levels: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    Some(Line { slope, level: median(&mut levels)? })
}

/// The standard normal distribution function, to 1e-7.
///
/// ```
/// use foothold::statistics::normal_cdf;
/// assert!((normal_cdf(1.959964) - 0.975).abs() < 1e-6 && (normal_cdf(-1.281552) - 0.1).abs() < 1e-6);
/// ```
pub fn normal_cdf(z: f64) -> f64 {
    let tail = scaled_tail(z.abs()) * (-z * z / 2.0).exp();
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The upper tail beyond z ≥ 0 times exp(z²/2), which stays finite where the tail itself vanishes.
pub fn scaled_tail(z: f64) -> f64 {
    0.5 * scaled_complementary_error(z / std::f64::consts::SQRT_2)
}

/// erfc(x) · exp(x²) for x ≥ 0, by a Chebyshev fit with a relative error below 1.2e-7.
fn scaled_complementary_error(x: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    t * FIT.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient).exp()
}

/// Wilson's 95 % interval of a share.
pub fn wilson(hits: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_964;
    let (share, z2) = (hits / n, Z * Z);
    let center = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    ((center - half).max(0.0), (center + half).min(1.0))
}

/// 1 / (1 + e^−z), without overflow at either end.
pub fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^z), without overflow.
pub fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}
