//! Pairs the patients of two evaluations by name, and finds where their images or ground truth differ.

use super::examined::Examined;
use crate::cohort::hashes_differ;
use crate::context::Context;
use crate::evaluation::Evaluation;
use crate::{Error, Result};

/// Warns about the first evaluation whose patients, images or ground truth differ from those of the first
/// one, so that their figures cannot be compared.
pub fn warn_unless_comparable(evaluations: &[&Evaluation], context: &Context) {
    let Some((first, others)) = evaluations.split_first() else { return };
    for other in others {
        let differences = match places(first, other) {
            Ok(places) => differences(first, other, &places),
            Err(error) => vec![error.to_string()],
        };
        if !differences.is_empty() {
            differences.into_iter().for_each(|text| context.warn(text));
            return;
        }
    }
}

/// Warns if lesions of some evaluations are counted at the threshold with the best F1 on the same patients, and those of
/// others at one that was chosen elsewhere: the first kind is optimistic.
pub(in crate::evaluation) fn warn_of_mixed_thresholds(
    evaluations: &[&Evaluation],
    context: &Context,
) {
    let first = |optimistic: bool| {
        evaluations.iter().find_map(|of| {
            let threshold = of.lesions.as_ref()?.threshold.as_ref()?;
            (threshold.is_optimistic() == optimistic).then_some((&*of.method, threshold))
        })
    };
    if let (Some((best, _)), Some((fixed, threshold))) = (first(true), first(false)) {
        context.warn(format!(
            "lesions are counted at different kinds of thresholds: for {best} at the one with the best F1 on the same \
             patients, which is optimistic, for {fixed} at one chosen elsewhere ({}); evaluate all with thresholds of \
             one kind, such as those from healthy subjects",
            threshold.origin
        ));
    }
}

/// Where each patient of the first evaluation stands in the second.
///
/// # Errors
/// If the patients or their ground truth differ, or a name is not unique.
pub(in crate::evaluation) fn places(first: &Evaluation, second: &Evaluation) -> Result<Vec<usize>> {
    let only = |of: &Evaluation, other: &Evaluation| {
        let stranger = of.cases.names.iter().find(|name| !other.cases.names.contains(name));
        match stranger {
            Some(name) => Err(Error::input(format!(
                "only methods on the same patients can be compared: {name} was evaluated by {} but \
                 not by {}",
                of.method, other.method
            ))),
            None => Ok(()),
        }
    };
    only(first, second)?;
    only(second, first)?;
    let mut places = Vec::with_capacity(first.cases.names.len());
    for (name, (_, lesion)) in first.cases.names.iter().zip(&first.cases.scores) {
        let mut same = (0..second.cases.names.len()).filter(|at| second.cases.names[*at] == *name);
        match (same.next(), same.next()) {
            (Some(place), None) if second.cases.scores[place].1 == *lesion => places.push(place),
            (Some(_), None) => {
                return Err(Error::subject(
                    &**name,
                    format!(
                        "the evaluations of {} and {} disagree on whether there is a lesion; evaluate both \
                         with the same ground truth",
                        first.method, second.method
                    ),
                ));
            }
            _ => {
                return Err(Error::subject(
                    &**name,
                    format!(
                        "the name is not unique in the evaluations of {} and {}, so patients cannot be paired",
                        first.method, second.method
                    ),
                ));
            }
        }
    }
    Ok(places)
}

/// Why patients that were paired by their names may not be comparable, each in a sentence: their images or their
/// ground truth differ.
pub(super) fn differences(
    first: &Evaluation,
    second: &Evaluation,
    places: &[usize],
) -> Vec<String> {
    let mut differences = Vec::new();
    let differing = |differ: &dyn Fn(usize, usize) -> bool| {
        let pairs = places.iter().enumerate().filter(|(one, other)| differ(*one, **other));
        let found: Vec<usize> = pairs.map(|(one, _)| one).collect();
        let first_of = found.first().map(|place| &*first.cases.names[*place])?;
        Some((format!("{} of {} patients", found.len(), places.len()), first_of, found[0]))
    };
    let images = |one: usize, other: usize| {
        let both = first.cases.images.get(one).zip(second.cases.images.get(other));
        matches!(both, Some((Some(one), Some(other))) if hashes_differ(one, other))
    };
    if let Some((some, name, _)) = differing(&images) {
        differences.push(format!(
            "{some} with the same name were evaluated on different images by {} and {}, {name} among them: \
             the comparison takes them for the same people",
            first.method, second.method
        ));
    }
    let examined = |one: usize, other: usize| {
        let both = first.cases.examined.get(one).zip(second.cases.examined.get(other))?;
        both.0.as_ref().zip(both.1.as_ref())
    };
    let pixels = |one: usize, other: usize| {
        examined(one, other).is_some_and(|(one, other)| !one.has_the_pixels_of(other))
    };
    if let Some((some, name, place)) = differing(&pixels) {
        let of = examined(place, places[place]);
        let size = of.map(|(one, other)| format!("{one} and {other}")).unwrap_or_default();
        differences.push(format!(
            "the slices of {some} have another field of view or pixel size in {} than in {}, {name} among them ({size}): \
             the methods were scored on different pixels; give both the same `size` and `fov_mm`",
            first.method, second.method
        ));
    }
    // Hashes of masks tell something on the same slices only.
    let masks = |of: fn(&Examined) -> Option<&str>| {
        move |one: usize, other: usize| {
            let differ = |(one, other): (&Examined, &Examined)| {
                one.has_the_slices_of(other) && of(one) != of(other)
            };
            !images(one, other) && examined(one, other).is_some_and(differ)
        }
    };
    if let Some((some, name, place)) = differing(&masks(|of| Some(&*of.scoring))) {
        let pixels = examined(place, places[place]).map(|(one, other)| {
            format!("{} and {} pixels", one.scored_pixels, other.scored_pixels)
        });
        differences.push(format!(
            "the cord masks of {some} are not the same in {} and {}, {name} among them ({} are scored): evaluate both on the \
             same masks",
            first.method,
            second.method,
            pixels.unwrap_or_default()
        ));
    }
    let corrected = differing(&masks(|of| of.lesions.as_deref()));
    if let Some((some, name, _)) = &corrected {
        differences.push(format!(
            "the lesion masks of {some} are not the same in {} and {}, {name} among them: evaluate both on the same ground \
             truth",
            first.method, second.method
        ));
    }
    let lesions = |of: &Evaluation| of.lesions.as_ref().map(|level| level.lesions);
    if let (Some(one), Some(other)) = (lesions(first), lesions(second))
        && one != other
        && corrected.is_none()
    {
        differences.push(format!(
            "the ground truth is not the same: {one} lesions lie in the field of {}, {other} in that of {}; \
             load the cohort with the `size` and `fov_mm` of the model, so that both see the same",
            first.method, second.method
        ));
    }
    differences
}
