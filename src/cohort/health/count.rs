//! How the values of the column that says who is healthy were counted in a cohort, and what is said of it.

use std::collections::BTreeMap;
use std::fmt;

use super::{Columns, Health, HealthRule, SaidBySession, deciding, health, is_missing, normal};

/// How the values of the deciding column were counted in a cohort.
#[derive(Debug, Default)]
pub(in crate::cohort) struct HealthCount {
    /// The columns of the participants table that decide, in the order in which they first do.
    columns: Vec<String>,
    /// The same of tables of sessions.
    session_columns: Vec<String>,
    /// The first table of a session that decides.
    session_table: Option<String>,
    /// The first column that has a value which is not a known word, with its table: "participants column group".
    unknown_column: Option<(String, String)>,
    /// Subjects by value.
    healthy: BTreeMap<String, usize>,
    clinical: BTreeMap<String, usize>,
    unknown: BTreeMap<String, usize>,
}

impl HealthCount {
    /// Counts the rows of a cohort, each with what the table of its session says in it; `None` if no row decides.
    pub(in crate::cohort) fn of<'a>(
        rows: impl Iterator<Item = (&'a Columns, Option<&'a SaidBySession>)>,
        rule: Option<&HealthRule>,
    ) -> Option<Self> {
        let mut count = Self::default();
        for (columns, by_session) in rows {
            let named = rule.and_then(HealthRule::column);
            let cell = match named {
                Some(column) => columns.get(column).map(|value| (column, value.as_str())),
                None => deciding(columns),
            };
            let Some((column, value)) = cell else { continue };
            let session = by_session.filter(|said| said.columns.contains(column));
            let (known, of_table) = match session {
                Some(said) => {
                    count.session_table.get_or_insert_with(|| said.file.clone());
                    (&mut count.session_columns, format!("column {column} of tables of sessions"))
                }
                None => (&mut count.columns, format!("participants column {column}")),
            };
            if !known.iter().any(|known| known == column) {
                known.push(column.to_owned());
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
                        count.unknown_column.get_or_insert_with(|| (column.to_owned(), of_table));
                    }
                    &mut count.unknown
                }
            };
            *counted.entry(value.to_owned()).or_default() += 1;
        }
        (!count.columns.is_empty() || !count.session_columns.is_empty()).then_some(count)
    }

    /// The columns of both kinds of tables, each once.
    fn all_columns(&self) -> Vec<&str> {
        let of_sessions = self.session_columns.iter().filter(|name| !self.columns.contains(name));
        self.columns.iter().chain(of_sessions).map(String::as_str).collect()
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
                self.all_columns().join(", "),
                values(&self.unknown)
            )
        })
    }

    /// The values that are not known words, as a sentence that says what to do; `None` without any.
    pub(in crate::cohort) fn unknown(&self) -> Option<String> {
        let word = self.unknown.keys().find(|value| !is_missing(&normal(value)))?;
        let (column, of_table) = self.unknown_column.as_ref()?;
        // Which of them are healthy only the user knows. Where others are called healthy, it is probably none of these.
        let (value, condition) = match self.healthy.keys().next() {
            Some(healthy) => (healthy, "if none of these is".to_owned()),
            None => (word, format!("if {word} is")),
        };
        // A rule looks at one column only, words at the one that decides for each subject.
        let rule = match self.all_columns().as_slice() {
            [_] => format!("\"{column} == '{value}'\""),
            _ => format!("[\"{value}\"]"),
        };
        Some(format!(
            "the {of_table} has values that say neither healthy nor clinical ({}); say who is healthy, such as \
             load_cohort(…, healthy = {rule}) {condition}",
            values(&self.unknown),
        ))
    }
}

impl fmt::Display for HealthCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |columns: &[String], before: &str| {
            let s = if columns.len() == 1 { "" } else { "s" };
            format!("{before}column{s} {}", columns.join(", "))
        };
        let first = self.session_table.as_deref().unwrap_or_default();
        let of_sessions = || {
            format!(
                "{} of tables of sessions (the first {first})",
                named(&self.session_columns, "")
            )
        };
        let decides = match self.all_columns().len() {
            1 => "decides who is healthy",
            _ => "decide who is healthy, the first that is filled in for each",
        };
        match (self.columns.as_slice(), self.session_columns.as_slice()) {
            (columns, []) => write!(f, "the {} {decides}: ", named(columns, "participants "))?,
            ([], _) => write!(f, "the {} {decides}: ", of_sessions())?,
            (columns, _) => write!(
                f,
                "the {} and, where the participants table says nothing, the {} decide who is healthy: ",
                named(columns, "participants "),
                of_sessions()
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

    /// Rows that no table of a session adds to.
    fn alone(rows: &[Columns]) -> impl Iterator<Item = (&Columns, Option<&SaidBySession>)> {
        rows.iter().map(|row| (row, None))
    }

    #[test]
    fn the_count_says_which_values_were_counted_how() {
        let rows = ["HC", "HC", "DCM", "G7", "n/a"].map(|value| columns(&[("group", value)]));
        let count = HealthCount::of(alone(&rows), None).unwrap();
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
        let count = HealthCount::of(alone(&rows), Some(&rule)).unwrap();
        assert!(count.to_string().contains("1 healthy (G7)"), "{count}");
        assert!(count.to_string().ends_with(", 1 counted as clinical (n/a)"), "{count}");
        let undecided = count.undecided().unwrap();
        assert!(
            undecided.starts_with("1 subject has no value in the participants column group"),
            "{undecided}"
        );
        assert_eq!(count.unknown(), None);
        assert!(HealthCount::of(alone(&[columns(&[])]), None).is_none());
    }

    #[test]
    fn rows_that_are_decided_by_different_columns_name_them_all() {
        let rows = [
            columns(&[("dataset", "public"), ("group", "")]),
            columns(&[("dataset", "n/a"), ("group", "G1")]),
            columns(&[("dataset", "clinical"), ("group", "")]),
        ];
        let count = HealthCount::of(alone(&rows), None).unwrap();
        assert_eq!(
            count.to_string(),
            "the participants columns dataset, group decide who is healthy, the first that is filled in for each: 1 healthy \
             (public), 1 clinical (clinical), 1 counted as clinical (G1)"
        );
        let unknown = count.unknown().unwrap();
        assert!(unknown.starts_with("the participants column group has values"), "{unknown}");
        assert!(unknown.contains("healthy = [\"public\"]) if none of these is"), "{unknown}");
    }

    #[test]
    fn tables_of_sessions_that_decide_are_named() {
        let rows = [columns(&[("group", "hc")]), columns(&[("pathology", "ms")])];
        let said = SaidBySession {
            file: "sub-02_sessions.tsv".to_owned(),
            columns: ["pathology".to_owned()].into(),
        };
        let of = |rows: &[(&Columns, Option<&SaidBySession>)]| {
            HealthCount::of(rows.iter().copied(), None).unwrap().to_string()
        };
        assert_eq!(
            of(&[(&rows[1], Some(&said))]),
            "the column pathology of tables of sessions (the first sub-02_sessions.tsv) decides who is healthy: 1 clinical (ms)"
        );
        assert_eq!(
            of(&[(&rows[0], Some(&said)), (&rows[1], Some(&said))]),
            "the participants column group and, where the participants table says nothing, the column pathology of tables of \
             sessions (the first sub-02_sessions.tsv) decide who is healthy: 1 healthy (hc), 1 clinical (ms)"
        );
        let odd = columns(&[("pathology", "G7")]);
        let count = HealthCount::of([(&odd, Some(&said))].into_iter(), None).unwrap();
        let unknown = count.unknown().unwrap();
        assert!(unknown.starts_with("the column pathology of tables of sessions has"), "{unknown}");
    }
}
