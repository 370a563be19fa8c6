//! Progress of a cell in one place: a bar for what runs and the loss as it falls, drawn at
//! most five times a second, and a line of text for clients that show no more.
//!
//! Drawing takes longer than a batch may wait, so it happens on another thread: the running code
//! only leaves its numbers here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jupyter_protocol::MediaType;
use serde_json::json;

use super::media::{Bundle, svg};
use crate::context::Event;
use crate::figures::drawing::markup::escape;
use crate::figures::live_curve;

/// Between two drawings.
const PERIOD: Duration = Duration::from_millis(200);
/// A cell that is done sooner shows no progress.
pub(super) const FIRST_DISPLAY_DELAY: Duration = Duration::from_millis(400);
/// Points of the curve; beyond, every second one goes.
const MOST_POINTS: usize = 400;
/// The quantity whose curve is drawn: its mean over a task so far, and of the last step.
const LOSS: &str = "loss";
const STEP_LOSS: &str = "batch loss";
/// A task of epochs repeats what its parts have reported.
const EPOCH: &str = "epoch";

/// Steps that a task reports within this time were done before, by its job or an earlier process.
const AT_ONCE: Duration = Duration::from_millis(20);

/// What the tasks of one cell have reported.
#[derive(Debug, Default)]
pub(super) struct Progress {
    running: BTreeMap<u64, Task>,
    /// The task that ended last, shown while nothing runs.
    last: Option<Task>,
    curve: Curve,
    /// When the first task began.
    since: Option<Instant>,
    drawn: Option<Instant>,
    drawing: bool,
}

#[derive(Clone, Debug)]
struct Task {
    title: String,
    unit: &'static str,
    total: usize,
    done: usize,
    figures: Vec<(&'static str, f64)>,
    since: Instant,
    /// Steps that were done before anybody looked; `None` before the first report.
    before: Option<usize>,
}

/// The loss against steps of the cell.
#[derive(Clone, Debug, Default)]
struct Curve {
    /// Of every step.
    steps: Points,
    /// Mean of every task, at its end.
    means: Points,
    /// Steps of the tasks that have ended.
    ended: usize,
    unit: &'static str,
    /// Title of the last training.
    title: String,
}

/// Everything that a drawing needs.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    tasks: Vec<Task>,
    curve: Curve,
}

/// What to do after an event.
#[derive(Debug)]
pub(super) enum Due {
    Nothing,
    /// The first task has begun: look again after [`FIRST_DISPLAY_DELAY`], whether it has reported
    /// more or not.
    Later,
    /// The display is not there yet.
    Appear(Snapshot),
    Repaint(Snapshot),
}

impl Progress {
    /// Takes an event; says whether it is time to draw.
    pub fn take(&mut self, event: Event) -> Due {
        match event {
            Event::Started { task, title, unit, total } => {
                let since = Instant::now();
                let is_first = self.since.is_none();
                self.since.get_or_insert(since);
                let (done, figures, before) = (0, Vec::new(), None);
                let begun = Task { title, unit, total, done, figures, since, before };
                self.running.insert(task, begun);
                if is_first {
                    return Due::Later;
                }
            }
            Event::Advanced { task, done, figures } => {
                let whole = self.running.values().next().map(|whole| whole.title.clone());
                let Some(task) = self.running.get_mut(&task) else { return Due::Nothing };
                (task.done, task.figures) = (done, figures);
                let is_found_under_way = task.since.elapsed() < AT_ONCE;
                task.before.get_or_insert(if is_found_under_way { done } else { 0 });
                self.curve.advance(task, whole.as_deref().unwrap_or_default());
            }
            Event::Finished { task } => {
                let Some(task) = self.running.remove(&task) else { return Due::Nothing };
                self.curve.end(&task);
                self.last = Some(task);
            }
            Event::Note(_) | Event::Remark(_) | Event::Warning(_) => {}
        }
        self.due()
    }

    /// Whether it is time to draw.
    pub fn due(&mut self) -> Due {
        let now = Instant::now();
        let begun =
            self.since.is_some_and(|since| now.duration_since(since) >= FIRST_DISPLAY_DELAY);
        let rested = self.drawn.is_none_or(|drawn| now.duration_since(drawn) >= PERIOD);
        if !begun || !rested || self.drawing {
            return Due::Nothing;
        }
        let first = self.drawn.replace(now).is_none();
        self.drawing = !first;
        if first { Due::Appear(self.snapshot()) } else { Due::Repaint(self.snapshot()) }
    }

    /// A drawing has reached the clients.
    pub fn has_drawn(&mut self) {
        self.drawing = false;
    }

    /// What stays when the cell is over, if anything was shown.
    pub fn end(&mut self) -> Option<Snapshot> {
        for task in std::mem::take(&mut self.running).into_values() {
            self.curve.end(&task);
            self.last = Some(task);
        }
        self.drawn.is_some().then(|| self.snapshot())
    }

    fn snapshot(&self) -> Snapshot {
        let running = self.running.values();
        let tasks = match self.running.is_empty() {
            true => self.last.iter().cloned().collect(),
            false => running.cloned().collect(),
        };
        Snapshot { tasks, curve: self.curve.clone() }
    }
}

impl Curve {
    fn advance(&mut self, task: &Task, whole: &str) {
        if let Some(loss) = task.figure(STEP_LOSS).or_else(|| task.loss()) {
            self.unit = task.unit;
            whole.clone_into(&mut self.title);
            self.steps.push((self.ended + task.done) as f64, loss);
        }
    }

    fn end(&mut self, task: &Task) {
        if let Some(loss) = task.loss() {
            self.ended += task.done;
            self.means.push(self.ended as f64, loss);
        }
    }
}

/// Points of a curve, evenly thinned as it grows.
#[derive(Clone, Debug, Default)]
struct Points {
    kept: Vec<(f64, f64)>,
    seen: usize,
    /// How often the kept ones were halved.
    halvings: u32,
}

impl Points {
    fn push(&mut self, step: f64, value: f64) {
        if self.seen.is_multiple_of(1 << self.halvings) {
            self.kept.push((step, value));
        }
        self.seen += 1;
        if self.kept.len() > MOST_POINTS {
            let mut index = 0;
            self.kept.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.halvings += 1;
        }
    }
}

impl Snapshot {
    /// Bars and curve for a page, and the same as a line of text.
    pub fn live(&self) -> Bundle {
        let mut html = String::from("<div style=\"font-size: 90%\">");
        for task in &self.tasks {
            let Task { total, done, .. } = task;
            let _ = write!(
                html,
                "<div><progress value=\"{done}\" max=\"{total}\" style=\"width: 16em\"></progress> \
                 {}</div>",
                escape(&task.line(true))
            );
        }
        if let Some(svg) = self.figure().and_then(|figure| svg(&figure).ok()) {
            html.push_str(&svg);
        }
        html.push_str("</div>");
        let text: Vec<_> = self.tasks.iter().map(|task| task.line(false)).collect();
        marked(Bundle::of([MediaType::Html(html), MediaType::Plain(text.join("\n"))]))
    }

    /// What remains when the cell is over: the curve, or nothing. What is complete need not be said.
    pub fn last(&self) -> Bundle {
        let figure = self.figure().and_then(|figure| Bundle::figure(&figure).ok());
        marked(figure.unwrap_or_else(|| Bundle::text("")))
    }

    /// The curve, once there are two points.
    fn figure(&self) -> Option<crate::figures::Figure> {
        let Curve { steps, means, unit, title, .. } = &self.curve;
        let (steps, means) = (&steps.kept, &means.kept);
        (steps.len() > 1).then(|| live_curve(title, LOSS, unit, steps, means))
    }
}

/// Tells programs that this output is progress: whether it appears depends on how fast the machine
/// is.
fn marked(mut bundle: Bundle) -> Bundle {
    bundle.metadata.insert("u2ad".to_owned(), json!({ "progress": true }));
    bundle
}

impl Task {
    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The mean loss so far of a task whose steps have one.
    fn loss(&self) -> Option<f64> {
        self.figure(LOSS).filter(|_| self.unit != EPOCH)
    }

    /// `pretrain: batch 12 of 30, loss 0.1234`, with the time left if asked for.
    fn line(&self, with_time: bool) -> String {
        let Self { title, unit, total, done, figures, since, before } = self;
        let mut line = format!("{title}: {unit} {done} of {total}");
        // The others are for charts.
        if let Some((name, value)) = figures.first() {
            let _ = write!(line, ", {name} {value:.4}");
        }
        let elapsed = since.elapsed().as_secs_f64();
        let seen = done.saturating_sub(before.unwrap_or(0));
        if with_time && seen > 0 && elapsed > 2.0 {
            let left = elapsed / seen as f64 * total.saturating_sub(*done) as f64;
            let _ = match left {
                left if left < 60.0 => write!(line, " · {left:.0} s left"),
                left => write!(line, " · {:.0} min left", left / 60.0),
            };
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(task: u64, total: usize) -> Event {
        Event::Started { task, title: format!("epoch {task}"), unit: "batch", total }
    }

    fn advanced(task: u64, done: usize, loss: f64) -> Event {
        Event::Advanced { task, done, figures: vec![(LOSS, loss)] }
    }

    /// Progress whose cell began long enough ago to show.
    fn patient() -> Progress {
        Progress {
            since: Instant::now().checked_sub(2 * FIRST_DISPLAY_DELAY),
            ..Progress::default()
        }
    }

    #[test]
    fn a_quick_cell_shows_nothing() {
        let mut progress = Progress::default();
        assert!(matches!(progress.take(started(1, 2)), Due::Later));
        assert!(matches!(progress.take(advanced(1, 1, 0.5)), Due::Nothing));
        assert!(progress.end().is_none());
    }

    #[test]
    fn a_long_cell_appears_once_and_repaints_no_more_than_five_times_a_second() {
        let mut progress = patient();
        assert!(matches!(progress.take(started(1, 900)), Due::Appear(_)));
        let begun = Instant::now();
        let mut drawings = 0;
        let mut step = 0;
        while begun.elapsed() < Duration::from_millis(500) {
            step += 1;
            if matches!(progress.take(advanced(1, step, 1.0 / step as f64)), Due::Repaint(_)) {
                drawings += 1;
                assert!(matches!(progress.take(advanced(1, step, 1.0)), Due::Nothing), "drawing");
                progress.has_drawn();
            }
        }
        assert!((1..=2).contains(&drawings), "{drawings}");
        let live = progress.end().unwrap();
        assert!(live.curve.steps.kept.len() <= MOST_POINTS);
    }

    #[test]
    fn steps_count_on_from_epoch_to_epoch_and_the_task_around_them_adds_none() {
        let mut progress = patient();
        progress.take(Event::Started { task: 9, title: "all".into(), unit: EPOCH, total: 3 });
        for epoch in 1..=3 {
            progress.take(started(epoch, 2));
            progress.take(advanced(epoch, 1, 0.9));
            progress.take(advanced(epoch, 2, 0.8 / epoch as f64));
            progress.take(Event::Finished { task: epoch });
            progress.take(advanced(9, epoch as usize, 0.5));
        }
        let Curve { steps, means, .. } = progress.snapshot().curve;
        let at = |points: &[(f64, f64)]| points.iter().map(|(step, _)| *step).collect::<Vec<_>>();
        assert_eq!(at(&steps.kept), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(means.kept[1], (4.0, 0.4));
    }

    #[test]
    fn what_remains_tells_no_time() {
        let mut progress = patient();
        progress.take(Event::Started { task: 1, title: "draw".into(), unit: "subject", total: 3 });
        progress.take(Event::Advanced { task: 1, done: 3, figures: Vec::new() });
        let bundle = progress.end().unwrap().last();
        assert_eq!(bundle.data.content, [MediaType::Plain(String::new())]);
        assert_eq!(bundle.metadata["u2ad"]["progress"], true);
    }
}
