//! How the values of the column that says who is healthy were counted in a cohort, and what is said of it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Columns, Health, HealthRule, deciding, health, is_missing, normal};

/// How the values of the deciding column were counted in a cohort.
#[derive(Debug, Default)]
pub(in crate::cohort) struct HealthCount {
    /// The columns that decide, in the order in which they first do.
    columns: Vec<String>,
    /// The first column that has a value which is not a known word.
    unknown_column: Option<String>,
    /// Subjects by value.
    healthy: BTreeMap<String, usize>,
    clinical: BTreeMap<String, usize>,
    unknown: BTreeMap<String, usize>,
}

impl HealthCount {
    /// Counts the rows of a cohort; `None` if no row decides.
    pub(in crate::cohort) fn of<'a>(
        rows: impl Iterator<Item = &'a Columns>,
        rule: Option<&HealthRule>,
    ) -> Option<Self> {
        let mut count = Self::default();
        for columns in rows {
            let named = rule.and_then(HealthRule::column);
            let cell = match named {
                Some(column) => columns.get(column).map(|value| (column, value.as_str())),
                None => deciding(columns),
            };
            let Some((column, value)) = cell else { continue };
            if !count.columns.iter().any(|known| known == column) {
                count.columns.push(column.to_owned());
            }
            let health = match rule.map(|rule| rule.decide(columns)) {
                Some(Some(true)) => Health::Healthy,
                Some(Some(false)) => Health::Clinical,
                Some(None) => Health::Unsaid,
                None => health(columns),
            };
            let counted = match health {
                Health::Healthy => &mut count.healthy,
                Health::Clinical => &mut count.clinical,
                Health::UnknownWord | Health::Unsaid => {
                    if !is_missing(&normal(value)) {
                        count.unknown_column.get_or_insert_with(|| column.to_owned());
                    }
                    &mut count.unknown
                }
            };
            *counted.entry(value.to_owned()).or_default() += 1;
        }
        (!count.columns.is_empty()).then_some(count)
    }

    /// Subjects for whom a rule has no value to decide by, as a sentence; `None` without any.
    pub(in crate::cohort) fn undecided(&self) -> Option<String> {
        let number: usize = self.unknown.values().sum();
        let (who, count) =
            if number == 1 { ("subject has", "counts") } else { ("subjects have", "count") };
        (number > 0).then(|| {
            format!(
                "{number} {who} no value in the participants column {} that says who is healthy ({}), and {count} as \
                 clinical; name the value in the rule if it says so",
                self.columns.join(", "),
                values(&self.unknown)
            )
        })
    }

    /// The values that are not known words, as a sentence that says what to do; `None` without any.
    pub(in crate::cohort) fn unknown(&self) -> Option<String> {
        let word = self.unknown.keys().find(|value| !is_missing(&normal(value)))?;
        let column = self.unknown_column.as_ref()?;
        // Which of them are healthy only the user knows. Where others are called healthy, it is probably none of these.
        let (value, condition) = match self.healthy.keys().next() {
            Some(healthy) => (healthy, "if none of these is".to_owned()),
            None => (word, format!("if {word} is")),
        };
        // A rule looks at one column only, words at the one that decides for each subject.
        let rule = match self.columns.as_slice() {
            [_] => format!("\"{column} == '{value}'\""),
            _ => format!("[\"{value}\"]"),
        };
        Some(format!(
            "the participants column {column} has values that say neither healthy nor clinical ({}); say who is healthy, such as \
             load_cohort(…, healthy = {rule}) {condition}",
            values(&self.unknown),
        ))
    }
}

impl fmt::Display for HealthCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.columns.as_slice() {
            [column] => write!(f, "the participants column {column} decides who is healthy: ")?,
            several => write!(
                f,
                "the participants columns {} decide who is healthy, the first that is filled in for each: ",
                several.join(", ")
            )?,
        }
        let part = |values_of: &BTreeMap<String, usize>, name: &str| {
            let number: usize = values_of.values().sum();
            (number > 0).then(|| format!("{number} {name} ({})", values(values_of)))
        };
        let parts = [
            part(&self.healthy, "healthy"),
            part(&self.clinical, "clinical"),
            part(&self.unknown, "counted as clinical"),
        ];
        write!(f, "{}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

fn values(counts: &BTreeMap<String, usize>) -> String {
    let value = |(value, _): (&String, &usize)| {
        if value.is_empty() { "no value".to_owned() } else { value.clone() }
    };
    counts.iter().map(value).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_count_says_which_values_were_counted_how() {
        let rows = ["HC", "HC", "DCM", "G7", "n/a"].map(|value| columns(&[("group", value)]));
        let count = HealthCount::of(rows.iter(), None).unwrap();
        assert_eq!(
            count.to_string(),
            "the participants column group decides who is healthy: 2 healthy (HC), 1 clinical (DCM), 2 counted as clinical (G7, n/a)"
        );
        let unknown = count.unknown().unwrap();
        assert!(
            unknown.contains("load_cohort(…, healthy = \"group == 'HC'\") if none of these is"),
            "{unknown}"
        );
        let rule = HealthRule::parse("group == 'G7'").unwrap();
        let count = HealthCount::of(rows.iter(), Some(&rule)).unwrap();
        assert!(count.to_string().contains("1 healthy (G7)"), "{count}");
        assert!(count.to_string().ends_with(", 1 counted as clinical (n/a)"), "{count}");
        let undecided = count.undecided().unwrap();
        assert!(
            undecided.starts_with("1 subject has no value in the participants column group"),
            "{undecided}"
        );
        assert_eq!(count.unknown(), None);
        assert!(HealthCount::of([columns(&[])].iter(), None).is_none());
    }

    #[test]
    fn rows_that_are_decided_by_different_columns_name_them_all() {
        let rows = [
            columns(&[("dataset", "public"), ("group", "")]),
            columns(&[("dataset", "n/a"), ("group", "G1")]),
            columns(&[("dataset", "clinical"), ("group", "")]),
        ];
        let count = HealthCount::of(rows.iter(), None).unwrap();
        assert_eq!(
            count.to_string(),
            "the participants columns dataset, group decide who is healthy, the first that is filled in for each: 1 healthy \
             (public), 1 clinical (clinical), 1 counted as clinical (G1)"
        );
        let unknown = count.unknown().unwrap();
        assert!(unknown.starts_with("the participants column group has values"), "{unknown}");
        assert!(unknown.contains("healthy = [\"public\"]) if none of these is"), "{unknown}");
    }
}
