//! Numbers in as few bytes as hold them exactly: what stays in memory of hundreds of millions of rows, and what the
//! rollups on disk are made of.
//!
//! A run of numbers becomes a tag, a smallest value and one code per number of 0, 1, 2 or 4 bytes, where every number is
//! a multiple of 1, 1/10, 1/100 or 1/1000; else the numbers stand as they are. Reading gives back the same bits.

/// Bytes being written.
#[derive(Clone, Debug, Default)]
pub struct Writer(pub Vec<u8>);

/// Bytes being read. Past the end it reads zeros: whoever reads what a disk held checks a hash first.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl Writer {
    #[inline]
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Seven bits a byte, lowest first.
    #[inline]
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// Small magnitudes in few bytes, whatever their sign.
    #[inline]
    pub fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    pub fn bits(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// How many there are, then each.
    pub fn texts<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.number(texts.len() as u64);
        texts.for_each(|text| self.text(text));
    }
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((byte, rest)) => {
                self.bytes = rest;
                *byte
            }
            None => 0,
        }
    }

    #[inline]
    pub fn number(&mut self) -> u64 {
        match *self.bytes {
            [low, ref rest @ ..] if low < 0x80 => {
                self.bytes = rest;
                u64::from(low)
            }
            [low, high, ref rest @ ..] if high < 0x80 => {
                self.bytes = rest;
                u64::from(low & 0x7f) | u64::from(high) << 7
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return number;
            }
        }
    }

    #[inline]
    pub fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }

    pub fn double(&mut self) -> f64 {
        f64::from_bits(fixed(self.take(8)))
    }

    pub fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(bytes.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    pub fn text(&mut self) -> &'a str {
        let len = self.number() as usize;
        std::str::from_utf8(self.take(len)).unwrap_or_default()
    }

    /// What [`Writer::texts`] wrote.
    pub fn texts(&mut self) -> impl Iterator<Item = &'a str> {
        let n = self.number();
        (0..n).map(|_| self.text())
    }
}

/// Up to eight bytes, lowest first.
#[inline]
fn fixed(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

const SCALES: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
const WIDTHS: [usize; 4] = [0, 1, 2, 4];
/// Tag of numbers that stand as they are.
const RAW: u8 = 0xff;
/// Adding it and taking it away rounds to a whole number: 1.5 · 2^52, beyond which doubles are whole.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Magnitudes up to here are rounded so.
const EXACT: f64 = 2_251_799_813_685_248.0;

/// Appends the numbers; NaN stands for "no number" and comes back as NaN.
pub fn pack(values: &[f64], out: &mut Writer) {
    match (0..SCALES.len()).find_map(|scale| Some((scale, whole(values, SCALES[scale])?))) {
        Some((scale, (least, most, gaps))) if most - least < f64::from(u32::MAX) => {
            let width = width((most - least) as u64, gaps);
            out.byte((scale * WIDTHS.len() + width) as u8);
            out.signed(least as i64);
            codes(values, SCALES[scale], least, WIDTHS[width], out);
        }
        _ => {
            out.byte(RAW);
            values.iter().for_each(|value| out.bits(*value));
        }
    }
}

/// Least and greatest of the values in units of 1/scale, and whether any is missing; `None` where one is no whole
/// number of them.
fn whole(values: &[f64], scale: f64) -> Option<(f64, f64, bool)> {
    let (mut least, mut most, mut gaps, mut fits) = (f64::INFINITY, f64::NEG_INFINITY, false, true);
    // Without a way out in the middle, so that several values are looked at together.
    for &value in values {
        let units = units(value, scale);
        gaps |= value.is_nan();
        fits &= value.is_nan() | ((units.abs() <= EXACT) & ((units / scale).to_bits() == value.to_bits()));
        (least, most) = (least.min(units), most.max(units));
    }
    fits.then_some(if least > most { (0.0, 0.0, gaps) } else { (least, most, gaps) })
}

/// The nearest whole number of 1/scale.
#[inline]
fn units(value: f64, scale: f64) -> f64 {
    (value * scale + ROUND) - ROUND
}

/// Position in [`WIDTHS`] for codes up to `most`; the greatest code of a width is kept for gaps.
fn width(most: u64, gaps: bool) -> usize {
    match most {
        0 if !gaps => 0,
        0..0xff => 1,
        0xff..0xffff => 2,
        _ => 3,
    }
}

fn codes(values: &[f64], scale: f64, least: f64, width: usize, out: &mut Writer) {
    let code = |value: f64| match value.is_nan() {
        true => u32::MAX,
        false => (units(value, scale) - least) as u32,
    };
    match width {
        0 => {}
        1 => out.0.extend(values.iter().map(|value| code(*value) as u8)),
        2 => values.iter().for_each(|value| out.0.extend_from_slice(&(code(*value) as u16).to_le_bytes())),
        _ => values.iter().for_each(|value| out.0.extend_from_slice(&code(*value).to_le_bytes())),
    }
}

/// Goes behind `n` numbers that [`pack`] wrote.
pub fn skip(reader: &mut Reader, n: usize) {
    match reader.byte() {
        RAW => reader.take(8 * n),
        tag => {
            reader.signed();
            reader.take(n * Tag::of(tag).width)
        }
    };
}

/// The same, and gives a bound that none of them exceeds.
fn pass(reader: &mut Reader, n: usize) -> f64 {
    let Tag { scale, width } = match reader.byte() {
        RAW => {
            reader.take(8 * n);
            return f64::INFINITY;
        }
        tag => Tag::of(tag),
    };
    let (least, bytes) = (reader.signed(), reader.take(n * width));
    let most = match width {
        0 => 0,
        1 => bytes.iter().copied().max().map_or(0, u32::from),
        2 => u32::from(u16::MAX),
        _ => u32::MAX,
    };
    (least + i64::from(most)) as f64 / scale
}

/// Appends numbers of which most are the least one, such as days until a row was recorded: those that are not, each
/// behind how many stand before it. Where they are many, or no whole numbers, as [`pack`] does.
pub fn pack_rare(values: &[f64], out: &mut Writer) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let rare = values.iter().filter(|value| **value != least).count();
    let fits = |value: &f64| value.abs() <= EXACT && value.fract() == 0.0 && (value.to_bits() == 0 || *value != 0.0);
    if RARE_BYTES * rare > values.len() || !values.iter().all(fits) {
        out.number(0);
        return pack(values, out);
    }
    out.number(rare as u64 + 1);
    out.signed(if values.is_empty() { 0 } else { least as i64 });
    let mut behind = 0;
    for (at, value) in values.iter().enumerate().filter(|(_, value)| **value != least) {
        out.number((at - behind) as u64);
        out.number((value - least) as u64);
        behind = at + 1;
    }
}

/// What a number that is not the least takes.
const RARE_BYTES: usize = 2;

/// Reads back `n` numbers that [`pack_rare`] wrote and appends them to `values`.
pub fn unpack_rare(reader: &mut Reader, n: usize, values: &mut Vec<f64>) {
    let Some(rare) = reader.number().checked_sub(1) else { return unpack(reader, n, values) };
    let (least, from) = (reader.signed() as f64, values.len());
    values.resize(from + n, least);
    let mut at = from;
    for _ in 0..rare {
        at += reader.number() as usize;
        let more = reader.number() as f64;
        if let Some(value) = values.get_mut(at) {
            *value += more;
        }
        at += 1;
    }
}

/// Goes behind `n` numbers that [`pack_rare`] wrote; gives a bound that none of them exceeds.
pub fn pass_rare(reader: &mut Reader, n: usize) -> f64 {
    let Some(rare) = reader.number().checked_sub(1) else { return pass(reader, n) };
    let least = reader.signed();
    let most = (0..rare).map(|_| (reader.number(), reader.number()).1).max().unwrap_or(0);
    least as f64 + most as f64
}

/// How a run of numbers was packed.
struct Tag {
    scale: f64,
    /// Bytes of a code.
    width: usize,
}

impl Tag {
    fn of(tag: u8) -> Tag {
        let tag = usize::from(tag);
        Tag { scale: SCALES[tag / WIDTHS.len() % SCALES.len()], width: WIDTHS[tag % WIDTHS.len()] }
    }
}

/// Reads back `n` numbers that [`pack`] wrote and appends them to `values`.
pub fn unpack(reader: &mut Reader, n: usize, values: &mut Vec<f64>) {
    let tag = reader.byte();
    if tag == RAW {
        let bytes = reader.take(8 * n);
        values.extend(bytes.chunks_exact(8).map(|bytes| f64::from_bits(fixed(bytes))));
        return;
    }
    let Tag { scale, width } = Tag::of(tag);
    let least = reader.signed();
    let value = |code: u32| (least + i64::from(code)) as f64 / scale;
    let bytes = reader.take(n * width);
    match width {
        0 => values.extend(std::iter::repeat_n(value(0), n)),
        1 => values.extend(bytes.iter().map(|code| if *code == u8::MAX { f64::NAN } else { value(u32::from(*code)) })),
        2 => values.extend(bytes.chunks_exact(2).map(|code| match u16::from_le_bytes([code[0], code[1]]) {
            u16::MAX => f64::NAN,
            code => value(u32::from(code)),
        })),
        _ => values.extend(bytes.chunks_exact(4).map(|code| {
            match u32::from_le_bytes([code[0], code[1], code[2], code[3]]) {
                u32::MAX => f64::NAN,
                code => value(code),
            }
        })),
    }
}
