//! A job in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::job::Job;
use crate::Result;
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::session::values::{handle, shared_members};

/// A job that `start` began.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct JobValue(#[allocative(skip)] pub Arc<Job>);

handle!(JobValue);
starlark::methods_static!(JOB = job_methods);

impl fmt::Display for JobValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Job {}, {}, {}>", self.0.number, self.0.work, self.0.state())
    }
}

#[starlark_value(type = "Job")]
impl<'v> StarlarkValue<'v> for JobValue {
    shared_members!(JOB);
}

impl ShowValue for JobValue {
    fn show(&self) -> Result<Display> {
        self.0.is_shown();
        Ok(self.0.display())
    }
}

/// Work in the background, which `start` began.
#[starlark_module]
fn job_methods(builder: &mut MethodsBuilder) {
    /// Number of the job, counted from 1.
    #[starlark(attribute)]
    fn number(this: &JobValue) -> anyhow::Result<i32> {
        Ok(this.0.number as i32)
    }

    /// The verbs that it runs, such as "pretrain, adapt".
    #[starlark(attribute)]
    fn work(this: &JobValue) -> anyhow::Result<String> {
        Ok(this.0.work.clone())
    }

    /// "running", "done", "stopped" or "failed".
    #[starlark(attribute)]
    fn state(this: &JobValue) -> anyhow::Result<String> {
        Ok(this.0.state().to_owned())
    }

    /// Seconds that it has taken so far or, if it has ended, in all.
    #[starlark(attribute)]
    fn seconds(this: &JobValue) -> anyhow::Result<f64> {
        Ok(this.0.seconds())
    }
}
