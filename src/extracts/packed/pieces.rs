//! Packed bytes in pieces: each is freed as soon as nobody needs it, leaves room that the next one fits in, and goes to
//! the store from where it lies.

use std::fmt;

use bytes::Bytes;

use super::numbers::{Reader, Writer};

/// A piece of this many bytes is closed.
const PIECE: usize = 256 << 10;

/// Bytes, found by how many bytes lie before them.
#[derive(Clone, Default)]
pub(crate) struct Pieces(Vec<(u64, Bytes)>);

/// The bytes: where one piece ends says nothing.
impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Bytes = self.0.iter().flat_map(|(_, piece)| piece.iter().copied()).collect();
        f.debug_tuple("Pieces").field(&bytes).finish()
    }
}

impl Pieces {
    /// From `offset` on to the end of its piece.
    #[inline]
    pub fn at(&self, offset: u64) -> &[u8] {
        let (start, piece) = &self.0[self.place(offset)];
        &piece[(offset - start) as usize..]
    }

    fn place(&self, offset: u64) -> usize {
        self.0.partition_point(|(start, _)| *start <= offset).saturating_sub(1)
    }

    fn end(&self) -> u64 {
        self.0.last().map_or(0, |(start, piece)| start + piece.len() as u64)
    }

    /// The pieces that the offsets from `first` to `last` lie in.
    pub fn between(&self, first: u64, last: u64) -> Pieces {
        Pieces(self.0[self.place(first)..=self.place(last)].to_vec())
    }

    /// How many bytes there are, then the bytes.
    pub fn write(&self, out: &mut Parts) {
        out.number(self.0.iter().map(|(_, piece)| piece.len() as u64).sum());
        self.0.iter().for_each(|(_, piece)| out.lend(piece));
    }

    /// The bytes again, out of `content` where the reader stands: they stay there.
    pub fn read(reader: &mut Reader, content: &Bytes) -> Pieces {
        let length = reader.number() as usize;
        Pieces(vec![(0, content.slice_ref(reader.take(length)))])
    }
}

/// Pieces being written.
#[derive(Debug, Default)]
pub(crate) struct Packing {
    closed: Pieces,
    pub out: Writer,
}

impl Packing {
    /// Where the next byte will stand; what is written until this is asked for again stands in one piece.
    pub fn offset(&mut self) -> u64 {
        if self.out.0.len() >= PIECE {
            self.close();
        }
        self.closed.end() + self.out.0.len() as u64
    }

    /// Goes on behind pieces.
    pub fn behind(closed: Pieces) -> Packing {
        Packing { closed, out: Writer::default() }
    }

    /// Appends pieces as they are; gives how many bytes lie before the first.
    pub fn append(&mut self, pieces: Pieces) -> u64 {
        self.close();
        let before = self.closed.end();
        self.closed.0.extend(pieces.0.into_iter().map(|(start, piece)| (start + before, piece)));
        before
    }

    /// The buffer is kept: only what it holds is copied.
    fn close(&mut self) {
        if !self.out.0.is_empty() {
            self.closed.0.push((self.closed.end(), Bytes::copy_from_slice(&self.out.0)));
            self.out.0.clear();
        }
    }

    pub fn finish(mut self) -> Pieces {
        self.close();
        self.closed
    }
}

/// The content of an object: what is written, and between it bytes that stay where they are.
#[derive(Default)]
pub(crate) struct Parts {
    closed: Vec<Bytes>,
    open: Writer,
}

impl std::ops::Deref for Parts {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        &self.open
    }
}

impl std::ops::DerefMut for Parts {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.open
    }
}

impl Parts {
    pub fn lend(&mut self, bytes: &Bytes) {
        self.close();
        self.closed.push(bytes.clone());
    }

    fn close(&mut self) {
        if !self.open.0.is_empty() {
            self.closed.push(std::mem::take(&mut self.open.0).into());
        }
    }

    pub fn append(&mut self, mut others: Parts) {
        others.close();
        self.close();
        self.closed.append(&mut others.closed);
    }

    pub fn finish(mut self) -> Vec<Bytes> {
        self.close();
        self.closed
    }
}
