//! A recorded script once more, in a process of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::context::{OneRank, Ranks};
use crate::files::{confine_writes, read_json};
use crate::frontends::Options;
use crate::frontends::record::{Record, Recorded};
use crate::frontends::script;

/// The instructions for the second run.
#[derive(Serialize, Deserialize)]
pub(super) struct Plan {
    /// The script as it was named then.
    pub script_path: String,
    /// The folder where what it loads is looked for.
    pub script_folder: PathBuf,
    pub source: String,
    /// The script's copy, the folder of runs, and the folder of the run there.
    pub copy: String,
    pub runs: PathBuf,
    pub name: String,
    pub seed: u64,
    pub device: String,
    pub parameters: BTreeMap<String, String>,
    /// Whether several processes shared the work.
    #[serde(default)]
    pub shared: bool,
    /// The only folder that it may write in.
    pub root: PathBuf,
}

/// Runs a script as the plan in a file says.
///
/// # Errors
/// If the plan cannot be read, and as [`script::run`].
pub fn rerun(plan: &Path) -> Result<ExitCode> {
    let plan: Plan = read_json(plan, "verify the run again")?;
    confine_writes(&plan.root)?;
    let options = Options {
        out: Some(plan.runs.clone()),
        seed: plan.seed,
        device: plan.device,
        parameters: plan.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        memory: None,
        ranks: plan.shared.then(|| -> Arc<dyn Ranks> { Arc::new(OneRank) }),
    };
    let mut cell = script::cell(Path::new(&plan.script_path), plan.source.clone());
    cell.folder = plan.script_folder;
    let recorded = Recorded {
        runs: Some(&plan.runs),
        name: &plan.name,
        copy: &plan.copy,
        script_path: &plan.script_path,
        source: &plan.source,
    };
    let settings = options.settings()?;
    let record = Record::new(&recorded, &settings);
    script::run_recorded(cell, record, settings, None)
}
