//! Values passed from the session to Rust.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array2;
use starlark::environment::Module;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::{UnpackValue, Value, ValueLike};

use crate::cohort::{Slice, Subject};
use crate::context::panics;
use crate::detection::{Findings, SliceFinding};
use crate::exchange::{
    Array, KIND, Notes, PIXEL_SPACING_MM, SLICES, SUBJECTS, ToSessionValue, WORDS, write_value,
};
use crate::language::nearest;
use crate::report::{Cell, Table};
use crate::session::show::tabulated::tabulated;
use crate::session::snapshot;
use crate::session::state::State;
use crate::session::values::{
    CohortValue, FindingValue, FindingsValue, ImageValue, MapsValue, SliceUncertaintyValue,
    SliceValue, SubjectValue, UncertaintyValue,
};
use crate::study::SliceUncertainty;
use crate::{Error, Result};

/// Files written so far, by the name of their value.
#[derive(Default)]
pub(super) struct Given {
    files: HashMap<String, (Source, PathBuf)>,
    written: usize,
}

impl Given {
    /// The file of the value that has this name now; written when it is first asked for.
    ///
    /// # Errors
    /// If no value has this name, it cannot be exchanged, or the file cannot be written.
    pub fn file(
        &mut self,
        name: &str,
        module: &Module,
        state: &State,
        folder: &Path,
    ) -> Result<PathBuf> {
        let value = panics::catch(|| module.get(name)).ok().flatten();
        let source = Source::of(value.ok_or_else(|| unknown(name, module))?, name, state)?;
        if let Some((given, file)) = self.files.get(name)
            && given.is(&source)
        {
            return Ok(file.clone());
        }
        let (arrays, notes) = source.pack()?;
        self.written += 1;
        let file = folder.join(format!("get-{}.safetensors", self.written));
        write_value(&file, &arrays, notes)?;
        let before = self.files.insert(name.to_owned(), (source, file.clone()));
        if let Some((_, before)) = before {
            // A cell that has the file mapped can still read it.
            std::fs::remove_file(before).ok();
        }
        Ok(file)
    }
}

fn unknown(name: &str, module: &Module) -> Error {
    let names: Vec<String> = snapshot::values(module).into_iter().map(|(name, _)| name).collect();
    let hint = match nearest(name, &names) {
        Some(nearest) => format!("; did you mean \"{nearest}\"?"),
        None => String::new(),
    };
    Error::input(format!("session.get: there is no value called \"{name}\"{hint}"))
}

/// The parts of a value; cheap to make and to keep.
enum Source {
    Stack(&'static str, Vec<(Arc<Subject>, Option<usize>)>),
    Uncertainty(Vec<SliceUncertainty>),
    Findings(Arc<Findings>, Option<usize>),
    Image(Arc<Array2<f32>>),
    Maps(Arc<Vec<Array2<f32>>>),
    Table(Table),
    Number(f64),
    Integer(i64),
    Numbers(Vec<f64>),
    Text(String),
}

impl Source {
    fn of(value: Value, name: &str, state: &State) -> Result<Self> {
        if let Some(cohort) = value.downcast_ref::<CohortValue>() {
            let subjects = cohort.cohort.subjects(&state.context())?;
            let subjects = subjects.into_iter().map(|subject| (subject, None)).collect();
            return Ok(Self::Stack("Cohort", subjects));
        }
        if let Some(subject) = value.downcast_ref::<SubjectValue>() {
            return Ok(Self::Stack("Subject", vec![(subject.subject()?, None)]));
        }
        if let Some(slice) = value.downcast_ref::<SliceValue>() {
            let place = (slice.subject.clone(), Some(slice.position));
            return Ok(Self::Stack("Slice", vec![place]));
        }
        if let Some(maps) = value.downcast_ref::<UncertaintyValue>() {
            return Ok(Self::Uncertainty(maps.0.slices.to_vec()));
        }
        if let Some(maps) = value.downcast_ref::<SliceUncertaintyValue>() {
            return Ok(Self::Uncertainty(vec![maps.0.clone()]));
        }
        if let Some(findings) = value.downcast_ref::<FindingsValue>() {
            return Ok(Self::Findings(findings.0.clone(), None));
        }
        if let Some(finding) = value.downcast_ref::<FindingValue>() {
            return Ok(Self::Findings(finding.of.0.clone(), Some(finding.position)));
        }
        if let Some(image) = value.downcast_ref::<ImageValue>() {
            return Ok(Self::Image(image.pixels.clone()));
        }
        if let Some(maps) = value.downcast_ref::<MapsValue>() {
            return Ok(Self::Maps(maps.0.maps.clone()));
        }
        if let Some(text) = value.unpack_str() {
            return Ok(Self::Text(text.to_owned()));
        }
        let number = |value| UnpackFloat::unpack_value_opt(value).map(|number| number.0);
        if let Some(integer) = i64::unpack_value(value).ok().flatten() {
            return Ok(Self::Integer(integer));
        }
        if let Some(number) = number(value) {
            return Ok(Self::Number(number));
        }
        if let Some(truth) = value.unpack_bool() {
            return Ok(Self::Integer(i64::from(truth)));
        }
        let numbers = ListRef::from_value(value)
            .filter(|list| !list.is_empty())
            .and_then(|list| list.iter().map(number).collect());
        if let Some(numbers) = numbers {
            return Ok(Self::Numbers(numbers));
        }
        tabulated(value).map(Self::Table).map_err(|_| {
            let kind = value.get_type();
            Error::input(format!("session.get: \"{name}\" of type {kind} cannot be exchanged"))
        })
    }

    /// Whether this is the very same value.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stack(kind, one), Self::Stack(other_kind, other)) => {
                let same = |(one, other): (&(Arc<Subject>, _), &(Arc<Subject>, _))| {
                    Arc::ptr_eq(&one.0, &other.0) && one.1 == other.1
                };
                kind == other_kind && one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (Self::Uncertainty(one), Self::Uncertainty(other)) => {
                let same = |(one, other): (&SliceUncertainty, &SliceUncertainty)| {
                    Arc::ptr_eq(&one.maps, &other.maps)
                };
                one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (Self::Findings(one, place), Self::Findings(other, other_place)) => {
                Arc::ptr_eq(one, other) && place == other_place
            }
            (Self::Image(one), Self::Image(other)) => Arc::ptr_eq(one, other),
            (Self::Maps(one), Self::Maps(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    fn pack(&self) -> Result<(Vec<Array>, Notes)> {
        Ok(match self {
            Self::Stack(kind, places) => {
                let slices = places.iter().flat_map(|(subject, place)| match place {
                    Some(place) => &subject.slices[*place..=*place],
                    None => &subject.slices[..],
                });
                let slices: Vec<&Slice> = slices.collect();
                (stack(&slices), notes(kind, &slices)?)
            }
            Self::Uncertainty(maps) => {
                let slices: Vec<&Slice> = maps.iter().map(|map| map.slice()).collect();
                let all = |map: fn(&SliceUncertainty) -> &Array2<f32>| maps.iter().map(map);
                let arrays = vec![
                    floats("variance", all(|map| &map.maps.variance)),
                    floats("mean", all(|map| &map.maps.mean)),
                    floats("error", all(|map| &map.maps.error)),
                ];
                (arrays, notes("Uncertainty", &slices)?)
            }
            Self::Findings(findings, place) => found(findings, *place)?,
            Self::Image(pixels) => {
                let image = Array::floats("image", [pixels.nrows(), pixels.ncols()], pixels.iter());
                (vec![image], note("Image"))
            }
            Self::Maps(maps) => (vec![floats("maps", maps.iter())], note("Maps")),
            Self::Table(table) => tabular(table)?,
            Self::Number(number) => number.pack()?,
            Self::Integer(integer) => integer.pack()?,
            Self::Numbers(numbers) => numbers.pack()?,
            Self::Text(text) => text.pack()?,
        })
    }
}

/// What every slice has, one behind the other.
fn stack(slices: &[&Slice]) -> Vec<Array> {
    let marks = |name: &str, mask: fn(&Slice) -> &Array2<bool>| {
        let (rows, columns) = slices.first().map_or((0, 0), |slice| slice.image.dim());
        let all = slices.iter().flat_map(|slice| mask(slice));
        Array::marks(name, [slices.len(), rows, columns], all)
    };
    let mut arrays = vec![
        floats("image", slices.iter().map(|slice| &slice.image)),
        marks("cord", |slice| &slice.cord),
        marks("csf", |slice| &slice.csf),
        marks("region", |slice| &slice.region),
        marks("scoring", |slice| &slice.scoring),
    ];
    let known: Vec<bool> = slices.iter().map(|slice| slice.lesion.is_some()).collect();
    if known.contains(&true) {
        let (rows, columns) = slices[0].image.dim();
        let none = Array2::from_elem((rows, columns), false);
        let all = slices.iter().flat_map(|slice| slice.lesion.as_ref().unwrap_or(&none));
        arrays.push(Array::marks("lesion", [slices.len(), rows, columns], all));
        arrays.push(Array::marks("lesion_known", [slices.len()], &known));
    }
    arrays
}

/// Maps of one size as a stack.
fn floats<'m>(name: &str, maps: impl Iterator<Item = &'m Array2<f32>> + Clone) -> Array {
    let (rows, columns) = maps.clone().next().map_or((0, 0), |map| map.dim());
    let shape = [maps.clone().count(), rows, columns];
    Array::floats(name, shape, maps.flat_map(|map| map.iter()))
}

fn found(findings: &Findings, place: Option<usize>) -> Result<(Vec<Array>, Notes)> {
    let subjects = match place {
        Some(place) => &findings.subjects[place..=place],
        None => &findings.subjects[..],
    };
    let every: Vec<(&Slice, &SliceFinding)> = subjects
        .iter()
        .flat_map(|finding| finding.slices.iter().map(move |one| (finding, one)))
        .map(|(finding, one)| (&finding.subject.slices[one.slice], one))
        .collect();
    let slices: Vec<&Slice> = every.iter().map(|(slice, _)| *slice).collect();
    let all = |map: fn(&SliceFinding) -> &Array2<f32>| every.iter().map(move |(_, one)| map(one));
    let scores = subjects.iter().map(|finding| match finding.is_scored() {
        true => finding.score,
        false => f64::NAN,
    });
    let arrays = vec![
        floats("anomaly", all(|one| &one.anomaly)),
        floats("error", all(|one| &one.reconstruction.error)),
        floats("reconstruction", all(|one| &one.reconstruction.reconstruction)),
        Array::doubles("score", [subjects.len()], scores),
    ];
    let mut notes = notes("Findings", &slices)?;
    notes.insert("method".to_owned(), findings.method.clone());
    Ok((arrays, notes))
}

/// Columns of numbers as arrays, missing ones as NaN; columns of words beside them.
fn tabular(table: &Table) -> Result<(Vec<Array>, Notes)> {
    let (mut arrays, mut words) = (Vec::new(), Vec::new());
    for (place, column) in table.columns().iter().enumerate() {
        let cells = || table.rows().iter().map(|row| &row[place]);
        if cells().any(|cell| matches!(cell, Cell::Text(_))) {
            let texts = cells().map(|cell| match cell {
                Cell::Text(text) => text.clone(),
                Cell::Integer(integer) => integer.to_string(),
                Cell::Number(number) => number.to_string(),
                Cell::Missing => String::new(),
            });
            words.push((column.name.clone(), texts.collect::<Vec<_>>()));
        } else {
            let numbers = cells().map(|cell| match cell {
                Cell::Integer(integer) => *integer as f64,
                Cell::Number(number) => *number,
                Cell::Text(_) | Cell::Missing => f64::NAN,
            });
            arrays.push(Array::doubles(&*column.name, [table.rows().len()], numbers));
        }
    }
    let mut notes = note("table");
    notes.insert("title".to_owned(), table.title.clone());
    notes.insert(WORDS.to_owned(), json(&words)?);
    Ok((arrays, notes))
}

fn note(kind: &str) -> Notes {
    Notes::from([(KIND.to_owned(), kind.to_owned())])
}

fn notes(kind: &str, slices: &[&Slice]) -> Result<Notes> {
    let mut notes = note(kind);
    let subjects: Vec<&str> = slices.iter().map(|slice| &*slice.subject).collect();
    notes.insert(SUBJECTS.to_owned(), json(&subjects)?);
    let indices: Vec<usize> = slices.iter().map(|slice| slice.index).collect();
    notes.insert(SLICES.to_owned(), json(&indices)?);
    let edges: Vec<(f64, f64)> = slices.iter().map(|slice| slice.pixel_spacing_mm).collect();
    notes.insert(PIXEL_SPACING_MM.to_owned(), json(&edges)?);
    Ok(notes)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::input(format!("a value cannot be written: {error}")))
}
