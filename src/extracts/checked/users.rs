//! The users of all accounts by name: by far the most ids of a load, so they stand behind each other in one text.

use crate::vocabulary::UserIx;

/// Names in byte order, `account_id` U+001F `user_id`; the position is the dense id.
#[derive(Clone, Debug, Default)]
pub struct Users {
    names: String,
    /// Where each name ends.
    ends: Vec<u64>,
}

impl Users {
    /// Those of two sequences of account and user, each in order; what both have stands once.
    pub fn of<'a>(
        first: impl Iterator<Item = (&'a str, &'a str)>,
        second: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Users {
        let (mut users, mut first, mut second) = (Users::default(), first.peekable(), second.peekable());
        while let Some((account, user)) = match (first.peek(), second.peek()) {
            (Some(one), Some(other)) if other < one => second.next(),
            (Some(_), _) => first.next(),
            (None, _) => second.next(),
        } {
            let name = user_key(account, user);
            if users.ends.is_empty() || users.name_at(users.ends.len() - 1) != name {
                users.names.push_str(&name);
                users.ends.push(users.names.len() as u64);
            }
        }
        users
    }

    /// `account_id` U+001F `user_id` of the user.
    pub fn name(&self, user: UserIx) -> &str {
        self.name_at(user.at())
    }

    fn name_at(&self, at: usize) -> &str {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.names[from as usize..self.ends[at] as usize]
    }

    /// The user of an account, if it is known.
    pub fn get(&self, account: &str, user: &str) -> Option<UserIx> {
        let name = user_key(account, user);
        let (mut from, mut to) = (0, self.ends.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.name_at(middle).cmp(name.as_str()) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return Some(UserIx::from(middle)),
            }
        }
        None
    }

    /// Every user, in order.
    pub fn iter(&self) -> impl Iterator<Item = (UserIx, &str)> {
        (0..self.ends.len()).map(|at| (UserIx::from(at), self.name_at(at)))
    }
}

/// The name of a user in the `users` dictionary; ids hold no control characters, so it is unambiguous.
pub fn user_key(account: &str, user: &str) -> String {
    format!("{account}\u{1f}{user}")
}
