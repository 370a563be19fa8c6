//! What a method found in one slice, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{ImageValue, SliceValue, handle, shared_members};
use crate::Result;
use crate::detection::{Finding, Findings, SliceFinding};
use crate::session::Display;
use crate::session::show::ShowValue;

/// Findings of one slice.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SliceFindingValue {
    #[allocative(skip)]
    pub findings: Arc<Findings>,
    /// Position of the subject.
    pub subject: usize,
    /// Position among the slices of its finding.
    pub position: usize,
}

handle!(SliceFindingValue);
starlark::methods_static!(SLICE_FINDING = slice_finding_methods);

impl fmt::Display for SliceFindingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slice = self.slice();
        write!(f, "<Finding in {}, slice {}>", slice.subject.name, slice.slice().index)
    }
}

impl SliceFindingValue {
    fn finding(&self) -> &Finding {
        &self.findings.subjects[self.subject]
    }

    fn found(&self) -> &SliceFinding {
        &self.finding().slices[self.position]
    }

    fn slice(&self) -> SliceValue {
        let subject = self.finding().subject.clone();
        SliceValue { subject, position: self.found().slice }
    }
}

#[starlark_value(type = "SliceFinding")]
impl<'v> StarlarkValue<'v> for SliceFindingValue {
    shared_members!(SLICE_FINDING);
}

impl ShowValue for SliceFindingValue {
    fn show(&self) -> Result<Display> {
        let scoring = self.findings.scoring;
        let map = self.slice().map("anomaly map", scoring.map_unit(), self.found().anomaly.clone());
        map.show()
    }
}

/// What a method found in one slice.
#[starlark_module]
fn slice_finding_methods(builder: &mut MethodsBuilder) {
    /// The slice itself.
    #[starlark(attribute)]
    fn slice(this: &SliceFindingValue) -> anyhow::Result<SliceValue> {
        Ok(this.slice())
    }

    /// AnaScore of the slice: the highest of its segments; None if it shows too little cord.
    #[starlark(attribute)]
    fn score(this: &SliceFindingValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.found().score()))
    }

    /// AnaScore of each segment of the slice by name, superior first; empty if it shows too little cord.
    #[starlark(attribute)]
    fn segments(this: &SliceFindingValue) -> anyhow::Result<SmallMap<String, f64>> {
        let segments = this.found().curve.iter().flat_map(|curve| &curve.segments);
        Ok(segments.map(|segment| (segment.name.clone(), segment.score)).collect())
    }

    /// The method's reconstruction.
    #[starlark(attribute)]
    fn reconstruction(this: &SliceFindingValue) -> anyhow::Result<ImageValue> {
        let reconstruction = this.found().reconstruction.reconstruction.clone();
        Ok(this.slice().map("reconstruction", "intensity", reconstruction))
    }

    /// Anomaly map: lesion probability, positive residual or error by the scoring; 0 outside the scoring
    /// region.
    #[starlark(attribute)]
    fn anomaly(this: &SliceFindingValue) -> anyhow::Result<ImageValue> {
        let unit = this.findings.scoring.map_unit();
        Ok(this.slice().map("anomaly map", unit, this.found().anomaly.clone()))
    }

    /// Variance over the Monte-Carlo passes; None if the method has no uncertainty.
    #[starlark(attribute)]
    fn variance(this: &SliceFindingValue) -> anyhow::Result<NoneOr<ImageValue>> {
        let variance = this.found().reconstruction.variance.clone();
        let map = variance.map(|variance| this.slice().map("variance", "variance", variance));
        Ok(NoneOr::from_option(map))
    }

    /// Lesion probability of the model's scorer; None without one.
    #[starlark(attribute)]
    fn probability(this: &SliceFindingValue) -> anyhow::Result<NoneOr<ImageValue>> {
        let probability = this.found().reconstruction.probability.clone();
        let title = "lesion probability";
        let map =
            probability.map(|probability| this.slice().map(title, "probability", probability));
        Ok(NoneOr::from_option(map))
    }
}
