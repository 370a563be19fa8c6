//! The folder in which a run saves its results: numbered figures and tables, the log, the script, `run.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::run_files::{LOG, inputs, written_elsewhere, written_inside};
use super::run_names::{check_plain, claim, file_stem};
use super::run_record::{Answer, RECORD};
use super::{RecordedFile, RunRecord, RunStatus, Table};
use crate::figures::Figure;
use crate::files::{files_read, make_folder, sha256, write_json, write_whole};
use crate::{Error, Result};

/// An open run folder. Files are written completely or not at all; `run.json` lists them as they come.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Locked while the run lasts: whoever finds it free knows that the process is gone.
    log: fs::File,
    /// Figures and tables saved so far; they share one count, in the order they were shown.
    shown: usize,
    record: RunRecord,
    since: Instant,
    /// Numbers of inputs and changes of the seed in the record on the disk.
    recorded: (usize, usize),
    /// Inputs of a killed process whose run this one goes on with: it may not have read them yet.
    earlier_inputs: Vec<RecordedFile>,
}

impl RunFolder {
    /// Makes `runs/<name>`, or `runs/<name>-2`, `-3` … if that exists: a run never writes into
    /// another's folder. Puts a copy of the script there, under the name in `record`.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that is not a plain folder name, [`Error::File`] where a file
    /// cannot be written.
    pub fn create(runs: &Path, name: &str, script: &str, record: RunRecord) -> Result<Self> {
        for name in [name, &record.script] {
            check_plain(name)?;
        }
        make_folder(runs)?;
        let path = claim(runs, name)?;
        let log_path = path.join(LOG);
        let log = fs::File::create_new(&log_path).map_err(|e| Error::file(&log_path, e))?;
        // A file system without locks is no reason not to run.
        log.try_lock().ok();
        let mut folder = Self::empty(path, log, record);
        folder.record.folder = folder.path.display().to_string();
        folder.record.files.push(RecordedFile::named(LOG));
        let script_name = folder.record.script.clone();
        folder.save(&script_name, script.as_bytes())?;
        Ok(folder)
    }

    fn empty(path: PathBuf, log: fs::File, record: RunRecord) -> Self {
        let (since, earlier_inputs) = (Instant::now(), Vec::new());
        Self { path, log, shown: 0, record, since, recorded: (0, 0), earlier_inputs }
    }

    /// Begins a run again in its folder, whose log is open, empty and locked.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub(super) fn again(
        path: &Path,
        log: fs::File,
        record: RunRecord,
        earlier_inputs: Vec<RecordedFile>,
    ) -> Result<Self> {
        let mut folder = Self::empty(path.to_path_buf(), log, record);
        folder.earlier_inputs = earlier_inputs;
        folder.record.folder = path.display().to_string();
        folder.record.files.push(RecordedFile::named(LOG));
        let script = folder.record.script.clone();
        folder.record.files.push(RecordedFile::named(script));
        folder.write_record()?;
        Ok(folder)
    }

    /// Continues a run that has ended or was killed, in its own folder.
    ///
    /// # Errors
    /// If there is none, or a file cannot be written.
    pub fn reopen(path: &Path) -> Result<Self> {
        let record = RunRecord::read(path)?;
        let log_path = path.join(LOG);
        let log = fs::File::options().append(true).create(true).open(&log_path);
        let log = log.map_err(|error| Error::file(&log_path, error))?;
        log.try_lock().ok();
        let number = |file: &RecordedFile| file.path.split('-').next()?.parse::<usize>().ok();
        // Files of the script's own may begin with a number as well, such as a year.
        let is_own = |number: &usize| *number <= record.files.len();
        let shown = record.files.iter().filter_map(number).filter(is_own).max().unwrap_or(0);
        let mut folder = Self { shown, ..Self::empty(path.to_path_buf(), log, record) };
        folder.record.go_on();
        folder.write_record()?;
        Ok(folder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a figure as PNG and SVG under its number and title, such as
    /// `03-anomaly-curve-sub-clinic02.png`; gives the path of the PNG.
    pub fn save_figure(&mut self, figure: &Figure) -> Result<PathBuf> {
        let (png, svg) = (figure.png()?, figure.svg()?);
        let stem = self.next_stem(&figure.title);
        self.save(&format!("{stem}.svg"), svg.as_bytes())?;
        self.save(&format!("{stem}.png"), &png)
    }

    /// Saves a table as TSV under its number and title.
    pub fn save_table(&mut self, table: &Table) -> Result<PathBuf> {
        let stem = self.next_stem(&table.title);
        self.save(&format!("{stem}.tsv"), table.to_tsv().as_bytes())
    }

    /// Replaces the copy of the script: for a shell, whose script is known at its end.
    pub fn save_script(&mut self, script: &str) -> Result<PathBuf> {
        let name = self.record.script.clone();
        self.record.script_sha256 = sha256(script.as_bytes());
        self.save(&name, script.as_bytes())
    }

    /// Appends to the log, line by line.
    pub fn log(&mut self, text: &str) -> Result<()> {
        let mut lines: String = text.lines().flat_map(|line| [line, "\n"]).collect();
        if lines.is_empty() {
            lines.push('\n');
        }
        let written = self.log.write_all(lines.as_bytes());
        written.map_err(|error| Error::file(self.path.join(LOG), error))
    }

    /// Brings the record on the disk up to date if there are new inputs, changes of the seed, or parameters that the
    /// script asked for and nobody gave: all those so far, these with the value that the script took.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn update(
        &mut self,
        seed_changes: &[u64],
        defaults: BTreeMap<String, String>,
    ) -> Result<()> {
        if self.recorded == (files_read().len(), seed_changes.len())
            && self.record.parameter_defaults == defaults
        {
            return Ok(());
        }
        self.record.set_seeds(seed_changes);
        self.record.parameter_defaults = defaults;
        self.write_record()
    }

    /// Notes the answer to the question of this number, counted from 0 in this process. Says whether this run goes
    /// on with one in which the same question got another answer.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn answered(&mut self, number: usize, answer: Answer) -> Result<bool> {
        let is_other = match self.record.answers.get_mut(number) {
            Some(known) if *known == answer => return Ok(false),
            Some(known) => std::mem::replace(known, answer.clone()).prompt == answer.prompt,
            None => {
                self.record.answers.push(answer);
                false
            }
        };
        self.write_record()?;
        Ok(is_other)
    }

    /// Ends the record of the run, with the sizes and hashes of all files that it wrote, also of those that
    /// the script saved in the folder by itself.
    ///
    /// # Errors
    /// If a file cannot be read, or the record cannot be written.
    pub fn finish(mut self, status: RunStatus) -> Result<()> {
        self.log.sync_all().ok();
        // A run that ends too early may have read only some of them.
        if status == RunStatus::Completed {
            self.earlier_inputs.clear();
        }
        let (files, unread) = written_inside(&self.path, &self.record.files);
        let (elsewhere, unread_elsewhere) = written_elsewhere(&self.path);
        (self.record.files, self.record.files_elsewhere) = (files, elsewhere);
        self.record.end(status, self.since.elapsed().as_secs_f64());
        self.write_record()?;
        unread.or(unread_elsewhere).map_or(Ok(()), Err)
    }

    fn next_stem(&mut self, title: &str) -> String {
        self.shown += 1;
        format!("{:02}-{}", self.shown, file_stem(title))
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path.join(name);
        write_whole(&path, bytes)?;
        let file = RecordedFile {
            path: name.to_string(),
            bytes: Some(bytes.len() as u64),
            sha256: Some(sha256(bytes)),
        };
        match self.record.files.iter_mut().find(|file| file.path == name) {
            Some(known) => *known = file,
            None => self.record.files.push(file),
        }
        self.write_record()?;
        Ok(path)
    }

    fn write_record(&mut self) -> Result<()> {
        let read = files_read();
        self.recorded = (read.len(), self.record.seed_changes.len());
        self.record.inputs = inputs(&self.path, read);
        for earlier in &self.earlier_inputs {
            if !self.record.inputs.iter().any(|input| input.path == earlier.path) {
                self.record.inputs.push(earlier.clone());
            }
        }
        write_json(&self.path.join(RECORD), &self.record)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Column};
    use super::*;
    use crate::figures::training_history;
    use crate::training::History;

    fn start(runs: &Path, name: &str) -> RunFolder {
        let mut record = RunRecord::new("demo.star", "print(1)\n", 3, "cpu");
        record.arguments = vec!["fast".to_string()];
        RunFolder::create(runs, name, "print(1)\n", record).unwrap()
    }

    fn table() -> Table {
        let mut table = Table::new("Patient scores: U²AD", vec![Column::number("score", 2)]);
        table.push(vec![Cell::from(0.5)]).unwrap();
        table
    }

    fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
        let entry = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        };
        fs::read_dir(path).unwrap().map(entry).collect()
    }

    #[test]
    fn a_run_leaves_numbered_results_the_log_the_script_and_a_record() {
        let runs = tempfile::tempdir().unwrap();
        let mut run = start(runs.path(), "demo");
        let path = run.path().to_path_buf();
        run.save_figure(&training_history(&History::default())).unwrap();
        run.save_table(&table()).unwrap();
        run.log("one\ntwo").unwrap();
        run.log("three").unwrap();
        run.finish(RunStatus::Completed).unwrap();

        let files = files(&path);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let expected = [
            "01-training-history.png",
            "01-training-history.svg",
            "02-patient-scores-u2ad.tsv",
            "demo.star",
            "log.txt",
            "run.json",
        ];
        assert_eq!(names, expected);
        assert_eq!(files["log.txt"], b"one\ntwo\nthree\n");
        let record: RunRecord = serde_json::from_slice(&files["run.json"]).unwrap();
        assert_eq!(record.status, RunStatus::Completed);
        assert_eq!((record.seed, record.arguments), (3, vec!["fast".to_string()]));
        assert!(record.ended.is_some() && record.seconds.is_some());
        assert!(record.files.iter().all(|file| file.sha256.is_some()), "{:?}", record.files);
        assert!(
            names
                .iter()
                .all(|name| *name == RECORD || record.files.iter().any(|f| f.path == *name))
        );
    }

    #[test]
    fn a_second_run_of_a_name_gets_a_folder_of_its_own_with_equal_results() {
        let runs = tempfile::tempdir().unwrap();
        let all: Vec<_> = (0..3)
            .map(|_| {
                let mut run = start(runs.path(), "demo");
                run.save_figure(&training_history(&History::default())).unwrap();
                run.save_table(&table()).unwrap();
                let mut files = files(run.path());
                files.remove(RECORD);
                (run.path().file_name().unwrap().to_owned(), files)
            })
            .collect();
        assert_eq!([&all[0].0, &all[1].0, &all[2].0], ["demo", "demo-2", "demo-3"]);
        assert!(all[0].1 == all[1].1 && all[1].1 == all[2].1);
    }

    #[test]
    fn a_run_goes_on_in_its_own_folder() {
        let runs = tempfile::tempdir().unwrap();
        let mut run = start(runs.path(), "demo");
        run.log("before").unwrap();
        run.save_table(&table()).unwrap();
        let path = run.path().to_path_buf();
        run.finish(RunStatus::Completed).unwrap();
        let mut run = RunFolder::reopen(&path).unwrap();
        assert_eq!(RunRecord::read(&path).unwrap().status, RunStatus::Running);
        run.log("after").unwrap();
        run.save_script("print(2)\n").unwrap();
        run.update(&[], BTreeMap::from([("k".to_owned(), "3".to_owned())])).unwrap();
        let record = RunRecord::read(&path).unwrap();
        assert_eq!(record.script_sha256, sha256(b"print(2)\n"));
        assert_eq!((record.parameters.len(), &*record.parameter_defaults["k"]), (0, "3"));
        let second = run.save_table(&table()).unwrap();
        assert!(second.ends_with("02-patient-scores-u2ad.tsv"), "{second:?}");
        assert_eq!(files(&path)["log.txt"], b"before\nafter\n");
        assert_eq!(files(&path)["demo.star"], b"print(2)\n");
    }

    #[test]
    fn an_unfinished_run_says_so() {
        let runs = tempfile::tempdir().unwrap();
        let run = start(runs.path(), "demo");
        let record: RunRecord = serde_json::from_slice(&files(run.path())[RECORD]).unwrap();
        assert_eq!((record.status, record.ended), (RunStatus::Running, None));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "../x", "a/b", "/x", "a/"] {
            let record = RunRecord::new("demo.star", "", 0, "cpu");
            let made = RunFolder::create(runs.path(), name, "", record);
            assert!(matches!(made, Err(Error::Input(_))), "{name}");
        }
    }

    #[test]
    fn an_error_of_the_disk_names_the_path() {
        let runs = tempfile::tempdir().unwrap();
        let blocked = runs.path().join("file");
        fs::write(&blocked, "").unwrap();
        let record = RunRecord::new("demo.star", "", 0, "cpu");
        let error = RunFolder::create(&blocked, "demo", "", record).unwrap_err().to_string();
        assert!(error.contains(&blocked.display().to_string()), "{error}");
    }
}
