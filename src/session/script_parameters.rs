//! Parameters of a script: values that the command line may set and the script reads by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::error::locked;
use crate::{Error, Result};

/// Values by name, as text; clones share what was asked for.
#[derive(Clone, Debug, Default)]
pub struct ScriptParameters {
    given: Arc<BTreeMap<String, String>>,
    /// Names that a script asked for, with its own values of those that were not given.
    asked: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

impl ScriptParameters {
    /// Reads `name=value` pairs.
    ///
    /// # Errors
    /// If a pair has no `=` or no name, or two have the same name.
    pub fn from_pairs(pairs: &[String]) -> Result<Self> {
        let read = |pair: &String| match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.to_owned()))
            }
            _ => Err(Error::input(format!("a parameter is written name=value, not \"{pair}\""))),
        };
        let mut given = BTreeMap::new();
        for pair in pairs {
            let (name, value) = read(pair)?;
            if given.insert(name.clone(), value).is_some() {
                return Err(Error::input(format!(
                    "the parameter {name} is given twice; give it one value"
                )));
            }
        }
        Ok(Self { given: Arc::new(given), ..Self::default() })
    }

    /// All values that were given.
    pub fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// The value given for `name`, if any.
    pub fn get(&self, name: &str) -> Option<&str> {
        locked(&self.asked).entry(name.to_owned()).or_default();
        self.given.get(name).map(String::as_str)
    }

    /// Notes which value a script took because none was given for `name`.
    pub(super) fn note_default(&self, name: &str, value: String) {
        locked(&self.asked).insert(name.to_owned(), Some(value));
    }

    /// The values that the script took for what was not given, as text.
    pub fn defaults(&self) -> BTreeMap<String, String> {
        let asked = locked(&self.asked);
        let taken = asked.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        taken.collect()
    }

    /// Names that were given but never asked for: misspelt, most likely.
    pub fn unasked(&self) -> Vec<String> {
        let asked = locked(&self.asked);
        self.given.keys().filter(|name| !asked.contains_key(*name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_what_nobody_asked_for_is_known() {
        let pairs = ["epochs=3".to_owned(), "path=a=b".to_owned()];
        let parameters = ScriptParameters::from_pairs(&pairs).unwrap();
        assert_eq!(parameters.get("path"), Some("a=b"));
        assert_eq!(parameters.get("subjects"), None);
        assert_eq!(parameters.unasked(), ["epochs"]);
        parameters.note_default("subjects", "8".to_owned());
        assert_eq!(parameters.defaults(), BTreeMap::from([("subjects".into(), "8".into())]));
        let twice = ["n=1".to_owned(), " n =2".to_owned()];
        let error = ScriptParameters::from_pairs(&twice).unwrap_err().to_string();
        assert_eq!(error, "the parameter n is given twice; give it one value");
        let error = ScriptParameters::from_pairs(&["epochs".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "a parameter is written name=value, not \"epochs\"");
    }
}
