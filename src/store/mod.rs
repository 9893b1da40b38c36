//! Object stores: the only user of `object_store`, and the only place that knows what asynchrony is.
//!
//! A [`Store`] is a place under a URL: `file://`, a relative path, `memory://`, `s3://`, `gs://` or `az://`.
//! Objects are read whole or in ranges, replaced whole, or created only where none stands; a large one may be sent in
//! pieces. There is no rename and no append, because not every cloud has them.

mod upload;

pub use upload::{PIECE, Upload};

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    GetOptions, OBJECT_STORE_COALESCE_DEFAULT, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    coalesce_ranges,
};

/// One object under a store's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Relative to the store's root, `/`-separated.
    pub path: String,
    pub bytes: u64,
    /// The store's own tag of this content, or size and modification time where it has none.
    pub etag: String,
    /// Whether `etag` is the store's own.
    tagged: bool,
}

/// How stores are reached: handed in from outside, because nothing here reads the environment.
#[derive(Clone, Default)]
pub struct Access {
    /// Where relative paths start.
    pub base: PathBuf,
    /// Credentials, endpoints and the like, under the names of the clouds' own tools, e.g. `AWS_REGION`.
    pub variables: Vec<(String, String)>,
}

impl Access {
    /// Relative paths start at `base`; no credentials.
    pub fn local(base: impl Into<PathBuf>) -> Access {
        Access { base: base.into(), variables: Vec::new() }
    }
}

impl fmt::Debug for Access {
    /// Names the variables only, since their values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Access").field("base", &self.base).field("variables", &names).finish()
    }
}

/// What a create-only write met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    Yes,
    /// An object of that name was already there and was left alone.
    Taken,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`{url}` is not a place to read or write: {reason}; write a path or a file://, memory://, s3://, gs:// or az:// URL"
    )]
    Url { url: String, reason: String },
    #[error("{url}/{path}: {source}")]
    Object {
        url: String,
        path: String,
        #[source]
        source: Box<object_store::Error>,
    },
}

impl Error {
    /// The bucket or container itself is not there; `object_store` has no variant for it, so the clouds' codes decide.
    pub fn is_missing_place(&self) -> bool {
        let Error::Object { source, .. } = self else { return false };
        let text = format!("{source:?}");
        ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"]
            .iter()
            .any(|code| text.contains(code))
    }

    /// The store denies access.
    pub fn is_refused(&self) -> bool {
        use object_store::Error::{PermissionDenied, Unauthenticated};
        matches!(self, Error::Object { source, .. } if matches!(**source, PermissionDenied { .. } | Unauthenticated { .. }))
    }

    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Object { source, .. } if matches!(**source, object_store::Error::NotFound { .. }))
    }
}

/// A place in an object store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    root: Path,
    url: String,
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("store")
        .enable_all()
        .build()
        .expect("the operating system grants two threads")
});

/// Requests in flight at once.
const CONCURRENCY: usize = 16;

impl Store {
    /// Opens a URL; a plain path is taken relative to `access.base`. Local folders need not exist yet.
    ///
    /// `memory://NAME` is one store per name for as long as the process lives.
    pub fn open(url: &str, access: &Access) -> Result<Store, Error> {
        let fault = |reason: String| Error::Url { url: url.to_owned(), reason };
        let parsed = match url::Url::parse(url) {
            Ok(parsed) if parsed.scheme().len() > 1 => parsed,
            _ => {
                let local = std::path::absolute(access.base.join(url)).map_err(|e| fault(e.to_string()))?;
                url::Url::from_file_path(resolved(&local)).map_err(|()| fault("not a path".into()))?
            }
        };
        let shown = url.trim_end_matches('/').to_owned();
        if parsed.scheme() == "memory" {
            let root = Path::from_url_path(parsed.path()).map_err(|e| fault(e.to_string()))?;
            return Ok(Store { inner: named_memory(parsed.host_str().unwrap_or_default()), root, url: shown });
        }
        let options = access.variables.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let (inner, root) = object_store::parse_url_opts(&parsed, options).map_err(|e| fault(e.to_string()))?;
        Ok(Store { inner: Arc::from(inner), root, url: shown })
    }

    /// A fresh store in memory, for tests.
    pub fn memory() -> Store {
        let inner = Arc::new(object_store::memory::InMemory::new());
        Store { inner, root: Path::default(), url: "memory://".into() }
    }

    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same store, rooted deeper.
    pub fn under(&self, path: &str) -> Store {
        Store { inner: self.inner.clone(), root: self.path(path), url: format!("{}/{path}", self.url) }
    }

    /// Every object below `prefix` (a folder; empty = all), by path.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>, Error> {
        let root = self.path(prefix);
        let found: Vec<_> =
            RUNTIME.block_on(self.inner.list(Some(&root)).try_collect()).map_err(|e| self.fault(prefix, e))?;
        let mut objects: Vec<Object> = found.into_iter().map(|meta| self.object(meta)).collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(objects)
    }

    /// The object itself, or `None` where there is none.
    pub fn head(&self, path: &str) -> Result<Option<Object>, Error> {
        match RUNTIME.block_on(self.inner.head(&self.path(path))) {
            Ok(meta) => Ok(Some(self.object(meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.fault(path, e)),
        }
    }

    pub fn get(&self, path: &str) -> Result<Bytes, Error> {
        let whole = async { self.inner.get(&self.path(path)).await?.bytes().await };
        RUNTIME.block_on(whole).map_err(|e| self.fault(path, e))
    }

    /// The content, or `None` where there is no such object.
    pub fn get_if_exists(&self, path: &str) -> Result<Option<Bytes>, Error> {
        match self.get(path) {
            Err(e) if e.is_missing() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Byte ranges of one object, fetched side by side.
    pub fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        RUNTIME.block_on(self.inner.get_ranges(&self.path(path), ranges)).map_err(|e| self.fault(path, e))
    }

    /// Starts to fetch byte ranges of a listed object and returns at once.
    ///
    /// An object that was replaced since it was listed is a fault, never a mix of old and new.
    pub fn fetch(&self, object: &Object, ranges: impl IntoIterator<Item = Range<u64>>) -> Fetch {
        let (store, object) = (self.clone(), object.clone());
        let ranges: Vec<Range<u64>> = ranges.into_iter().collect();
        let path = object.path.clone();
        let task = RUNTIME.spawn(async move {
            let location = store.path(&object.path);
            let part = |range: Range<u64>| {
                let if_match = object.tagged.then(|| object.etag.clone());
                let options = GetOptions { range: Some(range.into()), if_match, ..GetOptions::default() };
                let (inner, location) = (&store.inner, &location);
                async move { inner.get_opts(location, options).await?.bytes().await }
            };
            let found = coalesce_ranges(&ranges, part, OBJECT_STORE_COALESCE_DEFAULT).await;
            found.map_err(|e| store.fault(&object.path, e))
        });
        Fetch { task, store: self.clone(), path }
    }

    /// Replaces the object whole.
    pub fn put(&self, path: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        self.put_parts(path, vec![content.into()])
    }

    /// The same of content that lies in several places.
    pub fn put_parts(&self, path: &str, content: Vec<Bytes>) -> Result<(), Error> {
        let payload = PutPayload::from_iter(content);
        RUNTIME.block_on(self.inner.put(&self.path(path), payload)).map(drop).map_err(|e| self.fault(path, e))
    }

    /// Replaces many objects, several at a time; the first fault ends it.
    pub fn put_all(&self, objects: Vec<(String, Bytes)>) -> Result<(), Error> {
        let writes = objects.into_iter().map(|(path, content)| async move {
            let payload = PutPayload::from_bytes(content);
            self.inner.put(&self.path(&path), payload).await.map(drop).map_err(|e| self.fault(&path, e))
        });
        RUNTIME.block_on(futures::stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect())
    }

    /// Writes the object only where none stands: the one atomic step that every store offers.
    pub fn create(&self, path: &str, content: impl Into<Bytes>) -> Result<Created, Error> {
        let payload = PutPayload::from_bytes(content.into());
        let options = PutOptions::from(PutMode::Create);
        created(RUNTIME.block_on(self.inner.put_opts(&self.path(path), payload, options)))
            .map_err(|e| self.fault(path, e))
    }

    /// Writes many objects, each in pieces and only where none stands; the path of one that was taken ends it.
    pub fn create_all(&self, objects: Vec<(String, Vec<Bytes>)>) -> Result<Option<String>, Error> {
        let writes = objects.into_iter().map(|(path, pieces)| async move {
            let payload = PutPayload::from_iter(pieces);
            let written = self.inner.put_opts(&self.path(&path), payload, PutMode::Create.into()).await;
            match created(written) {
                Ok(Created::Yes) => Ok(None),
                Ok(Created::Taken) => Ok(Some(path)),
                Err(e) => Err(self.fault(&path, e)),
            }
        });
        let mut writes = futures::stream::iter(writes).buffer_unordered(CONCURRENCY);
        RUNTIME.block_on(async {
            while let Some(taken) = writes.try_next().await? {
                if taken.is_some() {
                    return Ok(taken);
                }
            }
            Ok(None)
        })
    }

    /// Copies objects within the store, `(from, to)`, replacing what stands there; nothing passes through here.
    ///
    /// On a file system both names stand for one content, which is safe because objects are only ever replaced whole.
    pub fn copy_all(&self, objects: Vec<(String, String)>) -> Result<(), Error> {
        let copies = objects.into_iter().map(|(from, to)| async move {
            self.inner.copy(&self.path(&from), &self.path(&to)).await.map_err(|e| self.fault(&from, e))
        });
        RUNTIME.block_on(futures::stream::iter(copies).buffer_unordered(CONCURRENCY).try_collect())
    }

    /// Deletes the object; one that is not there is fine.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        match RUNTIME.block_on(self.inner.delete(&self.path(path))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.fault(path, e)),
        }
    }

    /// Names that a store listed are taken as they stand; others are encoded where they need it.
    fn path(&self, relative: &str) -> Path {
        let joined = format!("{}/{relative}", self.root);
        if let Ok(path) = Path::parse(joined.trim_matches('/')) {
            return path;
        }
        relative.split('/').filter(|part| !part.is_empty()).fold(self.root.clone(), |path, part| path.join(part))
    }

    fn object(&self, meta: object_store::ObjectMeta) -> Object {
        let path = match meta.location.prefix_match(&self.root) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => meta.location.to_string(),
        };
        let tagged = meta.e_tag.is_some();
        let etag = meta.e_tag.unwrap_or_else(|| format!("{}-{}", meta.size, meta.last_modified.timestamp_micros()));
        Object { path, bytes: meta.size, etag, tagged }
    }

    fn fault(&self, path: &str, source: object_store::Error) -> Error {
        Error::Object { url: self.url.clone(), path: path.to_owned(), source: Box::new(source) }
    }
}

/// What a create-only write came to.
fn created<T>(written: Result<T, object_store::Error>) -> Result<Created, object_store::Error> {
    match written {
        Ok(_) => Ok(Created::Yes),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(Created::Taken),
        Err(e) => Err(e),
    }
}

/// Byte ranges on their way.
#[derive(Debug)]
pub struct Fetch {
    task: tokio::task::JoinHandle<Result<Vec<Bytes>, Error>>,
    store: Store,
    path: String,
}

impl Fetch {
    /// Waits for the bytes.
    pub fn wait(self) -> Result<Vec<Bytes>, Error> {
        let broken = |e: tokio::task::JoinError| object_store::Error::Generic { store: "fetch", source: Box::new(e) };
        RUNTIME.block_on(self.task).unwrap_or_else(|e| Err(self.store.fault(&self.path, broken(e))))
    }
}

/// The path without `..`: through links where it exists, by its words where it does not yet.
fn resolved(path: &std::path::Path) -> PathBuf {
    use std::path::Component;
    let by_words = || {
        path.components().fold(PathBuf::new(), |mut resolved, part| {
            match part {
                Component::ParentDir => drop(resolved.pop()),
                Component::CurDir => {}
                other => resolved.push(other),
            }
            resolved
        })
    };
    path.canonicalize().unwrap_or_else(|_| by_words())
}

fn named_memory(name: &str) -> Arc<dyn ObjectStore> {
    static NAMED: Mutex<BTreeMap<String, Arc<object_store::memory::InMemory>>> = Mutex::new(BTreeMap::new());
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    named.entry(name.to_owned()).or_default().clone()
}
