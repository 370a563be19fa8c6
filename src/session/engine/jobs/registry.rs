//! The jobs of a session.

use std::sync::{Arc, Mutex, MutexGuard};

use super::job::Job;
use crate::Result;
use crate::context::{CancelToken, Event, Reporter};
use crate::error::locked;

/// The jobs whose outcome nobody has taken.
#[derive(Default)]
pub(in crate::session) struct Jobs(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Jobs so far.
    count: usize,
    jobs: Vec<Arc<Job>>,
}

impl Jobs {
    /// The number of a job that begins now.
    pub fn next_number(&self) -> usize {
        let mut known = self.known();
        known.count += 1;
        known.count
    }

    pub fn add(&self, job: Arc<Job>) {
        self.known().jobs.push(job);
    }

    /// Those that run, and those that ended and whose outcome nobody has taken, by number.
    pub fn all(&self) -> Vec<Arc<Job>> {
        self.known().jobs.clone()
    }

    /// Somebody has the outcome of a job.
    pub fn forget(&self, job: &Arc<Job>) {
        self.known().jobs.retain(|known| !Arc::ptr_eq(known, job));
    }

    /// Tells of each of these jobs that has ended, once, with what it had to say.
    pub fn tell_ended(&self, listener: &dyn Reporter, of: impl Fn(&Job) -> bool) {
        for job in self.all().into_iter().filter(|job| of(job)) {
            if let Some(sentence) = job.tells_end() {
                job.tell(listener);
                listener.report(Event::Remark(sentence));
            }
        }
    }

    /// Waits for all jobs, whose sentences and progress go to `listener`. The sentences of those that failed
    /// come back.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] if `cancel` asks not to wait any longer.
    pub fn finish(
        &self,
        listener: &Arc<dyn Reporter>,
        cancel: &CancelToken,
    ) -> Result<Vec<String>> {
        let mut failed = Vec::new();
        // Jobs are forgotten only when all have ended: an interrupt must not lose the failure of one before.
        let jobs = self.all();
        for job in &jobs {
            job.wait(listener.clone(), cancel)?;
            match job.failure() {
                Some(failure) => failed.push(failure),
                None => {
                    job.tells_end().into_iter().for_each(|end| listener.report(Event::Remark(end)))
                }
            }
        }
        jobs.iter().for_each(|job| self.forget(job));
        Ok(failed)
    }

    /// Stops all jobs and waits until they have kept what they had. Of one that has failed, nobody has been told yet.
    pub fn stop(&self, listener: &Arc<dyn Reporter>) {
        let jobs = self.all();
        jobs.iter().for_each(|job| job.cancel());
        for job in jobs {
            // Nobody cancels this token: the wait ends with the job.
            job.wait(listener.clone(), &CancelToken::default()).ok();
            if let Some(failed) = job.failure().and_then(|_| job.tells_end()) {
                listener.report(Event::Remark(failed));
            }
            self.forget(&job);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        locked(&self.0)
    }
}
