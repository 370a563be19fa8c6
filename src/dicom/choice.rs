//! Which series of an examination is the sagittal T2-weighted one.

use super::series::Series;

/// What the series of an examination offer.
pub(super) enum Choice<'a> {
    /// The only sagittal T2-weighted one, or the one that was asked for.
    One(&'a Series),
    None,
    Several(Vec<&'a Series>),
    /// More than one was asked for.
    AskedForSeveral(Vec<&'a Series>),
}

impl<'a> Choice<'a> {
    /// The choice among the series of one examination. `asked` holds numbers of series of all examinations.
    pub(super) fn among(series: &[&'a Series], asked: &[usize]) -> Self {
        let of = |wanted: &dyn Fn(&Series) -> bool| -> Vec<&'a Series> {
            series.iter().copied().filter(|series| wanted(series)).collect()
        };
        let chosen = of(&|series| asked.contains(&series.number));
        let fitting = of(&|series| series.objection.is_none());
        match (chosen.as_slice(), fitting.as_slice()) {
            ([one], _) | ([], [one]) => Self::One(one),
            ([], []) => Self::None,
            ([], _) => Self::Several(fitting),
            _ => Self::AskedForSeveral(chosen),
        }
    }
}
