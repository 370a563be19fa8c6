//! Paths as users write them in a script or a cell, where no shell has read them first.

use std::env;
use std::path::PathBuf;

use crate::{Error, Result};

/// The path that a user means: `~` and `~/…` lead to the home folder.
///
/// # Errors
/// If it is empty, if it begins with `~NAME`, or if the home folder is not known.
pub(crate) fn user_path(given: &str) -> Result<PathBuf> {
    if given.trim().is_empty() {
        return Err(Error::input("a path is empty; give the name of a file or folder"));
    }
    let Some(rest) = given.strip_prefix('~') else { return Ok(PathBuf::from(given)) };
    let Some(inside) = rest.strip_prefix('/').or(rest.is_empty().then_some("")) else {
        return Err(Error::input(format!(
            "{given}: only ~ and ~/… lead to a home folder; write the whole path, or ./{given} for a file of \
             that name"
        )));
    };
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let home = home.ok_or_else(|| {
        Error::input(format!(
            "{given}: the home folder is not known; set HOME or write the whole path"
        ))
    })?;
    Ok(if inside.is_empty() { home } else { home.join(inside) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_leads_to_the_home_folder() {
        let home = env::home_dir().expect("tests run with a home folder");
        assert_eq!(user_path("~").unwrap(), home);
        assert_eq!(user_path("~/data/bids").unwrap(), home.join("data/bids"));
        for plain in ["data/~", "./~", "/tmp/~x", "a b"] {
            assert_eq!(user_path(plain).unwrap(), PathBuf::from(plain));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        assert!(user_path("~someone/data").unwrap_err().to_string().contains("./~someone/data"));
        assert!(user_path("  ").unwrap_err().to_string().contains("empty"));
    }
}
