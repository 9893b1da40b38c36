//! The bytes of a run file on their way to its place: a large one is sent as it is written, a small one waits for the
//! commit.

use std::io;

use bytes::Bytes;

use super::manifest::Hash;
use crate::store::{self, PIECE, Store, Upload};

/// Where a file is to stand.
pub(super) struct Place {
    pub store: Store,
    pub path: String,
}

/// A file that was written whole. Nobody sees it yet.
pub struct Written {
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
    pub(super) body: Body,
}

/// Where the bytes of a file are.
pub(super) enum Body {
    Held(Vec<Bytes>),
    Sent(Upload),
}

impl Written {
    /// The file's bytes in pieces; none where they were sent.
    pub fn held(&self) -> &[Bytes] {
        match &self.body {
            Body::Held(pieces) => pieces,
            Body::Sent(_) => &[],
        }
    }
}

/// Bytes as a writer hands them on, never copied again as more arrive.
#[derive(Default)]
pub(super) struct Pieces {
    /// Held in memory where there is none.
    place: Option<Place>,
    bytes: u64,
    hash: Hash,
    full: Vec<Bytes>,
    last: Vec<u8>,
    upload: Option<Upload>,
    /// What the store answered first. Nothing is sent after it.
    fault: Option<store::Error>,
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.last.capacity() == 0 && self.place.is_some() {
                // A page that nothing is written to takes no memory; growing would copy what is there again and again.
                self.last.reserve_exact(PIECE);
            }
            let (taken, left) = rest.split_at(rest.len().min(PIECE - self.last.len()));
            self.last.extend_from_slice(taken);
            rest = left;
            if self.last.len() == PIECE {
                self.close();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pieces {
    pub fn to(place: Option<Place>) -> Pieces {
        Pieces { place, ..Pieces::default() }
    }

    fn close(&mut self) {
        let piece = Bytes::from(std::mem::take(&mut self.last));
        self.bytes += piece.len() as u64;
        self.hash.add(&piece);
        match &self.place {
            None => self.full.push(piece),
            Some(_) if self.fault.is_some() => {}
            Some(place) => {
                let upload = match self.upload.take() {
                    Some(upload) => Ok(upload),
                    None => place.store.upload(&place.path),
                };
                let sent = upload.and_then(|upload| self.upload.insert(upload).send(piece));
                self.fault = sent.err();
            }
        }
    }

    /// The file, or what the store had against it.
    pub fn finish(mut self) -> Result<Written, store::Error> {
        if self.upload.is_none() && self.fault.is_none() {
            self.place = None;
        }
        if !self.last.is_empty() {
            self.close();
        }
        match self.fault {
            Some(fault) => Err(fault),
            None => {
                let body = self.upload.map_or(Body::Held(self.full), Body::Sent);
                Ok(Written { bytes: self.bytes, sha256: self.hash.finish(), body })
            }
        }
    }
}
