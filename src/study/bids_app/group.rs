//! The group level: the findings of all participants put together.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::BidsApp;
use super::place::{HIDDEN, Place};
use super::record::SessionRecord;
use super::session::CASES;
use super::tsv::Tsv;
use crate::cohort::session_name;
use crate::context::Context;
use crate::detection::Findings;
use crate::evaluation::{
    Evaluation, EvaluationOptions, SubjectCases, SubjectCounts, evaluate_subjects, few_patients,
    leakage,
};
use crate::export::html_report::{GroupReport, GroupRow};
use crate::files::{Claim, WorkLock, file_name, read_json, write_json, write_whole};
use crate::report::{Cell, Column, Table, Tabulate, evaluation_table};
use crate::{Error, Result};

/// Tables of the sessions that are put together.
const TABLES: [&str; 4] = ["scores", "lesions", "lesion_load", "lesion_matches"];

/// What to do where a file of a session cannot be read.
const SCREEN_AGAIN: &str = "screen the participant again with --force";

/// What the findings of the group are called in each column of their table.
const COLUMNS: [(&str, &str, Option<&str>); 14] = [
    ("participant_id", "participant", None),
    ("session_id", "session, n/a in a tree without sessions", None),
    ("name", "the image's name in the other tables", None),
    ("image", "the image, relative to the BIDS tree", None),
    (
        "masks",
        "whether the cord mask was given, or found by the program and with which confidence (0 to 1)",
        None,
    ),
    ("score", "AnaScore, n/a where nothing could be scored", None),
    ("level", "vertebral level or bin of the highest score", None),
    (
        "p_value",
        "false positive rate at this score, from healthy subjects; n/a of a method that is not calibrated",
        None,
    ),
    ("lesions", "number of detected lesions, n/a of a method without a threshold", None),
    ("lesion_volume_mm3", "volume of the detected lesions together", Some("mm³")),
    (
        "lesion",
        "whether the ground truth has a lesion: yes, no, or n/a where it is not known",
        None,
    ),
    ("report", "the participant's page", None),
    (
        "remarks",
        "what to know about the image and its masks, joined by \"; \"; n/a if nothing is",
        None,
    ),
    ("failure", "why the image could not be screened, n/a if it was", None),
];

/// What the participants of a group have in common, and how well their findings agree with the ground truth.
pub struct Group {
    sessions: Vec<(Place, SessionRecord)>,
    /// Participants of the tree without findings, each with the reason.
    pub missing: Vec<(String, String)>,
    /// Sessions whose images, masks or columns of the participants table have changed since they were screened,
    /// each with the reason.
    pub outdated: Vec<(String, String)>,
    /// `None` where no ground truth is known.
    pub evaluation: Option<Evaluation>,
    /// Warnings of participants of the evaluation whom the method knew before, or who have the same image.
    pub known: Vec<String>,
    /// The files that were written, relative to the output folder.
    pub written: Vec<String>,
}

impl Group {
    /// Images that could not be screened, with the reasons.
    pub fn failed(&self) -> impl Iterator<Item = (&str, &str)> {
        let images = self.sessions.iter().flat_map(|(_, record)| &record.images);
        images.filter_map(|image| Some((&*image.name, image.failure.as_deref()?)))
    }

    /// Number of images, with those that could not be screened.
    pub fn images(&self) -> usize {
        self.sessions.iter().map(|(_, record)| record.images.len()).sum()
    }
}

impl BidsApp {
    /// Puts the findings of these participants together: tables, evaluation and one page in the output folder. Of
    /// several sessions, only `sessions` (with or without `ses-`) count, or all if none is named.
    ///
    /// # Errors
    /// If none of them has findings, they are of different methods, another process does the same now, a file is
    /// damaged or the disk refuses, and [`Error::Cancelled`] if the user interrupts.
    pub fn gather(
        &self,
        participants: &[String],
        sessions: &[String],
        context: &Context,
    ) -> Result<Group> {
        let wanted: Vec<String> = sessions.iter().map(|session| session_name(session)).collect();
        let lock = self.output.join(HIDDEN).join("group.lock");
        let _lock = match WorkLock::claim(&lock)? {
            Claim::Held(lock) => lock,
            Claim::Busy(who) => {
                return Err(Error::file(&self.output, format!("{who} is gathering its findings")));
            }
        };
        let mut group = self.collected(participants, &wanted, context)?;
        self.check_alike(&group.sessions, context)?;
        self.write_tables(&mut group)?;
        group.evaluation = self.evaluation(&mut group, context)?;
        if let Some(evaluation) = &group.evaluation {
            let table = evaluation_table(&[evaluation])?;
            write_whole(&self.output.join("group_evaluation.tsv"), table.to_tsv().as_bytes())?;
            group.written.push("group_evaluation.tsv".to_owned());
        }
        self.write_page(&mut group)?;
        Ok(group)
    }

    /// What these participants' finished sessions hold, and which of them are missing or outdated. Of several
    /// sessions, those of `wanted`, or all if it is empty.
    fn collected(
        &self,
        participants: &[String],
        wanted: &[String],
        context: &Context,
    ) -> Result<Group> {
        let (mut sessions, mut missing, mut outdated) = (Vec::new(), Vec::new(), Vec::new());
        for participant in participants {
            context.check()?;
            let mut found = self.sessions_of(participant)?;
            let is_wanted = |place: &Place| {
                place.session.as_ref().is_some_and(|session| wanted.contains(session))
            };
            found.retain(|(place, _)| wanted.is_empty() || is_wanted(place));
            if found.is_empty() && wanted.is_empty() {
                missing.push((participant.clone(), "was not screened yet".to_owned()));
            } else if found.is_empty() {
                let reason = format!("has no findings of session {}", wanted.join(", "));
                missing.push((participant.clone(), reason));
            }
            let now = self.sessions_now(participant, &found, context)?;
            let is_unscreened = |session: &Option<String>| {
                !found.iter().any(|(place, _)| place.session == *session)
                    && (wanted.is_empty()
                        || session.as_ref().is_some_and(|one| wanted.contains(one)))
            };
            for (session, _) in now.iter().filter(|(session, _)| is_unscreened(session)) {
                let place = Place { participant: participant.clone(), session: session.clone() };
                missing.push((place.stem(), "was not screened yet".to_owned()));
            }
            outdated.extend(self.outdated(&found, &now)?);
            sessions.extend(found);
        }
        let (evaluation, known, written) = Default::default();
        Ok(Group { sessions, missing, outdated, evaluation, known, written })
    }

    /// Whether there are sessions, all screened with one method; warns if versions or seeds differ.
    fn check_alike(&self, sessions: &[(Place, SessionRecord)], context: &Context) -> Result<()> {
        let Some((first, record)) = sessions.first() else {
            return Err(Error::file(
                &self.output,
                "holds no findings of these participants and sessions; run the level participant first",
            ));
        };
        let digest = &record.making.method_sha256;
        if let Some((other, _)) =
            sessions.iter().find(|(_, record)| record.making.method_sha256 != *digest)
        {
            return Err(Error::file(
                &self.output,
                format!(
                    "{} and {} were screened with different models or methods; screen all with one, or gather \
                     those of one with --participant-label or --session-id",
                    first.stem(),
                    other.stem()
                ),
            ));
        }
        let others = sessions.iter().find(|(_, other)| {
            (&other.making.version, other.making.seed)
                != (&record.making.version, record.making.seed)
        });
        if let Some((other, _)) = others {
            context.warn(format!(
                "{} and {} were screened by different versions of u2ad or with different seeds, so their scores may not \
                 be comparable; screen all of them alike",
                first.stem(),
                other.stem()
            ));
        }
        Ok(())
    }

    /// The finished sessions of a participant.
    fn sessions_of(&self, participant: &str) -> Result<Vec<(Place, SessionRecord)>> {
        let mut names = vec![None];
        if let Ok(entries) = fs::read_dir(self.output.join(participant)) {
            let entries = entries.flatten().map(|entry| entry.file_name());
            let folders = entries.map(|name| name.to_string_lossy().into_owned());
            names.extend(folders.filter(|name| name.starts_with("ses-")).map(Some));
        }
        names.sort();
        let mut found = Vec::new();
        for session in names {
            let place = Place { participant: participant.to_owned(), session };
            if let Some(record) = SessionRecord::read(&place, &self.output)? {
                found.push((place, record));
            }
        }
        Ok(found)
    }

    fn write_tables(&self, group: &mut Group) -> Result<()> {
        let table = group.table()?;
        let dictionary: Map<String, Value> = COLUMNS
            .iter()
            .map(|(name, description, unit)| {
                let mut entry = json!({ "Description": description });
                if let Some(unit) = unit {
                    entry["Units"] = json!(unit);
                }
                ((*name).to_owned(), entry)
            })
            .collect();
        self.write_table(group, "findings", &table.to_tsv(), &Value::Object(dictionary))?;
        for name in TABLES {
            let file =
                |place: &Place, kind: &str| place.file(&self.output, &format!("_{name}.{kind}"));
            let (mut all, mut dictionary) = (None::<Tsv>, None::<PathBuf>);
            for (place, _) in &group.sessions {
                let Some(table) = Tsv::read(&file(place, "tsv"))? else { continue };
                match &mut all {
                    None => {
                        dictionary = Some(file(place, "json"));
                        all = Some(table);
                    }
                    Some(all) if all.header == table.header => all.rows.extend(table.rows),
                    Some(_) => {
                        return Err(Error::file(
                            file(place, "tsv"),
                            "has other columns than those of the other participants; screen it again with --force",
                        ));
                    }
                }
            }
            match (all, dictionary) {
                (Some(all), Some(dictionary)) => {
                    let dictionary: Value = read_json(&dictionary, SCREEN_AGAIN)?;
                    self.write_table(group, name, &all.text(), &dictionary)?;
                }
                // Remove the table of an earlier group: it no longer matches.
                _ => ["tsv", "json"].iter().for_each(|kind| {
                    fs::remove_file(self.output.join(format!("group_{name}.{kind}"))).ok();
                }),
            }
        }
        Ok(())
    }

    fn write_table(
        &self,
        group: &mut Group,
        name: &str,
        tsv: &str,
        dictionary: &Value,
    ) -> Result<()> {
        let path = self.output.join(format!("group_{name}.tsv"));
        write_whole(&path, tsv.as_bytes())?;
        write_json(&path.with_extension("json"), dictionary)?;
        group.written.push(format!("group_{name}.tsv"));
        Ok(())
    }

    fn evaluation(&self, group: &mut Group, context: &Context) -> Result<Option<Evaluation>> {
        let mut cases: Vec<SubjectCases> = Vec::new();
        for (place, record) in &group.sessions {
            if record.scoring.is_none() {
                continue;
            }
            let path = place.file(&self.output, CASES);
            cases.extend(read_json::<Vec<SubjectCases>>(&path, SCREEN_AGAIN)?);
        }
        if !cases.iter().any(|one| one.score.is_some() && one.has_lesion.is_some()) {
            fs::remove_file(self.output.join("group_evaluation.tsv")).ok();
            return Ok(None);
        }
        let screened = group.sessions.iter().find(|(_, record)| record.scoring.is_some());
        let Some((_, record)) = screened else { return Ok(None) };
        let options = EvaluationOptions::of(&Findings {
            method: record.making.method.clone(),
            scoring: record.scoring.unwrap_or_default(),
            subjects: Vec::new(),
            reconstructs: false,
            made_by: None,
            calibration: record.calibration.clone().map(Into::into),
        });
        group.known = leakage(&cases, record.calibration.as_ref());
        group.known.iter().for_each(|warning| context.warn_once(warning.clone()));
        let evaluation = evaluate_subjects(&record.making.method, &cases, &options, context)?;
        let SubjectCounts { with_lesion, without_lesion, .. } = evaluation.subjects;
        if let Some(few) = few_patients(with_lesion, without_lesion) {
            context.warn(few);
        }
        Ok(Some(evaluation))
    }

    fn write_page(&self, group: &mut Group) -> Result<()> {
        let mut rows = Vec::new();
        for (place, record) in &group.sessions {
            for image in &record.images {
                rows.push(GroupRow {
                    name: &image.name,
                    report: record.scoring.map(|_| place.report_name()),
                    masks: &image.masks,
                    score: image.score,
                    level: image.level.as_deref(),
                    p_value: image.p_value,
                    lesions: image.lesions,
                    has_lesion: image.has_lesion,
                    remarks: &image.remarks,
                    failure: image.failure.as_deref(),
                });
            }
        }
        let making = group.sessions.first().map(|(_, record)| &record.making);
        GroupReport {
            dataset: &file_name(&self.bids),
            method: making.map_or("", |making| &making.method),
            rows,
            missing: &group.missing,
            evaluation: group.evaluation.as_ref(),
            known: &group.known,
        }
        .write(&self.output.join("group.html"))?;
        group.written.push("group.html".to_owned());
        Ok(())
    }
}

impl Tabulate for Group {
    /// One row per image.
    fn table(&self) -> Result<Table> {
        let columns = COLUMNS.iter().map(|(name, ..)| match *name {
            "score" | "p_value" | "lesions" | "lesion_volume_mm3" => Column::number(*name, 3),
            _ => Column::text(*name),
        });
        let mut table = Table::new("Findings", columns.collect());
        for (place, record) in &self.sessions {
            for image in &record.images {
                let lesion = image.has_lesion.map(|yes| if yes { "yes" } else { "no" });
                table.push(vec![
                    Cell::from(&*place.participant),
                    Cell::from(place.session.clone()),
                    Cell::from(&*image.name),
                    Cell::from(image.image.clone()),
                    Cell::from(&*image.masks),
                    Cell::from(image.score),
                    Cell::from(image.level.clone()),
                    Cell::from(image.p_value),
                    Cell::from(image.lesions),
                    Cell::from(image.lesion_volume_mm3),
                    Cell::from(lesion),
                    Cell::from(record.scoring.map(|_| place.report_name())),
                    Cell::list(&image.remarks),
                    Cell::from(image.failure.clone()),
                ])?;
            }
        }
        Ok(table)
    }
}
