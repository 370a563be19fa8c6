//! From recipes to values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use starlark::environment::Module;
use starlark::values::Value;
use starlark::values::dict::AllocDict;
use starlark::values::list::AllocList;
use starlark::values::range::Range;
use starlark::values::structs::AllocStruct;
use starlark::values::tuple::AllocTuple;

use super::changes::changes;
use super::keep::ArtifactStore;
use super::maps::{self, Maps};
use super::recipe::{CohortRecipe, Recipe};
use super::{Entries, Journal, functions, plain};
use crate::baselines::{Baseline, IntensityThreshold};
use crate::cohort::{Cohort, Slice, Subject};
use crate::context::{Context, counted};
use crate::detection::{Reconstruction, Reconstructor, detect};
use crate::evaluation::EvaluationOptions;
use crate::language::CellError;
use crate::session::engine::Outcome;
use crate::session::engine::evaluator_context::EvaluatorContext;
use crate::session::state::State;
use crate::session::status::SessionStatus;
use crate::session::values::{
    CohortValue, EpochValue, EvaluationValue, FindingValue, FindingsValue, HistoryValue,
    MasksValue, MethodValue, ModelValue, SubjectValue, UncertaintyValue,
};
use crate::session::{Display, open_device};
use crate::study::{CohortUncertainty, Masks};
use crate::training::all_slices;
use crate::uncertainty::Uncertainty;
use crate::{Error, Result};

/// Restores the values in the journal of the session's folder, and reports which could be restored
/// and which could not.
pub(in crate::session) fn resume(
    evaluator: EvaluatorContext,
    module: &Module,
    status: &SessionStatus,
    journal: Option<&mut Journal>,
) -> Outcome {
    let state = evaluator.state;
    let journal = journal.ok_or_else(|| CellError::new("this session has no journal"))?;
    let (folder, entries) = journal.read().map_err(|error| CellError::new(error.to_string()))?;
    let Entries { seed, device, transcript, names, mut lost, .. } = entries;
    // First, so that an interrupt does not cost the record of the earlier cells.
    status.lock().transcript = transcript.clone();
    state.set_seed(seed);
    match open_device(&device) {
        Ok(device) => state.set_device(device),
        Err(error) => state.context().warn(error.to_string()),
    }

    let adopt = |number| Ok(ModelValue::new(state.readopt(number)?, number));
    let mut restorer = Restorer::new(state, folder.join("maps"), &mut journal.store, &adopt);
    let mut functions = Vec::new();
    let mut back = Vec::new();
    let mut pending = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    names.values().for_each(|recipe| recipe.models(&mut numbers));
    numbers.into_iter().for_each(|number| state.reserve(number));
    for (name, recipe) in names {
        if let Recipe::Function { source } = recipe {
            functions.push((name, source));
            continue;
        }
        match restorer.value(&recipe, module) {
            Ok(value) => {
                module.set(&name, value);
                back.push(name);
            }
            Err(Error::Cancelled) => {
                journal.untouched = Some("restoring was interrupted".to_owned());
                return Err(CellError::interrupted());
            }
            Err(error) => {
                lost.insert(name.clone(), error.to_string());
                pending.insert(name, recipe);
            }
        }
    }
    let functions = functions::restored(evaluator, module, functions, &transcript);
    back.extend(functions.back);
    for (name, source, reason) in functions.failed {
        lost.insert(name.clone(), reason.to_string());
        pending.insert(name, Recipe::Function { source });
    }
    journal.pending = pending;
    let cells = transcript.cells.len();
    back.sort();
    Ok(Some(Display::text(summary(cells, &back, &lost, &functions.anew, journal.pending.len()))))
}

fn summary(
    cells: usize,
    back: &[String],
    lost: &BTreeMap<String, String>,
    anew: &[String],
    pending: usize,
) -> String {
    let mut text = format!("restored a session of {}", counted(cells, "cell"));
    if !back.is_empty() {
        text.push_str(&format!(": {}", back.join(", ")));
    }
    for (name, reason) in lost {
        text.push_str(&format!("\ncould not be restored: {name}: {reason}"));
    }
    if !anew.is_empty() {
        text.push_str(&format!("\ncomputed again: the default values of {}", anew.join(", ")));
    }
    if pending > 0 {
        text.push_str("\nwhat it takes to restore them is kept: mend the reason and resume again");
    }
    text
}

/// Restores values. A value that several names share is restored once.
pub(super) struct Restorer<'a> {
    state: &'a State,
    /// Brings in the model of a number.
    adopt: &'a dyn Fn(usize) -> Result<ModelValue>,
    /// The folder with the maps.
    folder: PathBuf,
    store: &'a mut ArtifactStore,
    /// Cohorts as they were before anything was selected from them.
    cohorts: Vec<(crate::cohort::Origin, Cohort)>,
    models: BTreeMap<usize, ModelValue>,
    uncertainties: BTreeMap<String, UncertaintyValue>,
    findings: BTreeMap<String, FindingsValue>,
    methods: BTreeMap<String, MethodValue>,
}

impl<'a> Restorer<'a> {
    pub fn new(
        state: &'a State,
        folder: PathBuf,
        store: &'a mut ArtifactStore,
        adopt: &'a dyn Fn(usize) -> Result<ModelValue>,
    ) -> Self {
        let (cohorts, models, uncertainties, findings, methods) = Default::default();
        Self { state, adopt, folder, store, cohorts, models, uncertainties, findings, methods }
    }

    /// Restores the value of a recipe.
    ///
    /// # Errors
    /// If something that it needs is missing, damaged or changed.
    pub fn value<'v>(&mut self, recipe: &Recipe, module: &Module<'v>) -> Result<Value<'v>> {
        let (context, heap) = (self.state.context(), module.heap());
        Ok(match recipe {
            Recipe::None => Value::new_none(),
            Recipe::Bool(value) => Value::new_bool(*value),
            Recipe::Int(value) => heap.alloc(*value),
            Recipe::LargeInt(text) => plain::whole_number(text, heap)?,
            Recipe::Float(text) => {
                let value: f64 = text.parse().map_err(|_| Error::input("it is not a number"))?;
                heap.alloc(value)
            }
            Recipe::Text(text) => heap.alloc(text.as_str()),
            Recipe::List(items) => heap.alloc(AllocList(self.values(items, module)?)),
            Recipe::Tuple(items) => heap.alloc(AllocTuple(self.values(items, module)?)),
            Recipe::Set(items) => plain::set(self.values(items, module)?, module)?,
            Recipe::Range { start, stop, step } => heap.alloc(Range::new(*start, *stop, *step)),
            Recipe::Dict(entries) => {
                let entry = |(key, item): &(Recipe, Recipe)| {
                    Ok((self.value(key, module)?, self.value(item, module)?))
                };
                heap.alloc(AllocDict(entries.iter().map(entry).collect::<Result<Vec<_>>>()?))
            }
            Recipe::Struct(fields) => {
                let field =
                    |(name, item): &(String, Recipe)| Ok((name.clone(), self.value(item, module)?));
                heap.alloc(AllocStruct(fields.iter().map(field).collect::<Result<Vec<_>>>()?))
            }
            Recipe::Cohort(of) => heap.alloc(CohortValue { cohort: self.cohort(of)?, context }),
            Recipe::Subject { of, position } => {
                let (cohort, position) = (self.cohort(of)?, *position);
                cohort.entry(position)?;
                heap.alloc(SubjectValue { cohort, position, context })
            }
            Recipe::Model { number, estimations, training_estimations, saved } => {
                heap.alloc(self.model(*number, (*estimations, *training_estimations), *saved)?)
            }
            Recipe::History(history) => heap.alloc(HistoryValue(history.clone())),
            Recipe::Epoch(epoch) => heap.alloc(EpochValue(epoch.clone())),
            Recipe::Uncertainty { of, patch, file } => {
                heap.alloc(self.uncertainty(of, *patch, file)?)
            }
            Recipe::Masks { sampler, of, example: (name, position) } => {
                let cohort = self.cohort(of)?;
                let subject = cohort.subject(cohort.find(name)?, &context)?;
                if *position >= subject.slices.len() {
                    return Err(changed());
                }
                let (sampler, example) = (sampler.clone(), (subject, *position));
                let streams = context.streams;
                heap.alloc(MasksValue(Masks { sampler, example, cohort, streams }))
            }
            Recipe::IntensityThreshold { local_mm } => {
                let method = IntensityThreshold { local_mm: *local_mm };
                heap.alloc(MethodValue::from(Baseline::IntensityThreshold(method)))
            }
            Recipe::Method { file } => heap.alloc(self.method(file)?),
            Recipe::Findings { .. } => heap.alloc(self.findings(recipe)?),
            Recipe::Finding { of, position } => {
                let of = self.findings(of)?;
                if *position >= of.0.subjects.len() {
                    return Err(changed());
                }
                heap.alloc(FindingValue { of, position: *position })
            }
            Recipe::Evaluation { of, rule, lesion_threshold } => {
                let (found, threshold) = (self.findings(of)?, rule.clone());
                let options = EvaluationOptions { threshold, lesion_threshold: *lesion_threshold };
                heap.alloc(EvaluationValue::new(&found, options, &context)?)
            }
            Recipe::Function { .. } => return Err(Error::input("a function inside another value")),
        })
    }

    fn values<'v>(&mut self, items: &[Recipe], module: &Module<'v>) -> Result<Vec<Value<'v>>> {
        items.iter().map(|item| self.value(item, module)).collect()
    }

    fn cohort(&mut self, of: &CohortRecipe) -> Result<Cohort> {
        let CohortRecipe { recipe, names, files } = of;
        let known = self.cohorts.iter().find(|(origin, _)| *origin == recipe.origin);
        let first = match known {
            Some((_, first)) => first.clone(),
            None => {
                let first = recipe.first(&self.state.context())?;
                self.cohorts.push((recipe.origin.clone(), first.clone()));
                first
            }
        };
        let cohort = recipe.applied(&first)?;
        // Several values may be of one cohort.
        if let Some(changes) = changes(&cohort, names, files) {
            self.state.context().warn_once(format!("{}: {changes}", cohort.name()));
        }
        Ok(cohort)
    }

    fn model(&mut self, number: usize, estimations: (u64, u64), saved: bool) -> Result<ModelValue> {
        if let Some(model) = self.models.get(&number) {
            return Ok(model.clone());
        }
        let value = (self.adopt)(number)?;
        {
            let mut model = value.lock();
            model.estimations = model.estimations.max(estimations.0);
            model.training_estimations = model.training_estimations.max(estimations.1);
        }
        if saved {
            value.mark_saved();
        }
        self.models.insert(number, value.clone());
        Ok(value)
    }

    /// The cohort with its subjects, who must still be those that maps were made of.
    fn preprocessed(
        &mut self,
        of: &CohortRecipe,
        slices: usize,
        fingerprint: Option<&str>,
    ) -> Result<(Cohort, Vec<Arc<Subject>>)> {
        let cohort = self.cohort(of)?;
        let subjects = cohort.subjects(&self.state.context())?;
        let same =
            |made_of: &str| made_of == maps::fingerprint(subjects.iter().map(|subject| &**subject));
        match all_slices(&subjects).len() == slices && fingerprint.is_none_or(same) {
            true => Ok((cohort, subjects)),
            false => Err(changed()),
        }
    }

    fn uncertainty(
        &mut self,
        of: &CohortRecipe,
        patch: usize,
        file: &str,
    ) -> Result<UncertaintyValue> {
        if let Some(value) = self.uncertainties.get(file) {
            return Ok(value.clone());
        }
        let Maps { mut by_name, subjects: made_of } = maps::read(&self.folder.join(file))?;
        let mut take = |name: &str| by_name.remove(name).unwrap_or_default().into_iter();
        let passes = take("passes").next().unwrap_or_default();
        let (cohort, subjects) = self.preprocessed(of, passes.len(), made_of.as_deref())?;
        let (mut variance, mut mean, mut error) = (take("variance"), take("mean"), take("error"));
        let maps = passes.into_iter().map(|passes| {
            let (Some(variance), Some(mean), Some(error)) =
                (variance.next(), mean.next(), error.next())
            else {
                return Err(changed());
            };
            Ok(Uncertainty { variance, mean, error, passes: passes as usize })
        });
        let maps = maps.collect::<Result<Vec<_>>>()?;
        let value = UncertaintyValue(CohortUncertainty::new(cohort, &subjects, maps, patch));
        self.store.remember_uncertainty(&value.0, file);
        self.uncertainties.insert(file.to_owned(), value.clone());
        Ok(value)
    }

    fn method(&mut self, file: &str) -> Result<MethodValue> {
        if let Some(value) = self.methods.get(file) {
            return Ok(value.clone());
        }
        let value = MethodValue::from(Baseline::load(&self.folder.join(file))?);
        self.store.remember_method(&value.0, file);
        self.methods.insert(file.to_owned(), value.clone());
        Ok(value)
    }

    fn findings(&mut self, recipe: &Recipe) -> Result<FindingsValue> {
        let Recipe::Findings {
            of,
            method,
            scoring,
            reconstructs,
            calibration,
            made_by,
            seen,
            file,
        } = recipe
        else {
            return Err(changed());
        };
        if let Some(value) = self.findings.get(file) {
            return Ok(value.clone());
        }
        let Maps { mut by_name, subjects: made_of } = maps::read(&self.folder.join(file))?;
        let mut take = |name: &str| by_name.remove(name).unwrap_or_default();
        let (reconstructions, errors) = (take("reconstruction"), take("error"));
        let mut variances = take("variance").into_iter();
        let mut probabilities = take("probability").into_iter();
        let mut anomalies = take("anomaly").into_iter();
        let reconstructions: Vec<Reconstruction> = reconstructions
            .into_iter()
            .zip(errors)
            .map(|(reconstruction, error)| Reconstruction {
                reconstruction,
                error,
                variance: variances.next(),
                probability: probabilities.next(),
                anomaly: anomalies.next(),
            })
            .collect();
        let (cohort, subjects) =
            self.preprocessed(of, reconstructions.len(), made_of.as_deref())?;
        let stored =
            Stored { method: method.clone(), reconstructs: *reconstructs, reconstructions };
        let mut findings = detect(&stored, &subjects, Some(*scoring), &self.state.context())?;
        findings.calibration = calibration.clone().map(Arc::from);
        for (finding, seen) in findings.subjects.iter_mut().zip(seen) {
            finding.seen = seen.clone();
        }
        // What was kept tells the method; this is only what reads it. Earlier versions did not keep it.
        findings.made_by = made_by.clone();
        let value = FindingsValue(Arc::new(findings), cohort);
        self.store.remember_findings(&value, file);
        self.findings.insert(file.clone(), value.clone());
        Ok(value)
    }
}

/// A method that returns reconstructions made before.
struct Stored {
    method: String,
    reconstructs: bool,
    reconstructions: Vec<Reconstruction>,
}

impl Reconstructor for Stored {
    fn name(&self) -> String {
        self.method.clone()
    }

    fn reconstructs(&self) -> bool {
        self.reconstructs
    }

    fn reconstruct(&self, _: &[&Slice], _: &Context) -> Result<Vec<Reconstruction>> {
        Ok(self.reconstructions.clone())
    }
}

fn changed() -> Error {
    Error::input("the images, masks or participants table of its cohort have changed since")
}
