//! Finds sessions whose findings no longer match the images.

use std::sync::Arc;

use super::BidsApp;
use super::place::Place;
use super::record::{SessionRecord, inputs};
use crate::Result;
use crate::cohort::{Cohort, LoadOptions};
use crate::context::{Context, Silent};

/// Why the findings of a session are out of date.
const OUTDATED: &str = "its images, masks or columns of the participants table have changed since it was screened, or \
                        cannot be used now; run the level participant again";

impl BidsApp {
    /// The sessions that the images of a screened participant belong to now.
    pub(super) fn sessions_now(
        &self,
        participant: &str,
        found: &[(Place, SessionRecord)],
        context: &Context,
    ) -> Result<Vec<(Option<String>, Cohort)>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let quiet = context.clone().with_reporter(Arc::new(Silent));
        let options = LoadOptions::default();
        let cohort = Cohort::of_participant(&self.bids, participant, &[], &options, &quiet)?;
        Ok(cohort.by_session())
    }

    /// The sessions that were screened from other files, or with another row of the participants table, than there are
    /// now, and those whose findings are damaged.
    pub(super) fn outdated(
        &self,
        found: &[(Place, SessionRecord)],
        now: &[(Option<String>, Cohort)],
    ) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        for (place, record) in found {
            if let Some(damage) = record.damage(place, &self.output) {
                all.push((place.stem(), format!("{damage}; run the level participant again")));
                continue;
            }
            let images = now.iter().find(|(session, _)| *session == place.session);
            let reason = match images {
                None => Some("has no images any more".to_owned()),
                Some((_, images)) => match inputs(images, &self.bids) {
                    // Its content may be kept elsewhere, as git-annex does.
                    Err(error) => {
                        Some(format!("whether its findings are out of date is not known: {error}"))
                    }
                    Ok(inputs) => {
                        let is_same = inputs == record.making.inputs
                            && images.entry(0)?.participant == record.making.participant;
                        (!is_same).then(|| OUTDATED.to_owned())
                    }
                },
            };
            all.extend(reason.map(|reason| (place.stem(), reason)));
        }
        Ok(all)
    }
}
