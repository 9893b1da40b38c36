//! The name of an observation, and of the feature that it becomes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::vocabulary::Text;

/// Reads like a `str`. Most names are fixed by the table of metrics: millions of observations then share neither an
/// allocation nor a counter that threads would fight over.
#[derive(Clone)]
pub enum Name {
    Fixed(&'static str),
    Particular(Text),
}

impl Deref for Name {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Name::Fixed(name) => name,
            Name::Particular(name) => name,
        }
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        std::ptr::eq(&**self, &**other) || **self == **other
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl From<Text> for Name {
    fn from(name: Text) -> Name {
        Name::Particular(name)
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Name {
        Name::Particular(name.into())
    }
}
