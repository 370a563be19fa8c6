//! Slices to leaf through: every view at every size, and what is said beside it.

use super::*;
use crate::figures::{FindingStack, SliceStack, SliceView, SubjectStack};

fn texts(stack: &dyn SliceStack, view: SliceView) -> Vec<String> {
    stack.notes(&view).into_iter().map(|note| note.text).collect()
}

fn views(stack: &dyn SliceStack) -> impl Iterator<Item = SliceView> {
    let (slices, layers) = (stack.count(), stack.layers().len());
    (0..slices).flat_map(move |slice| {
        (0..layers).map(move |layer| SliceView { slice, layer, contrast: layer as u32 })
    })
}

/// Draws every view for a room of half-blocks, of pixels, and for hardly any.
fn draw_all(name: &str, stack: &dyn SliceStack) {
    for view in views(stack) {
        for room in [(26, 44), (700, 900), (1, 1), (0, 0), (20_000, 20_000)] {
            let figure = stack.picture(&view, room).unwrap();
            let (width, height) = (f64::from(figure.width), f64::from(figure.height));
            assert!((10.0..2000.0).contains(&height), "{width} × {height} for {room:?}");
            if room.1 < 2000 {
                let name = format!("{name}-{}-{}-{}", view.slice, view.layer, room.1);
                rendered(&name, &figure);
            }
        }
    }
}

#[test]
fn a_subject_is_drawn_slice_by_slice() {
    let mut one = (*subject("sub-01", Some(true))).clone();
    one.slices.push(Slice { index: 8, voxels: None, lesion: None, ..one.slices[0].clone() });
    let stack = SubjectStack::new(Arc::new(one)).unwrap();
    assert_eq!((stack.title(), stack.count(), stack.first()), ("sub-01", 2, 0));
    assert_eq!(stack.place(1), "slice 2 of 2 (index 8, right to left)");
    let notes = texts(&stack, SliceView::default());
    assert_eq!(notes[..2], ["clinical", "ground truth: lesion"]);
    assert_eq!(
        notes[5..],
        ["", "cord", "lesion (ground truth)"].map(String::from)[..],
        "{notes:?}"
    );
    assert!(notes[3].starts_with("cord: ") && notes[3].contains(" mm², mean intensity 0.4"));
    let plain = texts(&stack, SliceView { slice: 1, layer: 1, contrast: 0 });
    assert_eq!(plain[1], "ground truth not known");
    assert_eq!(plain.len(), 5, "{plain:?}");
    draw_all("stack-subject", &stack);
}

#[test]
fn a_finding_is_drawn_with_its_scores() {
    let findings = Arc::new(findings());
    let stack = FindingStack::new(findings.clone(), 0).unwrap();
    assert_eq!(stack.title(), "U²AD in sub-clinic01");
    assert_eq!(stack.layers().last(), Some(&"reconstruction"));
    let notes = texts(&stack, SliceView::default());
    assert_eq!(notes[1], "AnaScore of the subject 0.1700");
    assert!(notes.iter().any(|note| note.starts_with("  C5  ") && note.ends_with("  lesion")));
    assert!(notes.iter().any(|note| note.contains(", up to ")));
    draw_all("stack-finding", &stack);
    assert!(FindingStack::new(findings.clone(), 9).is_err());
    let blind = Findings { reconstructs: false, ..(*findings).clone() };
    let stack = FindingStack::new(Arc::new(blind), 1).unwrap();
    assert_eq!(stack.layers(), ["anomaly", "outlines", "image alone"]);
}

#[test]
fn the_window_narrows_around_the_cord() {
    let stack = SubjectStack::new(subject("sub-01", Some(false))).unwrap();
    let (black, white) = stack.window(0);
    assert!(black == 0.0 && white > 0.45 && white <= 1.0, "{black} to {white}");
    let windows: Vec<_> = (0..9).map(|contrast| stack.window(contrast)).collect();
    for pair in windows.windows(2) {
        assert!(pair[0].0 <= pair[1].0 && pair[1].1 <= pair[0].1 && pair[1].0 < pair[1].1);
    }
    let (from, to) = windows[8];
    assert!((0.5 * (from + to) - 0.45).abs() < 0.02, "the cord has 0.45: {from} to {to}");
}

#[test]
fn slices_that_hold_little_are_drawn_and_none_are_refused() {
    let mut bare = (*subject("sub-bare", None)).clone();
    let only = &mut bare.slices[0];
    for mask in [&mut only.region, &mut only.cord, &mut only.csf, &mut only.scoring] {
        mask.fill(false);
    }
    only.image.fill(f32::NAN);
    only.pixel_spacing_mm = (f64::NAN, 0.0);
    let stack = SubjectStack::new(Arc::new(bare.clone())).unwrap();
    assert_eq!(stack.window(4).0, 0.5 - 0.5 * 0.8_f64.powi(4));
    draw_all("stack-bare", &stack);
    bare.slices.clear();
    assert!(SubjectStack::new(Arc::new(bare)).is_err());
}
