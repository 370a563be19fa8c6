//! Settings that users choose by name. The names are defined once, with the setting.

use crate::{Error, Result};

/// An enumeration whose members users choose by name.
pub trait Choice: Copy + 'static {
    /// What one member is called in errors, such as "strategy".
    const WHAT: &'static str;
    /// All members, in the order in which they are offered.
    const ALL: &'static [Self];

    /// The name users type and tables show.
    fn name(self) -> &'static str;

    /// The names of all members.
    fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|one| one.name()).collect()
    }

    /// The member of that name.
    ///
    /// # Errors
    /// [`Error::Input`] with all names, for a name that none has.
    fn from_name(name: &str) -> Result<Self> {
        let named = Self::ALL.iter().find(|one| one.name() == name).copied();
        named.ok_or_else(|| unknown(Self::WHAT, name, &Self::names()))
    }
}

/// The error for a name that is none of `names`.
pub(crate) fn unknown(what: &str, name: &str, names: &[&str]) -> Error {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    Error::input(format!("there is no {what} \"{name}\"; choose one of {}", quoted.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Size(&'static str);

    impl Choice for Size {
        const WHAT: &'static str = "size";
        const ALL: &'static [Self] = &[Self("small"), Self("large")];

        fn name(self) -> &'static str {
            self.0
        }
    }

    #[test]
    fn a_name_is_found_and_an_unknown_one_is_told_the_choices() {
        assert_eq!(Size::from_name("large").unwrap(), Size("large"));
        let error = Size::from_name("huge").unwrap_err().to_string();
        assert_eq!(error, "there is no size \"huge\"; choose one of \"small\", \"large\"");
    }
}
