//! A bar per running task, updated in place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use super::sparkline::sparkline;
use crate::context::several;
use crate::error::locked;
use crate::frontends::images::Window;
use crate::report::{Figures, listed};

/// How often a bar is refreshed while its task reports nothing.
const TICK: Duration = Duration::from_millis(500);

/// Steps that a task reports within this time were done before, by its job or an earlier process.
const AT_ONCE: Duration = Duration::from_millis(20);

/// Columns of a whole bar, and the fewest worth drawing.
const BAR: usize = 24;
const SHORTEST_BAR: usize = 6;

/// Columns of a whole sparkline, and of one in a narrow window.
const CURVE: usize = 16;
const SHORT_CURVE: usize = 8;

/// Bars of the tasks that run, the outermost on top.
pub(in crate::frontends) struct Bars {
    group: MultiProgress,
    tasks: BTreeMap<u64, Task>,
    colour: bool,
}

struct Task {
    bar: ProgressBar,
    figures: Arc<Mutex<Curve>>,
}

/// The current figures of a task, and the past of its loss.
#[derive(Default)]
struct Curve {
    listed: String,
    past: Vec<f64>,
    /// Slices trained so far, where the steps are batches of them.
    slices: Option<f64>,
    /// Steps and slices that were done before anybody looked; `None` before the first report.
    before: Option<(u64, f64)>,
}

impl Bars {
    pub fn new(colour: bool) -> Self {
        Self { group: MultiProgress::new(), tasks: BTreeMap::new(), colour }
    }

    pub fn start(&mut self, task: u64, title: String, unit: &'static str, total: usize) {
        let figures = Arc::new(Mutex::new(Curve::default()));
        let (seen, colour) = (figures.clone(), self.colour);
        let line = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let curve = locked(&seen);
            let view = View {
                title: &title,
                unit,
                done: state.pos(),
                total: state.len().unwrap_or(0),
                elapsed: state.elapsed(),
                figures: &curve.listed,
                past: &curve.past,
                slices: curve.slices,
                before: curve.before.unwrap_or_default(),
                colour,
            };
            // One column stays free: a full line would wrap in some terminals.
            let width = Window::current().columns.saturating_sub(1) as usize;
            out.write_str(&view.line(width)).ok();
        };
        let style = ProgressStyle::with_template("{line}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("line", line);
        let bar = self.group.add(ProgressBar::new(total as u64).with_style(style));
        bar.enable_steady_tick(TICK);
        self.tasks.insert(task, Task { bar, figures });
    }

    pub fn advance(&self, task: u64, done: usize, figures: &Figures) {
        let Some(task) = self.tasks.get(&task) else { return };
        // Before the figures are locked: a bar that is being drawn locks them after itself.
        let is_found_under_way = task.bar.elapsed() < AT_ONCE;
        {
            let mut curve = locked(&task.figures);
            let figure = |name| figures.iter().find(|(known, _)| *known == name);
            let plotted = figure("batch loss").or(figures.first());
            curve.listed = listed(figures);
            curve.past.extend(plotted.map(|(_, value)| *value));
            curve.slices = figure("slices").map(|(_, slices)| *slices);
            let there = (done as u64, curve.slices.unwrap_or(0.0));
            curve.before.get_or_insert(if is_found_under_way { there } else { (0, 0.0) });
        }
        task.bar.set_position(done as u64);
    }

    pub fn finish(&mut self, task: u64) {
        if let Some(Task { bar, .. }) = self.tasks.remove(&task) {
            bar.finish_and_clear();
            self.group.remove(&bar);
        }
    }

    /// Draws the bars no more, or again. They go on meanwhile.
    pub fn hide(&self, hidden: bool) {
        if hidden {
            // A failed write does no harm.
            self.group.clear().ok();
        }
        self.group.set_draw_target(match hidden {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        });
    }

    /// Writes something else without tearing the bars.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        self.group.suspend(write)
    }
}

/// What a bar shows at one moment.
struct View<'a> {
    title: &'a str,
    unit: &'a str,
    done: u64,
    total: u64,
    elapsed: Duration,
    figures: &'a str,
    past: &'a [f64],
    slices: Option<f64>,
    /// Steps and slices that were done before `elapsed` began.
    before: (u64, f64),
    colour: bool,
}

impl View<'_> {
    /// The line for this many columns: title, bar, count, figures with their curve, speed, time
    /// left. In a narrow window the curve gets shorter, then the bar, then the title loses what
    /// follows its comma, then speed and time left go; what still does not fit is cut off.
    fn line(&self, width: usize) -> String {
        let short_title = self.title.split(',').next().unwrap_or_default();
        let tries = [
            (self.title, BAR, CURVE, true),
            (self.title, BAR / 2, SHORT_CURVE, true),
            (short_title, BAR / 2, SHORT_CURVE, true),
            (short_title, SHORTEST_BAR, SHORT_CURVE, true),
            (short_title, 0, SHORT_CURVE, true),
            (short_title, SHORTEST_BAR, SHORT_CURVE, false),
            (short_title, 0, 0, false),
        ];
        for (title, bar, curve, paced) in tries {
            let after = self.behind_the_bar(curve, paced);
            let gap = if bar > 0 { 2 } else { 1 };
            if title.width() + bar + gap + after.width() > width {
                continue;
            }
            return match bar {
                0 => format!("{title} {after}"),
                _ => format!("{title} {} {after}", self.bar(bar)),
            };
        }
        cut(&format!("{short_title} {}", self.behind_the_bar(0, false)), width)
    }

    /// Count, figures with their curve, speed and time left.
    fn behind_the_bar(&self, curve: usize, paced: bool) -> String {
        let Self { done, total, unit, figures, .. } = self;
        let mut text = format!("{done}/{total} {}{figures}", several(unit));
        let curve = sparkline(self.past, curve);
        if !curve.is_empty() {
            text.push_str(&format!(" {curve}"));
        }
        if let Some((speed, left)) = self.pace().filter(|_| paced) {
            text.push_str(&format!(", {speed}/s, {left} left"));
        }
        text
    }

    /// Units per second and time left, once there is something to tell them from.
    fn pace(&self) -> Option<(String, String)> {
        let seconds = self.elapsed.as_secs_f64();
        let (steps, slices) = self.before;
        let done = self.done.saturating_sub(steps);
        if done == 0 || seconds <= 0.0 {
            return None;
        }
        let left = seconds * self.total.saturating_sub(self.done) as f64 / done as f64;
        let (count, unit) = match self.slices {
            Some(all) => (all - slices, "slice"),
            None => (done as f64, self.unit),
        };
        let speed = count / seconds;
        let digits = if speed < 10.0 { 1 } else { 0 };
        Some((format!("{speed:.digits$} {}", several(unit)), clock(left)))
    }

    fn bar(&self, columns: usize) -> String {
        let full = columns as f64 * self.done as f64 / self.total.max(1) as f64;
        let full = (full as usize).min(columns);
        let (filled, open) = ("━".repeat(full), "─".repeat(columns - full));
        match self.colour {
            true => format!("\x1b[36m{filled}\x1b[2;39m{open}\x1b[0m"),
            false => format!("{filled}{open}"),
        }
    }
}

/// Seconds as a clock shows them: `0:42`, `12:05`, `3:20:00`.
fn clock(seconds: f64) -> String {
    let seconds = seconds.min(8_640_000.0).ceil() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// As much of a text without escapes as fits.
fn cut(text: &str, width: usize) -> String {
    let mut room = width;
    let fits = |character: &char| {
        let wide = character.to_string().width();
        let fits = wide <= room;
        room = if fits { room - wide } else { 0 };
        fits
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(past: &'a [f64], figures: &'a str) -> View<'a> {
        View {
            title: "pretrain epoch 3, random masks",
            unit: "batch",
            done: 12,
            total: 31,
            elapsed: Duration::from_secs(10),
            figures,
            past,
            slices: Some(120.0),
            before: (0, 0.0),
            colour: false,
        }
    }

    #[test]
    fn a_wide_window_shows_everything() {
        let past = [0.5, 0.4, 0.3];
        assert_eq!(
            view(&past, ", loss 0.1234").line(140),
            "pretrain epoch 3, random masks ━━━━━━━━━─────────────── 12/31 batches, \
             loss 0.1234 █▅▁, 12 slices/s, 0:16 left"
        );
    }

    #[test]
    fn the_classic_screen_keeps_loss_speed_and_time_left() {
        let past: Vec<f64> = (0..40).map(f64::from).collect();
        let line = view(&past, ", loss 0.1234").line(79);
        assert_eq!(line.width(), 79.min(line.width()));
        for part in
            ["pretrain epoch 3 ", "12/31", "loss 0.1234 ▁▂▃▄▅▆▇█", "12 slices/s", "0:16 left"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn a_tiny_window_is_survived() {
        for width in 0..40 {
            assert!(view(&[0.5, 0.4], ", loss 0.1234").line(width).width() <= width);
        }
    }

    #[test]
    fn nothing_is_promised_before_the_first_step() {
        let start = View { done: 0, total: 3, ..view(&[], "") };
        assert!(start.line(79).ends_with(" 0/3 batches"), "{}", start.line(79));
        assert_eq!(clock(3725.2), "1:02:06");
    }

    #[test]
    fn a_task_that_is_found_under_way_has_the_speed_of_what_was_seen() {
        let found = View { before: (2, 20.0), ..view(&[], "") };
        assert!(found.line(100).ends_with("12/31 batches, 10 slices/s, 0:19 left"));
        let start = View { before: (12, 120.0), ..view(&[], "") };
        assert!(start.line(100).ends_with("12/31 batches"));
    }
}
