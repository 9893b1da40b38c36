//! Large objects, sent piece by piece: nobody holds one whole, and nobody sees it before it is whole.

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use super::{Created, Error, RUNTIME, Store};

/// Bytes of every piece but the last: stores ask for five MiB at least, and some for pieces of one size.
pub const PIECE: usize = 8 << 20;

/// Pieces on their way at once.
const AHEAD: usize = 2;

/// An object on its way. One that is dropped before [`Upload::finish`] leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    store: Store,
    path: String,
    parts: Box<dyn MultipartUpload>,
    sending: JoinSet<Result<(), object_store::Error>>,
    ended: bool,
}

impl Store {
    /// Begins an object that is sent in pieces of [`PIECE`] bytes.
    pub fn upload(&self, path: &str) -> Result<Upload, Error> {
        let begun = RUNTIME.block_on(self.inner.put_multipart(&self.path(path)));
        let parts = begun.map_err(|e| self.fault(path, e))?;
        Ok(Upload { store: self.clone(), path: path.to_owned(), parts, sending: JoinSet::new(), ended: false })
    }
}

impl Upload {
    /// Sends the next piece; returns while it is on its way, unless others are too.
    pub fn send(&mut self, piece: Bytes) -> Result<(), Error> {
        RUNTIME.block_on(async {
            let done = settle(&mut self.sending, AHEAD - 1).await;
            self.sending.spawn(self.parts.put_part(PutPayload::from_bytes(piece)));
            done.map_err(|e| self.store.fault(&self.path, e))
        })
    }

    /// Makes the object visible, unless one of its name stands. Where no store can join pieces only if there is none,
    /// that is asked just before.
    pub fn finish(mut self) -> Result<Created, Error> {
        let path = self.path.clone();
        RUNTIME.block_on(settle(&mut self.sending, 0)).map_err(|e| self.store.fault(&path, e))?;
        if self.store.head(&path)?.is_some() {
            return Ok(Created::Taken);
        }
        RUNTIME.block_on(self.parts.complete()).map_err(|e| self.store.fault(&path, e))?;
        self.ended = true;
        Ok(Created::Yes)
    }
}

/// Waits until at most `left` pieces are on their way.
async fn settle(
    sending: &mut JoinSet<Result<(), object_store::Error>>,
    left: usize,
) -> Result<(), object_store::Error> {
    while sending.len() > left {
        match sending.join_next().await {
            Some(Ok(sent)) => sent?,
            Some(Err(e)) => return Err(object_store::Error::Generic { store: "upload", source: Box::new(e) }),
            None => {}
        }
    }
    Ok(())
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.ended {
            // What cannot be taken back stays invisible, and the store's own rules remove it.
            RUNTIME.block_on(async {
                self.sending.shutdown().await;
                drop(self.parts.abort().await);
            });
        }
    }
}
