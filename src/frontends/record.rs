//! What a script or shell saves on disk: figures, tables and the log in a run folder.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::figures::Figure;
use crate::report::{RunFolder, RunRecord, RunStatus, Table};
use crate::session::{Settings, device_name};

/// Where run folders go unless `--out` says otherwise.
pub(super) const RUNS: &str = "runs";

/// A run folder, made when there is something to keep.
pub(super) struct Record {
    runs: PathBuf,
    name: String,
    script: String,
    source: String,
    seed: u64,
    device: String,
    folder: Option<RunFolder>,
    /// Log lines from before there was a folder.
    early: String,
}

impl Record {
    /// A record of `source`, which is kept under the name `script` in the folder `name`.
    pub fn new(name: &str, source: &str, out: Option<&Path>, settings: &Settings) -> Self {
        Self {
            runs: out.unwrap_or(Path::new(RUNS)).to_path_buf(),
            name: name.to_owned(),
            script: format!("{name}.star"),
            source: source.to_owned(),
            seed: settings.seed,
            device: device_name(&settings.device).to_owned(),
            folder: None,
            early: String::new(),
        }
    }

    /// The same record, continued in the folder of an earlier run.
    ///
    /// # Errors
    /// If `folder` is not a run folder, or it cannot be written.
    pub fn going_on(mut self, folder: &Path) -> Result<Self> {
        self.folder = Some(RunFolder::reopen(folder)?);
        Ok(self)
    }

    /// Creates the folder now.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(&mut self) -> Result<&mut RunFolder> {
        if self.folder.is_none() {
            let arguments: Vec<String> = std::env::args().skip(1).collect();
            let record = RunRecord::new(&self.script, &arguments, self.seed, &self.device);
            let folder = RunFolder::create(&self.runs, &self.name, &self.source, record)?;
            let folder = self.folder.insert(folder);
            if !self.early.is_empty() {
                folder.log(&std::mem::take(&mut self.early))?;
            }
        }
        Ok(self.folder.as_mut().expect("it was just made"))
    }

    /// Keeps a figure as PNG and SVG; gives the path of the PNG.
    pub fn figure(&mut self, figure: &Figure) -> Result<PathBuf> {
        let folder = self.open()?;
        folder.log(&format!("[figure] {}", figure.title))?;
        folder.save_figure(figure)
    }

    /// Keeps a table as TSV.
    pub fn table(&mut self, table: &Table) -> Result<PathBuf> {
        let folder = self.open()?;
        folder.log(&format!("[table] {}", table.title))?;
        folder.save_table(table)
    }

    /// Adds lines to the log. Until there is a folder, they wait in memory.
    pub fn log(&mut self, text: &str) -> Result<()> {
        match &mut self.folder {
            Some(folder) => folder.log(text),
            None => {
                self.early.push_str(text);
                self.early.push('\n');
                Ok(())
            }
        }
    }

    /// Replaces the script in a folder that is open.
    pub fn script(&mut self, script: &str) -> Result<()> {
        self.folder.as_mut().map_or(Ok(()), |folder| folder.save_script(script).map(drop))
    }

    /// Closes the folder; gives its path, if there is one.
    pub fn finish(&mut self, status: RunStatus) -> Result<Option<PathBuf>> {
        let Some(folder) = self.folder.take() else { return Ok(None) };
        let path = folder.path().to_path_buf();
        folder.finish(status)?;
        Ok(Some(path))
    }
}

/// The name of the run folder of a script: that of the script, as far as it can name a folder.
pub(super) fn run_name(script: &Path) -> String {
    let stem = script.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    crate::report::file_stem(stem)
}
