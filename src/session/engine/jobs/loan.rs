//! The models that a job has.

use std::collections::BTreeMap;

use crate::session::values::ModelValue;
use crate::training::Model;
use crate::{Error, Result};

/// Models of the session in the hands of a job; the session gets them back when this is dropped.
#[derive(Default)]
pub(super) struct Loan(BTreeMap<usize, (ModelValue, Model)>);

impl Loan {
    /// Takes these models for the job of this number.
    ///
    /// # Errors
    /// If another job has one of them, or one cannot be copied.
    pub fn take<'a>(models: impl IntoIterator<Item = &'a ModelValue>, job: usize) -> Result<Self> {
        let mut loan = Self::default();
        for model in models {
            loan.0.insert(model.number, (model.clone(), model.lend(job)?));
        }
        Ok(loan)
    }

    /// One of the models, by its number in the session.
    pub fn model(&mut self, number: usize) -> Result<&mut Model> {
        let model = self.0.get_mut(&number).map(|(_, model)| model);
        model.ok_or_else(|| Error::input(format!("model {number} is not part of this job")))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        for (value, model) in std::mem::take(&mut self.0).into_values() {
            value.give_back(model);
        }
    }
}
