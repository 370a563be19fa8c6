//! A study of a few seconds, whose tables and figures are compared.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use u2ad::figures::Figure;
use u2ad::ops::InstructionSet;
use u2ad::report::Table;
use u2ad::session::{Cell, Display, Output, Page, Part, Session, Settings, Sink};

const SOURCE: &str = "
seed(2026)
everyone = phantom_cohort(subjects = 8, pixel_spacing_mm = 2, size = 64, fov_mm = 128)
healthy, clinic = everyone.healthy, everyone.clinical
model = u2ad(image = 64, depth = 1, decoder_depth = 1)
pretrain(model, healthy, epochs = 3, batch_size = 4)
adapt(model, clinic, epochs = 4, refresh = 2, samples = 2, batch_size = 4)
uncertainty = estimate_uncertainty(model, clinic, samples = 2)
masks = regenerate_masks(uncertainty)
found = detect(model, clinic, samples = 2)
bright = detect(intensity_threshold(), clinic)
evaluated = [evaluate(found), evaluate(bright)]
";

/// A session in which the study was run, and what its cells have shown.
struct Study {
    session: Session,
    shown: Arc<Shown>,
}

#[derive(Default)]
struct Shown(Mutex<Vec<Part>>);

impl Sink for Shown {
    fn emit(&self, output: Output) {
        if let Output::Display(display) = output {
            self.0.lock().unwrap().extend(display.parts);
        }
    }
}

static STUDY: LazyLock<Mutex<Study>> = LazyLock::new(|| {
    let shown = Arc::new(Shown::default());
    let session = Session::start(Settings::default(), shown.clone()).unwrap();
    let study = Study { session, shown };
    study.run(SOURCE);
    Mutex::new(study)
});

impl Study {
    /// What a cell shows, the value that ends it included.
    fn run(&self, source: &str) -> Vec<Part> {
        let cell = Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
        let last = self.session.run(cell).unwrap_or_else(|error| panic!("{error}"));
        let mut parts = std::mem::take(&mut *self.shown.0.lock().unwrap());
        parts.extend(last.into_iter().flat_map(|display: Display| display.parts));
        parts
    }
}

/// What this cell shows at the end of the study.
pub fn shown(source: &str) -> Vec<Part> {
    STUDY.lock().unwrap_or_else(PoisonError::into_inner).run(source)
}

/// The only table that a cell shows.
pub fn table(source: &str) -> Table {
    match &shown(source)[..] {
        [Part::Table(table)] => table.clone(),
        other => panic!("{source} shows {other:?} instead of one table"),
    }
}

/// The figures that a cell shows.
pub fn figures(source: &str) -> Vec<Figure> {
    let figure = |part| match part {
        Part::Figure(figure) => Some(figure),
        _ => None,
    };
    shown(source).into_iter().filter_map(figure).collect()
}

/// The only page that a cell shows.
pub fn page(source: &str) -> Page {
    match &shown(source)[..] {
        [Part::Page(page)] => page.clone(),
        other => panic!("{source} shows {other:?} instead of one page"),
    }
}

/// Whether numbers can be compared to the last digit: kernels without fused multiply-adds round
/// differently.
pub fn numbers_are_comparable() -> bool {
    let comparable = InstructionSet::detect() != InstructionSet::Baseline;
    if !comparable {
        println!("skipped: the kernels of this processor round differently");
    }
    comparable
}
