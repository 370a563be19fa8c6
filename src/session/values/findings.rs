//! What a method found, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneOr;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, ValueLike, starlark_value,
};

use super::index::{Index, unknown};
use super::lesion_rows::{Lesions, known_lesion_rows, lesion_rows, threshold_of};
use super::slice_finding::SliceFindingValue;
use super::{ImageValue, SliceValue, handle, shared_members};
use crate::cohort::Cohort;
use crate::context::counted;
use crate::detection::{Finding, Findings, SliceFinding};
use crate::evaluation::calibrated_threshold;
use crate::figures::{Figure, anomaly_curve};
use crate::report::{Show as _, finding_display, finding_panels};
use crate::session::Display;
use crate::session::show::{ShowValue, failed};
use crate::session::state::State;
use crate::{Error, Result};

/// Findings of a cohort.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct FindingsValue(
    #[allocative(skip)] pub Arc<Findings>,
    /// The subjects of the findings, at the size that was reconstructed.
    #[allocative(skip)]
    pub Cohort,
);

/// Findings of one subject.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct FindingValue {
    pub of: FindingsValue,
    pub position: usize,
}

handle!(FindingsValue);
handle!(FindingValue);
starlark::methods_static!(FINDINGS = findings_methods);
starlark::methods_static!(FINDING = finding_methods);

impl fmt::Display for FindingsValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<Findings of {} in {}>",
            self.0.method,
            counted(self.0.subjects.len(), "subject")
        )
    }
}

impl fmt::Display for FindingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { subject, score, .. } = self.finding();
        write!(f, "<Finding in {}, score {score:.4}>", subject.name)
    }
}

impl FindingsValue {
    fn one(&self, position: usize) -> FindingValue {
        FindingValue { of: self.clone(), position }
    }
}

type Draw = fn(&FindingValue) -> Result<Figure>;

/// The figure that findings have as a whole.
pub(in crate::session) const HISTOGRAMS: &str = "histograms";

/// The names of all figures that `plot` can be asked for.
pub(in crate::session) fn figure_names() -> Vec<&'static str> {
    FINDING_FIGURES.iter().map(|(name, _)| *name).chain([HISTOGRAMS]).collect()
}

/// The figures of a finding by name.
pub(in crate::session) const FINDING_FIGURES: [(&str, Draw); 2] =
    [("panels", FindingValue::panels), ("curve", |finding| Ok(finding.curve()))];

impl FindingValue {
    pub fn finding(&self) -> &Finding {
        &self.of.0.subjects[self.position]
    }

    /// The slice with the highest score, else the first.
    fn highest(&self) -> Result<(SliceValue, &SliceFinding)> {
        let finding = self.finding();
        let found = finding.shown_slice().ok_or_else(|| {
            Error::subject(&*finding.subject.name, "has no slices to show findings in")
        })?;
        Ok((SliceValue { subject: finding.subject.clone(), position: found.slice }, found))
    }

    fn panels(&self) -> Result<Figure> {
        finding_panels(self.finding(), &self.of.0)
    }

    fn curve(&self) -> Figure {
        anomaly_curve(self.finding(), &self.of.0.method)
    }
}

#[starlark_value(type = "Findings")]
impl<'v> StarlarkValue<'v> for FindingsValue {
    shared_members!(FINDINGS);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.subjects.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let subjects = &self.0.subjects;
        let position = match Index::of(index, subjects.len(), "finding").map_err(failed)? {
            Index::Position(position) => position,
            Index::Name(name) => subjects
                .iter()
                .position(|finding| &*finding.subject.name == name)
                .ok_or_else(|| {
                    let names = subjects.iter().map(|finding| &*finding.subject.name);
                    failed(unknown("findings", name, names))
                })?,
        };
        Ok(heap.alloc(self.one(position)))
    }

    fn add(&self, rhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        let other = rhs.downcast_ref::<Self>()?;
        let joined = || -> Result<Self> {
            Ok(Self(Arc::new(self.0.joined(&other.0)?), self.1.joined(&other.1)?))
        };
        Some(joined().map(|joined| heap.alloc(joined)).map_err(failed))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok((0..self.0.subjects.len()).map(|position| heap.alloc(self.one(position))).collect())
    }
}

#[starlark_value(type = "Finding")]
impl<'v> StarlarkValue<'v> for FindingValue {
    shared_members!(FINDING);
}

impl ShowValue for FindingsValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }

    fn keys(&self) -> Vec<String> {
        self.0.subjects.iter().map(|finding| finding.subject.name.to_string()).collect()
    }
}

impl ShowValue for FindingValue {
    fn show(&self) -> Result<Display> {
        finding_display(self.finding(), &self.of.0)
    }
}

/// What a method found in a cohort. `found[0]` and `found["sub-01"]` select a subject; `first + second` joins what a method
/// of the same name found in other subjects, such as the folds of a cross-validation.
#[starlark_module]
fn findings_methods(builder: &mut MethodsBuilder) {
    /// Name of the method.
    #[starlark(attribute)]
    fn method(this: &FindingsValue) -> anyhow::Result<String> {
        Ok(this.0.method.clone())
    }

    /// How reconstructions were scored: "learned", "residual", "published" or "own".
    #[starlark(attribute)]
    fn scoring(this: &FindingsValue) -> anyhow::Result<String> {
        Ok(this.0.scoring.to_string())
    }

    /// The finding with the highest score; None if no subject has enough cord to be scored.
    #[starlark(attribute)]
    fn highest(this: &FindingsValue) -> anyhow::Result<NoneOr<FindingValue>> {
        let subjects = &this.0.subjects;
        let scored = (0..subjects.len()).filter(|position| subjects[*position].is_scored());
        // The first of equals, as in the figure of the findings.
        let highest = scored.rev().max_by(|a, b| subjects[*a].score.total_cmp(&subjects[*b].score));
        Ok(NoneOr::from_option(highest.map(|position| this.one(position))))
    }

    /// The lesions detected in all subjects: groups of at least 3 connected pixels of the slices, whose anomaly is at or above
    /// `threshold`, as connected voxels of the image, each a dictionary with volume, length, width, level, distance to
    /// the midline, signal, share of the cord's cross-section and anomaly; `table(found.lesions(0.5))` shows them.
    /// Coarse voxels may join or part such groups.
    /// Without a threshold it is that of `export`.
    fn lesions<'v>(
        this: &FindingsValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.0, threshold.into_option().map(|given| given.0))?;
        Ok(lesion_rows(&this.0.subjects, Lesions::Detected(threshold), heap)?)
    }

    /// The lesions of the ground truth of all subjects with the same measures, subject by subject, the largest of each
    /// first. Volumes are those of the mask on the slices, which may differ from those of its file. Subjects without a
    /// lesion mask are left out, with a warning.
    fn true_lesions<'v>(
        this: &FindingsValue,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let context = State::of(eval).context();
        Ok(known_lesion_rows(&this.0.subjects, Lesions::Truth, eval.heap(), &context)?)
    }

    /// Detected lesions against the ground truth of all subjects: one row per true lesion, detected or missed, with
    /// Dice and the share that is covered, and one per false positive. A detection is a true one if at least a
    /// tenth of it is lesion. Subjects without a lesion mask are left out, with a warning.
    fn lesion_matches<'v>(
        this: &FindingsValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.0, threshold.into_option().map(|given| given.0))?;
        let context = State::of(eval).context();
        let which = Lesions::Matched(threshold);
        Ok(known_lesion_rows(&this.0.subjects, which, eval.heap(), &context)?)
    }

    /// How much of the cord of all subjects is detected as lesion: number, volume and share, of the subject as a
    /// whole ("all") and of each vertebral level or bin.
    fn lesion_load<'v>(
        this: &FindingsValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.0, threshold.into_option().map(|given| given.0))?;
        Ok(lesion_rows(&this.0.subjects, Lesions::Load(threshold), heap)?)
    }

    /// Threshold of the AnaScore from the healthy subjects with which the model was calibrated; None if
    /// it was not.
    #[starlark(attribute)]
    fn threshold(this: &FindingsValue) -> anyhow::Result<NoneOr<f64>> {
        let threshold = calibrated_threshold(&this.0)?;
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.value)))
    }

    /// Where the threshold comes from.
    #[starlark(attribute)]
    fn threshold_origin(this: &FindingsValue) -> anyhow::Result<NoneOr<String>> {
        Ok(NoneOr::from_option(calibrated_threshold(&this.0)?.map(|threshold| threshold.origin)))
    }

    /// AnaScore of each subject by name; None if the slices show too little cord.
    #[starlark(attribute)]
    fn scores(this: &FindingsValue) -> anyhow::Result<SmallMap<String, NoneOr<f64>>> {
        let score = |finding: &Finding| {
            let score = finding.is_scored().then_some(finding.score);
            (finding.subject.name.to_string(), NoneOr::from_option(score))
        };
        Ok(this.0.subjects.iter().map(score).collect())
    }
}

/// What a method found in one subject.
#[starlark_module]
fn finding_methods(builder: &mut MethodsBuilder) {
    /// Name of the subject.
    #[starlark(attribute)]
    fn subject(this: &FindingValue) -> anyhow::Result<String> {
        Ok(this.finding().subject.name.to_string())
    }

    /// AnaScore: the highest over segments and slices; None if the slices show too little cord.
    #[starlark(attribute)]
    fn score(this: &FindingValue) -> anyhow::Result<NoneOr<f64>> {
        let finding = this.finding();
        Ok(NoneOr::from_option(finding.is_scored().then_some(finding.score)))
    }

    /// Whether the score reaches the threshold of the model's calibration; None without either.
    #[starlark(attribute)]
    fn positive(this: &FindingValue) -> anyhow::Result<NoneOr<bool>> {
        let finding = this.finding();
        let threshold = calibrated_threshold(&this.of.0)?.filter(|_| finding.is_scored());
        Ok(NoneOr::from_option(threshold.map(|threshold| finding.score >= threshold.value)))
    }

    /// Highest AnaScore of each segment by name, superior first.
    #[starlark(attribute)]
    fn segments(this: &FindingValue) -> anyhow::Result<SmallMap<String, f64>> {
        let segments = this.finding().segments.iter();
        Ok(segments.map(|segment| (segment.name.clone(), segment.score)).collect())
    }

    /// The lesions detected in this subject: groups of at least 3 connected pixels of the slices, whose anomaly is at or above
    /// `threshold`, as connected voxels of the image, each a dictionary with volume, length, width, level, distance to
    /// the midline, signal, share of the cord's cross-section and anomaly; `table(found.lesions(0.5))` shows them.
    /// Coarse voxels may join or part such groups.
    /// Without a threshold it is that of `export`.
    fn lesions<'v>(
        this: &FindingValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.of.0, threshold.into_option().map(|given| given.0))?;
        Ok(lesion_rows(std::slice::from_ref(this.finding()), Lesions::Detected(threshold), heap)?)
    }

    /// The lesions of the ground truth of this subject with the same measures, the largest first. Volumes are those of
    /// the mask on the slices, which may differ from those of its file.
    fn true_lesions<'v>(this: &FindingValue, heap: Heap<'v>) -> anyhow::Result<Vec<Value<'v>>> {
        Ok(lesion_rows(std::slice::from_ref(this.finding()), Lesions::Truth, heap)?)
    }

    /// Detected lesions against the ground truth of this subject: one row per true lesion, detected or missed, with
    /// Dice and the share that is covered, and one per false positive. A detection is a true one if at least a
    /// tenth of it is lesion.
    fn lesion_matches<'v>(
        this: &FindingValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.of.0, threshold.into_option().map(|given| given.0))?;
        Ok(lesion_rows(std::slice::from_ref(this.finding()), Lesions::Matched(threshold), heap)?)
    }

    /// How much of the cord of this subject is detected as lesion: number, volume and share, of the subject as a
    /// whole ("all") and of each vertebral level or bin.
    fn lesion_load<'v>(
        this: &FindingValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<UnpackFloat>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Vec<Value<'v>>> {
        let threshold = threshold_of(&this.of.0, threshold.into_option().map(|given| given.0))?;
        Ok(lesion_rows(std::slice::from_ref(this.finding()), Lesions::Load(threshold), heap)?)
    }

    /// What was found in each slice, from the patient's right to left.
    #[starlark(attribute)]
    fn slices(this: &FindingValue) -> anyhow::Result<Vec<SliceFindingValue>> {
        let one = |position| SliceFindingValue {
            findings: this.of.0.clone(),
            subject: this.position,
            position,
        };
        Ok((0..this.finding().slices.len()).map(one).collect())
    }

    /// The slice with the highest score.
    #[starlark(attribute)]
    fn slice(this: &FindingValue) -> anyhow::Result<SliceValue> {
        Ok(this.highest()?.0)
    }

    /// The method's reconstruction of the slice with the highest score.
    #[starlark(attribute)]
    fn reconstruction(this: &FindingValue) -> anyhow::Result<ImageValue> {
        let (slice, found) = this.highest()?;
        Ok(slice.map("reconstruction", "intensity", found.reconstruction.reconstruction.clone()))
    }

    /// Anomaly map of the slice with the highest score: lesion probability, positive residual or error
    /// by the scoring; 0 outside the scoring region.
    #[starlark(attribute)]
    fn anomaly(this: &FindingValue) -> anyhow::Result<ImageValue> {
        let (slice, found) = this.highest()?;
        Ok(slice.map("anomaly map", this.of.0.scoring.map_unit(), found.anomaly.clone()))
    }
}
