//! What a job is doing, for whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::{Event, Reporter};
use crate::report::listed;

/// A task that a job has begun.
struct Open {
    title: String,
    unit: &'static str,
    total: usize,
    done: usize,
    figures: Vec<(&'static str, f64)>,
}

/// The open tasks of a job, and what nobody has been told yet. Somebody who waits for the job hears all.
#[derive(Default)]
pub(super) struct JobProgress {
    open: BTreeMap<u64, Open>,
    untold: Vec<Event>,
    listener: Option<Arc<dyn Reporter>>,
}

impl JobProgress {
    /// Takes an event. Of sentences about the moment, only those about the end are kept for later.
    pub fn take(&mut self, event: Event, is_ending: bool) {
        match &event {
            Event::Started { task, title, unit, total } => {
                let (title, unit, total) = (title.clone(), *unit, *total);
                let open = Open { title, unit, total, done: 0, figures: Vec::new() };
                self.open.insert(*task, open);
            }
            Event::Advanced { task, done, figures } => {
                if let Some(open) = self.open.get_mut(task) {
                    (open.done, open.figures) = (*done, figures.clone());
                }
            }
            Event::Finished { task } => drop(self.open.remove(task)),
            Event::Note(_) | Event::Warning(_) | Event::Remark(_) => {}
        }
        let is_sentence = match &event {
            Event::Note(_) | Event::Warning(_) => true,
            Event::Remark(_) => is_ending,
            _ => false,
        };
        match &self.listener {
            Some(listener) => listener.report(event),
            None if is_sentence => self.untold.push(event),
            None => {}
        }
    }

    /// Tells what nobody was told.
    pub fn tell(&mut self, listener: &dyn Reporter) {
        self.untold.drain(..).for_each(|event| listener.report(event));
    }

    /// Somebody listens from now on: hears what was not told, and where the open tasks are.
    pub fn attach(&mut self, listener: Arc<dyn Reporter>) {
        self.tell(&*listener);
        for (task, Open { title, unit, total, done, figures }) in &self.open {
            let (task, title, unit, total) = (*task, title.clone(), *unit, *total);
            listener.report(Event::Started { task, title, unit, total });
            listener.report(Event::Advanced { task, done: *done, figures: figures.clone() });
        }
        self.listener = Some(listener);
    }

    /// Nobody listens any more.
    pub fn detach(&mut self) {
        if let Some(listener) = self.listener.take() {
            self.open
                .keys()
                .rev()
                .for_each(|task| listener.report(Event::Finished { task: *task }));
        }
    }

    /// The open tasks, the outermost first, `adapt: epoch 3 of 100, loss 0.1234`, and warnings that nobody was told.
    pub fn lines(&self) -> Vec<String> {
        let line = |Open { title, unit, total, done, figures }: &Open| {
            format!("{title}: {unit} {done} of {total}{}", listed(figures))
        };
        let warning = |event: &Event| match event {
            Event::Warning(text) => Some(format!("warning: {text}")),
            _ => None,
        };
        self.open.values().map(line).chain(self.untold.iter().filter_map(warning)).collect()
    }
}
