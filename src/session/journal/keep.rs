//! From values to recipes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Weak};

use ndarray::Array2;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::set::SetRef;
use starlark::values::structs::StructRef;
use starlark::values::tuple::TupleRef;
use starlark::values::{Heap, UnpackValue, Value};

use super::maps;
use super::plain::plain;
use super::recipe::{CohortRecipe, Recipe};
use crate::baselines::Baseline;
use crate::cohort::Cohort;
use crate::context::Context;
use crate::detection::Findings;
use crate::evaluation::EvaluationOptions;
use crate::files::LazyFolder;
use crate::language::Transcript;
use crate::session::engine::jobs::JobValue;
use crate::session::values::{
    CohortValue, EpochValue, EvaluationValue, FindingValue, FindingsValue, HistoryValue,
    MasksValue, MethodValue, ModelValue, SubjectValue, UncertaintyValue,
};
use crate::study::{CohortUncertainty, Masks, SliceUncertainty};

/// Maximum depth of nested lists.
const DEPTH: usize = 16;
/// Maximum number of values in a list, including those in nested lists.
const MOST: usize = 100_000;

/// Why a value cannot be restored.
type Reason = String;

/// The files that recipes need, and which value each holds.
pub(super) struct ArtifactStore {
    folder: LazyFolder,
    uncertainties: Vec<(Weak<Vec<SliceUncertainty>>, String)>,
    findings: Vec<(Weak<Findings>, String)>,
    methods: Vec<(Weak<Baseline>, String)>,
    files: usize,
    /// The models that were found since [`Self::forget_models`], by number.
    models: BTreeMap<usize, ModelValue>,
}

impl ArtifactStore {
    pub fn new(folder: LazyFolder) -> Self {
        let (uncertainties, findings, methods, models) = Default::default();
        Self { folder, uncertainties, findings, methods, files: 0, models }
    }

    /// The models that recipes need.
    pub fn models(&self) -> impl Iterator<Item = &ModelValue> {
        self.models.values()
    }

    pub fn forget_models(&mut self) {
        self.models.clear();
    }

    /// How the value called `name` is restored.
    pub fn recipe<'v>(
        &mut self,
        (name, value): (&str, Value<'v>),
        heap: Heap<'v>,
        transcript: &Transcript,
        context: &Context,
    ) -> Result<Recipe, Reason> {
        if value.get_type() == "function" {
            let source = transcript.definition(name);
            return source
                .map(|source| Recipe::Function { source })
                .ok_or_else(|| "no cell defines it by `def` at its top, or it may have got another value later: define it again".to_owned());
        }
        Recorder { store: self, context, heap, values: 0 }.value(value, 0)
    }

    /// Removes the files that no recipe needs any more.
    pub fn clear_except(&mut self, needed: &[String]) {
        let Some(folder) = self.folder.made() else { return };
        let is_needed = |file: &String| needed.contains(file);
        self.uncertainties.retain(|(_, file)| is_needed(file));
        self.findings.retain(|(_, file)| is_needed(file));
        self.methods.retain(|(_, file)| is_needed(file));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(|name| needed.iter().any(|n| n == name)) {
                // A file that cannot be removed only takes space.
                fs::remove_file(entry.path()).ok();
            }
        }
    }

    /// Continues the numbering after the files of an earlier session.
    pub fn remember_uncertainty(&mut self, value: &CohortUncertainty, file: &str) {
        self.uncertainties.push((Arc::downgrade(&value.slices), file.to_owned()));
    }

    pub fn remember_findings(&mut self, value: &FindingsValue, file: &str) {
        self.findings.push((Arc::downgrade(&value.0), file.to_owned()));
    }

    pub fn remember_method(&mut self, value: &Arc<Baseline>, file: &str) {
        self.methods.push((Arc::downgrade(value), file.to_owned()));
    }

    /// The name of a new file, which `write` writes.
    fn put(
        &mut self,
        kind: &str,
        write: impl FnOnce(&Path) -> crate::Result<()>,
    ) -> Result<String, Reason> {
        let folder = self.folder.path().map_err(|error| error.to_string())?;
        loop {
            self.files += 1;
            let file = format!("{kind}-{}.safetensors", self.files);
            let path = folder.join(&file);
            if !path.exists() {
                write(&path).map_err(|error| error.to_string())?;
                return Ok(file);
            }
        }
    }
}

/// The file of a value that was put in the store before.
fn found<T>(store: &[(Weak<T>, String)], value: &Arc<T>) -> Option<String> {
    let known = store
        .iter()
        .find(|(known, _)| known.upgrade().is_some_and(|known| Arc::ptr_eq(&known, value)));
    known.map(|(_, file)| file.clone())
}

/// Walks one value.
struct Recorder<'a, 'v> {
    store: &'a mut ArtifactStore,
    context: &'a Context,
    /// Where the value lies.
    heap: Heap<'v>,
    /// Number of values found so far.
    values: usize,
}

impl<'v> Recorder<'_, 'v> {
    fn value(&mut self, value: Value<'v>, depth: usize) -> Result<Recipe, Reason> {
        self.values += 1;
        if depth > DEPTH || self.values > MOST {
            return Err(format!("its {} holds too many values", value.get_type()));
        }
        if let Some(plain) = plain(value) {
            return Ok(plain);
        }
        let within = depth + 1;
        if let Some(list) = ListRef::from_value(value) {
            let items = list.iter().map(|item| self.value(item, within));
            return Ok(Recipe::List(items.collect::<Result<_, _>>()?));
        }
        if let Some(tuple) = TupleRef::from_value(value) {
            let items = tuple.iter().map(|item| self.value(item, within));
            return Ok(Recipe::Tuple(items.collect::<Result<_, _>>()?));
        }
        if SetRef::unpack_value_opt(value).is_some() {
            // The language shows what is in a set to its own functions only, or one by one.
            let items = value.iterate(self.heap).map_err(|error| error.to_string())?;
            let items = items.map(|item| self.value(item, within));
            return Ok(Recipe::Set(items.collect::<Result<_, _>>()?));
        }
        if let Some(dict) = DictRef::from_value(value) {
            let entries = dict
                .iter()
                .map(|(key, item)| Ok((self.value(key, within)?, self.value(item, within)?)));
            return Ok(Recipe::Dict(entries.collect::<Result<_, Reason>>()?));
        }
        if let Some(fields) = StructRef::from_value(value) {
            let fields = fields
                .iter()
                .map(|(name, item)| Ok((name.as_str().to_owned(), self.value(item, within)?)));
            return Ok(Recipe::Struct(fields.collect::<Result<_, Reason>>()?));
        }
        self.ours(value)
    }

    /// The values that verbs return.
    fn ours(&mut self, value: Value) -> Result<Recipe, Reason> {
        if let Some(CohortValue { cohort, .. }) = CohortValue::from_value(value) {
            return Ok(Recipe::Cohort(cohort_recipe(cohort)?));
        }
        if let Some(SubjectValue { cohort, position, .. }) = SubjectValue::from_value(value) {
            return Ok(Recipe::Subject { of: cohort_recipe(cohort)?, position: *position });
        }
        if let Some(model) = ModelValue::from_value(value) {
            return Ok(self.model(model));
        }
        if let Some(HistoryValue(history)) = HistoryValue::from_value(value) {
            return Ok(Recipe::History(history.clone()));
        }
        if let Some(EpochValue(epoch)) = EpochValue::from_value(value) {
            return Ok(Recipe::Epoch(epoch.clone()));
        }
        if let Some(UncertaintyValue(uncertainty)) = UncertaintyValue::from_value(value) {
            return self.uncertainty(uncertainty);
        }
        if let Some(MasksValue(masks)) = MasksValue::from_value(value) {
            let Masks { sampler, example: (subject, position), cohort, .. } = masks;
            let example = (subject.name.to_string(), *position);
            return Ok(Recipe::Masks {
                sampler: sampler.clone(),
                of: cohort_recipe(cohort)?,
                example,
            });
        }
        if let Some(MethodValue(baseline)) = MethodValue::from_value(value) {
            return match &**baseline {
                Baseline::IntensityThreshold(method) => {
                    Ok(Recipe::IntensityThreshold { local_mm: method.local_mm })
                }
                _ => self.method(baseline),
            };
        }
        if let Some(findings) = FindingsValue::from_value(value) {
            return self.findings(findings);
        }
        if let Some(FindingValue { of, position }) = FindingValue::from_value(value) {
            return Ok(Recipe::Finding { of: Box::new(self.findings(of)?), position: *position });
        }
        if let Some(EvaluationValue { found, options, .. }) = EvaluationValue::from_value(value) {
            let Some(found) = found else {
                return Err("evaluations from files are not saved: load it again".to_owned());
            };
            let of = Box::new(self.findings(found)?);
            let EvaluationOptions { threshold: rule, lesion_threshold } = options.clone();
            return Ok(Recipe::Evaluation { of, rule, lesion_threshold });
        }
        if JobValue::from_value(value).is_some() {
            return Err("a job ends with its session: start it again".to_owned());
        }
        Err(match value.get_type() {
            "int" => {
                "whole numbers of more than 10 000 digits are not saved: make it again".to_owned()
            }
            kind => format!("values of type {kind} are not saved: make it again"),
        })
    }

    /// A model whose state no snapshot holds gets one.
    fn model(&mut self, value: &ModelValue) -> Recipe {
        self.store.models.insert(value.number, value.clone());
        let saved = !value.is_unsaved();
        let mut model = value.lock();
        // A job writes the snapshots of its model by itself.
        if value.job().is_none()
            && model.snapshots.as_ref().is_some_and(|snapshots| !snapshots.holds(&*model))
        {
            model.leave_snapshot(self.context);
        }
        Recipe::Model {
            number: value.number,
            estimations: model.estimations,
            training_estimations: model.training_estimations,
            saved,
        }
    }

    fn method(&mut self, baseline: &Arc<Baseline>) -> Result<Recipe, Reason> {
        let file = match found(&self.store.methods, baseline) {
            Some(file) => file,
            None => {
                let file = self.store.put("method", |path| baseline.save(path))?;
                self.store.remember_method(baseline, &file);
                file
            }
        };
        Ok(Recipe::Method { file })
    }

    fn uncertainty(&mut self, value: &CohortUncertainty) -> Result<Recipe, Reason> {
        let of = cohort_recipe(&value.cohort)?;
        let file = match found(&self.store.uncertainties, &value.slices) {
            Some(file) => file,
            None => {
                let maps = || value.slices.iter().map(|one| &*one.maps);
                let passes = Array2::from_shape_fn((1, value.slices.len()), |(_, at)| {
                    value.slices[at].maps.passes as f32
                });
                let stacks = [
                    ("variance", maps().map(|maps| &maps.variance).collect()),
                    ("mean", maps().map(|maps| &maps.mean).collect()),
                    ("error", maps().map(|maps| &maps.error).collect()),
                    ("passes", vec![&passes]),
                ];
                let subjects =
                    value.cohort.subjects(self.context).map_err(|error| error.to_string())?;
                let of = maps::fingerprint(subjects.iter().map(|subject| &**subject));
                let file = self.store.put("uncertainty", |path| maps::write(path, &stacks, of))?;
                self.store.remember_uncertainty(value, &file);
                file
            }
        };
        Ok(Recipe::Uncertainty { of, patch: value.patch, file })
    }

    fn findings(&mut self, value: &FindingsValue) -> Result<Recipe, Reason> {
        let FindingsValue(findings, cohort) = value;
        let of = cohort_recipe(cohort)?;
        let file = match found(&self.store.findings, findings) {
            Some(file) => file,
            None => {
                let reconstructions = || {
                    let slices = findings.subjects.iter().flat_map(|finding| &finding.slices);
                    slices.map(|found| &found.reconstruction)
                };
                let mut stacks = vec![
                    ("reconstruction", reconstructions().map(|one| &one.reconstruction).collect()),
                    ("error", reconstructions().map(|one| &one.error).collect()),
                ];
                let variances: Vec<_> =
                    reconstructions().filter_map(|one| one.variance.as_ref()).collect();
                if !variances.is_empty() {
                    stacks.push(("variance", variances));
                }
                let probabilities: Vec<_> =
                    reconstructions().filter_map(|one| one.probability.as_ref()).collect();
                if !probabilities.is_empty() {
                    stacks.push(("probability", probabilities));
                }
                let anomalies: Vec<_> =
                    reconstructions().filter_map(|one| one.anomaly.as_ref()).collect();
                if !anomalies.is_empty() {
                    stacks.push(("anomaly", anomalies));
                }
                let of = maps::fingerprint(findings.subjects.iter().map(|one| &*one.subject));
                let file = self.store.put("findings", |path| maps::write(path, &stacks, of))?;
                self.store.remember_findings(value, &file);
                file
            }
        };
        let (method, scoring) = (findings.method.clone(), findings.scoring);
        let calibration = findings.calibration.as_deref().cloned().map(Box::new);
        let (reconstructs, made_by) = (findings.reconstructs, findings.made_by.clone());
        let seen = findings.subjects.iter().map(|finding| finding.seen.clone()).collect();
        Ok(Recipe::Findings { of, method, scoring, reconstructs, calibration, made_by, seen, file })
    }
}

/// Why a cohort cannot be made again.
fn unmade(cohort: &Cohort) -> &'static str {
    match cohort.entries().any(|entry| entry.found_masks().is_some()) {
        true => {
            "its masks were found by segment, and are not kept; run segment again, or keep them with save_masks next time"
        }
        false => "its subjects were made in the session, such as by paint_lesions; make it again",
    }
}

fn cohort_recipe(cohort: &Cohort) -> Result<CohortRecipe, Reason> {
    let recipe = cohort.provenance().ok_or_else(|| unmade(cohort).to_owned())?.clone();
    let names = cohort.names().into_iter().map(str::to_owned).collect();
    Ok(CohortRecipe { recipe, names, files: cohort.file_stamps() })
}
