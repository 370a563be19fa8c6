//! Parameters with several values each, and their combinations.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// The parameter that is the seed of a run: runs that differ in it alone are averaged.
pub const SEED: &str = "seed";

/// Most combinations allowed: more are most likely a mistake.
const MOST: usize = 10_000;
/// Most characters of a name.
const LONGEST: usize = 120;

/// Parameters in the order in which they were given, each with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    axes: Vec<(String, Vec<String>)>,
}

/// One value of each parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// In the order of the grid.
    pub values: Vec<(String, String)>,
    /// Distinguishes it from the others; used as a folder name: `learning_rate=1e-3_seed=1`.
    pub name: String,
}

impl Grid {
    /// Reads parameters such as `learning_rate=1e-3,3e-3` and `seed=1..5`. Commas separate values; `1..5`
    /// stands for the whole numbers 1, 2, 3, 4 and 5.
    ///
    /// # Errors
    /// If a parameter has no name or no value, is given twice or has a value twice, a range is none, the seed is
    /// no whole number of at least 0, or there are more than 10 000 combinations.
    pub fn parse(parameters: &[String]) -> Result<Self> {
        let mut axes: Vec<(String, Vec<String>)> = Vec::new();
        for parameter in parameters {
            let (name, text) = match parameter.split_once('=') {
                Some((name, text)) if !name.trim().is_empty() => (name.trim(), text),
                _ => {
                    return Err(Error::input(format!(
                        "a parameter is written name=value,value or name=1..5, not \"{parameter}\""
                    )));
                }
            };
            if axes.iter().any(|(known, _)| known == name) {
                return Err(Error::input(format!(
                    "the parameter {name} is given twice; write all its values behind one, separated by commas"
                )));
            }
            axes.push((name.to_owned(), values(name, text)?));
        }
        let count = axes.iter().try_fold(1_usize, |count, (_, values)| {
            count.checked_mul(values.len()).filter(|count| *count <= MOST)
        });
        match count {
            Some(_) => Ok(Self { axes }),
            None => Err(Error::input(format!(
                "these values have more than {MOST} combinations; run fewer at a time"
            ))),
        }
    }

    /// All combinations: the last parameter changes fastest.
    pub fn combinations(&self) -> Vec<Combination> {
        let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
        for (name, values) in &self.axes {
            let with = |before: &Vec<(String, String)>| {
                let before = before.clone();
                let longer = move |value: &String| {
                    let mut longer = before.clone();
                    longer.push((name.clone(), value.clone()));
                    longer
                };
                values.iter().map(longer).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        all.into_iter()
            .map(|values| {
                let name = self.name(&values);
                let times = used.entry(name.to_lowercase()).or_default();
                *times += 1;
                let name = if *times == 1 { name } else { format!("{name}_other{times}") };
                Combination { values, name }
            })
            .collect()
    }

    /// Names of the parameters with several values, without the seed.
    pub fn varied(&self) -> Vec<&str> {
        let varied = self.axes.iter().filter(|(name, values)| values.len() > 1 && name != SEED);
        varied.map(|(name, _)| name.as_str()).collect()
    }

    /// Names of all parameters but the seed.
    pub fn named(&self) -> Vec<&str> {
        let named = self.axes.iter().filter(|(name, _)| name != SEED);
        named.map(|(name, _)| name.as_str()).collect()
    }

    fn name(&self, values: &[(String, String)]) -> String {
        let is_varied =
            |name: &str| self.axes.iter().any(|(axis, values)| axis == name && values.len() > 1);
        let parts: Vec<String> = values
            .iter()
            .filter(|(name, _)| is_varied(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let plain = |letter: char| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '=' | '-' => letter,
            _ => '-',
        };
        let name: String = parts.join("_").chars().map(plain).take(LONGEST).collect();
        let name = name.trim_start_matches('.');
        if name.is_empty() { "only".to_owned() } else { name.to_owned() }
    }
}

impl Combination {
    /// The seed, if it is one of the parameters.
    pub fn seed(&self) -> Option<u64> {
        self.values.iter().find(|(name, _)| name == SEED)?.1.parse().ok()
    }

    /// The value of this parameter; `None` if it is not varied or set.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn values(name: &str, text: &str) -> Result<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    for part in text.split(',').map(str::trim) {
        if part.is_empty() {
            return Err(Error::input(format!("{name}={text} has an empty value")));
        }
        match part.split_once("..") {
            // A path such as ../images is no range.
            Some((from, to)) if number(from).or(number(to)).is_some() => {
                all.extend(range(name, from, to)?);
            }
            _ => all.push(part.to_owned()),
        }
    }
    if name == SEED {
        for value in &mut all {
            let seed: u64 = value.parse().map_err(|_| {
                Error::input(format!("a seed is a whole number of at least 0, not \"{value}\""))
            })?;
            *value = seed.to_string();
        }
    }
    if let Some(place) = (0..all.len()).find(|place| all[..*place].contains(&all[*place])) {
        return Err(Error::input(format!("{name}={text} has the value {} twice", all[place])));
    }
    if let Some(part) = all.iter().find(|value| value.matches('"').count() % 2 == 1) {
        return Err(Error::input(format!(
            "{name}={text} has the value {part}: commas separate values within quotation marks, too"
        )));
    }
    Ok(all)
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn range(name: &str, from: &str, to: &str) -> Result<Vec<String>> {
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to && to.abs_diff(from) < MOST as u64 => {
            Ok((from..=to).map(|number| number.to_string()).collect())
        }
        _ => Err(Error::input(format!(
            "{name}={from}..{to} is no range: write two whole numbers, the lower one first, at most {MOST} apart"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(parameters: &[&str]) -> Result<Grid> {
        Grid::parse(&parameters.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn lists_and_ranges_make_all_combinations() {
        let grid = grid(&["learning_rate=1e-3,3e-3", "seed=1..3", "epochs=5"]).unwrap();
        let all = grid.combinations();
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.len(), 6);
        assert_eq!(names[..2], ["learning_rate=1e-3_seed=1", "learning_rate=1e-3_seed=2"]);
        assert_eq!((all[5].seed(), all[5].value("epochs")), (Some(3), Some("5")));
        assert_eq!(grid.varied(), ["learning_rate"]);
        let negative = self::grid(&["a=-1..1"]).unwrap().combinations();
        assert_eq!(negative.iter().map(|one| one.value("a").unwrap()).collect::<String>(), "-101");
        assert_eq!(self::grid(&["a=1"]).unwrap().combinations()[0].name, "only");
        assert_eq!(self::grid(&[]).unwrap().combinations().len(), 1);
    }

    #[test]
    fn names_are_plain_and_apart() {
        let all = grid(&["path=a/b,a b,../x"]).unwrap().combinations();
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["path=a-b", "path=a-b_other2", "path=..-x"]);
    }

    #[test]
    fn mistakes_are_said_in_one_sentence() {
        let refusal = |text: &[&str]| grid(text).unwrap_err().to_string();
        assert!(refusal(&["rate"]).starts_with("a parameter is written name=value,value"));
        assert_eq!(refusal(&["a=1,,2"]), "a=1,,2 has an empty value");
        assert_eq!(refusal(&["a=1,2,1"]), "a=1,2,1 has the value 1 twice");
        assert_eq!(refusal(&["seed=1,01"]), "seed=1,01 has the value 1 twice");
        assert!(refusal(&["a=\"b,c\""]).contains("commas separate values within quotation marks"));
        assert!(refusal(&["a=1", "a=2"]).contains("is given twice"));
        assert!(refusal(&["a=5..1"]).contains("is no range"));
        assert!(refusal(&["a=1..x"]).contains("is no range"));
        assert!(refusal(&["seed=a"]).contains("a seed is a whole number"));
        assert!(refusal(&["a=1..9999", "b=1,2"]).contains("more than 10000 combinations"));
    }
}
