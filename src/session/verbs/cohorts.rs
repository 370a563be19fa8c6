//! Verbs that load, generate, modify and measure cohorts.

use std::collections::BTreeMap;
use std::sync::Arc;

use either::Either;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::dict::UnpackDictEntries;
use starlark::values::float::UnpackFloat;
use starlark::values::list::UnpackList;
use starlark::values::none::NoneOr;

use super::defaults::PIXEL_SPACING_MM;
use super::long_work::work;
use super::{optional_unsigned, unsigned};
use crate::Result;
use crate::cohort::{Cohort, HealthRule, LoadOptions, SliceGrid};
use crate::context::Streams;
use crate::detection::SignalCurve;
use crate::files::user_path;
use crate::phantom::{NormalStructure, PhantomOptions};
use crate::segmentation::DiscByHand;
use crate::session::engine::jobs::Later;
use crate::session::state::State;
use crate::session::values::{
    CohortValue, FieldOfView, SignalCurveValue, SignalCurvesValue, SubjectValue,
};
use crate::simulation::LesionSimulator;
use crate::study::Study;

/// Name and voxel of one disc by subject.
type DiscsByHand = UnpackDictEntries<String, (String, (i64, i64, i64))>;

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Loads a cohort from a folder.
    ///
    /// The folder is a BIDS tree (participants.tsv, sub-*/anat/*_T2w.nii.gz, masks in
    /// derivatives/), a folder of images with their masks beside them, or one of preprocessed .npy
    /// slices. Subjects are preprocessed when first needed. A subject that cannot be used is
    /// reported with the reason and left out. Images without a cord mask wait for `segment`. Masks that `save_masks`
    /// wrote count as found by the program until somebody corrects them.
    ///
    /// Masks are named after their image, with or without _T2w, followed by a known name. Spinal cord:
    /// _label-SC_seg, _label-SC_mask, _seg, _seg-manual, _softseg; fluid: _label-CSF_seg, _csf, _csfseg; discs:
    /// _labels-disc, _label-discs_dlabel, _seg_labeled_discs; lesions: _label-lesion_seg, _lesion, each
    /// also with -manual; docs/data.md has them all.
    ///
    /// # Arguments
    /// * `path`: the folder.
    /// * `strict`: whether a subject that cannot be used is an error.
    /// * `size`: edge of the preprocessed slices in pixels. Verbs that take a model preprocess the
    ///   slices for that model themselves.
    /// * `fov_mm`: edge of the slices' square field of view around the centre, in mm; None: 200, as
    ///   published. "auto" takes the smallest field that holds the cords of nearly all subjects, and says which;
    ///   `u2ad(fov_mm = cohort.fov_mm)` makes a model for it. It needs cord masks: of images without masks, use
    ///   `segment(cohort).preprocess(fov_mm = "auto")`.
    /// * `derivatives`: name of the only folder under derivatives/ from which masks are taken.
    /// * `healthy`: who is healthy, as a rule about a column of the participants table
    ///   (`"group == 'HV'"`) or as a list of words; None: the columns dataset, group, cohort or pathology
    ///   decide by known words such as healthy, control, HC.
    ///
    /// Examples:
    /// ```python
    /// clinic = load_cohort("bids/clinic")
    /// print(clinic.names)
    /// ```
    fn load_cohort(
        path: &str,
        #[starlark(default = false)] strict: bool,
        #[starlark(require = named, default = 256)] size: i64,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<Either<i64, &str>>,
        #[starlark(require = named, default = NoneOr::None)] derivatives: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] healthy: NoneOr<
            Either<&str, UnpackList<String>>,
        >,
        eval: &mut Evaluator,
    ) -> anyhow::Result<CohortValue> {
        let context = State::of(eval).context();
        let fov_mm = FieldOfView::of("load_cohort", fov_mm)?;
        let fov = fov_mm.edge_mm().unwrap_or(SliceGrid::default().fov_mm);
        let options = LoadOptions {
            strict,
            grid: SliceGrid {
                size: unsigned("load_cohort", "size", size)?,
                fov_mm: fov,
                ..SliceGrid::default()
            },
            derivatives: derivatives.into_option().map(str::to_owned),
            healthy: match healthy.into_option() {
                None => None,
                Some(Either::Left(rule)) => Some(HealthRule::parse(rule)?),
                Some(Either::Right(words)) => Some(HealthRule::Words(words.items)),
            },
        };
        let mut cohort = Cohort::load(&user_path(path)?, &options, &context)?;
        if fov_mm == FieldOfView::Fitting {
            cohort = cohort.on_fitting_field(&context)?;
        }
        Ok(CohortValue { cohort, context })
    }

    /// Finds the spinal cord, the cerebrospinal fluid and the discs in images that have no cord mask.
    ///
    /// Returns the same subjects; those without a cord mask carry found masks. Given masks always win
    /// and stay as they are. A subject in which no cord is found stays unusable, with the reason;
    /// slices whose cord is uncertain are left out, with a note. `cohort.masks` says which masks are
    /// given and which found. Look at found masks (`plot`, `qc`) before you trust findings. The found masks
    /// last as long as the session; `save_masks` keeps them.
    ///
    /// # Arguments
    /// * `cohort`: what `load_cohort` returned; it is not changed.
    /// * `discs`: for subjects whose vertebral levels are left open or wrong, one disc that you see yourself, such
    ///   as `{"sub-07": ("C5/C6", (6, 140, 121))}`: its name, and the voxel where it meets the canal, counted from 0
    ///   as viewers show it. The other discs get their names from it. A voxel far from the cord is refused.
    ///
    /// Examples:
    /// ```python
    /// clinic = segment(load_cohort("bids/clinic"))
    /// print(clinic.masks)
    /// ```
    fn segment(
        cohort: &CohortValue,
        #[starlark(require = named, default = NoneOr::None)] discs: NoneOr<DiscsByHand>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<CohortValue>> {
        // The context of a job ends with the job.
        let context = State::of(eval).context();
        let cohort = cohort.cohort.clone();
        let entries = discs.into_option().map_or_else(Vec::new, |discs| discs.entries);
        let mut by_hand = BTreeMap::new();
        for (subject, (disc, (i, j, k))) in entries {
            let index = |value| unsigned("segment", "discs", value);
            let voxel = [index(i)?, index(j)?, index(k)?];
            by_hand.insert(subject, DiscByHand::new(&disc, voxel)?);
        }
        work("segment", eval, move |study| {
            Ok(CohortValue { cohort: study.segment(&cohort, &by_hand)?, context })
        })
    }

    /// Generates a cohort of synthetic spines with known lesions, for trying things out without
    /// data.
    ///
    /// The first subjects are healthy volunteers of a research site; the others are patients of a
    /// hospital with another scanner, some of them with T2 hyperintensities in the cord.
    ///
    /// # Arguments
    /// * `subjects`: number of subjects.
    /// * `clinical`: number of patients among them; None: half.
    /// * `lesions`: number of patients with lesions; None: half of the patients.
    /// * `pixel_spacing_mm`: mean edge length of a pixel; larger pixels are faster to generate.
    /// * `size`: edge of the preprocessed slices in pixels. Verbs that take a model preprocess the
    ///   slices for that model themselves.
    /// * `fov_mm`: edge of the slices' square field of view around the centre, in mm.
    /// * `seed`: seed of the cohort; every number gives a different cohort. None: the session's
    ///   seed.
    /// * `normal_structure`: whether all cords show the normal features that make real cords bright
    ///   or uneven: grey matter and central canal, truncation lines, partial volume, disc bulges, coil
    ///   fall-off, ghosts, flow voids. Without them, every bright spot of the
    ///   cord is a lesion.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 12)
    /// people.clinical
    /// ```
    fn phantom_cohort(
        #[starlark(default = 12)] subjects: i64,
        #[starlark(require = named, default = NoneOr::None)] clinical: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] lesions: NoneOr<i64>,
        #[starlark(require = named, default = UnpackFloat(PIXEL_SPACING_MM))]
        pixel_spacing_mm: UnpackFloat,
        #[starlark(require = named, default = 256)] size: i64,
        #[starlark(require = named, default = 200)] fov_mm: i64,
        #[starlark(require = named, default = NoneOr::None)] seed: NoneOr<i64>,
        #[starlark(require = named, default = true)] normal_structure: bool,
        eval: &mut Evaluator,
    ) -> anyhow::Result<CohortValue> {
        let verb = "phantom_cohort";
        let context = State::of(eval).context();
        let streams = match optional_unsigned(verb, "seed", seed)? {
            Some(seed) => Streams::new(seed),
            None => context.streams,
        };
        let options = PhantomOptions {
            subjects: unsigned(verb, "subjects", subjects)?,
            clinical: optional_unsigned(verb, "clinical", clinical)?,
            with_lesions: optional_unsigned(verb, "lesions", lesions)?,
            pixel_spacing_mm: pixel_spacing_mm.0,
            normal_structure: match normal_structure {
                true => NormalStructure::ALL,
                false => NormalStructure::NONE,
            },
        };
        let cohort = Cohort::phantom(&options, grid(verb, size, fov_mm)?, &streams)?;
        Ok(CohortValue { cohort, context })
    }

    /// Copies a cohort and paints simulated lesions into the cords, to measure with a known ground
    /// truth how well a method finds lesions.
    ///
    /// Ranges are pairs (minimum, maximum). Sizes and contrasts are drawn log-uniformly.
    /// Real lesions of the subjects stay in the images but not in the ground truth. The copy keeps the
    /// size and field of view of the slices, so load the cohort with those of the model (`size`, `fov_mm`).
    ///
    /// # Arguments
    /// * `cohort`: the cohort to copy; it is not changed.
    /// * `count`: lesions per subject; None: 0 to 3.
    /// * `length_mm`: length along the cord; None: 3 to 28.
    /// * `width_mm`: width from front to back; None: 2 to 8.
    /// * `depth_mm`: width from right to left; None: 2.5 to 9.
    /// * `contrast`: how much brighter than the cord the centre is, as a fraction of the difference
    ///   between fluid and cord; None: 0.1 to 0.6.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2, lesions = 0)
    /// painted = paint_lesions(people, count = (1, 2), contrast = (0.2, 0.4))
    /// ```
    fn paint_lesions(
        cohort: &CohortValue,
        #[starlark(default = NoneOr::None)] count: NoneOr<(i64, i64)>,
        #[starlark(require = named, default = NoneOr::None)] length_mm: NoneOr<Range>,
        #[starlark(require = named, default = NoneOr::None)] width_mm: NoneOr<Range>,
        #[starlark(require = named, default = NoneOr::None)] depth_mm: NoneOr<Range>,
        #[starlark(require = named, default = NoneOr::None)] contrast: NoneOr<Range>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<CohortValue> {
        let verb = "paint_lesions";
        let mut simulator = LesionSimulator::default();
        if let Some((least, most)) = count.into_option() {
            simulator.count = (unsigned(verb, "count", least)?, unsigned(verb, "count", most)?);
        }
        for (given, range) in [
            (length_mm, &mut simulator.length_mm),
            (width_mm, &mut simulator.width_mm),
            (depth_mm, &mut simulator.depth_mm),
            (contrast, &mut simulator.contrast),
        ] {
            if let Some((least, greatest)) = given.into_option() {
                *range = (least.0, greatest.0);
            }
        }
        let context = State::of(eval).context();
        let cohort = Study::from(context.clone()).paint_lesions(&cohort.cohort, &simulator)?;
        Ok(CohortValue { cohort, context })
    }

    /// Measures the mean signal of the spinal cord along its axis and at each vertebral level, without a model.
    ///
    /// All slices count; the cord's outermost pixel, which is half fluid, does not. Signals are intensities after preprocessing, from 0 to 1; compare subjects by the ratio to
    /// the cerebrospinal fluid.
    ///
    /// # Arguments
    /// * `of`: a subject or a cohort.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// signal_curve(people[0])
    /// [(row["subject"], row["level"], row["mean"]) for row in rows(signal_curve(people))]
    /// ```
    fn signal_curve<'v>(
        of: Either<&CohortValue, &SubjectValue>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<Value<'v>> {
        let context = State::of(eval).context();
        let heap = eval.heap();
        Ok(match of {
            Either::Left(cohort) => {
                let subjects = cohort.cohort.subjects(&context)?;
                let curves = SignalCurve::of_all(&subjects, &context)?;
                heap.alloc(SignalCurvesValue(Arc::new(curves)))
            }
            Either::Right(subject) => {
                let curve = SignalCurve::new(&*subject.subject()?, &context)?;
                heap.alloc(SignalCurveValue(Arc::new(curve)))
            }
        })
    }
}

/// A range: minimum and maximum.
type Range = (UnpackFloat, UnpackFloat);

fn grid(verb: &str, size: i64, fov_mm: i64) -> Result<SliceGrid> {
    let (size, fov_mm) = (unsigned(verb, "size", size)?, unsigned(verb, "fov_mm", fov_mm)?);
    Ok(SliceGrid { size, fov_mm, ..SliceGrid::default() })
}
