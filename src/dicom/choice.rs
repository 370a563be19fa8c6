//! Which series is the sagittal T2-weighted one.

use super::series::Series;

/// The one sagittal T2-weighted series of a patient. The error is a clause that says what to do.
pub(super) fn choose<'a>(series: &[&'a Series]) -> Result<&'a Series, String> {
    let fitting: Vec<&Series> =
        series.iter().copied().filter(|series| series.objection.is_none()).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => Err("has no sagittal T2-weighted series; choose one with --series N".into()),
        several => {
            let numbers: Vec<String> =
                several.iter().map(|series| series.number.to_string()).collect();
            Err(format!(
                "has {} sagittal T2-weighted series ({}); choose one with --series N",
                several.len(),
                numbers.join(", ")
            ))
        }
    }
}
