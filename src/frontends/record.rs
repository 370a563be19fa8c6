//! What a script or shell saves on disk: figures, tables and the log in a run folder.

use std::path::{Path, PathBuf};

use super::doctor;
use crate::Result;
use crate::figures::Figure;
use crate::files::{log_files, sha256};
use crate::ops::InstructionSet;
use crate::options::Choice;
use crate::report::{Answer, ClaimedRun, RunFolder, RunRecord, RunStatus, Table};
use crate::session::{ScriptParameters, SeedChanges, Settings, device_name};

/// Where run folders go unless `--out` says otherwise.
pub(super) const RUNS: &str = "runs";

/// What is recorded, and where.
pub(super) struct Recorded<'a> {
    /// The folder of run folders; [`RUNS`] unless given.
    pub runs: Option<&'a Path>,
    /// Name of the run's folder there.
    pub name: &'a str,
    /// Name of the script's copy in the folder.
    pub copy: &'a str,
    /// As it was given: a path, `-` for standard input, empty for a shell.
    pub script_path: &'a str,
    pub source: &'a str,
}

/// A run folder, made when there is something to keep.
pub(super) struct Record {
    runs: PathBuf,
    name: String,
    source: String,
    /// The record before there is a folder.
    start: RunRecord,
    seed_changes: SeedChanges,
    parameters: ScriptParameters,
    folder: Option<RunFolder>,
    /// Log lines from before there was a folder.
    early: String,
    /// Questions that were answered so far.
    answers: usize,
}

impl Record {
    /// Begins a record. From now on the files that this process reads and writes are listed.
    pub fn new(recorded: &Recorded<'_>, settings: &Settings) -> Self {
        log_files();
        let Recorded { runs, name, copy, script_path, source } = *recorded;
        let device = device_name(&settings.device);
        let folder = std::env::current_dir().unwrap_or_default();
        let start = RunRecord::new(copy, source, settings.seed, device);
        let start = RunRecord {
            // What is typed in a shell is known at its end.
            script_sha256: match script_path {
                "" => String::new(),
                _ => start.script_sha256,
            },
            script_path: script_path.to_owned(),
            working_folder: folder.display().to_string(),
            arguments: std::env::args().skip(1).collect(),
            parameters: settings.parameters.given().clone(),
            processor: doctor::processor().unwrap_or_default(),
            instruction_set: InstructionSet::detect().name().to_owned(),
            threads: rayon::current_num_threads(),
            ranks: settings.ranks.as_ref().map(|ranks| ranks.size()),
            ..start
        };
        Self {
            runs: runs.unwrap_or(Path::new(RUNS)).to_path_buf(),
            name: name.to_owned(),
            source: source.to_owned(),
            start,
            seed_changes: settings.seed_changes.clone(),
            parameters: settings.parameters.clone(),
            folder: None,
            early: String::new(),
            answers: 0,
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

    /// The same record, of a run that was killed and that this process runs again.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn again(mut self, claimed: ClaimedRun, path: &Path, from: String) -> Result<Self> {
        self.folder = Some(claimed.begin(path, self.start.clone(), from)?);
        Ok(self)
    }

    /// Notes the answer to a question of a script. Says whether the part of the run from before it was resumed
    /// got another one.
    pub fn answered(&mut self, prompt: &str, answer: &str) -> Result<bool> {
        if self.start.script_path.is_empty() {
            return Ok(false);
        }
        let number = self.answers;
        self.answers += 1;
        let answer = Answer { prompt: prompt.trim().to_owned(), sha256: sha256(answer.as_bytes()) };
        self.open()?.answered(number, answer)
    }

    /// Creates the folder now.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(&mut self) -> Result<&mut RunFolder> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => RunFolder::create(&self.runs, &self.name, &self.source, self.start.clone())?,
        };
        let folder = self.folder.insert(folder);
        if !self.early.is_empty() {
            folder.log(&std::mem::take(&mut self.early))?;
        }
        Ok(folder)
    }

    /// Keeps a figure as PNG and SVG; gives the path of the PNG.
    pub fn figure(&mut self, figure: &Figure) -> Result<PathBuf> {
        self.log_shown("figure", &figure.title)?;
        self.open()?.save_figure(figure)
    }

    /// Keeps a table as TSV.
    pub fn table(&mut self, table: &Table) -> Result<PathBuf> {
        self.log_shown("table", &table.title)?;
        self.open()?.save_table(table)
    }

    fn log_shown(&mut self, kind: &str, title: &str) -> Result<()> {
        self.open()?;
        self.log(&format!("[{kind}] {title}"))
    }

    /// Adds lines to the log. Until there is a folder, they wait in memory.
    pub fn log(&mut self, text: &str) -> Result<()> {
        // First the record, then the line: whatever the log has, the record of a killed run knows the seed of it.
        self.update()?;
        match &mut self.folder {
            Some(folder) => folder.log(text)?,
            None => {
                self.early.push_str(text);
                self.early.push('\n');
            }
        }
        Ok(())
    }

    /// Writes down new inputs, seeds and parameters, so that the record of a run that is killed has them.
    fn update(&mut self) -> Result<()> {
        let changes = self.seed_changes.all();
        let defaults = self.parameters.defaults();
        self.folder.as_mut().map_or(Ok(()), |folder| folder.update(&changes, defaults))
    }

    /// Replaces the script in a folder that is open.
    pub fn script(&mut self, script: &str) -> Result<()> {
        self.folder.as_mut().map_or(Ok(()), |folder| folder.save_script(script).map(drop))
    }

    /// Closes the folder; gives its path, if there is one.
    pub fn finish(&mut self, status: RunStatus) -> Result<Option<PathBuf>> {
        self.update()?;
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
