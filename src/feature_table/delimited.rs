//! Delimited text (CSV and its kin): the delimiter is found, the header names the columns, cells come as text.

use std::io::Read;

use arrow::array::StringBuilder;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::cells::{Cells, present};

/// Rows per batch.
const BATCH_ROWS: usize = 16_384;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// What spreadsheets write before the header to name the delimiter, as in `sep=;`.
const NAMES_THE_DELIMITER: &[u8] = b"sep=";

/// The delimiter that the first line names or that splits it into most parts; a comma where none does.
pub fn delimiter(start: &[u8]) -> u8 {
    if let Some([named, b'\r' | b'\n', ..]) = without_mark(start).strip_prefix(NAMES_THE_DELIMITER) {
        return *named;
    }
    let line = start.split(|b| *b == b'\n').next().unwrap_or_default();
    let outside = |wanted: u8| {
        let mut quoted = false;
        let count = |b: &&u8| {
            quoted ^= **b == b'"';
            !quoted && **b == wanted
        };
        line.iter().filter(count).count()
    };
    let candidates = [b',', b';', b'\t', b'|'];
    // Of equals the last one wins, so the order is turned: a comma before all others.
    candidates.into_iter().rev().max_by_key(|candidate| outside(*candidate)).unwrap_or(b',')
}

/// Without the byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// The records of a text, one at a time.
pub struct Records<R> {
    content: R,
    parser: Reader,
    input: Vec<u8>,
    /// What of `input` is not parsed yet.
    unread: std::ops::Range<usize>,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: Read> Records<R> {
    pub fn of(content: R, delimiter: u8) -> Records<R> {
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        Records { content, parser, input: vec![0; CHUNK], unread: 0..0, cells: vec![0; 1024], ends: vec![0; 64] }
    }

    /// The cells of the next record, blank lines passed over.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, String> {
        let (mut written, mut ended) = (0, 0);
        loop {
            if self.unread.is_empty() {
                let read = self.content.read(&mut self.input).map_err(|e| e.to_string())?;
                self.unread = 0..read;
            }
            // An empty input tells the parser that the text is over.
            let input = &self.input[self.unread.clone()];
            let (result, read, wrote, ends) =
                self.parser.read_record(input, &mut self.cells[written..], &mut self.ends[ended..]);
            self.unread.start += read;
            written += wrote;
            ended += ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.cells.resize(2 * self.cells.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => return Ok(Some(Record { cells: &self.cells, ends: &self.ends[..ended] })),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The first record that does not merely name the delimiter.
    fn first(&mut self) -> Result<Option<Record<'_>>, String> {
        let Some(record) = self.next_record()? else { return Ok(None) };
        let (cells, names_the_delimiter) = (record.len(), record.names_the_delimiter());
        match names_the_delimiter {
            true => self.next_record(),
            false => Ok(Some(Record { cells: &self.cells, ends: &self.ends[..cells] })),
        }
    }

    /// Lines that were read so far.
    fn line(&self) -> u64 {
        self.parser.line().saturating_sub(1)
    }
}

/// The cells of one record.
pub struct Record<'a> {
    cells: &'a [u8],
    ends: &'a [usize],
}

impl Record<'_> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it is the line `sep=;`, which the delimiter cuts in two.
    fn names_the_delimiter(&self) -> bool {
        self.len() == 2 && without_mark(self.cell(0)) == NAMES_THE_DELIMITER && self.cell(1).is_empty()
    }

    fn cell(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[start..self.ends[place]]
    }
}

/// Column names; a column without a name is called after its place.
pub fn header<R: Read>(records: &mut Records<R>) -> Result<Vec<String>, String> {
    let Some(record) = records.first()? else { return Err("has no header".to_owned()) };
    let name = |place: usize| {
        let text = text_of(record.cell(place));
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() { format!("column_{}", place + 1) } else { text.to_owned() }
    };
    Ok((0..record.len()).map(name).collect())
}

/// Reads the columns at these places batch by batch.
pub fn scan<R: Read, E: From<String>>(
    mut records: Records<R>,
    places: &[usize],
    visit: &mut dyn FnMut(&[Cells]) -> Result<(), E>,
) -> Result<(), E> {
    let width = header(&mut records)?.len();
    loop {
        let mut builders: Vec<StringBuilder> = places.iter().map(|_| StringBuilder::new()).collect();
        let rows = fill(&mut records, width, places, &mut builders)?;
        if rows == 0 {
            return Ok(());
        }
        let batch: Vec<Cells> = builders.into_iter().map(|mut builder| Cells::Text(builder.finish())).collect();
        visit(&batch)?;
    }
}

/// Appends up to a batch of records and returns how many.
fn fill<R: Read>(
    records: &mut Records<R>,
    width: usize,
    places: &[usize],
    builders: &mut [StringBuilder],
) -> Result<usize, String> {
    let mut rows = 0;
    while rows < BATCH_ROWS {
        let Some(record) = records.next_record()? else { break };
        if record.len() != width {
            let cells = record.len();
            let line = records.line();
            return Err(format!(
                "line {line} has {cells} cells where the header has {width}; quote cells that hold the delimiter"
            ));
        }
        for (builder, place) in builders.iter_mut().zip(places) {
            append(builder, record.cell(*place));
        }
        rows += 1;
    }
    Ok(rows)
}

fn append(builder: &mut StringBuilder, cell: &[u8]) {
    match std::str::from_utf8(cell) {
        Ok(text) => builder.append_option(present(text)),
        Err(_) => builder.append_option(present(&text_of(cell))),
    }
}

/// UTF-8, or else Latin-1: every byte is a letter there.
fn text_of(cell: &[u8]) -> String {
    match std::str::from_utf8(cell) {
        Ok(text) => text.to_owned(),
        Err(_) => cell.iter().map(|b| char::from(*b)).collect(),
    }
}
