//! How one row of feature usage stands behind another of its user and feature: nearly always in a single byte.
//!
//! The content of a row is its events, whether it was in a trial, and whether more is said of it behind. Most rows come
//! within some days of the one before and say little: their step and events share a byte.

use super::numbers::{Reader, Writer};

/// Bits of the events in the byte of a usual row.
const EVENT_BITS: u32 = 3;
const EVENTS: u64 = 1 << EVENT_BITS;
/// Codes below are usual rows; from here on they are steps, with the content behind.
const USUAL: u64 = 0x80;
const STEPS: i64 = (USUAL / EVENTS) as i64;

/// `more`: whether more is said of the row behind its content.
pub(in crate::extracts) fn content(events: u32, in_trial: bool, more: bool) -> u64 {
    u64::from(events) << 2 | u64::from(in_trial) << 1 | u64::from(more)
}

/// Appends a row that comes `step` days after the one before.
#[inline]
pub(in crate::extracts) fn write(out: &mut Writer, step: i64, content: u64) {
    let events = content >> 2;
    if (1..=STEPS).contains(&step) && content & 3 == 0 && (1..=EVENTS).contains(&events) {
        out.byte((((step - 1) as u64) << EVENT_BITS | (events - 1)) as u8);
    } else {
        out.number(USUAL + ((step << 1) ^ (step >> 63)) as u64);
        out.number(content);
    }
}

/// The step in days and the content of the next row.
#[inline]
pub(in crate::extracts) fn read(reader: &mut Reader) -> (i32, u64) {
    let code = reader.number();
    match code.checked_sub(USUAL) {
        None => ((code >> EVENT_BITS) as i32 + 1, ((code & (EVENTS - 1)) + 1) << 2),
        Some(step) => (((step >> 1) as i64 ^ -((step & 1) as i64)) as i32, reader.number()),
    }
}
