//! Thin slices averaged to the thickness of a clinical protocol.
//!
//! Public volumes are often isotropic, with slices of about 1 mm; clinical ones have slices of 3 to
//! 4 mm, in which cord and fluid mix. A model trained on one kind and used on the other sees
//! images that look different. Averaging neighbouring thin slices gives thick ones.

use ndarray::Array2;

use crate::cohort::Slice;
use crate::cohort::note::Note;

/// Averages neighbouring slices so that their distance comes close to `slice_mm`. `acquired_mm` is the distance as
/// acquired, and each slice is the mean of `averaged` acquired ones; `None` if slices are thick enough as they are. The
/// masks of an average are true where at least half of its slices' are. Groups that are not complete are left
/// out, as long as any is. Also gives how many acquired slices each holds then.
pub(in crate::cohort) fn thick_slices(
    slices: &[Slice],
    averaged: usize,
    acquired_mm: f64,
    slice_mm: usize,
) -> Option<(Vec<Slice>, usize)> {
    let step = averaged.max(1);
    let group = (slice_mm as f64 / (acquired_mm * step as f64)).round() as usize;
    let (first, last) = (slices.first()?, slices.last()?);
    // Places of the slices, missing ones included.
    let place = |slice: &Slice| (slice.index - first.index) / step;
    let places = place(last) + 1;
    if group < 2 || places < group {
        return None;
    }
    // Slices left over are left out in equal parts at both ends.
    let mut thick = Vec::new();
    for from in (places % group / 2..=places - group).step_by(group) {
        let members: Vec<&Slice> =
            slices.iter().filter(|slice| (from..from + group).contains(&place(slice))).collect();
        if members.len() == group {
            thick.push(average(&members, step));
        }
    }
    (!thick.is_empty()).then(|| (thick, group * step))
}

/// Share of a lesion's area from which its loss is worth a note.
const WORTH_A_NOTE: f64 = 0.25;

/// A warning about the ground truth that averages do not show: in few of their slices, or in slices that are left
/// over. `averaged` as [`thick_slices`] gives it.
pub(in crate::cohort) fn lost_by_averaging(
    thin: &[Slice],
    thick: &[Slice],
    averaged: usize,
) -> Option<Note> {
    let (mut all, mut lost) = (0_usize, 0_usize);
    for slice in thin.iter().filter(|_| averaged > 1) {
        let holds = |thick: &&Slice| {
            let first = thick.index - averaged / 2;
            (first..first + averaged).contains(&slice.index)
        };
        let shown = thick.iter().find(holds).and_then(|thick| thick.lesion.as_ref());
        for (pixel, _) in
            slice.lesion.iter().flat_map(|map| map.indexed_iter()).filter(|(_, set)| **set)
        {
            all += 1;
            lost += usize::from(!shown.is_some_and(|shown| shown[pixel]));
        }
    }
    let share = lost as f64 / all.max(1) as f64;
    (share >= WORTH_A_NOTE).then(|| {
        let percent = 100.0 * share;
        let text = format!(
            "{percent:.0} % of the lesion area (ground truth) is lost where {averaged} thin slices are averaged to one, \
             because fewer than half of them show it; models of the preset \"paper\" average none"
        );
        let topic = "{} % of the lesion area (ground truth) is lost where thin slices are averaged, because fewer than \
                     half of them show it; models of the preset \"paper\" average none";
        Note::warning(topic, text).of(percent)
    })
}

/// The mean of slices, each of which holds `step` acquired ones, in the place of their middle.
fn average(members: &[&Slice], step: usize) -> Slice {
    let count = members.len();
    // Where as many slices are inside as outside, a pixel is half cord and half fluid: it counts as cord alone, and is not
    // scored.
    let least = |is_tie_inside: bool| if is_tie_inside { count.div_ceil(2) } else { count / 2 + 1 };
    let vote = |mask: &dyn Fn(&Slice) -> &Array2<bool>, is_tie_inside: bool| {
        let mut votes = Array2::<usize>::zeros(members[0].image.dim());
        for member in members {
            votes.zip_mut_with(mask(member), |votes, inside| *votes += usize::from(*inside));
        }
        votes.mapv(|votes| votes >= least(is_tie_inside))
    };
    let cord = vote(&|slice| &slice.cord, true);
    let mut csf = vote(&|slice| &slice.csf, true);
    csf.zip_mut_with(&cord, |fluid, cord| *fluid &= !cord);
    let mut image = Array2::<f32>::zeros(members[0].image.dim());
    members.iter().for_each(|member| image += &member.image);
    let indices = || members.iter().filter_map(|member| member.voxels.clone());
    let first = indices().map(|voxels| *voxels.start()).min();
    let last = indices().map(|voxels| *voxels.end()).max();
    let known = members.iter().all(|member| member.lesion.is_some());
    Slice {
        index: members[0].index - step / 2 + count * step / 2,
        voxels: first.zip(last).map(|(first, last)| first..=last),
        image: image / count as f32,
        cord,
        csf,
        region: vote(&|slice| &slice.region, true),
        scoring: vote(&|slice| &slice.scoring, false),
        lesion: known.then(|| vote(&|slice| slice.lesion.as_ref().unwrap_or(&slice.cord), true)),
        ..members[count / 2].clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn slice(index: usize) -> Slice {
        let inside = Array2::from_elem((2, 2), index.is_multiple_of(3));
        Slice {
            subject: Arc::from("sub-01"),
            index,
            voxels: Some(10 + index..=10 + index),
            image: Array2::from_elem((2, 2), index as f32),
            cord: inside.clone(),
            csf: inside.clone(),
            region: Array2::from_elem((2, 2), true),
            scoring: inside,
            lesion: None,
            pixel_spacing_mm: (1.0, 1.0),
        }
    }

    #[test]
    fn a_pixel_that_is_half_fluid_is_cord_but_not_scored() {
        let with = |index: usize, is_cord: bool| Slice {
            cord: Array2::from_elem((2, 2), is_cord),
            scoring: Array2::from_elem((2, 2), is_cord),
            csf: Array2::from_elem((2, 2), !is_cord),
            ..slice(index)
        };
        let group = [with(0, true), with(1, true), with(2, false), with(3, false)];
        let tie = average(&group.each_ref(), 4);
        assert!(tie.cord[[0, 0]] && !tie.scoring[[0, 0]] && !tie.csf[[0, 0]]);
        let group = [with(0, true), with(1, true), with(2, true), with(3, false)];
        let most = average(&group.each_ref(), 4);
        assert!(most.cord[[0, 0]] && most.scoring[[0, 0]] && !most.csf[[0, 0]]);
    }

    #[test]
    fn thin_slices_become_averages_of_the_middle_ones() {
        let thin: Vec<Slice> = (4..12).map(slice).collect();
        let (thick, averaged) = thick_slices(&thin, 1, 1.0, 3).unwrap();
        assert_eq!(averaged, 3);
        let of = |slice: &Slice| (slice.index, slice.image[[0, 0]], slice.cord[[0, 0]]);
        assert_eq!(thick.iter().map(of).collect::<Vec<_>>(), [(6, 6.0, false), (9, 9.0, false)]);
        assert!(thick.iter().all(|slice| slice.region[[0, 0]]));
    }

    #[test]
    fn a_lesion_that_averages_do_not_show_is_told() {
        // Slices 5 to 7 and 8 to 10 are averaged, 4 and 11 left over.
        let told = |marked: &[usize]| {
            let thin: Vec<Slice> = (4..12)
                .map(|index| Slice {
                    lesion: Some(Array2::from_elem((2, 2), marked.contains(&index))),
                    ..slice(index)
                })
                .collect();
            let (thick, averaged) = thick_slices(&thin, 1, 1.0, 3).unwrap();
            lost_by_averaging(&thin, &thick, averaged).map(|note| note.to_string())
        };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[5, 6, 8, 9, 10]), None);
        assert!(told(&[6]).unwrap().starts_with("100 % of the lesion area (ground truth) is lost"));
        assert!(told(&[8, 9, 11]).unwrap().starts_with("33 %"));
        // Without averages nothing is lost.
        let thin = [slice(0)];
        assert_eq!(lost_by_averaging(&thin, &thin, 1), None);
    }

    #[test]
    fn thick_or_few_slices_stay() {
        let as_they_are: Vec<Slice> = (0..4).map(slice).collect();
        assert_eq!(thick_slices(&as_they_are, 1, 3.3, 3), None);
        assert_eq!(thick_slices(&as_they_are[..2], 1, 1.0, 3), None);
        assert_eq!(thick_slices(&as_they_are, 1, 1.0, 0), None);
    }
}
